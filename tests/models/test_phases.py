"""Which instructions run outside of the loop over the steps."""

from __future__ import annotations

import random

import pytest

from evo_nas.genome.canonical import canonical
from evo_nas.genome.cell import CellGraph, H, Node, X
from evo_nas.genome.cells import NAMED_CELLS
from evo_nas.genome.cgp import OP_CHOICES, CellCode
from evo_nas.genome.linearity import draw_linear, is_linear
from evo_nas.genome.liveness import is_live
from evo_nas.genome.ops import Op
from evo_nas.genome.options import LINEAR_CELLS
from evo_nas.models.instruction import Instruction, Kind
from evo_nas.models.program import assemble

C = 2
OF_X = Node(Op.LINEAR, (X,), bias=True)


def phases(cell: CellGraph) -> tuple[list[Instruction], list[Instruction], list[Instruction]]:
    """The instructions before, in and after the loop."""
    program = assemble(cell)
    instructions = list(program.instructions)
    first, last = program.prologue, program.prologue + program.loop
    return instructions[:first], instructions[first:last], instructions[last:]


def ops(instructions: list[Instruction]) -> list[Op]:
    return [i.op for i in instructions]


def random_linear_cells(count: int) -> list[CellGraph]:
    code, rng = CellCode(nodes=8, states=3, ops=tuple(OP_CHOICES)), random.Random(0)
    cells: list[CellGraph] = []
    while len(cells) < count:
        drawn = code.decode(draw_linear(code, rng))
        # First what is cheap: 1 in 1,000 is live here, and what is dead stays dead.
        if is_live(drawn) and is_live(cell := canonical(drawn)):
            cells.append(cell)
    return cells


@pytest.mark.parametrize("name", LINEAR_CELLS)
def test_loop_of_a_published_linear_recurrence_is_elementwise(name) -> None:
    assert Op.LINEAR not in ops(phases(NAMED_CELLS[name])[1])


def test_loop_of_every_linear_recurrence_is_elementwise() -> None:
    for cell in random_linear_cells(20):
        assert is_linear(cell)
        assert Op.LINEAR not in ops(phases(cell)[1])


@pytest.mark.parametrize("name", ["lstm", "mgu", "rnn_tanh", "ugrnn"])
def test_cell_that_feeds_everything_back_is_all_loop(name) -> None:
    before, _, after = phases(NAMED_CELLS[name])
    assert not before
    assert not after


def test_what_depends_on_the_input_alone_runs_before_the_loop() -> None:
    gate = (OF_X, Node(Op.TANH, (2,)), Node(Op.LINEAR, (3,)), Node(Op.SIGMOID, (4,)))
    before, loop, after = phases(CellGraph(1, (*gate, OF_X, Node(Op.BLEND, (5, H, 6))), (7,)))
    assert ops(before) == [Op.TANH, Op.LINEAR, Op.SIGMOID]
    assert ops(loop) == [Op.BLEND]
    assert not after


def test_output_that_nothing_reads_runs_after_the_loop() -> None:
    memory = (OF_X, Node(Op.SIGMOID, (3,)), OF_X, Node(Op.BLEND, (4, 5, C)))
    readout = (Node(Op.LINEAR, (X, 6), bias=True), Node(Op.TANH, (7,)))
    before, loop, after = phases(CellGraph(2, (*memory, *readout), (8, 6)))
    assert ops(before) == [Op.SIGMOID]
    assert ops(loop) == [Op.BLEND]
    assert ops(after) == [Op.LINEAR, Op.TANH]


def test_reader_of_a_window_of_inputs_comes_after_what_fills_it() -> None:
    window = (Node(Op.LINEAR, (X,)), Node(Op.TANH, (3,)))
    gate = (Node(Op.LINEAR, (X, C), bias=True), Node(Op.SIGMOID, (5,)))
    cell = CellGraph(2, (*window, *gate, OF_X, Node(Op.BLEND, (6, H, 7))), (8, 4))
    before, loop, _ = phases(cell)
    assert ops(loop) == [Op.BLEND]
    [written] = [n for n, i in enumerate(before) if i.target.kind is Kind.AFTER]
    [read] = [n for n, i in enumerate(before) if i.operands[0].kind is Kind.BEFORE]
    assert written < read


def test_sum_that_a_later_part_of_the_loop_completes_is_not_read_before_it() -> None:
    cell = CellGraph(1, (OF_X, Node(Op.ADD, (2, H)), Node(Op.TANH, (3,))), (4,))
    before, loop, _ = phases(cell)
    assert ops(before) == [Op.ADD]
    assert ops(loop) == [Op.ADD, Op.TANH]
