from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evo_nas.genome.architecture import (
    Architecture,
    Forecast,
    Head,
    Layer,
    Norm,
    Optimizer,
    Pooling,
    Training,
)
from evo_nas.genome.canonical import canonical
from evo_nas.genome.cell import CellGraph, H, Node, X
from evo_nas.genome.cells import NAMED_CELLS
from evo_nas.genome.describe import describe
from evo_nas.genome.notation import text_lines
from evo_nas.genome.ops import Op

UNNAMED = CellGraph(2, (Node(Op.LINEAR, (0, 1)), Node(Op.ADD, (2, 3)), Node(Op.MUL, (1, 4))), (5, 3))


def test_plain_architecture_is_described_in_few_words():
    plain = Architecture((Layer(NAMED_CELLS["lstm"], 128),))
    assert describe(plain) == "1 layer: LSTM 128; Adam 0.005, clip 1, batch 32"


def test_every_feature_of_an_architecture_is_in_its_description():
    architecture = Architecture(
        layers=(
            Layer(NAMED_CELLS["gru"], 96, bidirectional=True, norm=Norm.LAYER, dropout=0.1),
            Layer(UNNAMED, 64, skip=0),
        ),
        head=Head(pooling=Pooling.ATTENTION, hidden=32, dropout=0.3, skip=1),
        training=Training(
            Optimizer.RMSPROP, learning_rate=0.0123, weight_decay=1e-4, clip=0.25, batch_size=8
        ),
        embedding=50,
        tied=True,
        forecast=Forecast.CHANGE,
    )
    assert describe(architecture) == (
        "embedding 50, tied, forecasts the change since the last value;"
        " 2 layers: GRU 96, bidirectional, dropout 0.1, layer norm"
        " → evolved cell (3 ops) 64, skip from input; attention pooling, tanh layer 32,"
        " output dropout 0.3, skip from layer 1;"
        " RMSprop 0.0123, weight decay 0.0001, clip 0.25, batch 8"
    )


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        (NAMED_CELLS["rnn_tanh"], ["h' = tanh(W_h·x + U_h·h + b_h)"]),
        (
            CellGraph(
                1,
                (
                    Node(Op.LINEAR, (X,)),
                    Node(Op.BOUNDED_SCALE, (H,)),
                    Node(Op.CONSTANT, ()),
                    Node(Op.ONE_MINUS, (2,)),
                    Node(Op.MUL, (4, 5)),
                    Node(Op.ADD, (3, 6)),
                ),
                (7,),
            ),
            ["h' = sigmoid(w_h) * h + w_h2 * (1 - W_h·x)"],
        ),
        (
            CellGraph(1, (Node(Op.DELAY_3, (H,)), Node(Op.LINEAR, (X, 2)), Node(Op.SUBTRACT, (3, 2))), (4,)),
            ["v1 = h[t-3]", "h' = W_h·x + V_h·v1 - v1"],
        ),
        (NAMED_CELLS["mingru"], ["z = sigmoid(W_z·x + b_z)", "h' = z * (W_h·x + b_h) + (1 - z) * h"]),
        (
            NAMED_CELLS["lstm"],
            [
                "g = tanh(W_g·x + U_g·h + b_g)",
                "f = sigmoid(W_f·x + U_f·h + b_f)",
                "i = sigmoid(W_i·x + U_i·h + b_i)",
                "o = sigmoid(W_o·x + U_o·h + b_o)",
                "c' = f * c + i * g",
                "h' = o * tanh(c')",
            ],
        ),
        (UNNAMED, ["c' = W_c·x + U_c·h", "h' = h * (c + c')"]),
        (CellGraph(2, (Node(Op.LINEAR, (0,)),), (2, 3)), ["c' = W_c·x", "h' = c"]),
    ],
)
def test_cell_is_drawn_as_its_equations(cell, expected):
    assert text_lines(cell) == expected


@given(cell=st.from_type(CellGraph))
def test_equations_name_each_value_before_it_is_read(cell):
    written = set("xhcde"[: 1 + canonical(cell).states])
    for line in text_lines(cell):
        name, formula = line.split(" = ", maxsplit=1)
        words = "".join(letter if letter.isalnum() or letter in "'_·" else " " for letter in formula).split()
        read = {word.split("·")[-1] for word in words}
        values = {word for word in read if re.fullmatch(r"x|[hcde]'?|[zfoirqngv]\d*", word)}
        assert values <= written
        written.add(name)
    assert "h'" in written
