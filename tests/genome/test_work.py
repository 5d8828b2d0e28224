"""Work that was counted, against sums that are written out; `tests/models/test_costs.py` lets torch count products."""

from __future__ import annotations

import pytest

from evo_nas.genome.architecture import Architecture, Forecast, Head, Layer, Norm, Pooling, Signature
from evo_nas.genome.blocks import Columns, Context, Front, Shortcut
from evo_nas.genome.cell import CellGraph, H, Node, X
from evo_nas.genome.cells import NAMED_CELLS
from evo_nas.genome.network_work import steps_of, work_of
from evo_nas.genome.ops import Op
from evo_nas.genome.work import Work, cell_work

GRU, RNN = NAMED_CELLS["gru"], NAMED_CELLS["rnn_tanh"]
STEPS = 6
CLASSES = Signature(features=3, outputs=2, steps=STEPS)
TEXT = Signature(features=0, outputs=9, vocabulary=9, per_step=True, predicts_inputs=True)
FORECAST = Signature(features=3, outputs=4, horizon=2, last_values=(0, 2), steps=STEPS)


def test_a_flop_is_an_operation_and_a_multiply_accumulate_is_two() -> None:
    assert Work(macs=10, operations=3, functions=2, words=100).flops == 25
    assert Work(1, 2, 3, 4) + Work(10, 20, 30, 40).times(2) == Work(21, 42, 63, 84)


def test_a_tanh_rnn_costs_its_products_its_bias_and_its_tanh() -> None:
    work = cell_work(RNN, 3, 4)
    assert (work.macs, work.operations, work.functions) == (4 * (3 + 4), 4, 4)
    # The weights, the input, and the state before and after.
    assert work.words == 4 * (3 + 4 + 1) + 3 + 2 * 4


def test_a_gru_costs_three_gates_and_the_blend() -> None:
    work = cell_work(GRU, 3, 4)
    # Products with x and h for three gates; the second product with h has a bias of its own.
    assert work.macs == 3 * 4 * (3 + 4)
    biases, reset, sum_of_both, blend = 4 * 4, 4, 4, 3 * 4
    assert work.operations == biases + reset + sum_of_both + blend
    assert work.functions == 3 * 4


def test_a_delay_costs_no_arithmetic_and_one_more_value_to_read() -> None:
    cell = CellGraph(1, (Node(Op.LINEAR, (X, H)), Node(Op.DELAY_3, (H,)), Node(Op.ADD, (2, 3))), (4,))
    work = cell_work(cell, 3, 4)
    assert (work.macs, work.operations, work.functions) == (4 * 7, 4, 0)
    assert work.words == 4 * 7 + 3 + 3 * 4


def parts(architecture: Architecture, signature: Signature) -> dict[str, tuple[int, int]]:
    """Operations and functions of each part of an example."""
    works = work_of(architecture, signature)
    return {name: (work.operations, work.functions) for name, work in works.items()}


@pytest.mark.parametrize(
    ("architecture", "part", "expected"),
    [
        (Architecture((Layer(RNN, 4),)), "layer1", (STEPS * 4, STEPS * 4)),
        (Architecture((Layer(RNN, 4, bidirectional=True),)), "layer1", (2 * STEPS * 4, 2 * STEPS * 4)),
        # 3 updates of 2 steps: the mean of each is a sum and a product.
        (Architecture((Layer(RNN, 4, period=2),)), "layer1", (3 * (4 + 3 * 2), 3 * 4)),
        # Sums for mean and variance, deviations, squares, epsilon, products, weight and bias.
        (
            Architecture((Layer(RNN, 4, norm=Norm.LAYER),)),
            "layer1.norm",
            (STEPS * (3 + 4 + 4 + 3 + 1 + 4 + 8), STEPS * 3),
        ),
        (
            Architecture((Layer(RNN, 4, norm=Norm.BEFORE),)),
            "layer1.norm",
            (STEPS * (2 + 3 + 3 + 2 + 1 + 3 + 6), STEPS * 3),
        ),
        (Architecture((Layer(RNN, 4, residual=True),)), "layer1.residual", (STEPS * 4, 0)),
        (Architecture((Layer(RNN, 4),), Head()), "head", (2, 0)),
        (Architecture((Layer(RNN, 4),), Head(hidden=5)), "head", (5 + 2, 5)),
        (Architecture((Layer(RNN, 4),), Head(pooling=Pooling.MEAN)), "head", (STEPS * 4 + 2, 0)),
        (Architecture((Layer(RNN, 4),), Head(pooling=Pooling.MAX)), "head", ((STEPS - 1) * 4 + 2, 0)),
        # Softmax: maximum, differences, sum, products; exponentials and the reciprocal of the sum.
        (
            Architecture((Layer(RNN, 4),), Head(pooling=Pooling.ATTENTION)),
            "head",
            (5 + 6 + 5 + 6 + 2, 6 + 1),
        ),
        (Architecture((Layer(RNN, 4),), front=Front.of("differences")), "front", (STEPS * 3, 0)),
        # 3 places; bias and ReLU.
        (Architecture((Layer(RNN, 4),), front=Front.of("convolution 3/2")), "front", (3 * 2 * 4, 0)),
        (Architecture((Layer(RNN, 4),), shortcut=Shortcut.of("flat")), "shortcut", (2 + 2, 0)),
        (
            Architecture((Layer(RNN, 4),), shortcut=Shortcut.of("pooled")),
            "shortcut",
            (STEPS * 3 + (STEPS - 1) * 3 + 2 + 2, 0),
        ),
    ],
)
def test_operations_and_functions_of_a_part_are_those_of_its_equations(architecture, part, expected) -> None:
    assert parts(architecture, CLASSES)[part] == expected


@pytest.mark.parametrize(
    ("architecture", "part", "expected"),
    [
        (Architecture((Layer(RNN, 4),), embedding=5, tied=True), "front", (5, 0)),
        (Architecture((Layer(RNN, 4),), embedding=5, tied=True), "head", (9, 0)),
        # The vectors of runs of one and of two tokens are added.
        (Architecture((Layer(RNN, 4),), embedding=5, front=Front.of("ngrams 1-2 x 8")), "front", (16, 0)),
        (Architecture((Layer(RNN, 4),), embedding=5, front=Front.of("subwords 3-4 x 8")), "front", (5, 0)),
        # Two contributions are added up and to the outputs.
        (
            Architecture((Layer(RNN, 4),), embedding=5, shortcut=Shortcut.of("ngrams 1-2 x 8")),
            "shortcut",
            (18, 0),
        ),
    ],
)
def test_a_token_of_a_stream_costs_what_its_equations_say(architecture, part, expected) -> None:
    assert parts(architecture, TEXT)[part] == expected


@pytest.mark.parametrize(
    ("architecture", "part", "expected"),
    [
        (Architecture((Layer(RNN, 4),), forecast=Forecast.CHANGE), "last values", (4, 0)),
        (Architecture((Layer(RNN, 4),), forecast=Forecast.RELATIVE), "last values", (4 + STEPS * 3, 0)),
        # Bias and sum of each output.
        (Architecture((Layer(RNN, 4),), shortcut=Shortcut.of("shared")), "shortcut", (4 + 4, 0)),
        (
            Architecture((Layer(RNN, 4),), forecast=Forecast.RELATIVE, shortcut=Shortcut.of("shared")),
            "shortcut",
            (STEPS * 2 + 4 + 4, 0),
        ),
        (Architecture((Layer(RNN, 4),), shortcut=Shortcut.of("full")), "shortcut", (4 + 4, 0)),
        # Two networks that read a target and a feature each.
        (Architecture((Layer(RNN, 4),), columns=Columns.APART), "layer1", (2 * STEPS * 4, 2 * STEPS * 4)),
        (Architecture((Layer(RNN, 4),), columns=Columns.APART), "head", (2 * 2, 0)),
        (Architecture((Layer(RNN, 4),), Head(segment=1)), "decoder", (2 * 4, 2 * 4)),
        (Architecture((Layer(RNN, 4),), Head(segment=1)), "head", (2 * 2, 0)),
    ],
)
def test_parts_of_a_forecast_cost_what_their_equations_say(architecture, part, expected) -> None:
    assert parts(architecture, FORECAST)[part] == expected


def test_attention_costs_more_for_every_step_that_it_sees() -> None:
    attentive = Architecture((Layer(RNN, 8, context=Context.ATTENTION),))
    # Normalisation, 4 scaled queries, the sum with the output; 4 heads: biases and a softmax over each window.
    seen = [1, 2, 3, 4, 5, 6]
    assert parts(attentive, CLASSES)["layer1.context"] == (
        sum(7 + 8 + 8 + 7 + 1 + 8 + 4 + 8 + 4 * (n + (n - 1) + n + (n - 1) + n) for n in seen),
        sum(3 + 4 * (n + 1) for n in seen),
    )


def test_a_memory_costs_the_same_at_every_step() -> None:
    remembering = Architecture((Layer(RNN, 8, context=Context.MEMORY),))
    norm, addresses, gate, slots = 7 + 8 + 8 + 7 + 1 + 8, 16 + 15 + 16 + 15 + 16, 1 + 1, 16
    write, read = 3 * 16 * 2 * 4, 4 + 15 + 16 + 15 + 16
    assert parts(remembering, CLASSES)["layer1.context"] == (
        STEPS * (norm + addresses + gate + slots + write + read + 8),
        STEPS * (3 + 17 + 1 + 17),
    )


def test_a_stream_is_counted_until_all_layers_are_where_they_were() -> None:
    layers = (Layer(RNN, 4, period=4), Layer(RNN, 4, period=6))
    architecture = Architecture(layers, embedding=5)
    assert steps_of(architecture, TEXT) == 12
    assert steps_of(architecture, CLASSES) == STEPS
    works = work_of(architecture, TEXT)
    assert works["layer1"].macs == 3 * 4 * (5 + 4)
    assert works["layer2"].macs == 2 * 4 * (4 + 4)
    assert works["head"].macs == 12 * 4 * 9


def test_runs_of_a_whole_text_are_added_up_once() -> None:
    signature = Signature(features=0, outputs=2, vocabulary=9, steps=STEPS)
    architecture = Architecture((Layer(RNN, 4),), embedding=5, shortcut=Shortcut.of("ngrams 1-2 x 8"))
    # 6 runs of one token and 5 of two; the sum is scaled and added to the outputs.
    assert parts(architecture, signature)["shortcut"] == (10 * 2 + 2 * 2, 2)
