from __future__ import annotations

import random

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st

from evo_nas.genome.canonical import canonical
from evo_nas.genome.cell import CellGraph, Node
from evo_nas.genome.cells import NAMED_CELLS
from evo_nas.genome.cgp import DEFAULT_OPS, CellCode
from evo_nas.genome.liveness import is_live
from evo_nas.genome.ops import Op


def test_all_published_cells_are_live():
    assert all(is_live(cell) for cell in NAMED_CELLS.values())


def test_cell_without_input_is_dead():
    assert not is_live(CellGraph(1, (Node(Op.LINEAR, (1,), bias=True),), (2,)))


def test_cell_without_memory_is_dead():
    assert not is_live(CellGraph(1, (Node(Op.LINEAR, (0,), bias=True), Node(Op.TANH, (2,))), (3,)))


def test_cell_whose_only_memory_never_sees_the_input_is_dead():
    counts_steps = Node(Op.LINEAR, (2,), bias=True)
    assert not is_live(CellGraph(2, (counts_steps, Node(Op.LINEAR, (0, 2))), (4, 3)))


def test_cell_that_sees_the_input_through_another_state_is_live():
    assert is_live(CellGraph(2, (Node(Op.LINEAR, (0,)), Node(Op.TANH, (2,))), (4, 3)))


def test_cell_that_multiplies_its_own_memory_is_dead():
    gate = Node(Op.LINEAR, (0,), bias=True)
    assert not is_live(CellGraph(1, (gate, Node(Op.MUL, (1, 2))), (3,)))


def test_cell_that_subtracts_its_memory_from_itself_is_dead():
    seen = Node(Op.LINEAR, (0,), bias=True)
    assert not is_live(CellGraph(1, (seen, Node(Op.SUBTRACT, (1, 1)), Node(Op.ADD, (2, 3))), (4,)))
    assert is_live(CellGraph(1, (seen, Node(Op.SUBTRACT, (2, 1)), Node(Op.ADD, (2, 3))), (4,)))


def test_cell_whose_blend_gate_is_always_shut_is_dead():
    seen = Node(Op.LINEAR, (0, 1), bias=True)
    never = Node(Op.MUL, (1, 2))
    assert not is_live(CellGraph(2, (seen, never, Node(Op.BLEND, (2, 3, 1))), (5, 2)))


@given(cell=st.from_type(CellGraph), seed=st.integers(0, 1000), step=st.integers(0, 2))
def test_early_input_never_changes_later_outputs_of_a_dead_cell(numpy_cells, cell, seed, step):
    assume(not is_live(cell))
    weights, inputs = numpy_cells.weights(cell, seed), numpy_cells.inputs(seed)
    changed = inputs.copy()
    changed[step] += 1
    with np.errstate(over="ignore", invalid="ignore"):
        later = [numpy_cells.run(cell, weights, sequence)[step + 1 :] for sequence in (inputs, changed)]
    np.testing.assert_array_equal(*later)


def test_most_uniformly_random_cells_are_dead():
    code = CellCode(nodes=15, states=2, ops=DEFAULT_OPS)
    rng = random.Random(0)
    genes = code.genes()
    spellings = [[rng.randrange(gene.size) for gene in genes] for _ in range(1000)]
    dead = sum(not is_live(canonical(code.decode(spelling))) for spelling in spellings)
    assert 300 < dead < 900
