"""The view that a terminal redraws tells where a search stands at a glance."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from dataclasses import replace

import pytest
from rich.console import Console

from evo_nas.cli.live import LiveDisplay
from evo_nas.execution.executor import Occupancy
from evo_nas.savings import Savings
from evo_nas.sessions.events import Progressed, Started, Working
from tests.cli.conftest import BEST, Played
from tests.cli.test_display import shown

MakeProgress = Callable[..., Progressed]


@pytest.mark.parametrize("width", [80, 120])
def test_live_view_tells_everything_within_the_terminal(
    started: Started, progress: MakeProgress, width: int
) -> None:
    lines = shown(LiveDisplay, started, progress(), width=width)
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


def test_live_view_copes_with_a_search_that_has_nothing_yet(started: Started, progress: MakeProgress) -> None:
    empty = progress(told=0, by_status={}, best=None, population={}, elapsed_s=0.0, remaining_s=None)
    text = " ".join(shown(LiveDisplay, started, empty))
    assert "none scored yet" in text
    assert "none yet" in text
    assert "ETA -:--" in text


def test_finished_search_has_no_time_left(started: Started, progress: MakeProgress) -> None:
    assert "ETA" not in " ".join(shown(LiveDisplay, started, progress(told=120, finished=True)))


def test_ended_search_tells_how_much_its_workers_worked(started: Started, progress: MakeProgress) -> None:
    seconds = {"working": 90.0, "starved": 6.0, "transit": 4.0}
    ended = progress(finished=True, workers=Occupancy(workers=2, busy=0, in_flight=0, seconds=seconds))
    assert "2 worked 90% of the time" in " ".join(shown(LiveDisplay, started, ended))


def test_limit_on_training_time_is_shown(started: Started, progress: MakeProgress) -> None:
    timed = progress(evaluations=100_000, train_s_budget=300.0, train_s=150.0)
    assert "60/100,000, 2.5 of 5 min trained" in " ".join(shown(LiveDisplay, started, timed))


def test_a_stop_is_noted_below_the_view_until_the_search_has_stopped(
    started: Started, progress: MakeProgress
) -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=100)
    with LiveDisplay(console, Played()) as watching:
        watching.show(started)
        watching.show(progress())
        watching.note_stop("stopping; again to leave at once")
        deadline = time.monotonic() + 30.0
        while "stopping; again" not in console.file.getvalue():  # type: ignore[attr-defined]
            assert time.monotonic() < deadline, "the view is redrawn a few times a second"
            time.sleep(0.05)
        watching.show(progress(interrupted=True))
        console.file = io.StringIO()
    assert "stopping; again" not in console.file.getvalue()


def test_the_trainings_of_the_verdict_take_the_place_of_the_view(
    started: Started, progress: MakeProgress
) -> None:
    working = Working(doing="retrained the champion", done=2, total=13)
    console = Console(file=io.StringIO(), force_terminal=True, width=100)
    with LiveDisplay(console, Played()) as watching:
        watching.show(started)
        watching.show(progress(finished=True))
        watching.show(working)
        time.sleep(0.3)  # the status is drawn by a thread of its own, some times a second
    assert "2/13  retrained the champion" in console.file.getvalue()  # type: ignore[attr-defined]


def test_what_rungs_prune_and_how_far_the_best_went_are_shown(
    started: Started, progress: MakeProgress
) -> None:
    pruned = progress(
        best=replace(BEST, epochs=6, budget=18),
        savings=Savings({2: 23, 6: 9}, promoted=3, epochs=100, full_epochs=400),
    )
    text = " ".join(" ".join(shown(LiveDisplay, started, pruned)).split())
    assert "0.2500 validation mse, pruned at 6 of 18 epochs, 14,202 parameters" in text
    assert "rungs pruned 23 at 2, 9 at 6 epochs; 3 promoted; 75% of the training spared" in text
    whole = " ".join(shown(LiveDisplay, started, progress()))
    assert "rungs" not in whole
    assert "pruned" not in whole
