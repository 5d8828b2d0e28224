"""`Steps`: sequences in a graph, and what several blocks do with them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor, nn

    from evo_nas.champion.exporters.onnx.builder import Array, GraphBuilder, Value


@dataclass(frozen=True, slots=True)
class Steps:
    """Sequences of vectors, as in `evo_nas.models.stems.Steps`; every sequence has a length.

    Attributes:
        values: ``(batch, time, features)``, or ids ``(batch, time)``.
        lengths: int64 ``(batch,)``, none longer than ``time``.
    """

    values: Value
    lengths: Value

    def with_values(self, values: Value) -> Steps:
        """Returns other vectors with the same lengths."""
        return Steps(values, self.lengths)

    @property
    def valid(self) -> Value:
        """Whether each step lies within its sequence, bool ``(batch, time)``."""
        return positions(time_of(self.values)) < unsqueezed(self.lengths, 1)


def array_of(tensor: Tensor) -> Array:
    """Returns the numbers of a parameter or buffer."""
    array: Array = tensor.detach().cpu().numpy()
    return array


def linear(values: Value, module: nn.Linear, name: str) -> Value:
    """Returns ``values`` ``(..., inputs)`` through a linear layer, whose weights are called ``name``."""
    graph = values.graph
    product = values @ graph.constant(array_of(module.weight).T, f"{name}.weight")
    return product if module.bias is None else product + graph.constant(array_of(module.bias), f"{name}.bias")


def size_of(values: Value, axis: int) -> Value:
    """Returns the size of ``values`` along an axis, int64 ``(1,)``."""
    return values.graph.node("Shape", values, start=axis, end=axis + 1)


def batch_of(values: Value) -> Value:
    """Returns how many sequences there are, int64 ``(1,)``."""
    return size_of(values, 0)


def time_of(values: Value) -> Value:
    """Returns how many steps there are, int64 ``(1,)``."""
    return size_of(values, 1)


def positions(count: Value) -> Value:
    """Returns 0, 1, ... below ``count``, which is int64 ``(1,)``."""
    graph = count.graph
    return graph.node("Range", graph.constant(0), squeezed(count, 0), graph.constant(1))


def unsqueezed(values: Value, *axes: int) -> Value:
    """Returns ``values`` with new axes of size 1."""
    return values.graph.node("Unsqueeze", values, np.array(axes))


def squeezed(values: Value, *axes: int) -> Value:
    """Returns ``values`` without axes of size 1."""
    return values.graph.node("Squeeze", values, np.array(axes))


def sliced(values: Value, axis: int, start: int, end: int | None = None) -> Value:
    """Returns what lies from ``start`` up to ``end`` along an axis; both may count from the end."""
    last = np.iinfo(np.int64).max if end is None else end
    return values.graph.node("Slice", values, np.array([start]), np.array([last]), np.array([axis]))


def joined(*values: Value, axis: int = -1) -> Value:
    """Returns ``values`` one after another along an axis."""
    return values[0] if len(values) == 1 else values[0].graph.node("Concat", *values, axis=axis)


def reshaped(values: Value, *shape: int | Value) -> Value:
    """Returns ``values`` in another shape; 0 keeps a size, and -1 is what is left."""
    graph = values.graph
    if all(isinstance(size, int) for size in shape):
        return graph.node("Reshape", values, np.array(shape))
    return graph.node("Reshape", values, shape_of(graph, *shape))


def transposed(values: Value, *axes: int) -> Value:
    """Returns ``values`` with its axes in another order."""
    return values.graph.node("Transpose", values, perm=list(axes))


def shape_of(graph: GraphBuilder, *sizes: int | Value) -> Value:
    """Returns sizes, of which values are int64 ``(1,)``, as one shape."""
    parts = [graph.constant(np.array([size])) if isinstance(size, int) else size for size in sizes]
    return graph.node("Concat", *parts, axis=0)


def filled(graph: GraphBuilder, number: float, *sizes: int | Value) -> Value:
    """Returns a float32 array that holds one number throughout."""
    return graph.node("Expand", number, shape_of(graph, *sizes))


def chosen(condition: Value, one: Value | float | int, other: Value | float | int) -> Value:
    """Returns ``one`` where ``condition`` holds, and ``other`` elsewhere."""
    return condition.graph.node("Where", condition, one, other)


def within(steps: Steps, outside: float = 0.0) -> Value:
    """Returns the vectors of ``steps``, ``outside`` at padded steps."""
    return chosen(unsqueezed(steps.valid, 2), steps.values, outside)


def taken(values: Value, places: Value) -> Value:
    """Returns for each sequence ``(batch, time, ...)`` its steps at ``places`` ``(batch, n)``."""
    return values.graph.node("GatherND", values, unsqueezed(places, 2), batch_dims=1)


def last_step(steps: Steps) -> Value:
    """Returns the last valid step of each sequence, ``(batch, features)``."""
    return values_at(steps.values, steps.lengths - 1)


def values_at(values: Value, places: Value) -> Value:
    """Returns for each sequence ``(batch, time, ...)`` its step at ``places`` ``(batch,)``."""
    return values.graph.node("GatherND", values, unsqueezed(places, 1), batch_dims=1)


def normalised(values: Value, scale: Array, bias: Array, name: str) -> Value:
    """Returns vectors ``(..., features)`` normalised as by torch's ``LayerNorm``."""
    graph = values.graph
    return graph.node(
        "LayerNormalization",
        values,
        graph.constant(scale, f"{name}.weight"),
        graph.constant(bias, f"{name}.bias"),
        axis=-1,
        epsilon=1e-5,
    )
