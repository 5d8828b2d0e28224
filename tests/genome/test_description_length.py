from __future__ import annotations

from dataclasses import replace
from itertools import combinations, combinations_with_replacement, product

import pytest

from evo_nas.genome.architecture import Architecture, Head, Layer, Norm, Pooling, Training
from evo_nas.genome.blocks import Front, Shortcut
from evo_nas.genome.cell import MAX_STATES, CellGraph, Node
from evo_nas.genome.cells import NAMED_CELLS
from evo_nas.genome.description_length import cell_bits, description_bits
from evo_nas.genome.ops import COMMUTATIVE, Op

PLAIN = Architecture((Layer(NAMED_CELLS["lstm"], 8),))


def nodes(earlier: int, states: int):
    """All nodes of at most two inputs that may follow ``earlier`` values, each in one spelling."""
    for op in Op:
        fewest, most = op.row.arity
        readable = range(0 if op.row.reads_x else 1, 1 + states if op.row.delay else earlier)
        for count in range(fewest, min(most, 2) + 1):
            if op is Op.LINEAR:
                for inputs, bias in product(combinations(readable, count), (False, True)):
                    yield Node(op, inputs, bias)
            elif op in COMMUTATIVE:
                yield from (Node(op, inputs) for inputs in combinations_with_replacement(readable, count))
            else:
                yield from (Node(op, inputs) for inputs in product(readable, repeat=count))


def cells(states: int):
    """All cells of at most one node."""
    for outputs in product(range(1, states + 1), repeat=states):
        yield CellGraph(states, (), outputs)
    for node in nodes(1 + states, states):
        for outputs in product(range(1, states + 2), repeat=states):
            yield CellGraph(states, (node,), outputs)


def test_the_lengths_are_those_of_a_prefix_code() -> None:
    # Kraft's inequality; the words that are left are those of cells with more nodes.
    lengths = [cell_bits(cell) for states in range(1, MAX_STATES + 1) for cell in cells(states)]
    assert len(lengths) > 10_000
    assert 0.5 < sum(2.0**-length for length in lengths) < 1.0


def test_a_larger_graph_takes_more_bits() -> None:
    sizes = {name: cell_bits(NAMED_CELLS[name]) for name in ("rnn_tanh", "gru", "lstm")}
    assert sizes["rnn_tanh"] < sizes["gru"] < sizes["lstm"]


def test_a_cell_is_written_once_however_many_layers_have_it() -> None:
    layer, cell = PLAIN.layers[0], NAMED_CELLS["lstm"]
    twice = replace(PLAIN, layers=(layer, layer))
    mixed = replace(PLAIN, layers=(layer, replace(layer, cell=NAMED_CELLS["gru"])))
    assert description_bits(twice) - description_bits(PLAIN) < cell_bits(cell) / 2
    assert description_bits(mixed) - description_bits(twice) == pytest.approx(cell_bits(NAMED_CELLS["gru"]))


@pytest.mark.parametrize(
    "longer",
    [
        replace(PLAIN, layers=(replace(PLAIN.layers[0], width=16),)),
        replace(PLAIN, layers=(replace(PLAIN.layers[0], period=2),)),
        replace(PLAIN, head=Head(hidden=4)),
        replace(PLAIN, front=Front.of("segments 8")),
        replace(PLAIN, shortcut=Shortcut.of("ngrams 1-2 x 8")),
        replace(PLAIN, embedding=8),
    ],
)
def test_what_has_more_numbers_takes_more_bits(longer) -> None:
    assert description_bits(longer) > description_bits(PLAIN)


@pytest.mark.parametrize(
    "other",
    [
        replace(PLAIN, training=Training(learning_rate=1e-4, batch_size=7)),
        replace(PLAIN, layers=(replace(PLAIN.layers[0], dropout=0.5, recurrent_dropout=0.5),)),
        # A choice takes as many bits whichever it is.
        replace(PLAIN, layers=(replace(PLAIN.layers[0], norm=Norm.LAYER, bidirectional=True),)),
        replace(PLAIN, head=Head(pooling=Pooling.MAX)),
    ],
)
def test_settings_of_training_and_other_choices_take_no_more_bits(other) -> None:
    assert description_bits(other) == description_bits(PLAIN)
