"""What leads from raw sequences to the inputs of a network, as `evo_nas.tasks.preparation` does it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from evo_nas.champion.exporters.onnx.builder import DOUBLE, FLOAT, INT
from evo_nas.champion.exporters.onnx.holes import (
    carried_on,
    gaps_of,
    interpolated,
    known_at,
    with_marks,
    zero_if_masked,
)
from evo_nas.champion.exporters.onnx.steps import (
    Steps,
    batch_of,
    chosen,
    positions,
    sliced,
    taken,
    time_of,
    unsqueezed,
    within,
)
from evo_nas.tasks.raw_inputs import NumericInputs, TokenInputs
from evo_nas.tasks.raw_windows import WindowInputs

if TYPE_CHECKING:
    from evo_nas.champion.exporters.onnx.builder import GraphBuilder, Value
    from evo_nas.genome.architecture import Signature

    RawInputs = NumericInputs | TokenInputs | WindowInputs

ALL_STEPS = np.array([np.iinfo(np.int64).max])
"""The length that stands for all steps: the default of the input ``lengths``."""


def write_inputs(graph: GraphBuilder, signature: Signature, raw: RawInputs | None) -> Steps:
    """Adds the inputs ``inputs`` and ``lengths`` to a graph, and returns what the network reads.

    What cannot be prepared - a hole that training never had, a series that is shorter than the window - is NaN, since a
    graph cannot raise an error.

    Args:
        graph: Where they are written.
        signature: Shape of the prepared inputs.
        raw: What is done to raw ones; None if the graph takes them prepared.
    """
    if signature.vocabulary:
        given = graph.input("inputs", INT, ["batch", "time"])
    else:
        given = graph.input("inputs", FLOAT, ["batch", "time", raw_features(signature, raw)])
    lengths = graph.input("lengths", INT, ["sequences"], default=ALL_STEPS)
    # One number is the length of all sequences.
    lengths = graph.node("Expand", graph.node("Min", lengths, time_of(given)), batch_of(given))
    return prepared(Steps(given, lengths), raw)


def raw_features(signature: Signature, raw: RawInputs | None) -> int:
    """Returns how many numbers a step of raw inputs has."""
    if isinstance(raw, WindowInputs):
        return len(raw.values.mean)
    return len(raw.mean) if isinstance(raw, NumericInputs) else signature.features


def prepared(steps: Steps, raw: RawInputs | None) -> Steps:
    """Returns what the network reads of raw ``steps``."""
    match raw:
        case None:
            return steps
        case TokenInputs():
            return _tokens(steps, raw)
        case NumericInputs():
            read = steps if raw.window is None else _ending(steps, raw.window)
            scaled = standardised(read.values, raw)
            return read.with_values(within(read.with_values(_filled(read.with_values(scaled), raw))))
        case WindowInputs():
            return _window(steps, raw)


def standardised(values: Value, raw: NumericInputs) -> Value:
    """Returns ``values`` ``(..., features)``, less the mean of training and divided by its deviation."""
    graph = values.graph
    # A mean that is large beside the deviation would be rounded away in 32 bits.
    exact = graph.node("Cast", values, to=DOUBLE)
    return graph.node("Cast", (exact - np.array(raw.mean)) / np.array(raw.scale), to=FLOAT)


def _filled(steps: Steps, raw: NumericInputs) -> Value:
    match raw.missing:
        case "refuse":
            return steps.values
        case "mask":
            _, gaps = gaps_of(steps)
            return with_marks(zero_if_masked(steps.values, len(raw.mean), raw.masked), gaps, raw.masked)
        case "interpolate":
            return interpolated(steps)
        case "previous":
            return carried_on(steps)


def _tokens(steps: Steps, raw: TokenInputs) -> Steps:
    ids, lengths = steps.values, steps.lengths
    if raw.max_length is not None:
        ids, lengths = sliced(ids, 1, 0, raw.max_length), ids.graph.node("Min", lengths, raw.max_length)
    return Steps(ids, lengths)


def _ending(steps: Steps, window: int) -> Steps:
    """Returns the last steps of each sequence, at most ``window`` of them, from the first place on."""
    graph = steps.values.graph
    lengths = graph.node("Min", steps.lengths, window)
    count = graph.node("Min", time_of(steps.values), window)
    places = unsqueezed(steps.lengths - lengths, 1) + positions(count)
    return Steps(taken(steps.values, graph.node("Min", places, time_of(steps.values) - 1)), lengths)


def _window(steps: Steps, raw: WindowInputs) -> Steps:
    """Returns the last rows of each series; holes are filled before, with what is known further back."""
    graph, how = steps.values.graph, raw.values.missing
    scaled = steps.with_values(standardised(steps.values, raw.values))
    values = scaled.values
    if how == "interpolate":
        values = interpolated(scaled)
    elif how != "refuse":
        known, gaps = gaps_of(scaled)
        # A series has no first value to repeat before it is known.
        values = chosen(known_at(known), known, 0.0)
        if how == "mask":
            values = chosen(graph.node("And", ~gaps.is_known, _never_missing(raw.values)), np.nan, values)
            values = with_marks(values, gaps, raw.values.masked)
    places = unsqueezed(steps.lengths, 1) + np.arange(-raw.window, 0)
    found = taken(values, graph.node("Max", places, 0))
    lengths = graph.node("Expand", raw.window, batch_of(values))
    return Steps(chosen(unsqueezed(places < 0, 2), np.nan, found), lengths)


def _never_missing(raw: NumericInputs) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    return ~np.isin(np.arange(len(raw.mean)), np.array(raw.masked))
