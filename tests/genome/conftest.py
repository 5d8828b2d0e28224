"""Random cells for hypothesis, and an interpreter of cells in numpy that shares nothing with the product."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import strategies as st

from evo_nas.genome.cell import MAX_STATES, CellGraph, Node, X
from evo_nas.genome.op_row import UnitWeight
from evo_nas.genome.ops import DELAYS, GUARD, LARGEST_EXPONENT, MAX_DELAY, Op

WIDTH = 3
OPS = [op for op in Op if op.row.delay <= 3]
"""What random cells are made of; most of the long delays would see no state of a short sequence."""


def draw_node(draw, earlier, states):
    """A node that reads some of the references 0 to ``earlier - 1``."""
    op = draw(st.sampled_from(OPS))
    fewest, most = op.row.arity
    lowest, highest = X if op is Op.LINEAR else 1, states if op.row.delay else earlier - 1
    inputs = draw(
        st.lists(
            st.integers(lowest, highest),
            min_size=fewest,
            max_size=min(most, 3),
            unique=op is Op.LINEAR,
        )
    )
    return Node(op, tuple(inputs), op is Op.LINEAR and draw(st.booleans()))


@st.composite
def cell_graphs(draw):
    """Any cell; in half of them every node reaches ``h``."""
    states = draw(st.integers(1, MAX_STATES))
    nodes = []
    for _ in range(draw(st.integers(0, 14))):
        nodes.append(draw_node(draw, 1 + states + len(nodes), states))
    outputs = [draw(st.integers(1, states + len(nodes))) for _ in range(states)]
    if nodes and draw(st.booleans()):
        read = {source for node in nodes for source in node.inputs}
        unread = set(range(1 + states, 1 + states + len(nodes))) - read
        nodes.append(Node(Op.MEAN, tuple(unread)))
        outputs[0] = states + len(nodes)
    return CellGraph(states, tuple(nodes), tuple(outputs))


st.register_type_strategy(CellGraph, cell_graphs())


@dataclass(frozen=True)
class Linear:
    """Weights of one linear node: a ``(WIDTH, WIDTH)`` matrix an input, and a bias."""

    matrices: list[np.ndarray]
    bias: np.ndarray


def _sigmoid(values):
    return 1 / (1 + np.exp(-np.clip(values, -500, 500)))


COMPUTE = {
    Op.BLEND: lambda z, a, b: z * a + (1 - z) * b,
    Op.ADD: lambda *values: np.sum(values, axis=0),
    Op.MUL: lambda *values: np.prod(values, axis=0),
    Op.MEAN: lambda *values: np.mean(values, axis=0),
    Op.TANH: np.tanh,
    Op.SIGMOID: _sigmoid,
    Op.RELU: lambda values: np.maximum(values, 0),
    Op.LEAKY_RELU: lambda values: np.where(values > 0, values, 0.01 * values),
    Op.IDENTITY: lambda values: values,
    Op.SCALE: lambda values, weight: weight * values,
    Op.BOUNDED_SCALE: lambda values, weight: weight * values,
    Op.CONSTANT: lambda weight: weight,
    Op.BOUNDED_CONSTANT: lambda weight: weight,
    Op.EXP: lambda values: np.exp(np.minimum(values, LARGEST_EXPONENT)),
    Op.SOFTPLUS: lambda values: np.logaddexp(0, values),
    Op.SUBTRACT: np.subtract,
    Op.ONE_MINUS: lambda values: 1 - values,
    Op.SILU: lambda values: values * _sigmoid(values),
    Op.MAX: np.maximum,
    Op.DIVIDE: lambda a, b: a / np.where(np.abs(b) < GUARD, np.where(b < 0, -GUARD, GUARD), b),
    Op.SQRT: lambda values: np.sqrt(np.maximum(values, GUARD)),
    **dict.fromkeys(DELAYS.values(), lambda values: values),
}
"""Each op in numpy; an op with a weight a unit takes it, or its sigmoid, last, and a delay the older state."""


def unit_weight(op, weight):
    """What an op computes with, given its weight."""
    return _sigmoid(weight) if op.row.unit_weight is UnitWeight.BOUNDED else weight


class NumpyCells:
    """Runs any cell in float64; ``x`` is as wide as the states."""

    width = WIDTH
    Linear = Linear

    @staticmethod
    def weights(cell, seed):
        """Random weights of each node that has some, by index: matrices, or a vector of one a unit."""
        rng = np.random.default_rng(seed)
        weights = {}
        for index, node in enumerate(cell.nodes):
            if node.op is Op.LINEAR:
                matrices = [rng.normal(0, 0.5, (WIDTH, WIDTH)) for _ in node.inputs]
                weights[index] = Linear(matrices, rng.normal(0, 0.5, WIDTH) * node.bias)
            elif node.op.row.unit_weight is not None:
                weights[index] = rng.normal(0, 0.5, WIDTH)
        return weights

    @staticmethod
    def inputs(seed, steps=4):
        return np.random.default_rng(seed).normal(size=(steps, WIDTH))

    @staticmethod
    def run(cell, weights, inputs):
        """The outputs ``h`` of every step, ``(time, WIDTH)``, from states of zero."""
        seen = [[np.zeros(WIDTH)] * cell.states] * MAX_DELAY  # the states of all steps, the oldest first
        outputs = []
        for x in inputs:
            values = [x, *seen[-1]]
            for index, node in enumerate(cell.nodes):
                read = [values[reference] for reference in node.inputs]
                if node.op.row.delay:
                    read = [seen[-node.op.row.delay][node.inputs[0] - 1]]
                if node.op is Op.LINEAR:
                    linear = weights[index]
                    products = [matrix @ value for matrix, value in zip(linear.matrices, read, strict=True)]
                    values.append(sum(products) + linear.bias)
                else:
                    if index in weights:
                        read.append(unit_weight(node.op, weights[index]))
                    values.append(COMPUTE[node.op](*read))
            seen.append([values[output] for output in cell.outputs])
            outputs.append(seen[-1][0])
        return np.array(outputs)


@pytest.fixture(scope="session")
def numpy_cells():
    return NumpyCells()
