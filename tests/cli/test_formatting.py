"""Figures read the same wherever they are shown."""

from __future__ import annotations

import pytest

from evo_nas.cli.formatting import Scale, duration, failures, figure, origin, size
from evo_nas.evaluation import Status


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0:00"), (59.6, "1:00"), (61, "1:01"), (3600, "1:00:00"), (90_061, "25:01:01")]
)
def test_durations_read_as_a_clock(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_unknown_duration_is_a_placeholder_of_the_same_shape() -> None:
    assert duration(None) == "-:--"


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.97222, "0.9722"), (-12.5, "-12.5000"), (0.0, "0.0000"), (123456.0, "1.235e+05"), (3e-7, "3e-07")],
)
def test_figures_keep_four_places(value: float, text: str) -> None:
    assert figure(value) == text


def test_scale_turns_fitness_back_into_a_loss() -> None:
    assert Scale("mse", higher_is_better=False).text(-0.25) == "0.2500"
    assert Scale("accuracy", higher_is_better=True).text(0.25) == "0.2500"
    assert Scale("accuracy", higher_is_better=True).text(None) == "-"


def test_what_diverged_at_once_and_takes_no_place_is_told() -> None:
    assert failures({Status.DIVERGED: 5, Status.FAILED: 1}, uncounted=3) == (
        "5 diverged (3 at once, not counted), 1 failed"
    )


def test_failures_are_named_by_cause_and_scores_are_not() -> None:
    assert failures({Status.OK: 5, Status.PRUNED: 2}) == "none"
    assert (
        failures({Status.OK: 5, Status.DIVERGED: 3, Status.POISONED: 1}) == "3 diverged, 1 lost their workers"
    )


@pytest.mark.parametrize(
    "status", [status for status in Status if not status.scored and status is not Status.TRAINED]
)
def test_every_cause_of_failure_has_words(status: Status) -> None:
    assert failures({status: 1}).startswith("1 ")


def test_origin_names_the_parents() -> None:
    assert origin("seed:lstm", ()) == "seed:lstm"
    assert origin("crossover", (3, 4)) == "crossover of #3 and #4"


def test_size_tells_a_table_from_other_parameters() -> None:
    assert size(4_330, 0) == "4,330 parameters"
    assert size(528_618, 524_288) == "4,330 parameters and a table of 524,288"
