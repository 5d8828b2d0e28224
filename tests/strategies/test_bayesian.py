"""Bayesian optimisation: what it asks, what it learns, what it avoids."""

from __future__ import annotations

import random
import sys

import pytest

pytest.importorskip("botorch", reason="the extra bayes is not installed")

from evo_nas.config import FitnessOptions
from evo_nas.errors import ConfigError
from evo_nas.evaluation import Candidate, Evaluation, Outcome, Status
from evo_nas.genome.options import SpaceOptions
from evo_nas.genome.space import SearchSpace
from evo_nas.strategies import gaussian_process
from evo_nas.strategies.bayesian import BayesianOptimization, BayesianOptions
from evo_nas.testing.histories import EPOCHS, SIGNATURE, SPACE, searched, still_in_flight

SETTINGS = SearchSpace(
    SpaceOptions.model_validate(
        {
            "layers": {"min": 1, "max": 1}, "cells": ["lstm", "gru"], "evolve_cell": False, "skips": False,
            "heads": [0], "fronts": ["none"], "widths": [4, 8, 16, 32], "learning_rates": {"count": 9}, "seeds": [],
        }
    ),
    SIGNATURE,
    EPOCHS,
)  # fmt: skip
AT = {gene.name: position for position, gene in enumerate(SETTINGS.genes)}


def bayesian(space: SearchSpace = SPACE, seed: int = 1, **options: int) -> BayesianOptimization:
    return BayesianOptimization(space, BayesianOptions(**options), seed=seed, epochs=EPOCHS)


def worth(candidate: Candidate) -> float:
    """Returns what a network of `SETTINGS` scores: at most 0, for one rate, width and optimizer of them all."""
    rate, width = (candidate.genome[AT[name]] for name in ("training.learning_rate", "layer1.width"))
    return -abs(rate - 6) - 2.0 * abs(width - 1) - 3.0 * (candidate.genome[AT["training.optimizer"]] != 1)


def tell(strategy: BayesianOptimization, candidate: Candidate, fitness: float | None) -> None:
    status = Status.DIVERGED if fitness is None else Status.OK
    parameters = 100 * (1 + candidate.genome[AT["layer1.width"]])
    strategy.tell(
        [Evaluation(candidate, Outcome(status, fitness=fitness, epochs=EPOCHS, parameters=parameters))]
    )


def test_founders_and_random_networks_come_before_the_first_fit() -> None:
    strategy = bayesian(initial=16, candidates=8)
    asked = strategy.ask(16)
    founders = [f"seed:{name}" for name, _ in SPACE.seeds()]
    assert [each.operator for each in asked] == [*founders, *["random"] * (16 - len(founders))]
    for candidate in asked[:15]:
        tell(strategy, candidate, float(candidate.id))
    assert strategy.ask(1)[0].operator == "random"
    tell(strategy, asked[15], 0.0)
    assert strategy.ask(1)[0].operator == "acquisition"


def test_the_best_setting_of_many_is_found_within_thirty_evaluations() -> None:
    found = []
    for seed in range(3):
        strategy, best = bayesian(SETTINGS, seed, initial=8, candidates=60), -100.0
        for _ in range(30):
            candidate = strategy.ask(1)[0]
            tell(strategy, candidate, worth(candidate))
            best = max(best, worth(candidate))
        found.append(best)
    # A random one in 27 is the best of these three genes.
    assert found == [0.0] * 3


def test_what_fails_is_avoided() -> None:
    strategy = bayesian(SETTINGS, initial=8, candidates=40)
    choices = []
    for _ in range(40):
        candidate = strategy.ask(1)[0]
        choices.append(candidate.genome[AT["layer1.cell"]])
        tell(strategy, candidate, None if choices[-1] else worth(candidate))
    assert sum(choices[-15:]) <= 3


def test_it_goes_on_where_all_that_is_remembered_has_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evo_nas.strategies.observations.REMEMBERED", 10)
    strategy = bayesian(SETTINGS, initial=2, candidates=4)
    for number in range(16):
        tell(strategy, strategy.ask(1)[0], float(number) if number < 2 else None)
    assert not strategy._optimizer.observations.best(1)
    candidate = strategy.ask(1)[0]
    assert (candidate.operator, candidate.parents) == ("acquisition", ())


def test_looking_for_wanted_weights_changes_no_candidate(monkeypatch: pytest.MonkeyPatch) -> None:
    # Nearly all repeats are given up, since hardly any are remembered.
    monkeypatch.setattr("evo_nas.strategies.replication.REMEMBERED", 1)
    twice = FitnessOptions(seeds_per_candidate=2)
    options = BayesianOptions(initial=4, candidates=20)
    watched, quiet = (
        BayesianOptimization(SETTINGS, options, seed=1, epochs=EPOCHS, fitness=twice) for _ in range(2)
    )
    asked = []
    for _ in range(12):
        for strategy in (watched, quiet):
            asked = strategy.ask(4)
            for candidate in asked:
                tell(strategy, candidate, worth(candidate))
        watched.wanted_weights()
    assert watched._optimizer.is_ready
    assert watched.ask(3) == quiet.ask(3)


def test_those_in_flight_are_no_neighbours_of_one_another_only() -> None:
    strategy = bayesian(SETTINGS, initial=8, candidates=40)
    for candidate in strategy.ask(12):
        tell(strategy, candidate, worth(candidate))
    batch = strategy.ask(6)
    varied = {position for position in AT.values() if len({each.genome[position] for each in batch}) > 1}
    assert len({each.canonical_hash for each in batch}) == 6
    assert len(varied) >= 3


def test_a_history_is_fitted_once_when_a_search_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    fits, fit = [], gaussian_process.fitted
    monkeypatch.setattr(gaussian_process, "fitted", lambda *data: fits.append(len(data[2])) or fit(*data))
    whole, resumed = (bayesian(SETTINGS, initial=8, candidates=8) for _ in range(2))
    asked, told = searched(whole, 40)
    during = list(fits)
    resumed.resume(told, still_in_flight(asked, told))
    assert resumed.ask(2) == whole.ask(2)
    assert len(during) >= 6
    assert fits == [*during, during[-1]]


def test_parents_are_the_networks_where_the_local_search_began() -> None:
    asked, told = searched(bayesian(initial=8, candidates=40), 24)
    scores = {each.candidate.id: each.fitness for each in told if each.fitness is not None}
    bred = [each for each in asked if each.operator == "acquisition"]
    assert bred
    assert all(len(each.parents) <= 1 and set(each.parents) <= set(scores) for each in bred)
    assert sum(len(each.parents) for each in bred) > len(bred) / 2


@pytest.mark.parametrize(("objectives", "differ"), [(("fitness",), False), (("fitness", "parameters"), True)])
def test_each_candidate_weighs_several_objectives_anew(objectives: tuple[str, ...], differ: bool) -> None:
    strategy = BayesianOptimization(
        SETTINGS,
        BayesianOptions(initial=8, candidates=8),
        seed=1,
        epochs=EPOCHS,
        fitness=FitnessOptions(objectives=objectives),
    )
    for candidate in strategy.ask(10):
        tell(strategy, candidate, worth(candidate))
    genomes = [candidate.genome for candidate in strategy.ask(4)]
    promises = [strategy._optimizer.scorer([], random.Random(seed))(genomes) for seed in (1, 2)]
    assert (promises[0] != promises[1]) == differ


def test_a_missing_extra_names_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "evo_nas.strategies.gaussian_process")
    monkeypatch.delattr("evo_nas.strategies.gaussian_process")
    monkeypatch.setitem(sys.modules, "botorch", None)
    monkeypatch.setitem(sys.modules, "botorch.acquisition", None)
    with pytest.raises(ConfigError, match=r"kind is bayesian, .* run pip install 'evo-nas\[bayes\]'"):
        bayesian()
