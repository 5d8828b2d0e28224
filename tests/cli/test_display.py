"""People see the state of a search at a glance; machines read it as JSON."""

from __future__ import annotations

import io
from collections.abc import Callable

from rich.console import Console

from evo_nas.cli.display import Display, JsonDisplay, LineDisplay, display_for
from evo_nas.cli.live import LiveDisplay
from evo_nas.config.schema import MOST_EVALUATIONS
from evo_nas.sessions.events import (
    Baselines,
    Completed,
    Event,
    Loaded,
    Progressed,
    Started,
    Stopped,
    Working,
    event_from_json,
)
from evo_nas.tasks.baselines.fitting import BaselineResult
from tests.cli.conftest import Played, PlayedElsewhere

MakeProgress = Callable[..., Progressed]


def shown(
    display: type[Display],
    *seen: Event,
    width: int = 100,
    session: Played | None = None,
    stopped_by: str = "",
) -> list[str]:
    console = Console(file=io.StringIO(), width=width)
    with display(console, session or Played()) as watching:
        for event in seen:
            watching.show(event, stopped_by=stopped_by)
    return console.file.getvalue().splitlines()  # type: ignore[attr-defined]


def test_lines_are_printed_now_and_then_and_at_the_end(started: Started, progress: MakeProgress) -> None:
    turns = [progress(told=turn, elapsed_s=float(turn)) for turn in range(1, 26)]
    lines = shown(LineDisplay, started, *turns, progress(told=26, elapsed_s=26.0, finished=True), width=20)
    assert [line.split("/")[0] for line in lines] == ["1", "11", "21", "26"]
    assert lines[1] == (
        "11/120 evaluated  120/min  ETA 0:30  best mse 0.2500 (#57)  workers: 1 of 2 busy, 1 lost and replaced  "
        "failures: 3 diverged"
    )


def test_lines_count_what_is_remembered_of_earlier_runs(started: Started, progress: MakeProgress) -> None:
    (line,) = shown(LineDisplay, started, progress(told=60, remembered=7))
    assert line.startswith("60/120 evaluated, 7 of 60 remembered  ")
    (line,) = shown(LineDisplay, started, progress(told=60))
    assert "remembered" not in line


def test_json_is_one_event_a_line_and_reads_back(started: Started, progress: MakeProgress) -> None:
    events = [Working(doing="loading the data"), started, progress(), Completed(run="runs/small")]
    lines = shown(JsonDisplay, *events, width=20)
    assert [event_from_json(line) for line in lines] == events


def test_json_says_the_progress_once_a_second_and_always_the_last(
    started: Started, progress: MakeProgress
) -> None:
    turns = [progress(told=turn, elapsed_s=turn / 10) for turn in range(25)]
    lines = shown(JsonDisplay, *turns, progress(told=25, elapsed_s=2.5, finished=True))
    told = [event.told for line in lines if isinstance(event := event_from_json(line), Progressed)]
    assert told == [0, 10, 20, 25]


RESULTS = {"persistence": BaselineResult(0.25, 0.1), "ridge": BaselineResult(None, note="too late")}


def test_what_was_guessed_and_left_out_of_the_data_is_said_before_the_search() -> None:
    remarks = ("column [bold]tweet is the text", "not read: id")
    assert shown(LineDisplay, Loaded(remarks=remarks)) == [
        "  column [bold]tweet is the text",
        "  not read: id",
    ]


def test_baselines_are_named_before_the_search(started: Started) -> None:
    (line,) = shown(LineDisplay, Baselines(metric="mse", results=RESULTS))
    assert line == "baselines, by test mse: persistence 0.2500, ridge - (too late)"


def test_the_trainings_of_the_verdict_are_counted() -> None:
    (line,) = shown(LineDisplay, Working(doing="retrained the champion, seed 1 of 3", done=2, total=13))
    assert line == "2/13  retrained the champion, seed 1 of 3"


def test_a_stopped_search_says_how_to_go_on() -> None:
    stopped = Stopped(run="runs/my run", told=60, evaluations=120)
    text = shown(LineDisplay, stopped, stopped_by="SIGINT")
    assert text == [
        "stopped by SIGINT: 60 of 120 evaluations are safe; go on with",
        "  evo-nas resume 'runs/my run'",
    ]
    timed = Stopped(run="runs/my run", told=60, evaluations=MOST_EVALUATIONS)
    assert "stopped: 60 evaluations are safe; go on with" in shown(LineDisplay, timed)
    judging = Stopped(run="runs/small", told=120, evaluations=120, complete=True)
    assert "the search is complete; judge it with" in shown(LineDisplay, judging)[0]


def test_how_to_go_on_with_a_search_in_a_cluster_can_be_typed_as_it_stands() -> None:
    elsewhere = PlayedElsewhere(place="/shared/my runs/a", address="10.0.0.1:6379")
    stopped = Stopped(run="/shared/my runs/a", told=60, evaluations=120)
    (line,) = shown(LineDisplay, stopped, session=elsewhere)
    assert "`evo-nas resume '/shared/my runs/a' --address 10.0.0.1:6379`" in line


def test_the_display_suits_what_reads_it() -> None:
    plain = Console(file=io.StringIO())
    terminal = Console(file=io.StringIO(), force_terminal=True)
    assert isinstance(display_for(Played(), as_json=True, console=terminal), JsonDisplay)
    assert isinstance(display_for(Played(), as_json=False, console=plain), LineDisplay)
    assert isinstance(display_for(Played(), as_json=False, console=terminal), LiveDisplay)
