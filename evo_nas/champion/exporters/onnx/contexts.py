"""What a layer adds to the output of its cell, as recurrences: attention over a window, or an external memory."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

import numpy as np

from evo_nas.champion.exporters.onnx.steps import (
    array_of,
    batch_of,
    chosen,
    filled,
    joined,
    linear,
    normalised,
    reshaped,
    sliced,
    squeezed,
    unsqueezed,
)
from evo_nas.genome.blocks import (
    ATTENTION_HEADS,
    ATTENTION_WINDOW,
    MEMORY_SLOTS,
    attention_width,
    memory_width,
)
from evo_nas.models.attention import WindowedAttention
from evo_nas.models.external_memory import MOST_WRITTEN, SlotMemory

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evo_nas.champion.exporters.onnx.builder import GraphBuilder, Value

    States = Mapping[str, Value]


class ContextWriter(ABC):
    """Writes a context as a recurrence over the outputs of the cell; its states are ``(any, batch, ...)``."""

    @abstractmethod
    def zero_states(self, batch: Value) -> dict[str, Value]:
        """Returns the states before the first step of int64 ``(1,)`` sequences, by name."""

    @abstractmethod
    def step(self, output: Value, states: States) -> tuple[Value, dict[str, Value]]:
        """Returns what is added to the ``output`` of a step ``(batch, width)``, and the states after it."""


class AttentionWriter(ContextWriter):
    """Writes `WindowedAttention`: it keeps the window as keys and values, so that each step is projected once."""

    def __init__(self, graph: GraphBuilder, attention: WindowedAttention, width: int) -> None:
        self._graph = graph
        self._attention = attention
        self._width = width
        self._inner = attention_width(width)

    def zero_states(self, batch: Value) -> dict[str, Value]:
        """Returns an empty window."""
        widths = {"keys": self._inner, "values": self._inner, "seen": 1}
        return {
            name: filled(self._graph, 0.0, ATTENTION_WINDOW, batch, width) for name, width in widths.items()
        }

    def step(self, output: Value, states: States) -> tuple[Value, dict[str, Value]]:
        """Returns what the window gives, the step itself in it."""
        graph = self._graph
        scaled = _normalised(output, self._width)
        projected = linear(scaled, self._attention.project, "attention.project")
        query, key, value = graph.nodes("Split", projected, count=3, axis=-1, num_outputs=3)
        after = {
            name: joined(sliced(states[name], 0, 1), unsqueezed(new, 0), axis=0)
            for name, new in (("keys", key), ("values", value), ("seen", sliced(query, 1, 0, 1) * 0.0 + 1.0))
        }
        return self._attend(query, after["keys"], after["values"], after["seen"]), after

    def step_of_past(self, output: Value, states: States) -> tuple[Value, dict[str, Value]]:
        """Returns what `step` does, with the states of `WindowedAttention`: the steps themselves, not yet projected."""
        past = joined(sliced(states["past"], 0, 1), unsqueezed(output, 0), axis=0)
        now = filled(self._graph, 1.0, 1, batch_of(output))
        seen = joined(sliced(states["seen"], 0, 1), now, axis=0)
        projected = linear(_normalised(past, self._width), self._attention.project, "attention.project")
        queries, keys, values = self._graph.nodes("Split", projected, count=3, axis=-1, num_outputs=3)
        query = squeezed(sliced(queries, 0, -1), 0)
        return self._attend(query, keys, values, unsqueezed(seen, 2)), {"past": past, "seen": seen}

    def _attend(self, query: Value, keys: Value, values: Value, seen: Value) -> Value:
        """Returns what a query ``(batch, inner)`` finds in keys ``(window, batch, inner)``, the earliest step first."""
        graph, heads, features = self._graph, ATTENTION_HEADS, self._inner // ATTENTION_HEADS
        products = reshaped(keys * (query * features**-0.5), ATTENTION_WINDOW, -1, heads, features)
        biases = array_of(self._attention.distances)[:, ::-1].T[:, None]  # (window, 1, heads)
        scores = _summed(products, -1) + graph.constant(biases, "attention.distances")
        shares = unsqueezed(graph.node("Softmax", chosen(seen > 0.0, scores, -np.inf), axis=0), 3)
        found = _summed(shares * reshaped(values, ATTENTION_WINDOW, -1, heads, features), 0)
        return linear(reshaped(found, -1, self._inner), self._attention.merge, "attention.merge")


class MemoryWriter(ContextWriter):
    """Writes `SlotMemory`: one step of it is a write into its slots, and a read of them."""

    def __init__(self, graph: GraphBuilder, memory: SlotMemory, width: int) -> None:
        self._graph = graph
        self._memory = memory
        self._width = width
        self._inner = memory_width(width)

    def zero_states(self, batch: Value) -> dict[str, Value]:
        """Returns an empty memory."""
        return {"slots": filled(self._graph, 0.0, MEMORY_SLOTS, batch, 2 * self._inner)}

    def step(self, output: Value, states: States) -> tuple[Value, dict[str, Value]]:
        """Returns what the step reads after it wrote."""
        graph = self._graph
        scaled = _normalised(output, self._width)
        projected = linear(scaled, self._memory.project, "memory.project")
        query, content = graph.nodes(
            "Split", projected, np.array([self._inner, 2 * self._inner]), count=2, axis=-1
        )
        address = graph.node("Softmax", linear(scaled, self._memory.address, "memory.address"), axis=-1)
        gate = graph.node("Sigmoid", linear(scaled, self._memory.gate, "memory.gate"))
        written = unsqueezed(graph.node("Transpose", gate * address * MOST_WRITTEN), 2)  # (slots, batch, 1)
        slots = states["slots"] + written * (content - states["slots"])
        keys, values = graph.nodes("Split", slots, count=2, axis=-1, num_outputs=2)
        scores = _summed(keys * (query * self._inner**-0.5), -1)  # (slots, batch)
        shares = unsqueezed(graph.node("Softmax", scores, axis=0), 2)
        return linear(_summed(shares * values, 0), self._memory.merge, "memory.merge"), {"slots": slots}


def context_writer(graph: GraphBuilder, context: WindowedAttention | SlotMemory, width: int) -> ContextWriter:
    """Returns what writes the context of one direction of a layer."""
    if isinstance(context, WindowedAttention):
        return AttentionWriter(graph, context, width)
    return MemoryWriter(graph, context, width)


def _normalised(output: Value, width: int) -> Value:
    return normalised(output, np.ones(width, np.float32), np.zeros(width, np.float32), "unit")


def _summed(values: Value, axis: int) -> Value:
    return values.graph.node("ReduceSum", values, np.array([axis]), keepdims=0)
