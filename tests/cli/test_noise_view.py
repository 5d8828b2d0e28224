"""What repeated trainings say reads as one line."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace

import pytest
from rich.console import Console

from evo_nas.archive import Lead, NoiseReport
from evo_nas.cli.display import LineDisplay
from evo_nas.cli.live import LiveDisplay
from evo_nas.cli.noise_view import noise_in_words
from evo_nas.sessions.events import Completed, Progressed, Started
from evo_nas.strategies.noise import Noise
from tests.cli.conftest import BEST, Played

KNOWN = NoiseReport(
    seeds=Noise(0.006, pairs=7), unstable=1, lead=Lead(best=12, second=31, fitness=0.002, is_noise=True)
)
IN_WORDS = (
    "noise between seeds 0.0060 accuracy, from 7 pairs; the lead of #12 over #31, 0.0020, is inside it; "
    "1 candidate failed with another seed"
)


def test_nothing_is_said_while_nothing_is_known() -> None:
    assert noise_in_words(NoiseReport(), "accuracy") == ""


def test_the_noise_its_pairs_and_the_lead_are_told() -> None:
    assert noise_in_words(KNOWN, "accuracy") == IN_WORDS


@pytest.mark.parametrize(("is_noise", "words"), [(True, "is inside it"), (False, "is more than that")])
def test_the_lead_is_inside_the_noise_or_more(is_noise: bool, words: str) -> None:
    lead = Lead(best=1, second=2, fitness=0.1, is_noise=is_noise)
    assert noise_in_words(NoiseReport(cuts=Noise(0.2, 1), lead=lead)) == (
        f"noise between cuts 0.2000, from 1 pair; the lead of #1 over #2, 0.1000, {words}"
    )


def test_the_end_of_a_search_tells_the_noise() -> None:
    console = Console(file=io.StringIO(), width=200)
    started = Started(run="runs/small", name="small", metric="accuracy", higher_is_better=True, told=0)
    with LineDisplay(console, Played()) as display:
        display.show(started)
        display.show(Completed(run="runs/small", noise=KNOWN))
    assert console.file.getvalue().splitlines() == ["runs/small is complete", IN_WORDS]  # type: ignore[attr-defined]


def test_the_live_view_shows_the_noise_and_of_how_many_trainings_a_score_is_the_mean(
    started: Started, progress: Callable[..., Progressed]
) -> None:
    console = Console(file=io.StringIO(), width=200)
    event = progress(best=replace(BEST, trainings=2), noise=KNOWN)
    console.print(LiveDisplay(console, Played()).view(event, started))
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert "validation mse, mean of 2, 14,202 parameters" in text
    assert "noise between seeds 0.0060 mse, from 7 pairs" in text
    assert f"(#{BEST.id}, mean of 2)" in LineDisplay.line(event, started)
