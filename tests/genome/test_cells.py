from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from evo_nas.genome.cell import CellGraph, Node
from evo_nas.genome.cells import NAMED_CELLS, cell_name, darts_cell
from evo_nas.genome.cgp import OP_CHOICES
from evo_nas.genome.ops import Op


def sigmoid(values):
    return 1 / (1 + np.exp(-values))


def relu(values):
    return np.maximum(values, 0)


class Affine:
    """The linear nodes of a cell in the order they are written down, as functions."""

    def __init__(self, weights):
        self._rest = iter([weights[index] for index in sorted(weights)])

    def __next__(self):
        linear = next(self._rest)
        return lambda *values: sum(m @ v for m, v in zip(linear.matrices, values, strict=True)) + linear.bias


def rnn_tanh(x, h, linear):
    return (np.tanh(next(linear)(x, h)),)


def rnn_sigmoid(x, h, linear):
    return (sigmoid(next(linear)(x, h)),)


def gru(x, h, linear):
    reset, update = sigmoid(next(linear)(x, h)), sigmoid(next(linear)(x, h))
    recalled, seen = next(linear)(h), next(linear)(x)
    proposal = np.tanh(seen + reset * recalled)
    return ((1 - update) * proposal + update * h,)


def lstm(x, h, c, linear):
    write, proposal = sigmoid(next(linear)(x, h)), np.tanh(next(linear)(x, h))
    keep, show = sigmoid(next(linear)(x, h)), sigmoid(next(linear)(x, h))
    memory = keep * c + write * proposal
    return show * np.tanh(memory), memory


def mgu(x, h, linear):
    forget = sigmoid(next(linear)(x, h))
    return ((1 - forget) * h + forget * np.tanh(next(linear)(x, forget * h)),)


def ugrnn(x, h, linear):
    gate = sigmoid(next(linear)(x, h))
    return (gate * h + (1 - gate) * np.tanh(next(linear)(x, h)),)


def mingru(x, h, linear):
    gate = sigmoid(next(linear)(x))
    return ((1 - gate) * h + gate * next(linear)(x),)


ACTIVATIONS = (np.tanh, relu, sigmoid, lambda values: values)


def darts(genotype, concat):
    """A genotype in the published string form: predecessor and activation by number, step after step."""
    numbers = [int(number) for number in genotype.split()]

    def step(x, h, linear):
        gate, proposal = next(linear)(x, h), next(linear)(x, h)
        states = [h + sigmoid(gate) * (np.tanh(proposal) - h)]
        for predecessor, activation in zip(numbers[::2], numbers[1::2], strict=True):
            source = states[predecessor]
            gate, proposal = next(linear)(source), next(linear)(source)
            states.append(source + sigmoid(gate) * (ACTIVATIONS[activation](proposal) - source))
        return (np.mean([states[index] for index in concat], axis=0),)

    return step


# The others are in tests/models/test_published_cells.py, with their gradients.
PUBLISHED = {
    "rnn_tanh": rnn_tanh,
    "rnn_sigmoid": rnn_sigmoid,
    "gru": gru,
    "lstm": lstm,
    "mgu": mgu,
    "ugrnn": ugrnn,
    "mingru": mingru,
    "enas": darts("0 0 1 0 1 1 3 0 3 0 3 1 4 1 7 1 8 1 8 1 8 1", (2, 5, 6, 9, 10, 11)),
    "darts_v2": darts("0 2 1 1 1 1 1 3 2 0 5 2 3 0 5 1", range(1, 9)),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_named_cell_computes_its_published_equations(numpy_cells, name):
    cell = NAMED_CELLS[name]
    weights, inputs = numpy_cells.weights(cell, seed=1), numpy_cells.inputs(seed=2, steps=5)
    states, expected = (np.zeros(numpy_cells.width),) * cell.states, []
    for x in inputs:
        states = PUBLISHED[name](x, *states, Affine(weights))
        expected.append(states[0])
    np.testing.assert_allclose(numpy_cells.run(cell, weights, inputs), expected, rtol=1e-9)


def test_lstm_has_thirteen_nodes():
    assert len(NAMED_CELLS["lstm"].nodes) == 13


@pytest.mark.parametrize("name", NAMED_CELLS)
def test_cell_knows_its_name_under_dead_nodes(name):
    cell = NAMED_CELLS[name]
    unused = Node(Op.LINEAR, (0,), bias=True)
    assert cell_name(CellGraph(cell.states, (*cell.nodes, unused), cell.outputs)) == name


def test_cell_that_nobody_published_has_no_name():
    assert cell_name(darts_cell([(Op.TANH, 0)], concat=(1,))) is None


def test_page_of_cells_lists_every_published_one_and_every_op():
    page = (Path(__file__).parents[2] / "docs" / "cells.md").read_text(encoding="utf-8")
    table = page[page.index("## Named cells") : page.index("## How to write a cell")]
    numbered = {"lstm_slim2": "lstm_slim1`, `2", "lstm_slim3": "lstm_slim1`, `2`, `3"}
    assert [name for name in NAMED_CELLS if f"`{numbered.get(name, name)}`" not in table] == []
    delays = {"delay_2", "delay_16"}
    ops = [name for name, choice in OP_CHOICES.items() if not choice.op.row.delay or name in delays]
    assert [name for name in ops if f"`{name}`" not in page] == []
