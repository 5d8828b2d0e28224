"""Cheap algebra on cells: each distinct value is computed once, and nodes without effect are dropped."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from evo_nas.genome.cell import CellGraph, Node
from evo_nas.genome.ops import COMMUTATIVE, Op, Sign

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(slots=True)
class Values:
    """The distinct values of a cell under construction, by reference as in `CellGraph`.

    `add` returns the reference of an equal value that is there already, where the algebra shows one: identities,
    a mean or a blend of one value with itself, a rectified value that cannot be negative,
    and common subexpressions. Linear nodes own weights, so two of them are never one value.

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
        same_as = self._same_as(op, inputs)
        if same_as is not None:
            return same_as
        if op is Op.RELU:
            inputs = (self._under_leaky_relu(inputs[0]),)
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
        return None if row.same_as is None else row.same_as(inputs)

    def _under_leaky_relu(self, reference: int) -> int:
        """Returns what a leaky rectifier at ``reference`` reads: both have the same positive part."""
        index = reference - 1 - self.states
        if index >= 0 and self.nodes[index].op is Op.LEAKY_RELU:
            return self.nodes[index].inputs[0]
        return reference


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
