from __future__ import annotations

from dataclasses import replace

import pytest

from evo_nas.genome.architecture import Architecture, Head, Layer, Norm, Pooling, Signature
from evo_nas.genome.blocks import Columns, Front, Shortcut
from evo_nas.genome.cell import CellGraph, H, Node, X
from evo_nas.genome.cells import NAMED_CELLS
from evo_nas.genome.ops import Op
from evo_nas.genome.parameters import count_cell_parameters, count_parameters, count_tables

LSTM, GRU, RNN = NAMED_CELLS["lstm"], NAMED_CELLS["gru"], NAMED_CELLS["rnn_tanh"]
CLASSES = Signature(features=3, outputs=5)
OUT = 5


def rnn(inputs, width):
    return width * (inputs + width + 1)


@pytest.mark.parametrize(
    ("layers", "head", "expected"),
    [
        ((Layer(RNN, 4),), Head(), rnn(3, 4) + OUT * (4 + 1)),
        ((Layer(LSTM, 4),), Head(), 4 * rnn(3, 4) + OUT * (4 + 1)),
        ((Layer(GRU, 4),), Head(), 3 * rnn(3, 4) + 4 + OUT * (4 + 1)),
        ((Layer(RNN, 4, bidirectional=True),), Head(), 2 * rnn(3, 4) + OUT * (8 + 1)),
        ((Layer(RNN, 4, norm=Norm.LAYER),), Head(), rnn(3, 4) + 8 + OUT * (4 + 1)),
        (
            (Layer(RNN, 4, bidirectional=True, norm=Norm.LAYER),),
            Head(),
            2 * rnn(3, 4) + 16 + OUT * (8 + 1),
        ),
        ((Layer(RNN, 4), Layer(RNN, 6)), Head(), rnn(3, 4) + rnn(4, 6) + OUT * (6 + 1)),
        ((Layer(RNN, 4), Layer(RNN, 6, skip=0)), Head(), rnn(3, 4) + rnn(4 + 3, 6) + OUT * (6 + 1)),
        ((Layer(RNN, 4),), Head(skip=0), rnn(3, 4) + OUT * (4 + 3 + 1)),
        ((Layer(RNN, 4),), Head(pooling=Pooling.ATTENTION), rnn(3, 4) + 4 + OUT * (4 + 1)),
        ((Layer(RNN, 4),), Head(hidden=7), rnn(3, 4) + 7 * (4 + 1) + OUT * (7 + 1)),
    ],
)
def test_parameters_are_counted_as_the_network_has_them(layers, head, expected):
    assert count_parameters(Architecture(layers, head), CLASSES) == expected


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        (Layer(RNN, 3, residual=True), rnn(3, 3) + OUT * (3 + 1)),
        (Layer(RNN, 4, residual=True), rnn(3, 4) + 3 * 4 + OUT * (4 + 1)),
        (Layer(RNN, 4, norm=Norm.BEFORE), rnn(3, 4) + 2 * 3 + OUT * (4 + 1)),
        (Layer(RNN, 4, recurrent_dropout=0.5), rnn(3, 4) + OUT * (4 + 1)),
    ],
)
def test_what_is_around_a_recurrence_is_counted(layer, expected):
    assert count_parameters(Architecture((layer,)), CLASSES) == expected


FORECAST = Signature(features=4, outputs=14, last_values=(0, 1), horizon=7)


@pytest.mark.parametrize(
    ("head", "columns", "expected"),
    [
        # 3 segments of 3 steps of 2 targets; each has an embedding as wide as the input.
        (Head(segment=3), Columns.TOGETHER, rnn(4, 5) + 3 * 4 + 6 * (5 + 1)),
        (Head(segment=3, skip=0), Columns.TOGETHER, rnn(4, 5) + 3 * 4 + 6 * (5 + 5 + 4 + 1)),
        # One target beside two features; half of an embedding is the target's.
        (Head(), Columns.APART, rnn(3, 5) + 7 * (5 + 1)),
        (Head(segment=3), Columns.APART, rnn(3, 5) + (3 * 2 + 2 * 1) + 3 * (5 + 1)),
        (Head(segment=3, hidden=8), Columns.APART, rnn(3, 5) + 8 + 8 * (5 + 1) + 3 * (8 + 1)),
        (
            Head(segment=3, pooling=Pooling.ATTENTION),
            Columns.APART,
            rnn(3, 5) + 8 + 5 + 3 * (2 * 5 + 1),
        ),
    ],
)
def test_a_forecast_is_counted_with_its_segments_and_columns(head, columns, expected):
    architecture = Architecture((Layer(RNN, 5),), head, columns=columns)
    assert count_parameters(architecture, FORECAST) == expected


def test_token_embedding_is_counted_and_feeds_the_first_layer():
    signature = Signature(features=0, outputs=2, vocabulary=100)
    architecture = Architecture((Layer(RNN, 4),), embedding=8)
    assert count_parameters(architecture, signature) == 100 * 8 + rnn(8, 4) + 2 * (4 + 1)


@pytest.mark.parametrize(
    ("head", "projection"),
    [(Head(), 4 * 8), (Head(hidden=8), 8 * (4 + 1)), (Head(hidden=3), 3 * (4 + 1) + 3 * 8)],
)
def test_tied_outputs_have_a_bias_and_a_projection_to_the_embedding_if_need_be(head, projection):
    signature = Signature(features=0, outputs=100, vocabulary=100, per_step=True, predicts_inputs=True)
    architecture = Architecture((Layer(RNN, 4),), head, embedding=8, tied=True)
    assert count_parameters(architecture, signature) == 100 * 8 + rnn(8, 4) + projection + 100


@pytest.mark.parametrize("op", [Op.SCALE, Op.BOUNDED_SCALE, Op.CONSTANT, Op.BOUNDED_CONSTANT])
def test_a_weight_a_unit_is_counted_once_a_unit(op):
    node = Node(op, (2,) * op.row.arity[0])
    cell = CellGraph(1, (Node(Op.LINEAR, (X, H), bias=True), node, Node(Op.ADD, (2, 3))), (4,))
    assert count_cell_parameters(cell, 3, 4) == rnn(3, 4) + 4


def test_attention_counts_nothing_where_every_step_has_an_output():
    labels = Signature(features=3, outputs=5, per_step=True)
    attentive = Architecture((Layer(RNN, 4),), Head(pooling=Pooling.ATTENTION))
    assert count_parameters(attentive, labels) == count_parameters(Architecture((Layer(RNN, 4),)), labels)


def test_rows_of_tables_are_parameters_that_are_told_apart():
    texts = Signature(features=0, outputs=2, vocabulary=100)
    plain = Architecture((Layer(RNN, 4),), embedding=8)
    hashed = replace(plain, shortcut=Shortcut.of("ngrams 1-2 x 64"), front=Front.of("subwords 3-4 x 32"))
    assert count_tables(plain, texts) == 0
    assert count_tables(hashed, texts) == 64 * 2 + 32 * 8
    assert count_parameters(hashed, texts) == count_parameters(plain, texts) + count_tables(hashed, texts)
