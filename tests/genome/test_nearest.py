"""Architectures of one space in another: what is permitted stays, the rest moves to its nearest choice."""

from __future__ import annotations

from dataclasses import replace

import pytest

from evo_nas.errors import GenomeError
from evo_nas.genome.architecture import Architecture, Head, Layer, Norm, Signature, Training
from evo_nas.genome.cells import NAMED_CELLS
from evo_nas.genome.options import SpaceOptions
from evo_nas.genome.space import SearchSpace
from evo_nas.randomness import stream

SIGNATURE = Signature(features=3, outputs=2)
LSTM, GRU, MGU = (NAMED_CELLS[name] for name in ("lstm", "gru", "mgu"))
SMALL = SearchSpace(SpaceOptions(widths=(16, 64), learning_rates={"min": 1e-3, "max": 1e-2}), SIGNATURE, 8)


def test_what_the_space_permits_stays_as_it_is() -> None:
    for k in range(20):
        genome = SMALL.random(stream(0, "nearest", k))
        found = SMALL.nearest(SMALL.decode(genome))
        assert found.changes == ()
        assert SMALL.canonical_hash(found.genome) == SMALL.canonical_hash(genome)


def test_widths_rates_and_depth_move_to_the_nearest_choice_and_are_named() -> None:
    layers = (Layer(LSTM, 20), Layer(LSTM, 50), *(Layer(LSTM, 33),) * 6)
    deep = Architecture(layers, training=Training(learning_rate=0.5))
    found = SMALL.nearest(deep)
    made = SMALL.decode(found.genome)
    most = SMALL.options.layers.max
    assert [layer.width for layer in made.layers] == [16, 64, 64][:most] + [64] * (most - 3)
    assert made.training.learning_rate == max(SMALL.options.learning_rates.values)
    assert f"layers 8 -> {most}" in found.changes
    assert "layer1.width 20 -> 16" in found.changes
    assert any(change.startswith("training.learning_rate 0.5 -> ") for change in found.changes)
    assert SMALL.is_feasible(found.genome)


def test_a_network_without_enough_layers_gets_more_of_its_last() -> None:
    space = SearchSpace(SpaceOptions(layers={"min": 2, "max": 3}), SIGNATURE, 8)
    made = space.decode(space.nearest(Architecture((Layer(GRU, 128),))).genome)
    assert [layer.cell for layer in made.layers] == [made.layers[0].cell] * 2


def test_what_belongs_to_another_kind_of_task_is_left_behind() -> None:
    texts = SearchSpace(SpaceOptions(), replace(SIGNATURE, features=0, vocabulary=9, per_step=True), 8)
    for k in range(20):
        architecture = texts.decode(texts.random(stream(1, "nearest", k)))
        found = SMALL.nearest(architecture)
        assert SMALL.is_feasible(found.genome)
        assert texts.is_feasible(texts.nearest(SMALL.decode(found.genome)).genome)


def test_a_cell_that_is_not_permitted_has_no_nearest_one() -> None:
    plain = SearchSpace(SpaceOptions(cells=("gru",), evolve_cell=False), SIGNATURE, 8)
    with pytest.raises(GenomeError, match="cell"):
        plain.nearest(Architecture((Layer(LSTM, 128),)))
    found = plain.nearest(Architecture((Layer(LSTM, 128), Layer(GRU, 128))))
    assert "the cell of all layers is that of layer 2" in found.changes


def test_a_network_that_is_too_large_becomes_narrower() -> None:
    space = SearchSpace(SpaceOptions(widths=(4, 8, 64), max_parameters=2_000), SIGNATURE, 8)
    found = space.nearest(Architecture((Layer(LSTM, 64),), head=Head(), training=Training()))
    assert space.is_feasible(found.genome)
    assert "widths 64 -> 8, to keep the limits" in found.changes
    tight = SearchSpace(SpaceOptions(widths=(4,), max_parameters=40), SIGNATURE, 8)
    with pytest.raises(GenomeError, match="parameters are more than the 40 permitted"):
        tight.nearest(Architecture((Layer(LSTM, 64, norm=Norm.NONE),)))
