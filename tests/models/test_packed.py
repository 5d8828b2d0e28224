"""Different cells in one launch give what each gives alone; the kernel's own source runs on a CPU here."""

from __future__ import annotations

import random

import pytest
import torch

from evo_nas.errors import GenomeError
from evo_nas.genome.canonical import canonical
from evo_nas.genome.cell import CellGraph, H, Node, X
from evo_nas.genome.cells import NAMED_CELLS
from evo_nas.genome.cgp import OP_CHOICES, CellCode
from evo_nas.genome.linearity import draw_linear
from evo_nas.genome.liveness import is_live
from evo_nas.genome.ops import Op
from evo_nas.genome.options import LINEAR_CELLS
from evo_nas.models.eager import EagerRecurrence
from evo_nas.models.packed import PackedCells
from evo_nas.models.packed_program import packed_program
from tests.models.emulated_gpu import COMPILER, launch_on_cpu

INPUTS, WIDTH, BATCH, STEPS = 3, 5, 2, 21  # more steps than the longest delay
needs_compiler = pytest.mark.skipif(COMPILER is None, reason="needs a C++ compiler")


def random_linear_cells(count: int) -> list[CellGraph]:
    code, rng = CellCode(nodes=12, states=3, ops=tuple(OP_CHOICES)), random.Random(1)
    cells: list[CellGraph] = []
    while len(cells) < count:
        drawn = code.decode(draw_linear(code, rng))
        # First what is cheap: few are live, and what is dead stays dead.
        if is_live(drawn) and is_live(cell := canonical(drawn)):
            cells.append(cell)
    return cells


def assert_packed_is_eager(cells: list[CellGraph], *, scale: float = 1.0) -> None:
    """Compares outputs and all gradients of the cells in one launch with those of the plain loop, one by one."""
    recurrences = [EagerRecurrence(cell, INPUTS, WIDTH) for cell in cells]
    inputs = (scale * torch.randn(len(cells), BATCH, STEPS, INPUTS)).requires_grad_()
    outputs = PackedCells(recurrences, launch=launch_on_cpu)(inputs)
    weights = torch.randn_like(outputs)
    expected = torch.stack([recurrence(x) for recurrence, x in zip(recurrences, inputs, strict=True)])
    torch.testing.assert_close(outputs, expected, rtol=1e-4, atol=1e-5)
    parameters = [inputs, *(parameter for each in recurrences for parameter in each.parameters())]
    found, right = (
        torch.autograd.grad((o * weights).sum(), parameters, allow_unused=True) for o in (outputs, expected)
    )
    for mine, theirs in zip(found, right, strict=True):
        # Torch may give zeros for weights of values that come to nothing.
        if theirs is None:
            assert mine is None or not mine.any()
        else:
            torch.testing.assert_close(
                mine, theirs, rtol=1e-3, atol=1e-4 * max(1.0, float(theirs.abs().max()))
            )


@needs_compiler
def test_published_linear_recurrences_of_one_launch_are_what_each_is_alone() -> None:
    assert_packed_is_eager([NAMED_CELLS[name] for name in LINEAR_CELLS])


@needs_compiler
def test_random_linear_cells_of_one_launch_are_what_each_is_alone() -> None:
    assert_packed_is_eager(random_linear_cells(8))


OF_X = Node(Op.LINEAR, (X,), bias=True)
UNARY = [op for op in Op if op.row.arity == (1, 1) and not op.row.delay and op is not Op.LINEAR]
BINARY = [Op.ADD, Op.MUL, Op.MEAN, Op.SUBTRACT, Op.MAX, Op.DIVIDE]


@needs_compiler
@pytest.mark.parametrize("op", UNARY)
def test_every_op_of_one_value_is_in_the_kernel(op) -> None:
    # h' = op(h + W x): not linear, yet elementwise, so it can be packed.
    assert_packed_is_eager([CellGraph(1, (OF_X, Node(Op.ADD, (H, 2)), Node(op, (3,))), (4,))], scale=2.0)


@needs_compiler
@pytest.mark.parametrize("op", BINARY)
def test_every_op_of_two_values_is_in_the_kernel(op) -> None:
    squashed = Node(Op.TANH, (3,))
    assert_packed_is_eager([CellGraph(1, (OF_X, Node(op, (H, 2)), squashed), (4,))], scale=2.0)


@needs_compiler
def test_blend_with_a_gate_of_the_state_is_in_the_kernel() -> None:
    gate = Node(Op.SIGMOID, (H,))
    assert_packed_is_eager([CellGraph(1, (OF_X, gate, Node(Op.BLEND, (3, 2, H))), (4,))])


@needs_compiler
@pytest.mark.parametrize("op", [Op.CONSTANT, Op.BOUNDED_CONSTANT])
def test_constant_is_in_the_kernel(op) -> None:
    assert_packed_is_eager([CellGraph(1, (OF_X, Node(op, ()), Node(Op.BLEND, (3, 2, H))), (4,))])


@needs_compiler
def test_state_of_many_steps_ago_is_read() -> None:
    nodes = (OF_X, Node(Op.DELAY_16, (H,)), Node(Op.DELAY_2, (H,)), Node(Op.MEAN, (2, 3, 4, H)))
    assert_packed_is_eager([CellGraph(1, nodes, (5,))])


@needs_compiler
def test_value_that_is_not_a_number_stays_so() -> None:
    cells = [
        CellGraph(1, (OF_X, Node(op, (2,)), Node(Op.MEAN, (3, H))), (4,)) for op in (Op.RELU, Op.SQRT, Op.EXP)
    ] + [CellGraph(1, (OF_X, Node(Op.MAX, (2, H))), (3,)), CellGraph(1, (OF_X, Node(Op.MAX, (H, 2))), (3,))]
    recurrences = [EagerRecurrence(cell, INPUTS, WIDTH) for cell in cells]
    inputs = torch.full((len(cells), BATCH, STEPS, INPUTS), torch.nan)
    assert PackedCells(recurrences, launch=launch_on_cpu)(inputs).isnan().all()


@pytest.mark.parametrize("name", ["lstm", "gru", "rnn_tanh"])
def test_cell_with_a_matrix_in_its_loop_is_refused(name) -> None:
    with pytest.raises(GenomeError, match="needs a matrix product of a state at every step"):
        packed_program(NAMED_CELLS[name])


def test_cell_that_is_too_long_for_a_thread_is_refused() -> None:
    nodes = [OF_X, Node(Op.ADD, (2, H)), *(Node(Op.TANH, (3 + n,)) for n in range(126))]
    with pytest.raises(GenomeError, match="at most 128"):
        packed_program(CellGraph(1, tuple(nodes), (2 + len(nodes) - 1,)))


def test_double_precision_is_refused() -> None:
    cells = PackedCells(
        [EagerRecurrence(NAMED_CELLS["mingru"], INPUTS, WIDTH).double()], launch=launch_on_cpu
    )
    with pytest.raises(ValueError, match="takes torch.float32 alone"):
        cells(torch.zeros(1, BATCH, STEPS, INPUTS, dtype=torch.float64))


def test_cells_of_different_widths_are_refused() -> None:
    cell = NAMED_CELLS["mingru"]
    with pytest.raises(ValueError, match="pack those alike"):
        PackedCells([EagerRecurrence(cell, 3, 4), EagerRecurrence(cell, 3, 5)])
