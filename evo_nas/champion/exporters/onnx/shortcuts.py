"""Linear paths from the input of a network to its outputs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from evo_nas.champion.exporters.onnx.builder import FLOAT
from evo_nas.champion.exporters.onnx.fronts import rows_of_ngrams, summed_rows
from evo_nas.champion.exporters.onnx.heads import greatest, mean_of
from evo_nas.champion.exporters.onnx.steps import (
    Steps,
    array_of,
    chosen,
    joined,
    last_step,
    reshaped,
    taken,
    time_of,
    transposed,
    unsqueezed,
)
from evo_nas.genome.architecture import Forecast
from evo_nas.genome.blocks import ShortcutKind
from evo_nas.models.hashing import NO_NGRAM
from evo_nas.models.shortcuts import LinearShortcut, NgramTable, SharedLine

if TYPE_CHECKING:
    from evo_nas.champion.exporters.onnx.builder import GraphBuilder, Value
    from evo_nas.genome.architecture import Architecture, Signature
    from evo_nas.genome.blocks import Ngrams


def write_shortcut(
    graph: GraphBuilder,
    module: LinearShortcut | NgramTable,
    network: tuple[Architecture, Signature],
    inputs: Steps,
) -> Value:
    """Returns what is added to the outputs of a network, ``(batch, outputs)`` or ``(batch, time, outputs)``.

    Args:
        graph: Where it is written.
        module: The shortcut.
        network: Architecture and signature of its network.
        inputs: The inputs of the network.
    """
    architecture, signature = network
    shortcut, relative = architecture.shortcut, architecture.forecast is not Forecast.VALUE
    if isinstance(module, NgramTable):
        assert shortcut.ngrams is not None
        return _of_ngrams(graph, module, shortcut.ngrams, inputs, per_step=signature.per_step)
    if isinstance(module, SharedLine):
        window = latest(inputs, signature.steps, relative=relative)
        read = transposed(graph.node("Gather", window, array_of(module.columns), axis=2), 0, 2, 1)
    elif shortcut.kind is ShortcutKind.FULL:
        read = reshaped(latest(inputs, signature.steps, relative=relative), 0, -1)
    elif shortcut.kind is ShortcutKind.FLAT:
        read = reshaped(_first(inputs, signature.steps), -1, signature.steps * signature.features)
    else:
        read = joined(mean_of(inputs), greatest(inputs))
    return applied(graph, module, read, signature)


def applied(graph: GraphBuilder, module: LinearShortcut, read: Value, signature: Signature) -> Value:
    """Returns the outputs ``(batch, outputs)`` of the linear map of ``read``, as `LinearShortcut.forward` does."""
    lines = read @ graph.constant(array_of(module.weight).T, "shortcut.weight")
    if isinstance(module, SharedLine):
        # Lines are (batch, targets, horizon); outputs are ordered by step, target and level.
        by_step, levels = transposed(lines, 0, 2, 1), len(signature.last_values) // len(module.columns)
        repeated = joined(*[unsqueezed(by_step, 3)] * levels, axis=3)
        lines = reshaped(repeated, 0, -1)
    return lines + graph.constant(array_of(module.bias), "shortcut.bias")


def latest(inputs: Steps, steps: int, *, relative: bool) -> Value:
    """Returns the last ``steps`` of each sequence, ``(batch, steps, features)``; a shorter one begins with zeros.

    Args:
        inputs: The sequences.
        steps: Steps of the result.
        relative: Whether the last step is subtracted.
    """
    values, graph = inputs.values, inputs.values.graph
    if relative:
        values = values - unsqueezed(last_step(inputs), 1)
    places = unsqueezed(inputs.lengths, 1) + np.arange(-steps, 0)
    found = taken(values, graph.node("Max", places, 0))
    return chosen(unsqueezed(places < 0, 2), 0.0, found)


def _first(inputs: Steps, steps: int) -> Value:
    """Returns the first ``steps`` of each sequence, ``(batch, steps, features)``, zeros after its end."""
    graph = inputs.values.graph
    places = graph.node("Min", graph.constant(np.arange(steps)), time_of(inputs.values) - 1)
    found = graph.node("Gather", inputs.values, places, axis=1)
    is_valid = graph.node("Less", np.arange(steps), unsqueezed(inputs.lengths, 1))
    return chosen(unsqueezed(is_valid, 2), found, 0.0)


def _of_ngrams(
    graph: GraphBuilder, module: NgramTable, ngrams: Ngrams, inputs: Steps, *, per_step: bool
) -> Value:
    rows, table = rows_of_ngrams(inputs, ngrams), array_of(module.table)
    if per_step:
        return summed_rows(graph, table, rows, "shortcut.table")
    flat = reshaped(rows, 0, -1)
    is_ngram = graph.node("Cast", graph.node("Greater", flat, NO_NGRAM), to=FLOAT)
    count = graph.node("Max", graph.node("ReduceSum", is_ngram, np.array([1])), 1.0)
    return summed_rows(graph, table, flat, "shortcut.table") / graph.node("Sqrt", count)
