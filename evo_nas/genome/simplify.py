"""Cheap algebra on cells: each distinct value is computed once, and nodes without effect are dropped."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from evo_nas.genome.cell import CellGraph, H, Node
from evo_nas.genome.op_row import Sign
from evo_nas.genome.ops import COMMUTATIVE, WITH_WEIGHTS, Op

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(slots=True)
class Values:
    """The distinct values of a cell under construction, by reference as in `CellGraph`.

    `add` returns the reference of an equal value that is there already, where the algebra shows one: identities,
    a mean or a blend of one value with itself, a rectified value that cannot be negative, one minus one minus a
    value, and common subexpressions. Nodes that own weights are never one value.

    Attributes:
        states: Number of states of the cell.
        nodes: One node for each distinct value; inputs of commutative ops are sorted.
    """

    states: int
    nodes: list[Node] = field(default_factory=list)
    _references: dict[tuple[Op, tuple[int, ...]], int] = field(default_factory=dict)
    _non_negative: set[int] = field(default_factory=set)

    def add(self, op: Op, inputs: Sequence[int], *, bias: bool = False) -> int:
        """Returns the reference of ``op(inputs)``; equal inputs of a linear node count once."""
        if op is Op.LINEAR:
            return self._append(op, tuple(sorted(set(inputs))), bias=bias)
        if op in WITH_WEIGHTS:
            return self._append(op, tuple(inputs))
        op, inputs = self._rewritten(op, inputs)
        same_as = self._same_as(op, inputs)
        if same_as is not None:
            return same_as
        key = (op, tuple(sorted(inputs) if op in COMMUTATIVE else inputs))
        reference = self._references.get(key)
        if reference is None:
            reference = self._references[key] = self._append(*key)
        return reference

    def _append(self, op: Op, inputs: tuple[int, ...], *, bias: bool = False) -> int:
        reference = 1 + self.states + len(self.nodes)
        self.nodes.append(Node(op, inputs, bias))
        sign = op.row.sign
        if sign is Sign.NON_NEGATIVE or (
            sign is Sign.NON_NEGATIVE_IF_INPUTS_ARE and self._non_negative.issuperset(inputs)
        ):
            self._non_negative.add(reference)
        return reference

    def _same_as(self, op: Op, inputs: Sequence[int]) -> int | None:
        """Returns the input that the result equals, if there is one."""
        row = op.row
        if row.rectifies and inputs[0] in self._non_negative:
            return inputs[0]
        if op is Op.ONE_MINUS:
            source = self._node(inputs[0])
            if source is not None and source.op is op:
                return source.inputs[0]
        return None if row.same_as is None else row.same_as(inputs)

    def _rewritten(self, op: Op, inputs: Sequence[int]) -> tuple[Op, Sequence[int]]:
        """Returns a simpler operation with the same value, if there is one, or else the same operation."""
        if op.row.cancels and len(set(inputs)) == 1:
            return op, [H] * len(inputs)  # zero, however it is spelled
        if not inputs or (source := self._node(inputs[0])) is None:
            return op, inputs
        if op is Op.RELU and source.op is Op.LEAKY_RELU:
            return op, source.inputs  # both have the same positive part
        if op is Op.BLEND and source.op is Op.ONE_MINUS:
            _, if_open, if_shut = inputs
            return op, (source.inputs[0], if_shut, if_open)
        if op is Op.EXP and source.op is Op.SUBTRACT:
            value, subtracted = source.inputs
            node = self._node(subtracted)
            if node is not None and node.op is Op.SOFTPLUS and node.inputs == (value,):
                return Op.SIGMOID, (value,)  # a - softplus(a) is the logarithm of sigmoid(a)
        return op, inputs

    def _node(self, reference: int) -> Node | None:
        index = reference - 1 - self.states
        return self.nodes[index] if index >= 0 else None


@dataclass(frozen=True, slots=True)
class Simplified:
    """A cell after the algebra, dead nodes included.

    Attributes:
        cell: Computes the same states; equal states have been made one, the others read it.
        references: For each reference of the original its reference in ``cell``.
    """

    cell: CellGraph
    references: tuple[int, ...]


def simplify(cell: CellGraph) -> Simplified:
    """Returns ``cell`` with each distinct value computed once.

    States with the same new value are equal at every step, since all start at zero; every reader then
    reads the first of them, which can make further states equal, hence the loop.
    """
    readers = tuple(range(cell.first_node))
    while True:
        simplified = _pass(cell, readers)
        first = {output: state for state, output in reversed(list(enumerate(simplified.cell.outputs)))}
        merged = (0, *(1 + first[output] for output in simplified.cell.outputs))
        if merged == readers:
            return simplified
        readers = merged


def _pass(cell: CellGraph, readers: tuple[int, ...]) -> Simplified:
    """Returns the cell rebuilt value by value, where a reader of state ``s`` reads ``readers[s]``."""
    values = Values(cell.states)
    references = list(readers)
    for node in cell.nodes:
        inputs = [references[reference] for reference in node.inputs]
        references.append(values.add(node.op, inputs, bias=node.bias))
    outputs = tuple(references[output] for output in cell.outputs)
    return Simplified(CellGraph(cell.states, tuple(values.nodes), outputs), tuple(references))
