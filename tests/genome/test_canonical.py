from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from evo_nas.genome.canonical import canonical
from evo_nas.genome.cell import CellGraph, Node
from evo_nas.genome.cells import NAMED_CELLS
from evo_nas.genome.ops import COMMUTATIVE, MAX_NODES, Op
from tests.genome.origins import origins_of_weights

CELLS = st.from_type(CellGraph)
LARGEST_COMPARED = 1e4


def carried(numpy_cells, cell, weights):
    """Weights of the canonical form that come from those of ``cell``."""
    carried = {}
    for index, origin in origins_of_weights(cell).items():
        source = carried[index] = weights[origin.node]
        if cell.nodes[origin.node].op is Op.LINEAR:
            summed = [sum(source.matrices[place] for place in block) for block in origin.blocks]
            carried[index] = numpy_cells.Linear(summed, source.bias)
    return carried


def spread(numpy_cells, cell, weights):
    """Weights of ``cell`` that make it compute what its canonical form does with ``weights``."""
    zero = np.zeros((numpy_cells.width, numpy_cells.width))
    spread = numpy_cells.weights(cell, seed=0)
    for index, origin in origins_of_weights(cell).items():
        if cell.nodes[origin.node].op is not Op.LINEAR:
            spread[origin.node] = weights[index]
            continue
        matrices = [zero] * len(cell.nodes[origin.node].inputs)
        for block, matrix in zip(origin.blocks, weights[index].matrices, strict=True):
            matrices[block[0]] = matrix
        spread[origin.node] = numpy_cells.Linear(matrices, weights[index].bias)
    return spread


def assert_same_outputs(numpy_cells, one, other, inputs):
    with np.errstate(all="ignore"):
        expected, actual = numpy_cells.run(*one, inputs), numpy_cells.run(*other, inputs)
    assume(np.all(np.abs(expected) < LARGEST_COMPARED))
    np.testing.assert_allclose(actual, expected, rtol=1e-6, atol=1e-9)


def rewritten(cell, rng):
    """The same equations in another order of states and nodes, with identities and dead nodes."""
    states = [1, *rng.sample(range(2, cell.first_node), cell.states - 1)]
    place = {0: 0, **{state: 1 + index for index, state in enumerate(states)}}
    nodes = []

    def write(node):
        nodes.append(node)
        return cell.states + len(nodes)

    pending = list(range(len(cell.nodes)))
    while pending:
        ready = [index for index in pending if all(source in place for source in cell.nodes[index].inputs)]
        index = rng.choice(ready)
        pending.remove(index)
        node = cell.nodes[index]
        inputs = [place[source] for source in node.inputs]
        if node.op in COMMUTATIVE:
            rng.shuffle(inputs)
        reference = write(Node(node.op, tuple(inputs), node.bias))
        if rng.random() < 0.3:
            write(Node(Op.LINEAR, (reference,)))
        if rng.random() < 0.3:
            reference = write(Node(Op.IDENTITY, (reference,)))
        place[cell.first_node + index] = reference
    return CellGraph(cell.states, tuple(nodes), tuple(place[cell.outputs[state - 1]] for state in states))


@given(cell=CELLS)
def test_canonical_form_is_its_own_canonical_form(cell):
    form = canonical(cell)
    assert canonical(form) == form


@given(cell=CELLS, seed=st.integers(0, 1000))
@settings(max_examples=500)
def test_rewritten_cell_has_the_same_canonical_form(cell, seed):
    assert canonical(rewritten(cell, random.Random(seed))) == canonical(cell)


@given(cell=CELLS, seed=st.integers(0, 1000))
@settings(max_examples=300)
def test_canonical_form_computes_what_the_cell_does_with_the_carried_weights(numpy_cells, cell, seed):
    weights = numpy_cells.weights(cell, seed)
    form = canonical(cell), carried(numpy_cells, cell, weights)
    assert_same_outputs(numpy_cells, (cell, weights), form, numpy_cells.inputs(seed))


@given(cell=CELLS, seed=st.integers(0, 1000))
def test_equal_canonical_forms_mean_equal_outputs_with_equal_weights(numpy_cells, cell, seed):
    other = rewritten(cell, random.Random(seed))
    assert canonical(other) == canonical(cell)
    weights = numpy_cells.weights(canonical(cell), seed)
    one = cell, spread(numpy_cells, cell, weights)
    another = other, spread(numpy_cells, other, weights)
    assert_same_outputs(numpy_cells, one, another, numpy_cells.inputs(seed))


CROSSED_PAIRS = CellGraph(
    1,
    (
        Node(Op.LINEAR, (0, 1)),
        *(Node(op, (2,)) for op in (Op.TANH, Op.SIGMOID, Op.RELU, Op.LEAKY_RELU)),
        *(Node(Op.ADD, pair) for pair in ((3, 6), (4, 5), (3, 5), (4, 6))),
        Node(Op.MEAN, (7, 8, 9, 10)),
    ),
    (11,),
)


@pytest.mark.parametrize("cell", [*NAMED_CELLS.values(), CROSSED_PAIRS], ids=[*NAMED_CELLS, "crossed"])
def test_cell_of_many_like_nodes_has_the_same_canonical_form_rewritten(cell):
    for seed in range(20):
        assert canonical(rewritten(cell, random.Random(seed))) == canonical(cell)


def test_canonical_forms_of_published_cells_differ():
    assert len({canonical(cell) for cell in NAMED_CELLS.values()}) == len(NAMED_CELLS)


def cell_of(*nodes, states=1, outputs=None):
    return CellGraph(states, nodes, outputs or (states + len(nodes),))


SEEN = Node(Op.LINEAR, (0, 1), bias=True)
LINEAR_ALONE = cell_of(SEEN)


@pytest.mark.parametrize(
    ("written", "simple"),
    [
        (cell_of(SEEN, Node(Op.IDENTITY, (2,))), LINEAR_ALONE),
        (cell_of(SEEN, Node(Op.MEAN, (2,))), LINEAR_ALONE),
        (cell_of(SEEN, Node(Op.MEAN, (2, 2))), LINEAR_ALONE),
        (cell_of(SEEN, Node(Op.BLEND, (1, 2, 2))), LINEAR_ALONE),
        (
            cell_of(SEEN, Node(Op.SIGMOID, (2,)), Node(Op.LEAKY_RELU, (3,))),
            cell_of(SEEN, Node(Op.SIGMOID, (2,))),
        ),
        (cell_of(SEEN, Node(Op.RELU, (2,)), Node(Op.RELU, (3,))), cell_of(SEEN, Node(Op.RELU, (2,)))),
        (cell_of(SEEN, Node(Op.RELU, (2,)), Node(Op.LEAKY_RELU, (3,))), cell_of(SEEN, Node(Op.RELU, (2,)))),
        (cell_of(SEEN, Node(Op.LEAKY_RELU, (2,)), Node(Op.RELU, (3,))), cell_of(SEEN, Node(Op.RELU, (2,)))),
        (
            cell_of(SEEN, Node(Op.TANH, (2,)), Node(Op.TANH, (2,)), Node(Op.MUL, (3, 4))),
            cell_of(SEEN, Node(Op.TANH, (2,)), Node(Op.MUL, (3, 3))),
        ),
        (cell_of(SEEN, Node(Op.ONE_MINUS, (2,)), Node(Op.ONE_MINUS, (3,))), LINEAR_ALONE),
        (cell_of(SEEN, Node(Op.MAX, (2, 2))), LINEAR_ALONE),
        (
            CellGraph(
                2, (Node(Op.DELAY_2, (1,)), Node(Op.DELAY_2, (2,)), Node(Op.LINEAR, (0, 3, 4))), (5, 5)
            ),
            cell_of(Node(Op.DELAY_2, (1,)), Node(Op.LINEAR, (0, 2))),
        ),
        (
            cell_of(SEEN, Node(Op.ONE_MINUS, (2,)), Node(Op.BLEND, (3, 1, 2))),
            cell_of(SEEN, Node(Op.BLEND, (2, 2, 1))),
        ),
        (
            cell_of(SEEN, Node(Op.SOFTPLUS, (2,)), Node(Op.SUBTRACT, (2, 3)), Node(Op.EXP, (4,))),
            cell_of(SEEN, Node(Op.SIGMOID, (2,))),
        ),
        (
            cell_of(SEEN, Node(Op.SUBTRACT, (2, 2)), Node(Op.EXP, (2,)), Node(Op.ADD, (3, 4))),
            cell_of(SEEN, Node(Op.SUBTRACT, (1, 1)), Node(Op.EXP, (2,)), Node(Op.ADD, (3, 4))),
        ),
        (cell_of(SEEN, Node(Op.EXP, (2,)), Node(Op.RELU, (3,))), cell_of(SEEN, Node(Op.EXP, (2,)))),
        (CellGraph(2, (Node(Op.LINEAR, (0, 2), bias=True),), (3, 3)), LINEAR_ALONE),
        (CellGraph(3, (Node(Op.LINEAR, (0, 1), bias=True), Node(Op.TANH, (2,))), (4, 5, 2)), LINEAR_ALONE),
    ],
)
def test_cheap_algebra_is_done(written, simple):
    assert canonical(written) == canonical(simple)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (
            cell_of(SEEN, Node(Op.LEAKY_RELU, (2,)), Node(Op.LEAKY_RELU, (3,))),
            cell_of(SEEN, Node(Op.LEAKY_RELU, (2,))),
        ),
        (
            cell_of(SEEN, SEEN, Node(Op.ADD, (2, 3))),
            cell_of(SEEN, Node(Op.ADD, (2, 2))),
        ),
        (
            cell_of(SEEN, Node(Op.SIGMOID, (2,)), Node(Op.BLEND, (3, 1, 2))),
            cell_of(SEEN, Node(Op.SIGMOID, (2,)), Node(Op.BLEND, (3, 2, 1))),
        ),
        (LINEAR_ALONE, cell_of(Node(Op.LINEAR, (0, 1)))),
        (
            cell_of(SEEN, Node(Op.SCALE, (2,)), Node(Op.SCALE, (2,)), Node(Op.ADD, (3, 4))),
            cell_of(SEEN, Node(Op.SCALE, (2,)), Node(Op.ADD, (3, 3))),
        ),
        (
            cell_of(SEEN, Node(Op.SCALE, (2,)), Node(Op.DIVIDE, (2, 3))),
            cell_of(SEEN, Node(Op.SCALE, (2,)), Node(Op.DIVIDE, (3, 2))),
        ),
        (
            cell_of(SEEN, Node(Op.RELU, (2,)), Node(Op.SIGMOID, (2,)), Node(Op.BLEND, (3, 4, 3))),
            cell_of(
                *(SEEN, Node(Op.RELU, (2,)), Node(Op.SIGMOID, (2,)), Node(Op.BLEND, (3, 4, 3))),
                Node(Op.RELU, (5,)),
            ),
        ),
    ],
)
def test_different_functions_keep_different_forms(one, other):
    assert canonical(one) != canonical(other)


def test_symmetric_cell_of_the_largest_size_has_a_canonical_form():
    twins = (SEEN,) * (MAX_NODES - 1)
    wide = CellGraph(1, (*twins, Node(Op.MEAN, tuple(range(2, 2 + len(twins))))), (1 + MAX_NODES,))
    assert canonical(wide).nodes[-1].op is Op.MEAN
    assert len(canonical(wide).nodes) == MAX_NODES
