"""The equations of a cell: one operator of ONNX, or a few, for each node of its graph."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING

import numpy as np

from evo_nas.champion.exporters.onnx.steps import array_of, chosen, joined
from evo_nas.genome.cell import X
from evo_nas.genome.ops import DELAYS, GUARD, LARGEST_EXPONENT, Op

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from evo_nas.champion.exporters.onnx.builder import GraphBuilder, Value
    from evo_nas.models.recurrence import Recurrence


def _unary(op: str, **attributes: float) -> Callable[[Sequence[Value]], Value]:
    return lambda operands: operands[0].graph.node(op, operands[0], **attributes)


def _add(operands: Sequence[Value]) -> Value:
    return reduce(lambda one, other: one + other, operands)


def _multiply(operands: Sequence[Value]) -> Value:
    return reduce(lambda one, other: one * other, operands)


def _blend(operands: Sequence[Value]) -> Value:
    gate, one, other = operands
    return other + gate * (one - other)


def _divide(operands: Sequence[Value]) -> Value:
    dividend, divisor = operands
    guard = chosen(divisor < 0.0, -GUARD, GUARD)
    return dividend / chosen(divisor.graph.node("Abs", divisor) < GUARD, guard, divisor)


def _silu(operands: Sequence[Value]) -> Value:
    return operands[0] * operands[0].graph.node("Sigmoid", operands[0])


def _exp(operands: Sequence[Value]) -> Value:
    graph = operands[0].graph
    return graph.node("Exp", graph.node("Min", operands[0], LARGEST_EXPONENT))


def _sqrt(operands: Sequence[Value]) -> Value:
    graph = operands[0].graph
    return graph.node("Sqrt", graph.node("Max", operands[0], GUARD))


def _itself(operands: Sequence[Value]) -> Value:
    return operands[0]


OPERATIONS: Mapping[Op, Callable[[Sequence[Value]], Value]] = {
    Op.BLEND: _blend,
    Op.ADD: _add,
    Op.MUL: _multiply,
    Op.MEAN: lambda operands: _add(operands) / float(len(operands)),
    Op.TANH: _unary("Tanh"),
    Op.SIGMOID: _unary("Sigmoid"),
    Op.RELU: _unary("Relu"),
    Op.LEAKY_RELU: _unary("LeakyRelu", alpha=0.01),
    Op.IDENTITY: _itself,
    Op.SCALE: _multiply,
    Op.BOUNDED_SCALE: _multiply,
    Op.CONSTANT: _itself,
    Op.BOUNDED_CONSTANT: _itself,
    Op.EXP: _exp,
    Op.SOFTPLUS: _unary("Softplus"),
    Op.SUBTRACT: lambda operands: operands[0] - operands[1],
    Op.ONE_MINUS: lambda operands: 1.0 - operands[0],
    Op.SILU: _silu,
    Op.MAX: lambda operands: operands[0].graph.node("Max", *operands),
    Op.DIVIDE: _divide,
    Op.SQRT: _sqrt,
    **dict.fromkeys(DELAYS.values(), _itself),
}
"""Every op but ``LINEAR``, which has matrices; as `evo_nas.models.eager.OPERATIONS`, which it is compared with.

The last operand of an op with a weight a unit is that weight, and that of a delay is the older value of the state.
"""


class CellWriter:
    """Writes one direction of a recurrence.

    Args:
        graph: Where it is written.
        recurrence: The cell and its parameters.
        suffix: Which direction's parameters to use: empty for forward, ``_reverse`` for backward.
    """

    def __init__(self, graph: GraphBuilder, recurrence: Recurrence, suffix: str = "") -> None:
        self._graph = graph
        self._recurrence = recurrence
        self._suffix = suffix
        self.cell = recurrence.cell
        self.width = recurrence.width

    def products(self, inputs: Value) -> list[Value]:
        """Returns what each linear node that reads the input makes of it, ``(..., width)``; biases are in it.

        They need no state, so that they are computed for all steps at once and not in the loop.

        Args:
            inputs: ``(..., inputs)``.
        """
        found = []
        for index in self._readers_of_x():
            linear = self._recurrence.linear(index, self._suffix)
            block = array_of(linear.weight)[:, self._columns(index)[X]]
            product = inputs @ self._graph.constant(block.T, f"weight_{index}{self._suffix}.x")
            found.append(product if linear.bias is None else product + self._bias(index))
        return found

    def step(self, products: Sequence[Value], carried: Sequence[Value]) -> list[Value]:
        """Returns what `CellGraph.carried` lists after a step, each ``(batch, width)``.

        Args:
            products: What `products` returned for the step.
            carried: What `CellGraph.carried` lists before the step; state 0 of the result is the output.
        """
        cell, places = self.cell, {place: at for at, place in enumerate(self.cell.carried)}
        of_x = dict(zip(self._readers_of_x(), products, strict=True))
        # By reference; that of x has no value, since only linear nodes read x, and their products are known.
        values = dict(enumerate(carried[: cell.states], start=1))
        for reference, (index, node) in enumerate(enumerate(cell.nodes), start=cell.first_node):
            row = node.op.row
            if node.op is Op.LINEAR:
                values[reference] = self._linear(index, values, of_x.get(index))
                continue
            operands = (
                [carried[places[node.inputs[0] - 1, row.delay]]]
                if row.delay
                else [values[read] for read in node.inputs]
            )
            if row.unit_weight is not None:
                operands.append(self._unit_weight(index, like=carried[0]))
            values[reference] = OPERATIONS[node.op](operands)
        older = [carried[places[state, ago - 1]] for state, ago in cell.carried[cell.states :]]
        return [*(values[reference] for reference in cell.outputs), *older]

    def _unit_weight(self, index: int, *, like: Value) -> Value:
        weight = array_of(self._recurrence.unit_weight(index, self._suffix))
        vector = self._graph.constant(weight, f"weight_{index}{self._suffix}")
        if self.cell.nodes[index].inputs:
            return vector
        # A constant can become a state, which has a row for each sequence.
        return self._graph.node("Expand", vector, self._graph.node("Shape", like))

    def _linear(self, index: int, values: Mapping[int, Value], of_x: Value | None) -> Value:
        read = [reference for reference in self.cell.nodes[index].inputs if reference != X]
        if not read:
            assert of_x is not None
            return of_x
        linear, columns = self._recurrence.linear(index, self._suffix), self._columns(index)
        weight = np.concatenate([array_of(linear.weight)[:, columns[each]] for each in read], axis=1)
        operands = joined(*(values[each] for each in read))
        product = operands @ self._graph.constant(weight.T, f"weight_{index}{self._suffix}")
        if of_x is not None:
            return product + of_x
        return product if linear.bias is None else product + self._bias(index)

    def _bias(self, index: int) -> Value:
        bias = self._recurrence.linear(index, self._suffix).bias
        assert bias is not None
        return self._graph.constant(array_of(bias), f"bias_{index}{self._suffix}")

    def _readers_of_x(self) -> list[int]:
        return [index for index, node in enumerate(self.cell.nodes) if X in node.inputs]

    def _columns(self, index: int) -> dict[int, slice]:
        """Returns the columns of a linear node's weight for each of its inputs."""
        found, start = {}, 0
        for reference, width in zip(
            self.cell.nodes[index].inputs, self._recurrence.input_widths(index), strict=True
        ):
            found[reference] = slice(start, start + width)
            start += width
        return found
