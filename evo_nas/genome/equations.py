"""The equations of a cell, with the names that people give: gates ``i``, ``f``, ``o``, ``z`` and ``r``."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from evo_nas.genome.canonical import canonical
from evo_nas.genome.cell import X
from evo_nas.genome.formula import Call, Equation, Linear, Role, Symbol
from evo_nas.genome.gates import names_of_values
from evo_nas.genome.op_row import UnitWeight
from evo_nas.genome.ops import Op

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evo_nas.genome.cell import CellGraph
    from evo_nas.genome.formula import Formula

STATES = ("h", "c", "d", "e")
"""The letter of each state; ``c`` is the memory of an LSTM."""
_MATRICES = "WUV"
"""What multiplies the input, the output ``h``, and any other value."""


@dataclass(frozen=True, slots=True)
class CellEquations:
    """The equations of one step, in an order in which each can be computed.

    Attributes:
        cell: The canonical form of the cell, whose values they are.
        lines: An equation for each value that has a name; the last ones are those of the new states.
        references: The value of ``cell`` that each of ``lines`` gives.
        linears: The weights of each linear node, by its place in ``cell.nodes``.
        vectors: The weight of each node that has one a unit, by its place in ``cell.nodes``.
    """

    cell: CellGraph
    lines: tuple[Equation, ...]
    references: tuple[int, ...]
    linears: Mapping[int, Linear]
    vectors: Mapping[int, Symbol]


@lru_cache(maxsize=1024)
def cell_equations(cell: CellGraph) -> CellEquations:
    """Returns the equations of the canonical form of ``cell``.

    Values that are read only once are written in place, unless they are gates or activations of matrix products.
    """
    return _Writer(canonical(cell)).written()


def gates_of(cell: CellGraph) -> dict[str, int]:
    """Returns the reference of each gate of a canonical ``cell`` by its name, such as ``f``."""
    return {
        symbol.letter + symbol.index: reference
        for reference, (symbol, is_gate) in names_of_values(cell).items()
        if is_gate
    }


class _Writer:
    """Writes the formula of each value of a canonical cell that has a name."""

    def __init__(self, cell: CellGraph) -> None:
        self._cell = cell
        self._names = {X: Symbol("x", role=Role.INPUT)}
        for state, letter in enumerate(STATES[: cell.states]):
            self._names[1 + state] = Symbol(letter, role=Role.STATE)
        named = names_of_values(cell)
        self._names |= {reference: symbol for reference, (symbol, _) in named.items()}
        self._gates = {reference for reference, (_, is_gate) in named.items() if is_gate}
        for letter, output in zip(STATES, cell.outputs, strict=False):
            if output >= cell.first_node:
                self._names[output] = Symbol(letter, role=Role.NEW_STATE)
        self._taken: dict[str, int] = {}
        self._linears: dict[int, Linear] = {}
        self._vectors: dict[int, Symbol] = {}

    def written(self) -> CellEquations:
        cell, lines, references = self._cell, [], []
        for reference in range(cell.first_node, cell.first_node + len(cell.nodes)):
            if reference in self._names:
                name = self._names[reference]
                lines.append(Equation(name, self._formula(reference, name.letter + name.index)))
                references.append(reference)
        for letter, output in zip(STATES, cell.outputs, strict=False):
            name = Symbol(letter, role=Role.NEW_STATE)
            if self._names[output] != name:
                lines.append(Equation(name, self._names[output]))
                references.append(output)
        return CellEquations(cell, tuple(lines), tuple(references), self._linears, self._vectors)

    def _read(self, reference: int, owner: str) -> Formula:
        return self._names[reference] if reference in self._names else self._formula(reference, owner)

    def _formula(self, reference: int, owner: str) -> Formula:
        """Returns the formula of a value; its weights have the index ``owner``, the name of what they lead to."""
        index = reference - self._cell.first_node
        node = self._cell.nodes[index]
        # Before the weights of this node, so that those of operands are counted in the order in which they are read.
        inputs = node.inputs
        if node.op is Op.MUL:
            inputs = tuple(sorted(inputs, key=lambda source: source not in self._gates))  # as people write it
        operands = [self._read(source, owner) for source in inputs]
        if node.op is Op.LINEAR:
            products = tuple(
                (self._weight(_MATRICES[min(source, 2)], owner, Role.MATRIX), operand)
                for source, operand in zip(node.inputs, operands, strict=True)
            )
            bias = self._weight("b", owner, Role.VECTOR) if node.bias else None
            self._linears[index] = Linear(products, bias)
            return self._linears[index]
        row = node.op.row
        if row.unit_weight is not None:
            if index not in self._vectors:
                self._vectors[index] = self._weight("w", owner, Role.VECTOR)
            weight = self._vectors[index]
            operands.append(weight if row.unit_weight is UnitWeight.FREE else Call("sigmoid", (weight,)))
        return Call(node.op, tuple(operands)) if row.formula is None else row.formula(operands)

    def _weight(self, letter: str, owner: str, role: Role) -> Symbol:
        name = f"{letter}_{owner}"
        self._taken[name] = count = self._taken.get(name, 0) + 1
        if count > 1:
            owner += f"_{count}" if owner[-1].isdecimal() else str(count)
        return Symbol(letter, owner, role)
