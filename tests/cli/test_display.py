"""People see the state of a search at a glance; machines read it as JSON."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable

import pytest
from rich.console import Console

from evo_nas.cli.display import Display, JsonDisplay, LineDisplay, Subject
from evo_nas.cli.live import LiveDisplay
from evo_nas.cli.pace import Pace
from evo_nas.execution.executor import Occupancy
from evo_nas.loop import Budget, Progress

MakeProgress = Callable[..., Progress]


def shown(display: type[Display], subject: Subject, *seen: Progress, width: int = 100) -> list[str]:
    console = Console(file=io.StringIO(), width=width)
    with display(subject, console) as watching:
        for progress in seen:
            watching(progress)
    return console.file.getvalue().splitlines()  # type: ignore[attr-defined]


@pytest.mark.parametrize("width", [80, 120])
def test_live_view_tells_everything_within_the_terminal(
    subject: Subject, progress: MakeProgress, width: int
) -> None:
    lines = shown(LiveDisplay, subject, progress(), width=width)
    text = " ".join(" ".join(lines).split())
    for fact in (
        "small runs/small",
        "60/120 120/min 0:30 ETA 0:30",
        "0.2500 validation mse, 14,202 parameters, #57 (mutation of #31)",
        "1 layer: an evolved cell of 9 nodes, 96 wide; pooling by attention;",
        "50 alive: mean 0.5000 ± 0.1250, best 0.2500, worst 0.7500",
        "1 of 2 busy, 1 lost and replaced",
        "3 diverged",
    ):
        assert fact in text
    assert max(map(len, lines)) <= width


def test_live_view_copes_with_a_search_that_has_nothing_yet(subject: Subject, progress: MakeProgress) -> None:
    empty = progress(told=0, by_status={}, best=None, fitness={}, elapsed_s=0.0)
    text = " ".join(shown(LiveDisplay, subject, empty))
    assert "none scored yet" in text
    assert "nobody yet" in text
    assert "ETA -:--" in text


def test_finished_search_has_no_time_left(subject: Subject, progress: MakeProgress) -> None:
    assert "ETA" not in " ".join(shown(LiveDisplay, subject, progress(told=120, finished=True)))


def test_ended_search_tells_how_much_its_workers_worked(subject: Subject, progress: MakeProgress) -> None:
    seconds = {"working": 90.0, "starved": 6.0, "transit": 4.0}
    ended = progress(finished=True, occupancy=Occupancy(workers=2, busy=0, in_flight=0, seconds=seconds))
    assert "2 worked 90% of the time" in " ".join(shown(LiveDisplay, subject, ended))


def test_limit_on_training_time_is_shown_and_bounds_what_is_left(
    subject: Subject, progress: MakeProgress
) -> None:
    timed = progress(budget=Budget(100_000, train_s=300.0), train_s=150.0)
    text = " ".join(shown(LiveDisplay, subject, timed))
    assert "60/100,000, 2.5 of 5 min trained" in text
    assert "ETA 0:30" in text


def test_a_stop_is_noted_below_the_view_until_the_search_has_stopped(
    subject: Subject, progress: MakeProgress
) -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=100)
    with LiveDisplay(subject, console) as watching:
        watching(progress())
        watching.note_stop("stopping; again to leave at once")
        deadline = time.monotonic() + 30.0
        while "stopping; again" not in console.file.getvalue():  # type: ignore[attr-defined]
            assert time.monotonic() < deadline, "the view is redrawn a few times a second"
            time.sleep(0.05)
        watching(progress(interrupted=True))
        console.file = io.StringIO()
    assert "stopping; again" not in console.file.getvalue()


def test_architecture_is_described_once_for_each_new_best(
    subject: Subject, progress: MakeProgress, described: list[tuple[int, ...]]
) -> None:
    shown(LiveDisplay, subject, progress(), progress(), progress())
    assert len(described) == 1


def test_lines_are_printed_now_and_then_and_at_the_end(subject: Subject, progress: MakeProgress) -> None:
    turns = [progress(told=turn, elapsed_s=float(turn)) for turn in range(1, 26)]
    lines = shown(LineDisplay, subject, *turns, progress(told=26, elapsed_s=26.0, finished=True), width=20)
    assert [line.split("/")[0] for line in lines] == ["1", "11", "21", "26"]
    assert lines[1] == (
        "11/120 evaluated  60/min  ETA 1:49  best mse 0.2500 (#57)  workers: 1 of 2 busy, 1 lost and replaced  "
        "failures: 3 diverged"
    )


def test_json_is_one_object_a_line(subject: Subject, progress: MakeProgress) -> None:
    (line,) = shown(JsonDisplay, subject, progress(), width=20)
    event = json.loads(line)
    assert event["event"] == "progress"
    assert event["best"] == {
        "id": 57,
        "mse": 0.25,
        "fitness": -0.25,
        "parameters": 14_202,
        "operator": "mutation",
        "parents": [31],
        "architecture": "1 layer: an evolved cell of 9 nodes, 96 wide; pooling by attention; adam at 0.007, "
        "batches of 16",
        "canonical_hash": "c0ffee",
    }
    assert event["by_status"] == {"ok": 57, "diverged": 3}
    assert (event["told"], event["budget"], event["per_minute"], event["remaining_s"]) == (
        60,
        120,
        120.0,
        30.0,
    )


def test_pace_is_that_of_the_last_minute(progress: MakeProgress) -> None:
    pace = Pace()
    for minute, told in enumerate((0, 10, 20, 80)):
        pace.observe(progress(told=told, elapsed_s=60.0 * minute))
    assert pace.per_minute == 60


def test_pace_after_a_resume_leaves_out_what_was_found(progress: MakeProgress) -> None:
    pace = Pace()
    pace.observe(progress(told=60, told_at_start=50, elapsed_s=60.0))
    assert pace.per_minute == 10
    assert pace.remaining_s(progress(told=60)) == 360
