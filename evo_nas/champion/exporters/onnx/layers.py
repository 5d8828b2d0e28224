"""Recurrent layers: a ``Scan`` for each direction, and what belongs to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from torch import nn

from evo_nas.champion.exporters.onnx.cells import CellWriter
from evo_nas.champion.exporters.onnx.contexts import context_writer
from evo_nas.champion.exporters.onnx.steps import (
    Steps,
    array_of,
    batch_of,
    chosen,
    filled,
    joined,
    linear,
    normalised,
    positions,
    reshaped,
    shape_of,
    time_of,
    unsqueezed,
    within,
)
from evo_nas.models.attention import WindowedAttention
from evo_nas.models.external_memory import SlotMemory

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from evo_nas.champion.exporters.onnx.builder import GraphBuilder, Value
    from evo_nas.champion.exporters.onnx.contexts import ContextWriter
    from evo_nas.genome.architecture import Layer
    from evo_nas.models.recurrent_layer import RecurrentLayer


class DirectionWriter:
    """Writes one direction of a layer: its cell, and what a context adds to the output.

    Its states are ``(..., batch, units)`` by name; what the cell carries is one state each, ``cell0`` and so on.
    """

    def __init__(self, graph: GraphBuilder, layer: RecurrentLayer, *, backward: bool = False) -> None:
        self._graph = graph
        self._backward = backward
        self.cell = CellWriter(graph, layer.recurrence, "_reverse" if backward else "")
        self.context: ContextWriter | None = None
        if layer.context is not None:
            context = layer.context.directions[int(backward)]
            assert isinstance(context, WindowedAttention | SlotMemory)
            self.context = context_writer(graph, context, self.cell.width)

    @property
    def carried(self) -> list[str]:
        """Names of the states of the cell, in the order of `CellGraph.carried`."""
        return [f"cell{number}" for number in range(len(self.cell.cell.carried))]

    def zero_states(self, batch: Value) -> dict[str, Value]:
        """Returns the states before the first step of int64 ``(1,)`` sequences."""
        zeros = filled(self._graph, 0.0, batch, self.cell.width)
        states = dict.fromkeys(self.carried, zeros)
        return states if self.context is None else states | self.context.zero_states(batch)

    def step(self, products: Sequence[Value], states: Mapping[str, Value]) -> tuple[Value, dict[str, Value]]:
        """Returns the output of a step ``(batch, width)``, and the states after it.

        Args:
            products: What the cell makes of the step's input; see `CellWriter.products`.
            states: Those before the step.
        """
        carried = self.cell.step(products, [states[name] for name in self.carried])
        after, output = dict(zip(self.carried, carried, strict=True)), carried[0]
        if self.context is None:
            return output, after
        added, of_context = self.context.step(output, states)
        return output + added, after | of_context

    def scan(self, steps: Steps) -> tuple[Value, dict[str, Value]]:
        """Returns the outputs ``(batch, time, width)``, and the states after each sequence's last step.

        Args:
            steps: What the cell reads, of at least one step.
        """
        states = self.zero_states(batch_of(steps.values))
        names = list(states)
        valid = unsqueezed(steps.valid, 2)

        def body(before: Sequence[Value], read: Sequence[Value]) -> tuple[Sequence[Value], Sequence[Value]]:
            is_valid, *products = read
            known = dict(zip(names, before, strict=True))
            output, after = self.step(products, known)
            # Padding leaves the states as they are, so that a backward cell, which meets it first, begins with zeros.
            return [chosen(is_valid, after[name], known[name]) for name in names], [output]

        after, outputs = self._graph.scan(
            body, list(states.values()), [valid, *self.cell.products(steps.values)], backward=self._backward
        )
        return outputs[0], dict(zip(names, after, strict=True))


class LayerWriter:
    """Writes a layer for whole sequences.

    Args:
        graph: Where it is written.
        layer: Its module.
        settings: Its settings.
    """

    def __init__(self, graph: GraphBuilder, layer: RecurrentLayer, settings: Layer) -> None:
        self._graph = graph
        self._layer = layer
        self._settings = settings
        self.directions = [
            DirectionWriter(graph, layer, backward=backward)
            for backward in ((False, True) if settings.bidirectional else (False,))
        ]

    def write(self, steps: Steps) -> Value:
        """Returns the outputs ``(batch, time, width * directions)``, zero at padded steps unless a block adds some."""
        return self._encode(steps)[0]

    def decode(self, steps: Steps, queries: Value) -> tuple[Value, Value]:
        """Returns what `write` does, and the output of one more step for each query, as `RecurrentLayer.decode` does.

        Args:
            steps: The sequences.
            queries: ``(batch, queries, inputs)``.
        """
        outputs, states = self._encode(steps)
        count, inputs = self._graph.node("Shape", queries, start=1, end=2), self._layer.recurrence.inputs
        rows = reshaped(queries, -1, inputs)  # all queries of the batch are sequences of one step
        entered = self.enter(rows)
        # The states of each sequence, as often as it has queries; a backward cell begins with the query.
        shape = shape_of(self._graph, batch_of(queries), count, self._settings.width)
        repeated = {
            name: reshaped(self._graph.node("Expand", unsqueezed(state, 1), shape), -1, self._settings.width)
            for name, state in states.items()
            if name in self.directions[0].carried
        }
        found = []
        for direction in self.directions:
            before = repeated if direction is self.directions[0] else direction.zero_states(batch_of(rows))
            carried = [before[name] for name in direction.carried]
            found.append(direction.cell.step(direction.cell.products(entered), carried)[0])
        decoded = self.leave(joined(*found), rows)
        return outputs, reshaped(decoded, batch_of(queries), count, self._settings.output_width)

    def enter(self, inputs: Value) -> Value:
        """Returns what the recurrence reads of the layer's input ``(..., inputs)``."""
        return _norm(inputs, self._layer.norm_before, "norm_before")

    def leave(self, outputs: Value, inputs: Value) -> Value:
        """Returns the layer's output from that of the recurrence, ``(..., width * directions)``."""
        residual = self._layer.residual
        if residual is not None:
            outputs = outputs + (
                linear(inputs, residual, "residual") if isinstance(residual, nn.Linear) else inputs
            )
        return _norm(outputs, self._layer.norm, "norm")

    def _encode(self, steps: Steps) -> tuple[Value, dict[str, Value]]:
        """Returns the outputs, and the states of the forward direction after the last update."""
        entered, period = steps.with_values(self.enter(steps.values)), self._settings.period
        updates = entered if period == 1 else self._chunks(entered)
        scans = [direction.scan(updates) for direction in self.directions]
        outputs = [within(updates.with_values(values)) for values, _ in scans]
        if period > 1:
            outputs = self._held(outputs, time_of(steps.values))
        return self.leave(joined(*outputs), steps.values), scans[0][1]

    def _chunks(self, steps: Steps) -> Steps:
        """Returns the mean of each whole chunk of steps, and one chunk of padding, since a loop has at least one."""
        period, inputs = self._settings.period, self._layer.recurrence.inputs
        filled_up = self._graph.node("Pad", steps.values, np.array([0, 0, 0, 0, period, 0]))
        chunks = time_of(steps.values) / period + 1
        whole = self._graph.node("Slice", filled_up, np.array([0]), chunks * period, np.array([1]))
        shape = shape_of(self._graph, batch_of(steps.values), chunks, period, inputs)
        means = self._graph.node(
            "ReduceMean", self._graph.node("Reshape", whole, shape), np.array([2]), keepdims=0
        )
        return Steps(means, steps.lengths / period)

    def _held(self, outputs: Sequence[Value], time: Value) -> list[Value]:
        """Returns what each step ``(batch, time, width)`` has of the outputs of chunks; see `hierarchy.Pace`."""
        graph, period, steps = self._graph, self._settings.period, positions(time)
        # Zeros before the end of the first chunk.
        begun = graph.node("Pad", outputs[0], np.array([0, 1, 0, 0, 0, 0]))
        held = [graph.node("Gather", begun, (steps + 1) / period, axis=1)]
        return held + [graph.node("Gather", each, steps / period, axis=1) for each in outputs[1:]]


def _norm(values: Value, norm: nn.Module, name: str) -> Value:
    if not isinstance(norm, nn.LayerNorm):
        return values
    return normalised(values, array_of(norm.weight), array_of(norm.bias), name)
