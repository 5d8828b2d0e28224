from __future__ import annotations

import pytest

from evo_nas.config import FitnessOptions, checked
from evo_nas.config.objectives import COSTS, metrics_of
from evo_nas.errors import ConfigError
from evo_nas.genome.architecture import Architecture, Layer, Signature
from evo_nas.genome.cells import NAMED_CELLS
from evo_nas.genome.costs import Costs
from evo_nas.strategies.pruning import resolve_rungs


@pytest.mark.parametrize(
    ("objectives", "message"),
    [
        (
            ["fitness", "power"],
            "objectives has power; each must be one of fitness, parameters, macs, flops, latency",
        ),
        (["fitness", "energy", "energy"], "objectives has energy 2 times; name each once"),
        (["energy", "fitness"], "objectives begins with energy; fitness must come first"),
        (["flops"], "fitness must come first"),
        ([], "at least 1"),
    ],
)
def test_objectives_that_mean_nothing_are_refused_in_one_line(objectives, message) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        checked(FitnessOptions, {"objectives": objectives}, at="fitness")
    assert str(caught.value).startswith("fitness")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("rungs", ["atuo", 3, 2.5, [2, "x"], [0]])
def test_rungs_that_are_none_are_refused_in_one_line(rungs) -> None:
    with pytest.raises(
        ConfigError, match=r"^fitness.rungs is .*; must be a list of epochs such as \[2, 6\], or auto$"
    ):
        checked(FitnessOptions, {"rungs": rungs}, at="fitness")


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"rungs": [2, 6]}, "rungs is .* throw out the networks that are cheap: leave out rungs"),
        ({"inheritance": "parent"}, "only if they are trained from scratch: leave out one of them"),
    ],
)
def test_what_compares_by_fitness_alone_does_not_go_with_several_objectives(other, message) -> None:
    assert checked(FitnessOptions, other)
    with pytest.raises(ConfigError, match=message) as caught:
        checked(FitnessOptions, {"objectives": ["fitness", "energy"], **other}, at="fitness")
    assert "\n" not in str(caught.value)


def test_rungs_that_are_chosen_by_themselves_are_none_with_several_objectives() -> None:
    assert resolve_rungs(FitnessOptions(rungs="auto"), 18)
    assert resolve_rungs(FitnessOptions(rungs="auto", objectives=("fitness", "energy")), 18) == ()


def test_costs_are_recorded_only_where_they_are_asked_for() -> None:
    plain, several = FitnessOptions(), FitnessOptions(objectives=("fitness", "energy"))
    timed = FitnessOptions(objectives=("fitness", "latency"))
    assert not plain.has_costs
    assert several.has_costs
    assert not several.measures_latency
    assert timed.measures_latency
    assert FitnessOptions(latency=True).has_costs


def test_every_objective_is_recorded_by_its_metric() -> None:
    network = Architecture((Layer(NAMED_CELLS["gru"], 4),))
    recorded = Costs.of(network, Signature(features=2, outputs=2, steps=5)).metrics.keys()
    wanted = metrics_of(tuple(name for name in COSTS if name != "latency"))
    assert wanted <= recorded
    assert metrics_of(("fitness", "parameters")) == frozenset()
