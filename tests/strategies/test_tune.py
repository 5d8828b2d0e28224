"""Searchers of Ray Tune on a space: what each can learn, and that it goes on; the laws are in tests/contracts."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from evo_nas.config import FitnessOptions
from evo_nas.errors import ConfigError
from evo_nas.evaluation import Evaluation, Outcome, Status
from evo_nas.genome.architecture import Signature
from evo_nas.genome.options import SpaceOptions
from evo_nas.genome.space import SearchSpace
from evo_nas.randomness import stream
from evo_nas.strategies.strategy import ONCE
from evo_nas.strategies.tune import TuneOptions, TuneSearch
from evo_nas.testing.histories import EPOCHS, SPACE, searched, still_in_flight
from evo_nas.testing.strategies import SCORINGS

SEARCHERS = ("optuna", "hyperopt", "bayesopt")
NARROW = SearchSpace(
    SpaceOptions(
        cells=("lstm", "gru"),
        evolve_cell=False,
        widths=(8, 16, 32),
        layers={"min": 1, "max": 1},
        norms=("none",),
    ),
    Signature(features=3, outputs=2),
    EPOCHS,
)

TINY = SearchSpace(
    SpaceOptions(
        cells=("lstm",), seeds=("lstm",), evolve_cell=False, widths=(8, 16, 32), layers={"min": 1, "max": 1},
        norms=("none",), fronts=("none",), shortcuts=("none",), heads=(0,), poolings=("last",), clips=(1.0,),
        batch_sizes=(8,), optimizers=("adam",), residuals=(False,),
    ),
    Signature(features=3, outputs=2),
    EPOCHS,
)  # fmt: skip


def build(space: SearchSpace, *, seed: int, fitness: FitnessOptions = ONCE, **options: Any) -> TuneSearch:
    return TuneSearch(space, TuneOptions(**options), seed=seed, epochs=EPOCHS, fitness=fitness)


@pytest.mark.parametrize("searcher", SEARCHERS)
def test_every_searcher_goes_on_from_the_log_as_if_nothing_had_happened(searcher) -> None:
    # BayesOpt takes a second for each suggestion of its model.
    space, evaluations = (TINY, 5) if searcher == "bayesopt" else (NARROW, 24)
    whole, resumed = (build(space, seed=1, searcher=searcher, startup=4) for _ in range(2))
    asked, told = searched(whole, evaluations, in_flight=2)
    resumed.resume(told, still_in_flight(asked, told))
    assert resumed.ask(2) == whole.ask(2)
    assert any(each.operator == searcher for each in asked)


@pytest.mark.parametrize("searcher", SEARCHERS)
def test_the_founders_are_suggested_first(searcher) -> None:
    asked = build(NARROW, seed=1, searcher=searcher).ask(len(NARROW.seeds()))
    assert [each.genome for each in asked] == [genome for _, genome in NARROW.seeds()]
    assert {each.operator for each in asked} == {f"seed:{name}" for name, _ in NARROW.seeds()}


@pytest.mark.parametrize("searcher", ["optuna", "hyperopt"])
def test_it_learns_where_good_networks_are(searcher) -> None:
    strategy = build(NARROW, seed=2, searcher=searcher, startup=8)
    rate = next(place for place, gene in enumerate(NARROW.genes) if gene.name == "training.learning_rate")
    values = []
    for _ in range(60):
        candidate = strategy.ask(1)[0]
        values.append(candidate.genome[rate])
        fitness = candidate.genome[rate] / (NARROW.genes[rate].size - 1)
        strategy.tell([Evaluation(candidate, Outcome(Status.OK, fitness=fitness, epochs=EPOCHS))])
    assert sum(values[-20:]) > 1.3 * 20 * (NARROW.genes[rate].size - 1) / 2


def test_what_cannot_be_built_is_repaired_and_keeps_the_rest() -> None:
    tight = SearchSpace(SpaceOptions(max_parameters=20_000), SPACE.signature, EPOCHS)
    repaired = 0
    for k in range(30):
        rng = stream(0, "tune", k)
        genome = tuple(rng.randrange(gene.size) for gene in tight.genes)
        made = tight.repaired(genome, rng)
        assert tight.is_feasible(made)
        assert (made == genome) == tight.is_feasible(genome)
        repaired += made != genome
    assert repaired > 10


@pytest.mark.parametrize("searcher", ["hyperopt", "bayesopt"])
def test_a_searcher_that_cannot_learn_of_pruned_trainings_refuses_rungs(searcher) -> None:
    with pytest.raises(
        ConfigError, match=f"searcher is {searcher}, .* set fitness.rungs to null, or take optuna"
    ):
        build(SPACE, seed=1, searcher=searcher, fitness=SCORINGS["halving"])


def test_a_missing_library_names_the_command(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(ConfigError, match=r"pip install 'evo-nas\[tune\]'"):
        build(SPACE, seed=1)
