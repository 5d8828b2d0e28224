"""Splits a cell whose loop over the steps is elementwise into that loop and the matrix products before and after it.

Linear recurrences are such cells (see `genome.linearity`), and so are others that keep no matrix in the loop, such as
IndRNN. The loop becomes a list of instructions that a kernel reads as data, so one launch runs many different cells.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache, reduce
from typing import TYPE_CHECKING

from evo_nas.errors import GenomeError
from evo_nas.genome.cell import X
from evo_nas.genome.linearity import windows
from evo_nas.genome.ops import Op

if TYPE_CHECKING:
    from collections.abc import Iterable

    from evo_nas.genome.cell import CellGraph

MOST_INSTRUCTIONS = 128
"""A thread of the kernel has room for so many values and as many gradients."""

PackedInstruction = tuple[int, int, int, int]
"""A number, and up to three operands: values, which are counted as the instructions are, or places and steps."""


class Access(IntEnum):
    """Numbers of the instructions that are no ops."""

    LOAD = 1000
    """The given value at place ``a``."""
    READ = 1001
    """What was kept at place ``a``, ``b`` steps ago."""
    UNIT = 1002
    """The weight a unit at place ``a``."""
    KEEP = 1003
    """Keeps value ``a`` at place ``b``; these come last."""


@dataclass(frozen=True, slots=True)
class PackedProgram:
    """The loop of a cell over the steps, without matrix products.

    Attributes:
        given: References whose values at all steps are known before the loop.
        units: Indices in ``cell.nodes`` of the weights a unit that the loop reads.
        kept: References whose values at all steps the loop gives: states that it reads later, and what is read
            after it.
        instructions: One step.
    """

    given: tuple[int, ...]
    units: tuple[int, ...]
    kept: tuple[int, ...]
    instructions: tuple[PackedInstruction, ...]


@lru_cache(maxsize=8192)
def packed_program(cell: CellGraph) -> PackedProgram:
    """Returns the loop of ``cell``.

    Raises:
        GenomeError: A matrix product is needed from one step to the next, or the loop is too long.
    """
    program = _Lowering(cell).program()
    if len(program.instructions) > MOST_INSTRUCTIONS:
        raise GenomeError(
            f"the loop of the cell has {len(program.instructions)} instructions; a packed launch takes at most"
            f" {MOST_INSTRUCTIONS}, so run it on a backend of its own"
        )
    return program


def _closure(cell: CellGraph, roots: Iterable[int]) -> set[int]:
    """Returns ``roots`` and all references whose values they need, at this step or an earlier one, without ``x``."""
    found: set[int] = set()
    pending = list(roots)
    while pending:
        reference = pending.pop()
        if reference != X and reference not in found:
            found.add(reference)
            node = reference - cell.first_node
            pending += cell.nodes[node].inputs if node >= 0 else [cell.outputs[reference - 1]]
    return found


class _Lowering:
    """Decides for each value of a cell whether it is computed before, in or after the loop, and lowers the loop."""

    def __init__(self, cell: CellGraph) -> None:
        self._cell = cell
        self._needed = _closure(cell, cell.outputs[:1])
        known = windows(cell) | {X}
        self._independent = [reference in known for reference in range(cell.first_node)]
        for node in cell.nodes:
            self._independent.append(all(self._independent[source] for source in node.inputs))
        self._early = self._before_loop()
        self._late = self._after_loop()
        self._kept = self._values_to_keep()
        self._given: list[int] = []
        self._units: list[int] = []
        self._slots: dict[int, int] = {}
        self._instructions: list[PackedInstruction] = []

    def program(self) -> PackedProgram:
        """Returns the loop."""
        keeps = [(Access.KEEP, self._slot(reference), place, 0) for place, reference in enumerate(self._kept)]
        instructions = (*self._instructions, *keeps)
        return PackedProgram(tuple(self._given), tuple(self._units), tuple(self._kept), instructions)

    def _nodes(self) -> list[int]:
        """Returns the references of the needed nodes, in order."""
        return sorted(reference for reference in self._needed if reference >= self._cell.first_node)

    def _op(self, reference: int) -> Op:
        return self._cell.nodes[reference - self._cell.first_node].op

    def _inputs(self, reference: int) -> tuple[int, ...]:
        return self._cell.nodes[reference - self._cell.first_node].inputs

    def _before_loop(self) -> set[int]:
        """Returns the values that products need which depend on the inputs alone, and these products."""
        products = (r for r in self._nodes() if self._op(r) is Op.LINEAR and self._independent[r])
        early = _closure(self._cell, products)
        # The loop reads back only states that it keeps itself.
        early.update(r for r in self._nodes() if self._op(r).row.delay and self._inputs(r)[0] in early)
        return early

    def _after_loop(self) -> set[int]:
        """Returns the values that need a product of what the loop computes."""
        late: set[int] = set()
        for reference in self._nodes():
            product = self._op(reference) is Op.LINEAR and reference not in self._early
            if product or not late.isdisjoint(self._inputs(reference)):
                late.add(reference)
        for state in range(1, self._cell.first_node):
            if state in self._needed and self._cell.outputs[state - 1] in late:
                raise GenomeError(
                    f"state {state - 1} of the cell needs a matrix product of a state at every step; a packed launch"
                    " takes cells whose loop is elementwise, such as linear recurrences"
                )
        return late

    def _values_to_keep(self) -> list[int]:
        states = [
            self._cell.outputs[state - 1]
            for state in range(1, self._cell.first_node)
            if state in self._needed and state not in self._early
        ]
        read = [source for reference in sorted(self._late) for source in self._inputs(reference)]
        elsewhere = self._early | self._late | {X}
        readouts = [
            reference
            for reference in (self._cell.outputs[0], *read)
            if reference >= self._cell.first_node and reference not in elsewhere
        ]
        return list(dict.fromkeys([*states, *readouts]))

    def _slot(self, reference: int) -> int:
        """Returns the number of the instruction that computes a value, adding it if it is not there."""
        if reference not in self._slots:
            self._slots[reference] = self._lower(reference)
        return self._slots[reference]

    def _add(self, number: int, *operands: int) -> int:
        first, second, third = (*operands, 0, 0)[:3]
        self._instructions.append((number, first, second, third))
        return len(self._instructions) - 1

    def _lower(self, reference: int) -> int:
        if reference in self._early:
            self._given.append(reference)
            return self._add(Access.LOAD, len(self._given) - 1)
        if reference < self._cell.first_node:
            return self._read(reference, 1)
        op, inputs = self._op(reference), self._inputs(reference)
        if op.row.delay:
            return self._read(inputs[0], op.row.delay)
        operands = [self._slot(source) for source in inputs]
        if op.row.unit_weight is not None:
            self._units.append(reference - self._cell.first_node)
            operands.append(self._add(Access.UNIT, len(self._units) - 1))
        return self._combine(op, operands)

    def _read(self, state: int, ago: int) -> int:
        return self._add(Access.READ, self._kept.index(self._cell.outputs[state - 1]), ago)

    def _combine(self, op: Op, operands: list[int]) -> int:
        """Adds the instructions of an op; sums and products of many are chains of two."""
        match op:
            case Op.IDENTITY | Op.CONSTANT | Op.BOUNDED_CONSTANT:
                return operands[0]
            case Op.ADD | Op.MEAN:
                total = self._chain(Op.ADD, operands)
                return total if op is Op.ADD else self._add(op.row.number, total, len(operands))
            case Op.MUL | Op.SCALE | Op.BOUNDED_SCALE:
                return self._chain(Op.MUL, operands)
        return self._add(op.row.number, *operands)

    def _chain(self, op: Op, operands: list[int]) -> int:
        return reduce(lambda total, operand: self._add(op.row.number, total, operand), operands)
