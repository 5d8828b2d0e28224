"""`Diagram`: a cell as boxes and circles with lines between them, before anything has a place."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING

from evo_nas.genome.canonical import canonical
from evo_nas.genome.equations import STATES
from evo_nas.genome.formula import Role, Symbol
from evo_nas.genome.gates import is_function, names_of_values
from evo_nas.genome.ops import Op

if TYPE_CHECKING:
    from evo_nas.genome.cell import CellGraph, Node

MINUS, MIX = "\N{MINUS SIGN}", "mix"
_SIGNS = {
    Op.LINEAR: "W", Op.BLEND: MIX, Op.ADD: "+", Op.MUL: "×", Op.SIGMOID: "σ", Op.LEAKY_RELU: "leaky relu",  # noqa: RUF001
    Op.IDENTITY: "=", Op.SCALE: "w ×", Op.BOUNDED_SCALE: "σ(w) ×", Op.CONSTANT: "w", Op.BOUNDED_CONSTANT: "σ(w)",  # noqa: RUF001
    Op.SUBTRACT: MINUS, Op.ONE_MINUS: f"1 {MINUS}", Op.DIVIDE: "÷", Op.SQRT: "√",
}  # fmt: skip
"""How people write an op that they do not call by its name."""


class Shape(Enum):
    """What a vertex is."""

    INPUT = auto()
    """``x``, a state before the step, or one of several steps ago."""
    NEW_STATE = auto()
    MATRIX = auto()
    """Matrices times what enters, and perhaps a function of their sum."""
    UNITWISE = auto()


@dataclass(frozen=True, slots=True)
class Vertex:
    """A box or a circle.

    Attributes:
        shape: What it is.
        sign: The op as people write it, empty for inputs and new states.
        name: What the equations call its value, None if they have no name for it.
        is_gate: Whether its value is a gate.
        has_bias: Whether its matrix products get a bias.
    """

    shape: Shape
    sign: str = ""
    name: Symbol | None = None
    is_gate: bool = False
    has_bias: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """A value on its way.

    Attributes:
        source: The vertex that it comes from, by position.
        target: The vertex that reads it, by position; never before ``source``.
        label: As what it is read, where that is not plain, such as ``1 - z`` of a blend.
    """

    source: int
    target: int
    label: str = ""


@dataclass(frozen=True, slots=True)
class Diagram:
    """The vertices of a cell in the order of computing, inputs first and new states last, and its lines."""

    vertices: tuple[Vertex, ...]
    lines: tuple[Line, ...]


def diagram_of(cell: CellGraph) -> Diagram:
    """Returns the canonical form of ``cell`` as a diagram; a function of a matrix product is one box with it."""
    cell = canonical(cell)
    first, names = cell.first_node, names_of_values(cell)
    readers = Counter(source for node in cell.nodes for source in node.inputs) + Counter(cell.outputs)
    vertices = [Vertex(Shape.INPUT, name=Symbol("x", role=Role.INPUT))]
    vertices += [Vertex(Shape.INPUT, name=_state(number)) for number in range(cell.states)]
    lines: list[Line] = []
    place = {reference: reference for reference in range(first)}
    for reference, node in enumerate(cell.nodes, start=first):
        if _is_inside_next(cell, reference, readers[reference]):
            continue
        within = node
        if is_function(node) and _is_inside_next(cell, node.inputs[0], readers[node.inputs[0]]):
            within = cell.nodes[node.inputs[0] - first]
        symbol, is_gate = names.get(reference, (None, False))
        place[reference] = len(vertices)
        lines += [
            Line(place[source], len(vertices), label)
            for source, label in zip(within.inputs, _labels(within, names), strict=True)
            if not node.op.row.delay
        ]
        if node.op.row.delay:
            vertices.append(Vertex(Shape.INPUT, name=_state(node.inputs[0] - 1, node.op.row.delay)))
        else:
            shape = Shape.MATRIX if within.op is Op.LINEAR else Shape.UNITWISE
            vertices.append(Vertex(shape, _SIGNS.get(node.op, node.op), symbol, is_gate, within.bias))
    for number, output in enumerate(cell.outputs):
        lines.append(Line(place[output], len(vertices)))
        vertices.append(Vertex(Shape.NEW_STATE, name=Symbol(STATES[number], role=Role.NEW_STATE)))
    used = {line.source for line in lines} | {line.target for line in lines}
    return _without(Diagram(tuple(vertices), tuple(lines)), set(range(len(vertices))) - used)


def _state(number: int, ago: int = 1) -> Symbol:
    return Symbol(STATES[number], role=Role.STATE, ago=ago)


def _is_inside_next(cell: CellGraph, reference: int, readers: int) -> bool:
    """Whether a value is a matrix product that a function alone reads."""
    if reference < cell.first_node or readers != 1 or reference in cell.outputs:
        return False
    if cell.nodes[reference - cell.first_node].op is not Op.LINEAR:
        return False
    return any(reference in node.inputs and is_function(node) for node in cell.nodes)


def _labels(node: Node, names: dict[int, tuple[Symbol, bool]]) -> tuple[str, ...]:
    if node.op is Op.BLEND:
        symbol, _ = names[node.inputs[0]] if node.inputs[0] in names else (Symbol("z"), True)
        gate = symbol.letter + symbol.index
        return "", gate, f"1 {MINUS} {gate}"
    if node.op in (Op.SUBTRACT, Op.DIVIDE):
        return "", _SIGNS[node.op]
    return ("",) * len(node.inputs)


def _without(diagram: Diagram, unused: set[int]) -> Diagram:
    """Returns ``diagram`` without vertices that no line touches, such as a state that only delays read."""
    kept = [at for at in range(len(diagram.vertices)) if at not in unused]
    moved = {at: number for number, at in enumerate(kept)}
    return Diagram(
        tuple(diagram.vertices[at] for at in kept),
        tuple(Line(moved[line.source], moved[line.target], line.label) for line in diagram.lines),
    )
