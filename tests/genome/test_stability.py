from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from evo_nas.genome.architecture import Signature
from evo_nas.genome.cell import CellGraph, Node
from evo_nas.genome.cells import NAMED_CELLS
from evo_nas.genome.ops import Op
from evo_nas.genome.options import SpaceOptions
from evo_nas.genome.space import SearchSpace
from evo_nas.genome.stability import SHORT, is_stable

SEES = Node(Op.LINEAR, (0, 1), bias=True)
SQUARE = CellGraph(1, (SEES, Node(Op.MUL, (1, 1)), Node(Op.ADD, (2, 3))), (4,))
UNBOUNDED_GATE = CellGraph(1, (SEES, Node(Op.BLEND, (2, 1, 2))), (3,))
MUTUAL = CellGraph(2, (Node(Op.LINEAR, (0, 2)), Node(Op.MUL, (1, 3)), Node(Op.ADD, (3, 4))), (5, 1))


@pytest.mark.parametrize("name", NAMED_CELLS)
def test_every_published_cell_is_stable(name) -> None:
    assert is_stable(NAMED_CELLS[name], SHORT)


@pytest.mark.parametrize("cell", [SQUARE, UNBOUNDED_GATE, MUTUAL], ids=["square", "blend", "two states"])
def test_state_that_multiplies_itself_is_unstable(cell) -> None:
    assert not is_stable(cell, SHORT)


LINEAR = CellGraph(1, (SEES,), (2,))
DOUBLING = CellGraph(1, (Node(Op.LINEAR, (0,)), Node(Op.ADD, (1, 1, 2))), (3,))
ADDING = CellGraph(1, (Node(Op.LINEAR, (0,)), Node(Op.ADD, (1, 2))), (3,))


@pytest.mark.parametrize("cell", [LINEAR, DOUBLING], ids=["matrix", "doubled"])
def test_state_that_is_amplified_is_stable_on_short_sequences_alone(cell) -> None:
    assert is_stable(cell, SHORT)
    assert not is_stable(cell, SHORT + 1)
    assert not is_stable(cell, 0)


def test_matrix_whose_result_is_averaged_with_a_bounded_value_is_stable_on_any_sequence() -> None:
    gate = Node(Op.TANH, (2,))
    assert is_stable(CellGraph(1, (SEES, gate, Node(Op.MEAN, (2, 3))), (4,)), 0)


def test_sum_of_all_inputs_is_stable_on_any_sequence() -> None:
    assert is_stable(ADDING, 0)


@pytest.mark.parametrize("name", ["lstm", "gru", "mgu", "ugrnn", "mingru", "rnn_tanh"])
def test_gated_and_bounded_cells_are_stable_on_any_sequence(name) -> None:
    assert is_stable(NAMED_CELLS[name], 0)


def test_bounded_factor_of_a_state_is_stable() -> None:
    sees, gate = Node(Op.LINEAR, (0,)), Node(Op.TANH, (2,))
    assert is_stable(CellGraph(1, (sees, gate, Node(Op.MUL, (1, 3)), Node(Op.ADD, (2, 4))), (5,)), 0)


def test_square_of_a_state_that_nothing_reads_is_stable() -> None:
    assert is_stable(CellGraph(2, (Node(Op.LINEAR, (0, 2)), Node(Op.MUL, (3, 3))), (4, 3)), SHORT)


def test_square_of_a_bounded_state_is_stable() -> None:
    assert is_stable(
        CellGraph(1, (Node(Op.MUL, (1, 1)), Node(Op.LINEAR, (0, 2)), Node(Op.TANH, (3,))), (4,)), 0
    )


@given(cell=st.from_type(CellGraph), seed=st.integers(0, 1000))
def test_no_stable_cell_overflows_within_a_few_steps(numpy_cells, cell, seed) -> None:
    assume(is_stable(cell, SHORT))
    with np.errstate(all="ignore"):
        outputs = numpy_cells.run(
            cell, numpy_cells.weights(cell, seed), 10 * numpy_cells.inputs(seed, steps=12)
        )
    assert np.isfinite(outputs).all()


def test_square_overflows_within_as_many_steps(numpy_cells) -> None:
    with np.errstate(all="ignore"):
        outputs = numpy_cells.run(
            SQUARE, numpy_cells.weights(SQUARE, 0), 10 * numpy_cells.inputs(0, steps=12)
        )
    assert not np.isfinite(outputs).all()


def test_random_networks_have_stable_cells() -> None:
    for steps in (8, 128):
        space = SearchSpace(SpaceOptions(cells=()), Signature(features=3, outputs=2, steps=steps), epochs=5)
        for seed in range(50):
            [cell] = {layer.cell for layer in space.decode(space.random(random.Random(seed))).layers}
            assert is_stable(cell, steps)


def test_random_cell_is_unstable_where_the_space_has_no_other() -> None:
    options = SpaceOptions(cells=(), ops=("linear",), cell_states=1)
    space = SearchSpace(options, Signature(features=3, outputs=2), epochs=5)
    [cell] = {layer.cell for layer in space.decode(space.random(random.Random(0))).layers}
    assert not is_stable(cell, 0)
