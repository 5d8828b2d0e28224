"""The comparison of all strategies takes in each registered one, and tests its lead in pairs."""

from __future__ import annotations

import pytest

from benchmarks import strategies, strategies_real
from benchmarks.landscapes import Problem
from benchmarks.time_to_quality import Trace
from evo_nas.errors import ConfigError
from evo_nas.genome.space import SearchSpace
from evo_nas.strategies.registry import STRATEGIES
from evo_nas.tasks.metrics import ACCURACY
from evo_nas.testing.histories import SPACE


@pytest.mark.parametrize("kind", sorted(STRATEGIES))
def test_every_strategy_that_can_serve_the_default_space_is_built_with_its_defaults(kind: str) -> None:
    try:
        strategy = strategies.build(kind, SPACE, seed=1, evaluations=40)
    except ConfigError as refusal:
        pytest.skip(str(refusal))
    assert isinstance(strategy, STRATEGIES[kind])


def problem(space: SearchSpace = SPACE) -> Problem:
    return Problem(space, lambda genome: sum(genome) / 1000, zero=0.0, one=1.0)


def test_the_best_within_more_evaluations_is_no_worse() -> None:
    few, more, most = strategies.search(problem(), "aging", 1, (3, 10, 30))
    assert 0 < few <= more <= most


def test_a_search_is_the_same_again() -> None:
    assert strategies.search(problem(), "random", 2, (5,)) == strategies.search(problem(), "random", 2, (5,))


def runs(*lasts: float) -> dict[int, list[float]]:
    return {seed: [0.0, last] for seed, last in enumerate(lasts)}


def test_a_lead_on_every_seed_is_significant_and_a_lead_on_half_of_them_is_not() -> None:
    random = runs(*[0.0] * 20)
    assert strategies._is_ahead(strategies._lead(runs(*(1 + seed for seed in range(20))), random))
    assert not strategies._is_ahead(
        strategies._lead(runs(*((-1) ** seed * seed for seed in range(20))), random)
    )
    assert not strategies._is_ahead(strategies._lead(runs(*(-1 - seed for seed in range(20))), random))


def test_too_few_seeds_and_no_difference_have_no_p_value() -> None:
    assert strategies._lead(runs(1, 2, 3), runs(0, 0, 0)) == "-"
    assert strategies._lead(runs(*[0.5] * 20), runs(*[0.5] * 20)) == "-"


def test_a_strategy_that_is_not_ahead_is_named_and_baselines_need_not_be() -> None:
    found = {"random": runs(*[0.0] * 20), "grid": runs(*[0.0] * 20), "poor": runs(*[-1.0] * 20)}
    (said,) = [line for line in strategies._remarks("landscape", found) if line.startswith("Not shown")]
    assert said == "Not shown to be ahead of random search so far: poor."


def test_a_real_task_shows_the_median_of_its_seeds_in_the_unit_of_its_metric(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(strategies_real, "_metric", lambda task: ACCURACY)

    def made(seed: int, fitness: float) -> Trace:
        return Trace("aging", "pendigits", seed, (1.0,), (1.0,), (fitness,), "1.0")

    traces = [made(1, 0.9), made(2, 0.8), made(3, 0.95)]
    assert strategies_real._ends(traces, "pendigits", "aging") == "0.9 (0.8, 0.9, 0.95)"
    assert strategies_real._ends(traces, "pendigits", "random") == "-"
