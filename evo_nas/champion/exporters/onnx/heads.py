"""From the top layer to the outputs of a network: pooling over time, hidden layer, outputs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from torch import nn

from evo_nas.champion.exporters.onnx.builder import FLOAT
from evo_nas.champion.exporters.onnx.steps import (
    Steps,
    array_of,
    batch_of,
    chosen,
    joined,
    last_step,
    linear,
    reshaped,
    shape_of,
    size_of,
    sliced,
    squeezed,
    unsqueezed,
    within,
)
from evo_nas.models.head import Attention, LastStep, MaxOverTime
from evo_nas.models.layers import TiedOutput

if TYPE_CHECKING:
    from evo_nas.champion.exporters.onnx.builder import GraphBuilder, Value
    from evo_nas.models.head import OutputHead


def write_head(graph: GraphBuilder, head: OutputHead, steps: Steps) -> Value:
    """Returns ``(batch, outputs)``, or ``(batch, time, outputs)`` if every step has an output.

    Args:
        graph: Where it is written.
        head: The head.
        steps: Outputs of the layers below.
    """
    return outputs_of(
        graph, head, steps.values if head.pooling is None else _pooled(graph, head.pooling, steps)
    )


def write_segments(
    graph: GraphBuilder, head: OutputHead, decoded: Value, steps: Steps, *, outputs: int
) -> Value:
    """Returns ``(batch, outputs)`` from what was decoded for each segment ``(batch, segments, width)``."""
    if head.pooling is not None:
        pooled = unsqueezed(_pooled(graph, head.pooling, steps), 1)
        features = size_of(pooled, 2)
        shape = shape_of(graph, batch_of(decoded), size_of(decoded, 1), features)
        decoded = joined(decoded, graph.node("Expand", pooled, shape))
    # The last segment may reach beyond the horizon.
    return sliced(reshaped(outputs_of(graph, head, decoded), 0, -1), 1, 0, outputs)


def outputs_of(graph: GraphBuilder, head: OutputHead, features: Value) -> Value:
    """Returns the outputs ``(..., outputs)`` of pooled ``features`` ``(..., features)``."""
    if head.hidden is not None:
        features = graph.node("Tanh", linear(features, head.hidden, "hidden"))
    if not isinstance(head.output, TiedOutput):
        return linear(features, head.output, "output")
    return _tied(graph, head.output, features)


def mean_of(steps: Steps) -> Value:
    """Returns the mean of the steps within each sequence, ``(batch, features)``."""
    graph = steps.values.graph
    total = graph.node("ReduceSum", within(steps), np.array([1]), keepdims=0)
    return total / unsqueezed(graph.node("Cast", steps.lengths, to=FLOAT), 1)


def greatest(steps: Steps) -> Value:
    """Returns the largest value of each feature within each sequence, ``(batch, features)``."""
    return steps.values.graph.node("ReduceMax", within(steps, -np.inf), np.array([1]), keepdims=0)


def _pooled(graph: GraphBuilder, pooling: nn.Module, steps: Steps) -> Value:
    if isinstance(pooling, LastStep):
        backward = array_of(pooling.backward)
        last = last_step(steps)
        # The output of a backward cell after the whole sequence was read is at the first step.
        return (
            chosen(graph.constant(backward), squeezed(sliced(steps.values, 1, 0, 1), 1), last)
            if backward.any()
            else last
        )
    if isinstance(pooling, MaxOverTime):
        return greatest(steps)
    if isinstance(pooling, Attention):
        scores = chosen(unsqueezed(steps.valid, 2), linear(steps.values, pooling.score, "score"), -np.inf)
        shares = graph.node("Softmax", scores, axis=1)  # (batch, time, 1)
        return graph.node("ReduceSum", shares * within(steps), np.array([1]), keepdims=0)
    return mean_of(steps)


def _tied(graph: GraphBuilder, output: TiedOutput, features: Value) -> Value:
    projected = (
        features
        if isinstance(output.projection, nn.Identity)
        else linear(features, output.projection, "projection")
    )
    weight = graph.constant(array_of(output.weight), "embedding.weight")
    return projected @ graph.node("Transpose", weight) + graph.constant(array_of(output.bias), "output.bias")
