"""Whole networks, and ensembles of them, from prepared inputs to outputs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from evo_nas.champion.exporters.onnx.fronts import write_front
from evo_nas.champion.exporters.onnx.heads import write_head, write_segments
from evo_nas.champion.exporters.onnx.layers import LayerWriter
from evo_nas.champion.exporters.onnx.shortcuts import write_shortcut
from evo_nas.champion.exporters.onnx.steps import (
    Steps,
    array_of,
    batch_of,
    joined,
    last_step,
    reshaped,
    shape_of,
    time_of,
    transposed,
    unsqueezed,
)
from evo_nas.models.ensemble import Ensemble, Link
from evo_nas.models.network import Network
from evo_nas.models.recurrent_layer import RecurrentLayer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evo_nas.champion.exporters.onnx.builder import GraphBuilder, Value
    from evo_nas.models.columns import ColumnsApart
    from evo_nas.models.decoder import SegmentQueries
    from evo_nas.models.ensemble import Model


def write_model(graph: GraphBuilder, model: Model, inputs: Steps) -> Value:
    """Returns the outputs ``(batch, outputs)``, or ``(batch, time, outputs)`` where every step has some.

    Args:
        graph: Where it is written.
        model: A network or an ensemble.
        inputs: float ``(batch, time, features)``, or ids int64 ``(batch, time)``.
    """
    if isinstance(model, Network):
        return _write_network(graph, model, inputs)
    outputs = []
    for number, member in enumerate(model.members):
        assert isinstance(member, Network)
        with graph.scope(f"member{number}"):
            outputs.append(_write_network(graph, member, inputs))
    return write_mean(graph, model, outputs)


def write_mean(graph: GraphBuilder, ensemble: Ensemble, outputs: Sequence[Value]) -> Value:
    """Returns the weighted mean of the ``outputs`` of each member, on the scale of the ensemble's link."""
    shares = np.array(ensemble.shares, np.float32)
    if ensemble.link is Link.VALUES:
        return _sum([output * float(share) for output, share in zip(outputs, shares, strict=True)])
    weights = [float(weight) for weight in np.log(shares)]

    def mean(logarithms: Sequence[Value]) -> Value:
        weighted = [each + weight for each, weight in zip(logarithms, weights, strict=True)]
        greatest = graph.node("Max", *weighted)
        total = _sum([graph.node("Exp", each - greatest) for each in weighted])
        return greatest + graph.node("Log", total)

    if ensemble.link is Link.CLASSES:
        return mean([graph.node("LogSoftmax", output, axis=-1) for output in outputs])
    # In logarithms of both outcomes, since the probability of a rare label is lost beside 1.
    likely = mean([-graph.node("Softplus", -output) for output in outputs])
    return likely - mean([-graph.node("Softplus", output) for output in outputs])


def _write_network(graph: GraphBuilder, network: Network, inputs: Steps) -> Value:
    architecture, residual = network.architecture, network.residual
    last, read = last_step(inputs) if residual is not None else None, inputs
    if residual is not None and residual.is_relative:
        assert last is not None
        read = inputs.with_values(inputs.values - unsqueezed(last, 1))
    outputs = _without_paths(graph, network, read)
    if network.shortcut is not None:
        outputs = outputs + write_shortcut(graph, network.shortcut, (architecture, network.signature), inputs)
    if residual is None or last is None:
        return outputs
    return outputs + graph.node("Gather", last, array_of(residual.columns), axis=1)


def _without_paths(graph: GraphBuilder, network: Network, inputs: Steps) -> Value:
    """Returns the outputs of front end, layers and head."""
    read = inputs if network.columns is None else _columns_apart(graph, network.columns, inputs)
    with graph.scope("front"):
        steps = write_front(graph, network.front, network.architecture.front, read)
    values, decoded = [steps.values], None
    top = len(network.layers) - 1
    for index, (settings, layer) in enumerate(zip(network.architecture.layers, network.layers, strict=True)):
        with graph.scope(f"layer{index}"):
            assert isinstance(layer, RecurrentLayer)
            writer = LayerWriter(graph, layer, settings)
            entered = steps.with_values(with_skip(values, settings.skip))
            if network.queries is not None and index == top:
                output, decoded = writer.decode(entered, _queries(graph, network.queries, steps))
            else:
                output = writer.write(entered)
        values.append(output)
    features = steps.with_values(with_skip(values, network.architecture.head.skip))
    with graph.scope("head"):
        if decoded is None:
            outputs = write_head(graph, network.head, features)
        else:
            count = 1 if network.columns is None else network.columns.count
            wanted = network.signature.outputs // count
            outputs = write_segments(graph, network.head, decoded, features, outputs=wanted)
    return outputs if network.columns is None else _columns_together(network, network.columns, outputs)


def with_skip(values: Sequence[Value], skip: int | None) -> Value:
    """Returns the last of ``values`` ``(..., features)``, joined with that which ``skip`` names."""
    return values[-1] if skip is None else joined(values[-1], values[skip])


def _columns_apart(graph: GraphBuilder, columns: ColumnsApart, inputs: Steps) -> Steps:
    """Returns a sequence for each target, ``(batch * targets, time, 1 + others)``; see `ColumnsApart.enter`."""
    values, count = inputs.values, columns.count
    own = unsqueezed(transposed(graph.node("Gather", values, array_of(columns.targets), axis=2), 0, 2, 1), 3)
    others = array_of(columns.others)
    apart = own
    if len(others):
        shared = unsqueezed(graph.node("Gather", values, others, axis=2), 1)
        shape = shape_of(graph, batch_of(values), count, time_of(values), len(others))
        apart = joined(own, graph.node("Expand", shared, shape))
    lengths = graph.node("Expand", unsqueezed(inputs.lengths, 1), shape_of(graph, batch_of(values), count))
    rows = shape_of(graph, batch_of(values) * count, time_of(values), 1 + len(others))
    return Steps(graph.node("Reshape", apart, rows), reshaped(lengths, -1))


def _columns_together(network: Network, columns: ColumnsApart, outputs: Value) -> Value:
    """Returns outputs ``(batch, outputs)`` from those of each target; see `ColumnsApart.leave`."""
    signature = network.signature
    levels = signature.outputs // (columns.count * signature.horizon)
    by_target = reshaped(outputs, -1, columns.count, signature.horizon, levels)
    return reshaped(transposed(by_target, 0, 2, 1, 3), 0, -1)


def _queries(graph: GraphBuilder, queries: SegmentQueries, steps: Steps) -> Value:
    """Returns what the top layer reads for each segment, ``(batch, segments, width)``; see `SegmentQueries`."""
    count = 1 if queries.targets is None else len(queries.targets)
    with torch.no_grad():
        constant = graph.constant(array_of(queries(count)), "queries")  # (targets, segments, width)
    _, segments, width = array_of(queries(count)).shape
    repeated = graph.node(
        "Expand",
        unsqueezed(constant, 0),
        shape_of(graph, batch_of(steps.values) / count, count, segments, width),
    )
    return reshaped(repeated, -1, segments, width)


def _sum(values: Sequence[Value]) -> Value:
    return values[0] if len(values) == 1 else values[0].graph.node("Sum", *values)
