"""The networks with which a search begins."""

from __future__ import annotations

import pickle
import random

import pytest

from evo_nas.errors import ConfigError
from evo_nas.genome.architecture import Forecast, Norm, Pooling, Signature
from evo_nas.genome.blocks import Columns, Front, FrontKind, Shortcut, ShortcutKind
from evo_nas.genome.canonical import canonical
from evo_nas.genome.cell import CellGraph, Node
from evo_nas.genome.cell_text import label_of
from evo_nas.genome.cells import cell_name
from evo_nas.genome.ops import Op
from evo_nas.genome.options import SpaceOptions
from evo_nas.genome.published import read_recipe, write_recipe
from evo_nas.genome.space import SearchSpace

SERIES = Signature(features=3, outputs=2, steps=8)
FORECAST = Signature(features=2, outputs=48, last_values=(0, 1), steps=96, horizon=24)
TEXT = Signature(features=0, outputs=6, vocabulary=50)


def space_of(signature, **options) -> SearchSpace:
    return SearchSpace(SpaceOptions.model_validate(options), signature, epochs=5)


def founders(signature, **options):
    space = space_of(signature, **options)
    return {name: space.decode(genome) for name, genome in space.seeds()}


def test_good_networks_and_bare_cells_found_a_search() -> None:
    found = founders(SERIES)
    assert {
        "gru+norm+differences, wide",
        "lstm+norm",
        "lstm",
        "gru",
        "rnn_tanh",
        "rnn_sigmoid",
    } <= found.keys()
    for name, network in found.items():
        assert name.startswith(cell_name(network.layers[0].cell))
        assert ("norm" in name) == (network.layers[0].norm is Norm.LAYER)


def test_every_permitted_width_class_has_founders() -> None:
    widths = {
        name: network.layers[0].width for name, network in founders(SERIES, widths=[4, 8, 12, 16]).items()
    }
    assert {widths["lstm"], widths["gru+norm+differences, wide"], widths["gru+norm+differences, small"]} == {
        12,
        16,
        4,
    }


def test_no_two_founders_are_the_same_network() -> None:
    space = space_of(SERIES, widths=[8])
    assert len({space.canonical_hash(genome) for _, genome in space.seeds()}) == len(space.seeds())


def test_the_first_ten_differ_in_cell_width_and_norm() -> None:
    first = list(founders(SERIES, fronts=["none", "differences"], bidirectional=True).values())[:10]
    assert {cell_name(network.layers[0].cell) for network in first} >= {"lstm", "gru", "rnn_sigmoid"}
    assert len({network.layers[0].width for network in first}) == 3
    assert {network.front.kind for network in first} == {FrontKind.NONE, FrontKind.DIFFERENCES}
    assert {network.head.pooling for network in first} == {Pooling.LAST, Pooling.MAX}


def test_a_founder_of_forecasts_has_the_form_of_segrnn() -> None:
    options = {
        "fronts": ["none", "segments 8"],
        "shortcuts": ["none", "shared"],
        "columns": ["together", "apart"],
        "segments": [0, 12],
    }
    network = founders(FORECAST, **options)["gru+segments+apart+parallel+shortcut, wide"]
    assert (network.front, network.shortcut) == (Front.of("segments 8"), Shortcut.of("shared"))
    assert (network.columns, network.head.segment) == (Columns.APART, 12)


def test_a_founder_of_texts_reads_both_ways_beside_a_bag_of_ngrams() -> None:
    network = founders(TEXT, shortcuts=["none", "ngrams 1-2 x 64"], bidirectional=True)[
        "gru+norm+shortcut+both ways+max, wide"
    ]
    assert network.layers[0].bidirectional
    assert (network.shortcut.kind, network.head.pooling) == (ShortcutKind.NGRAMS, Pooling.MAX)


def test_what_a_space_does_not_permit_is_no_part_of_its_founders() -> None:
    found = founders(SERIES, norms=["none"], poolings=["mean"])
    assert not any("norm" in name or "max" in name for name in found)
    assert {network.head.pooling for network in found.values()} == {Pooling.MEAN}


def test_founders_are_spelt_as_evolved_cells() -> None:
    space = space_of(SERIES)
    for _, genome in space.seeds():
        assert any(space.genes[place].name == "cell.output1" for place in space.active_genes(genome))


def test_founders_are_narrower_where_the_parameter_limit_asks_for_it() -> None:
    found = founders(SERIES, widths=[8, 64, 512], max_parameters=1000)
    assert {network.layers[0].width for network in found.values()} == {8}


def test_founders_that_the_space_cannot_express_are_left_out() -> None:
    found = founders(SERIES, cells=[], cell_states=1)
    assert "gru" in found
    assert not any(name.startswith("lstm") for name in found)


def test_founders_of_linear_spaces_are_linear() -> None:
    assert {"mingru", "mingru+norm+differences, wide"} <= founders(SERIES, linear_only=True).keys()


def test_founders_of_a_forecast_have_the_first_that_is_permitted() -> None:
    for forecasts in ([Forecast.VALUE], [Forecast.RELATIVE, Forecast.VALUE], list(Forecast)):
        options = SpaceOptions.model_validate({"forecasts": list(map(str, forecasts))})
        space = SearchSpace(options, FORECAST, epochs=5)
        assert {space.decode(genome).forecast for _, genome in space.seeds()} == {forecasts[0]}
        drawn = {space.decode(space.random(random.Random(seed))).forecast for seed in range(40)}
        assert drawn == set(forecasts)


def test_seed_that_was_asked_for_and_cannot_be_expressed_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"space.seeds names enas, which is not in the space: .* 61 nodes"):
        space_of(SERIES, seeds=["lstm", "enas"])


def test_seeds_found_a_search_in_their_order_plain_first() -> None:
    recipe = write_recipe(CellGraph(1, (Node(Op.LINEAR, (0, 1), bias=True), Node(Op.LEAKY_RELU, (2,))), (3,)))
    space = space_of(SERIES, cells=["gru", recipe], seeds=[recipe, "lstm"])
    label = label_of(space.options.cells[1])
    assert [name for name, _ in space.seeds()] == [
        label,
        "lstm",
        f"{label}+norm+differences, wide",
        "lstm+norm+differences, wide",
    ]
    assert canonical(read_recipe(recipe)) == space.decode(space.seeds()[0][1]).layers[0].cell
    assert pickle.loads(pickle.dumps(space)).seeds() == space.seeds()


def test_no_seeds_may_be_asked_for() -> None:
    assert space_of(SERIES, seeds=[]).seeds() == ()
