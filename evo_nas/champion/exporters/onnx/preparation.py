"""What leads from raw sequences to the inputs of a network, as `evo_nas.tasks.preparation` does it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from evo_nas.champion.exporters.onnx.builder import DOUBLE, FLOAT, INT
from evo_nas.champion.exporters.onnx.holes import (
    Gaps,
    carried_on,
    gaps_of,
    interpolated,
    known_after,
    known_at,
    since_after,
    with_marks,
)
from evo_nas.champion.exporters.onnx.steps import (
    Steps,
    batch_of,
    chosen,
    positions,
    sliced,
    squeezed,
    taken,
    time_of,
    unsqueezed,
    within,
)
from evo_nas.errors import ChampionError
from evo_nas.tasks.raw_inputs import NumericInputs, TokenInputs
from evo_nas.tasks.raw_windows import WindowInputs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evo_nas.champion.exporters.onnx.builder import Array, GraphBuilder, Value
    from evo_nas.genome.architecture import Signature

    RawInputs = NumericInputs | TokenInputs | WindowInputs

ALL_STEPS = np.array([np.iinfo(np.int64).max])
"""The length that stands for all steps: the default of the input ``lengths``."""
KNOWN, SINCE = "inputs.known", "inputs.since"
"""States of the preparation of one step: the last known values, standardised, and how long ago they were."""


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
            return _masked(steps.values, gaps_of(steps)[1], raw)
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
        values = (
            chosen(known_at(known), known, 0.0) if how == "previous" else _masked(known, gaps, raw.values)
        )
    places = unsqueezed(steps.lengths, 1) + np.arange(-raw.window, 0)
    found = taken(values, graph.node("Max", places, 0))
    lengths = graph.node("Expand", raw.window, batch_of(values))
    return Steps(chosen(unsqueezed(places < 0, 2), np.nan, found), lengths)


def states_of(raw: RawInputs) -> dict[str, Array]:
    """Returns what the preparation of one step keeps of the steps before, as it is before the first step.

    Raises:
        ChampionError: What fills a hole comes after it.
    """
    values = raw.values if isinstance(raw, WindowInputs) else raw
    if isinstance(values, TokenInputs) or values.missing == "refuse":
        return {}
    looks_ahead = values.missing == "interpolate" or (values.missing == "previous" and values is raw)
    if looks_ahead:
        raise ChampionError(
            f"the champion has no streaming form: missing is {values.missing}, which fills a hole with what comes "
            "after it; give it whole sequences, or search with missing: mask"
        )
    kept = ([SINCE] if values.missing == "mask" else []) + ([KNOWN] if raw is not values else [])
    return {name: np.zeros((1, 1, len(values.mean)), np.float32) for name in kept}


def prepared_step(
    step: Value, raw: RawInputs | None, states: Mapping[str, Value]
) -> tuple[Value, dict[str, Value]]:
    """Returns what the network reads of one raw step ``(batch, ...)``, and the states after it; see `states_of`."""
    if raw is None or isinstance(raw, TokenInputs):
        return step, {}
    values = raw.values if isinstance(raw, WindowInputs) else raw
    scaled = standardised(step, values)
    before = {name: squeezed(states[name], 0) for name in (KNOWN, SINCE) if name in states}
    after = {}
    if KNOWN in before:
        after[KNOWN] = known_after(scaled, before[KNOWN])
    if SINCE in before:
        after[SINCE] = since_after(scaled, before[SINCE])
    read = after.get(KNOWN, scaled)
    if SINCE in before:
        read = _masked(read, Gaps(known_at(scaled), before[SINCE]), values)
    return read, {name: unsqueezed(state, 0) for name, state in after.items()}


def _masked(values: Value, gaps: Gaps, raw: NumericInputs) -> Value:
    """Returns ``values`` with 0 for what is not known, and the marks of masked features.

    A hole that training never had is NaN.
    """
    never_missing = ~np.isin(np.arange(len(raw.mean)), np.array(raw.masked))
    unfit = values.graph.node("And", ~gaps.is_known, never_missing)
    return with_marks(chosen(unfit, np.nan, chosen(known_at(values), values, 0.0)), gaps, raw.masked)
