from __future__ import annotations

import pickle
import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evo_nas.errors import ConfigError, GenomeError
from evo_nas.genome.architecture import Architecture, Forecast, Head, Layer, Pooling, Signature
from evo_nas.genome.canonical import canonical
from evo_nas.genome.cell import CellGraph, Node
from evo_nas.genome.cells import NAMED_CELLS, cell_name
from evo_nas.genome.cgp import STEP_OPS
from evo_nas.genome.codec import cell_to_json
from evo_nas.genome.linearity import is_linear
from evo_nas.genome.liveness import is_live
from evo_nas.genome.ops import Op
from evo_nas.genome.options import LayerRange, SpaceOptions
from evo_nas.genome.parameters import count_parameters
from evo_nas.genome.space import SearchSpace

SERIES = Signature(features=3, outputs=2)
TEXT = Signature(features=0, outputs=50, vocabulary=50, per_step=True, predicts_inputs=True)
FORECAST = Signature(features=3, outputs=4, last_values=(2, 0), horizon=2)
WIDE = SpaceOptions(
    layers=LayerRange(min=1, max=4),
    widths=(4, 8, 16),
    cells=("lstm", "gru", "enas"),
    cell_nodes=20,
    cell_states=3,
    ops=STEP_OPS,
    delays=(2, 3),
    bidirectional=True,
    embeddings=(2, 4),
)
SPACES = {
    "series": SearchSpace(WIDE, SERIES, epochs=100),
    "text": SearchSpace(WIDE, TEXT, epochs=100),
    "forecast": SearchSpace(WIDE, FORECAST, epochs=100),
    "default": SearchSpace(SpaceOptions(), SERIES, epochs=5),
    "linear": SearchSpace(SpaceOptions(linear_only=True), SERIES, epochs=5),
    "fixed cells": SearchSpace(SpaceOptions(evolve_cell=False), SERIES, epochs=5),
}
SERIES_SPACE = SPACES["series"]
ONLY_SUMS = CellGraph(1, (Node(Op.ADD, (1, 1, 1)),), (2,))


def genomes(space):
    return st.tuples(*(st.integers(0, gene.size - 1) for gene in space.genes))


spaces_and_genomes = st.sampled_from(list(SPACES.values())).flatmap(
    lambda space: st.tuples(st.just(space), genomes(space))
)


def position(space, name):
    return [gene.name for gene in space.genes].index(name)


def genome_with(space, genome, **choices):
    """``genome`` with genes, named with ``__`` for the dot, set to the choices given."""
    values = list(genome)
    for name, choice in choices.items():
        place = position(space, name.replace("__", "."))
        values[place] = space.genes[place].choices.index(choice)
    return tuple(values)


@given(drawn=spaces_and_genomes)
def test_every_vector_decodes_to_a_valid_architecture(drawn):
    space, genome = drawn
    architecture = space.decode(genome)
    assert space.canonical(architecture) == architecture
    assert count_parameters(architecture, space.signature) > 0


@given(drawn=spaces_and_genomes)
def test_encoding_what_was_decoded_keeps_the_canonical_hash(drawn):
    space, genome = drawn
    again = space.encode(space.decode(genome))
    assert space.decode(again) == space.decode(genome)
    assert space.canonical_hash(again) == space.canonical_hash(genome)


@given(drawn=spaces_and_genomes, seed=st.integers(0, 1000))
def test_changing_inactive_genes_never_changes_the_canonical_hash(drawn, seed):
    space, genome = drawn
    rng, active = random.Random(seed), set(space.active_genes(genome))
    changed = tuple(
        value if place in active else rng.randrange(space.genes[place].size)
        for place, value in enumerate(genome)
    )
    assert space.canonical_hash(changed) == space.canonical_hash(genome)
    assert set(space.active_genes(changed)) == active


@given(drawn=spaces_and_genomes)
def test_a_genome_is_spelt_by_its_active_genes_alone(drawn):
    space, genome = drawn
    chosen = []

    def choose(place):
        chosen.append(place)
        return genome[place]

    spelt = space.spell(choose)
    assert sorted(chosen) == list(space.active_genes(genome))
    assert space.canonical_hash(spelt) == space.canonical_hash(genome)
    inactive = set(range(len(genome))) - set(chosen)
    assert all(spelt[place] == space.genes[place].default for place in inactive)


@given(drawn=spaces_and_genomes)
def test_active_genes_of_the_network_change_the_canonical_hash(drawn):
    space, genome = drawn
    for place in space.active_genes(genome):
        gene = space.genes[place]
        if gene.name.startswith("cell."):
            continue
        changed = {
            space.canonical_hash((*genome[:place], value, *genome[place + 1 :])) for value in range(gene.size)
        }
        assert len(changed) > 1, gene.name


def test_active_genes_of_the_cell_nearly_always_change_the_canonical_hash():
    changes = []
    for seed in range(10):
        genome = genome_with(SERIES_SPACE, SERIES_SPACE.random(random.Random(seed)), layer1__cell="evolved")
        for place in SERIES_SPACE.active_genes(genome):
            gene = SERIES_SPACE.genes[place]
            if gene.name.startswith("cell."):
                others = [(*genome[:place], value, *genome[place + 1 :]) for value in range(gene.size)]
                changes.append(len({SERIES_SPACE.canonical_hash(other) for other in others}) > 1)
    assert sum(changes) > 0.9 * len(changes) > 0


@pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)
def test_random_genomes_are_feasible_and_reproducible(space):
    drawn = [space.random(random.Random(seed)) for seed in range(30)]
    assert all(space.is_feasible(genome) for genome in drawn)
    assert drawn == [space.random(random.Random(seed)) for seed in range(30)]
    assert len({space.canonical_hash(genome) for genome in drawn}) == 30


def test_genes_of_layers_beyond_the_depth_are_inactive():
    genome = genome_with(SERIES_SPACE, SERIES_SPACE.random(random.Random(0)), layers=2)
    names = {SERIES_SPACE.genes[place].name for place in SERIES_SPACE.active_genes(genome)}
    assert "layer2.width" in names
    assert not any(name.startswith(("layer3", "layer4")) for name in names)


def test_cell_genes_are_inactive_where_no_layer_has_the_evolved_cell():
    genome = genome_with(SERIES_SPACE, SERIES_SPACE.random(random.Random(0)), layers=1, layer1__cell="gru")
    active = SERIES_SPACE.active_genes(genome)
    assert not any(SERIES_SPACE.genes[place].name.startswith("cell.") for place in active)


def test_active_cell_genes_of_a_tanh_rnn_are_those_it_reads():
    [genome] = [genome for name, genome in SPACES["default"].seeds() if name == "rnn_tanh"]
    names = [SPACES["default"].genes[place].name for place in SPACES["default"].active_genes(genome)]
    assert [name for name in names if name.startswith("cell.")] == [
        *("cell.node1.op", "cell.node1.input1", "cell.node1.input2", "cell.node1.input3"),
        *("cell.node2.op", "cell.node2.input1", "cell.output1"),
    ]


def test_genes_exist_only_where_the_task_has_a_use_for_them():
    series = {gene.name for gene in SPACES["series"].genes}
    text = {gene.name for gene in SPACES["text"].genes}
    assert series - text == {"head.pooling"}
    assert text - series == {"embedding", "tied", "embedding_dropout"}
    assert {gene.name for gene in SPACES["forecast"].genes} - series == {"forecast", "columns"}


def test_what_a_task_has_no_use_for_is_no_part_of_the_canonical_form():
    architecture = replace(
        SERIES_SPACE.decode(SERIES_SPACE.seeds()[0][1]), tied=True, forecast=Forecast.CHANGE
    )
    canonical_form = SERIES_SPACE.canonical(architecture)
    assert (canonical_form.tied, canonical_form.forecast) == (False, Forecast.VALUE)


def test_a_genome_of_before_a_gene_was_added_is_refused():
    space = SPACES["forecast"]
    old = [
        value for value, gene in zip(space.seeds()[0][1], space.genes, strict=True) if gene.name != "forecast"
    ]
    with pytest.raises(GenomeError, match=rf"has {len(old)} genes; this space has {len(old) + 1}"):
        space.decode(tuple(old))


def test_regularisation_is_frozen_below_its_epochs_and_free_above():
    def sizes(epochs):
        genes = SearchSpace(SpaceOptions(), SERIES, epochs).genes
        return {gene.name: gene.size for gene in genes if "dropout" in gene.name or "decay" in gene.name}

    assert set(sizes(19).values()) == {1}
    assert sizes(20) == {
        "training.weight_decay": 4,
        **dict.fromkeys(("head.dropout", "layer1.dropout", "layer2.dropout"), 5),
        **dict.fromkeys(("layer1.recurrent_dropout", "layer2.recurrent_dropout"), 1),
    }


def test_layers_and_head_may_skip_from_all_that_lies_further_below():
    skips = {gene.name: gene.choices for gene in SERIES_SPACE.genes if gene.name.endswith("skip")}
    assert skips == {
        "layer1.skip": (None,),
        "layer2.skip": (None, 0),
        "layer3.skip": (None, 0, 1),
        "layer4.skip": (None, 0, 1, 2),
        "head.skip": (None, 0, 1, 2, 3),
    }


def test_skip_of_the_head_from_a_layer_that_does_not_exist_is_no_skip():
    genome = SERIES_SPACE.random(random.Random(0))
    beyond = genome_with(SERIES_SPACE, genome, layers=2, head__skip=3)
    without = genome_with(SERIES_SPACE, genome, layers=2, head__skip=None)
    assert SERIES_SPACE.canonical_hash(beyond) == SERIES_SPACE.canonical_hash(without)


def test_pooling_of_a_task_with_an_output_a_step_is_no_part_of_the_identity():
    layer = Layer(NAMED_CELLS["lstm"], 8)
    mean, last = (
        Architecture((layer,), Head(pooling), embedding=2) for pooling in (Pooling.MEAN, Pooling.LAST)
    )
    assert SPACES["text"].canonical(mean) == SPACES["text"].canonical(last)
    assert SPACES["series"].canonical(mean) != SPACES["series"].canonical(last)


def test_parameter_limit_that_nothing_meets_is_refused_with_both_numbers():
    options = SpaceOptions(cells=("gru",), evolve_cell=False, widths=(8,), heads=(0,), max_parameters=200)
    with pytest.raises(ConfigError, match=r"max_parameters is 200, but the smallest .* has 314 parameters"):
        SearchSpace(options, SERIES, epochs=5)
    assert SearchSpace(options.model_copy(update={"max_parameters": 314}), SERIES, epochs=5).seeds()


def test_parameter_limit_below_a_table_is_refused_and_says_where_the_parameters_are():
    options = SpaceOptions(fronts=("none",), shortcuts=("ngrams 1-2 x 8192",), max_parameters=9000)
    with pytest.raises(ConfigError, match="16384 of them in front and shortcut; .* space.shortcuts, smaller"):
        SearchSpace(options, Signature(0, 2, vocabulary=50), epochs=5)


def test_smallest_architecture_has_the_norm_that_needs_no_parameters():
    series = Signature(features=1, outputs=1)
    section = {"cells": ("gru",), "evolve_cell": False, "widths": (8,), "heads": (0,), "fronts": ("none",)}
    before = SearchSpace(SpaceOptions(**section, norms=("before",)), series, epochs=5)
    (_, genome), *_ = before.seeds()
    limit = count_parameters(before.decode(genome), series)
    both = SpaceOptions(**section, norms=("layer", "before"), max_parameters=limit)
    assert SearchSpace(both, series, epochs=5).random(random.Random(0))


def test_random_keeps_the_parameter_limit():
    space = SearchSpace(SpaceOptions(widths=(4, 8, 64), max_parameters=900), SERIES, epochs=5)
    sizes = [count_parameters(space.decode(space.random(random.Random(k))), SERIES) for k in range(30)]
    assert max(sizes) <= 900


def test_a_limit_that_no_draw_meets_is_refused(monkeypatch):
    monkeypatch.setattr("evo_nas.genome.space.MAX_DRAWS", 40)  # each of which has to find a live cell
    ops = ("linear_no_bias",)
    options = SpaceOptions(cells=(), ops=ops, cell_states=1, widths=(8,), heads=(0,), max_parameters=42)
    with pytest.raises(ConfigError, match=r"space.max_parameters is 42; the smallest of 40 random"):
        SearchSpace(options, SERIES, epochs=5)


def test_random_finds_a_live_cell_where_they_are_rare():
    options = SpaceOptions(cells=(), cell_nodes=1, cell_states=1)
    space = SearchSpace(options, SERIES, epochs=5)
    assert all(space.is_feasible(space.random(random.Random(seed))) for seed in range(10))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"width": 5}, "layer1.width is 5; this space permits 4, 8, 16"),
        ({"dropout": 0.15}, "layer1.dropout is 0.15; this space permits 0.0, 0.1"),
        (
            {"cell": ONLY_SUMS},
            r"cell.nodes\[0\] \(add\) reads \[1, 1, 1\]; a node of this space reads at most 2",
        ),
        ({"cell": NAMED_CELLS["darts_v2"]}, "the cell has 45 nodes and this space permits 20"),
    ],
)
def test_layer_that_is_not_in_the_space_is_refused_by_name(change, message):
    layer = Layer(NAMED_CELLS["lstm"], 8, dropout=0.1)
    inside = SERIES_SPACE.decode(SERIES_SPACE.random(random.Random(0)))
    with pytest.raises(GenomeError, match=message):
        SERIES_SPACE.encode(replace(inside, layers=(replace(layer, **change),), head=Head()))


@pytest.mark.parametrize("outputs", [(1,), (2, 2), (2, 1), (3, 2, 1), (2, 3, 3)])
def test_cell_of_few_states_that_copies_them_comes_back(outputs):
    cell = CellGraph(len(outputs), (), outputs)
    inside = SERIES_SPACE.decode(SERIES_SPACE.random(random.Random(0)))
    architecture = SERIES_SPACE.canonical(replace(inside, layers=(Layer(cell, 8),), head=Head()))
    assert SERIES_SPACE.decode(SERIES_SPACE.encode(architecture)) == architecture


def test_two_different_unnamed_cells_do_not_fit_into_one_genome():
    layers = tuple(Layer(NAMED_CELLS[name], 8) for name in ("mgu", "ugrnn"))
    inside = SERIES_SPACE.decode(SERIES_SPACE.random(random.Random(0)))
    with pytest.raises(
        GenomeError, match=r"layer2.cell is neither the evolved cell .* nor permitted by name"
    ):
        SERIES_SPACE.encode(replace(inside, layers=layers, head=Head()))


def test_op_that_is_not_permitted_is_refused_by_name():
    space = SearchSpace(SpaceOptions(cells=(), ops=("linear", "relu")), SERIES, epochs=5)
    inside = space.decode(space.random(random.Random(0)))
    with pytest.raises(GenomeError, match=r"cell.nodes\[1\].op is tanh; this space permits linear, relu"):
        space.encode(replace(inside, layers=(Layer(NAMED_CELLS["rnn_tanh"], 96),), head=Head()))


def test_named_cell_is_encoded_by_name_where_no_evolved_cell_can_spell_it():
    options = SpaceOptions(cells=("lstm",), ops=("linear", "relu"), seeds=("lstm",))
    space = SearchSpace(options, SERIES, epochs=5)
    genome = dict(space.seeds())["lstm"]
    assert cell_name(space.decode(genome).layers[0].cell) == "lstm"


def test_mean_that_counts_a_value_twice_cannot_be_spelt():
    cell = CellGraph(1, (Node(Op.LINEAR, (0, 1)), Node(Op.MEAN, (1, 2, 2))), (3,))
    inside = SERIES_SPACE.decode(SERIES_SPACE.random(random.Random(0)))
    with pytest.raises(GenomeError, match="a mean only different ones"):
        SERIES_SPACE.encode(replace(inside, layers=(Layer(cell, 8),), head=Head()))


@pytest.mark.parametrize("genes", [(), (0,), (99,) * 200])
def test_genome_of_another_space_is_refused(genes):
    with pytest.raises(GenomeError, match="the genome has"):
        SERIES_SPACE.decode(genes)


def test_gene_beyond_its_choices_is_refused_by_name():
    genome = list(SERIES_SPACE.random(random.Random(0)))
    genome[position(SERIES_SPACE, "layer1.width")] = 3
    with pytest.raises(GenomeError, match=r"gene layer1.width is 3; must be 0 to 2"):
        SERIES_SPACE.decode(tuple(genome))


def test_dead_cell_is_infeasible():
    genome = [gene.default for gene in SERIES_SPACE.genes]
    genome[position(SERIES_SPACE, "layers")] = 0
    architecture = SERIES_SPACE.decode(tuple(genome))
    assert not is_live(canonical(architecture.layers[0].cell))
    assert not SERIES_SPACE.is_feasible(tuple(genome))


def test_space_travels_between_processes():
    space = pickle.loads(pickle.dumps(SERIES_SPACE))
    genome = SERIES_SPACE.random(random.Random(0))
    assert space.genes == SERIES_SPACE.genes
    assert space.canonical_hash(genome) == SERIES_SPACE.canonical_hash(genome)


def test_linear_space_draws_linear_cells_only():
    space = SPACES["linear"]
    rng = random.Random(0)
    drawn = [space.decode(space.random(rng)) for _ in range(20)]
    assert all(is_linear(layer.cell) for architecture in drawn for layer in architecture.layers)
    assert len({layer.cell for architecture in drawn for layer in architecture.layers}) > 5


def test_evolved_cell_that_is_not_linear_is_infeasible_in_a_linear_space():
    any_cell = SearchSpace(SpaceOptions(cells=SPACES["linear"].options.cells), SERIES, epochs=5)
    founder = any_cell.decode(dict(SPACES["linear"].seeds())["mingru"])
    layers = tuple(replace(layer, cell=NAMED_CELLS["gru"]) for layer in founder.layers)
    evolved = any_cell.encode(replace(founder, layers=layers))
    assert any_cell.is_feasible(evolved)
    assert not SPACES["linear"].is_feasible(evolved)


def test_linear_space_begins_with_the_published_linear_recurrences():
    space = SPACES["linear"]
    assert "mingru" in dict(space.seeds())
    assert all(is_linear(space.decode(genome).layers[0].cell) for _, genome in space.seeds())


def test_linear_space_whose_ops_make_no_linear_cell_is_refused():
    options = SpaceOptions(linear_only=True, ops=("linear", "tanh"), cell_nodes=3, cell_states=1)
    with pytest.raises(ConfigError, match="none of 10000 random cells of 3 nodes and 1 states was a linear"):
        SearchSpace(options, SERIES, epochs=5)


def test_space_with_delays_draws_cells_that_read_older_states():
    options = SpaceOptions(cells=(), delays=(2, 5), ops=("linear", "add", "tanh"))
    space = SearchSpace(options, replace(SERIES, steps=6), epochs=5)
    cells = [space.decode(space.random(random.Random(seed))).layers[0].cell for seed in range(20)]
    assert {node.op.row.delay for cell in cells for node in cell.nodes} == {0, 2, 5}


DELAYED = cell_to_json(CellGraph(1, (Node(Op.DELAY_7, (1,)), Node(Op.LINEAR, (0, 1, 2))), (3,)))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"delays": (2, 7)},
            "space.delays has 7, and the longest sequence of the task has 7 steps; must be below",
        ),
        ({"cells": (DELAYED,)}, "has cell-[0-9a-f]+ with a delay of 7, and the longest"),
        ({"seeds": (DELAYED,)}, "has cell-[0-9a-f]+ with a delay of 7, and the longest"),
    ],
)
def test_delay_beyond_the_sequences_of_a_task_is_refused(options, message):
    with pytest.raises(ConfigError, match=message):
        SearchSpace(SpaceOptions(**options), replace(SERIES, steps=7), epochs=5)


def test_delay_is_permitted_where_sequences_are_longer_or_their_length_is_not_known():
    for steps in (0, 8):
        assert SearchSpace(SpaceOptions(delays=(7,)), replace(SERIES, steps=steps), epochs=5).genes
