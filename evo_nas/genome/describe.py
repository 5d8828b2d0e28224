"""Architectures in words, and cells as equations that a person can read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evo_nas.genome.canonical import canonical
from evo_nas.genome.cells import spoken_name
from evo_nas.genome.op_row import UnitWeight
from evo_nas.genome.ops import Op
from evo_nas.genome.slots import HEAD, LAYER, NETWORK, TRAINING, words_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evo_nas.genome.architecture import Architecture, Layer
    from evo_nas.genome.cell import CellGraph, Node

_BASES = ("x", "h", "c", "d", "e")


def describe(architecture: Architecture) -> str:
    """Returns one line, such as ``2 layers: LSTM 128 → GRU 96, skip from input; mean pooling; Adam ...``.

    Values that are at their plainest are left out: no norm, no dropout, the last step as pooling.
    """
    count = len(architecture.layers)
    layers = " → ".join(_describe_layer(layer) for layer in architecture.layers)
    parts = (
        words_of(NETWORK, architecture),
        f"{count} layer{'s' if count > 1 else ''}: {layers}",
        words_of(HEAD, architecture.head),
        words_of(TRAINING, architecture.training),
    )
    return "; ".join(filter(None, parts))


def equations(cell: CellGraph) -> list[str]:
    """Returns the canonical form of ``cell`` line by line, such as ``v1 = sigmoid(W1·[x, h] + b1)``.

    Values that are read only once are written in place; ``*`` is elementwise; the last lines give ``h'``.
    """
    return _Writer(canonical(cell)).lines()


def _describe_layer(layer: Layer) -> str:
    return f"{spoken_name(layer.cell) or _size_in_words(layer.cell)} {words_of(LAYER, layer)}"


def _size_in_words(cell: CellGraph) -> str:
    operations = sum(node.op is not Op.IDENTITY for node in cell.nodes)
    return f"evolved cell ({operations} op{'s' if operations != 1 else ''})"


class _Writer:
    """Names the values of a canonical cell and writes an equation for each that has a name."""

    def __init__(self, cell: CellGraph) -> None:
        self._cell = cell
        self._states = _BASES[1 : cell.first_node]
        self._names = dict(enumerate(_BASES[: cell.first_node]))
        # Matrices are W1, W2, ...; weights a unit are w1, w2, ...
        self._weights = {node: str(number) for number, node in enumerate(self._linears(), start=1)}
        self._unit_weights = {node: f"w{number}" for number, node in enumerate(self._weighted(), start=1)}
        for reference in self._worth_a_line():
            self._names[reference] = f"v{len(self._names) - cell.states}"
        for state, output in zip(self._states, cell.outputs, strict=True):
            if output >= cell.first_node:
                self._names[output] = f"{state}'"

    def lines(self) -> list[str]:
        """Returns the equations in an order in which each can be computed."""
        first = self._cell.first_node
        written = [
            f"{self._names[reference]} = {self._formula(reference)}"
            for reference in range(first, first + len(self._cell.nodes))
            if reference in self._names
        ]
        copies = [
            f"{state}' = {self._names[output]}"
            for state, output in zip(self._states, self._cell.outputs, strict=True)
            if output < first
        ]
        return written + copies

    def _linears(self) -> Iterator[int]:
        for index, node in enumerate(self._cell.nodes):
            if node.op is Op.LINEAR:
                yield self._cell.first_node + index

    def _weighted(self) -> Iterator[int]:
        for index, node in enumerate(self._cell.nodes):
            if node.op.row.unit_weight is not None:
                yield self._cell.first_node + index

    def _worth_a_line(self) -> list[int]:
        """Returns the values that are read more than once, gates of blends, and activations of linear nodes."""
        first, nodes = self._cell.first_node, self._cell.nodes
        reads = [source for node in nodes for source in node.inputs]
        gates = {node.inputs[0] for node in nodes if node.op is Op.BLEND}
        return [
            first + index
            for index, node in enumerate(nodes)
            if first + index not in self._cell.outputs
            and node.inputs
            and (reads.count(first + index) > 1 or first + index in gates or self._activates_linear(node))
        ]

    def _activates_linear(self, node: Node) -> bool:
        if node.op.row.arity != (1, 1):
            return False
        source = node.inputs[0] - self._cell.first_node
        return source >= 0 and self._cell.nodes[source].op is Op.LINEAR

    def _read(self, reference: int, *, in_product: bool = False) -> str:
        if reference in self._names:
            return self._names[reference]
        formula = self._formula(reference)
        node = self._cell.nodes[reference - self._cell.first_node]
        return f"({formula})" if in_product and (node.op.row.is_sum or node.bias) else formula

    def _formula(self, reference: int) -> str:
        node = self._cell.nodes[reference - self._cell.first_node]
        if node.op is Op.LINEAR:
            return self._linear(node, self._weights[reference])
        row = node.op.row
        inputs = [self._read(source, in_product=row.is_product) for source in node.inputs]
        if row.unit_weight is not None:
            weight = self._unit_weights[reference]
            inputs.append(weight if row.unit_weight is UnitWeight.FREE else f"sigmoid({weight})")
        return f"{node.op}({', '.join(inputs)})" if row.formula is None else row.formula(inputs)

    def _linear(self, node: Node, number: str) -> str:
        inputs = ", ".join(self._read(source) for source in node.inputs)
        bare = len(node.inputs) == 1 and node.inputs[0] in self._names
        product = f"W{number}·{inputs}" if bare else f"W{number}·[{inputs}]"
        return f"{product} + b{number}" if node.bias else product
