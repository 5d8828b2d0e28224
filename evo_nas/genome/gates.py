"""Names for the values of a cell: which of them are gates, and what they let through.

A gate is what multiplies: a sigmoid that is a factor, or what chooses between the sides of a blend. Its letter is that
of the gate of an LSTM or a GRU with the same task: ``f`` keeps a state, ``i`` lets a value into one, ``o`` lets it out,
``z`` chooses between a state and a new value, ``r`` says how much of a state a new value sees. Other gates are ``q``.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from evo_nas.genome.cell import H
from evo_nas.genome.formula import Symbol
from evo_nas.genome.ops import Op

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evo_nas.genome.cell import CellGraph, Node

_BY_IMPORTANCE = "zfoir"
_OTHER_GATE, _PROPOSAL, _WRITTEN, _OTHER = "q", "n", "g", "v"
"""``n`` is the new value that a GRU blends in, ``g`` that which an LSTM writes, ``v`` any other value."""


def names_of_values(cell: CellGraph) -> dict[int, tuple[Symbol, bool]]:
    """Returns the name of each value of a canonical ``cell`` that is worth one, and whether it is a gate.

    New states are not among them, since they have names of their own.
    """
    roles = _Roles(cell)
    letters = {reference: roles.letter(reference) for reference in _worth_a_name(cell, roles)}
    counts, seen = Counter(letters.values()), Counter[str]()
    names = {}
    for reference, letter in letters.items():
        seen[letter] += 1
        is_single = counts[letter] == 1 and letter != _OTHER
        names[reference] = Symbol(letter, "" if is_single else str(seen[letter])), roles.is_gate(reference)
    return names


def _worth_a_name(cell: CellGraph, roles: _Roles) -> list[int]:
    """Returns the values that are read more than once, gates, what they let in, and activations of matrix products."""
    first = cell.first_node
    return [
        first + index
        for index, node in enumerate(cell.nodes)
        if first + index not in cell.outputs
        and node.inputs
        and (
            len(roles.readers(first + index)) > 1
            or roles.is_gate(first + index)
            or _activates_linear(cell, node)
            or (is_function(node) and roles.letter(first + index) != _OTHER)
        )
    ]


def _activates_linear(cell: CellGraph, node: Node) -> bool:
    source = node.inputs[0] - cell.first_node
    return is_function(node) and source >= 0 and cell.nodes[source].op is Op.LINEAR


def is_function(node: Node) -> bool:
    """Whether a node is a function of one value, such as tanh."""
    return node.op.row.formula is None and node.op is not Op.LINEAR and len(node.inputs) == 1


class _Roles:
    """Says what the values of a canonical cell are for."""

    def __init__(self, cell: CellGraph) -> None:
        self._cell = cell
        self._readers: dict[int, list[tuple[int, int]]] = {}
        for index, node in enumerate(cell.nodes):
            for position, source in enumerate(node.inputs):
                self._readers.setdefault(source, []).append((cell.first_node + index, position))

    def readers(self, reference: int) -> list[tuple[int, int]]:
        """Returns the values that read ``reference``, and as which of their inputs."""
        return self._readers.get(reference, [])

    def is_gate(self, reference: int) -> bool:
        """Whether a value is a gate: see the text above."""
        node = self._node(reference)
        if node is None:
            return False
        reads = [(self._op(reader), position) for reader, position in self.readers(reference)]
        if (Op.BLEND, 0) in reads:
            return True
        if node.op is Op.SIGMOID:
            return any(op is Op.MUL for op, _ in reads) or self._is_gate_complement(reference)
        return False

    def letter(self, reference: int) -> str:
        """Returns the letter of a value."""
        if self.is_gate(reference):
            roles = set(self._roles_of_gate(reference))
            return next((letter for letter in _BY_IMPORTANCE if letter in roles), _OTHER_GATE)
        for reader, position in self.readers(reference):
            op = self._op(reader)
            if op is Op.BLEND and position > 0 and any(map(self._is_state, self._inputs(reader)[1:])):
                return _PROPOSAL
            is_let_in = reader not in self._cell.outputs and self._is_term_of_state(reader)
            if op is Op.MUL and is_let_in and any(map(self.is_gate, self._inputs(reader))):
                return _WRITTEN
        return _OTHER

    def _roles_of_gate(self, gate: int) -> Iterator[str]:
        for reader, position in self.readers(gate):
            others = [source for at, source in enumerate(self._inputs(reader)) if at != position]
            op = self._op(reader)
            if op is Op.BLEND and position == 0 and any(map(self._is_state, others)):
                yield "z"
            elif op is Op.MUL:
                yield from self._roles_of_factor(reader, others)

    def _roles_of_factor(self, reader: int, others: list[int]) -> Iterator[str]:
        """Yields what a gate does as a factor of the product ``reader``, beside the factors ``others``."""
        recalls = any(self._is_state(other) for other in others)
        if recalls and self._is_term_of_state(reader):
            yield "f"
        elif recalls or any(self._is_product_with_state(other) for other in others):
            yield "r"
        elif reader == self._cell.outputs[H - 1]:
            yield "o"
        elif self._is_term_of_state(reader):
            yield "i"

    def _is_state(self, reference: int) -> bool:
        return 1 <= reference < self._cell.first_node

    def _is_product_with_state(self, reference: int) -> bool:
        node = self._node(reference)
        return node is not None and node.op is Op.LINEAR and all(map(self._is_state, node.inputs))

    def _is_term_of_state(self, reference: int) -> bool:
        """Whether a value is a state, or a term of a sum that is one."""
        if reference in self._cell.outputs:
            return True
        sums = [reader for reader, _ in self.readers(reference) if self._op(reader) is Op.ADD]
        return any(map(self._is_term_of_state, sums))

    def _is_gate_complement(self, reference: int) -> bool:
        complements = [reader for reader, _ in self.readers(reference) if self._op(reader) is Op.ONE_MINUS]
        return any(self._op(reader) is Op.MUL for each in complements for reader, _ in self.readers(each))

    def _op(self, reference: int) -> Op | None:
        node = self._node(reference)
        return None if node is None else node.op

    def _inputs(self, reference: int) -> tuple[int, ...]:
        node = self._node(reference)
        return () if node is None else node.inputs

    def _node(self, reference: int) -> Node | None:
        index = reference - self._cell.first_node
        return self._cell.nodes[index] if index >= 0 else None
