"""Missing values of standardised sequences, as `evo_nas.data.holes` fills them; all of it is a recurrence."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from evo_nas.champion.exporters.onnx.builder import FLOAT
from evo_nas.champion.exporters.onnx.steps import (
    Steps,
    batch_of,
    chosen,
    joined,
    size_of,
    unsqueezed,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evo_nas.champion.exporters.onnx.builder import Value


class Neighbour(NamedTuple):
    """The nearest known value in one direction, at a step itself or beyond it.

    Attributes:
        value: ``(..., features)``, NaN where there is none.
        distance: How many steps away it is, float ``(..., features)``.
    """

    value: Value
    distance: Value


class Gaps(NamedTuple):
    """What is known of the features of a step.

    Attributes:
        is_known: Whether a value is known, bool ``(..., features)``.
        since: Steps since the last known value before this step, 0 if none was, float ``(..., features)``.
    """

    is_known: Value
    since: Value


def known_at(values: Value) -> Value:
    """Returns whether each value is known, which NaN is not."""
    return ~values.graph.node("IsNaN", values)


def known_after(values: Value, known: Value) -> Value:
    """Returns the last known values ``(batch, features)`` after a step, given those before it."""
    return chosen(known_at(values), values, known)


def since_after(values: Value, since: Value) -> Value:
    """Returns for the next step how long ago a value was known, ``(batch, features)``, given it for this step.

    Args:
        values: The step, NaN where a value is missing.
        since: See `Gaps`.
    """
    counted = chosen(since > 0.0, since + 1.0, 0.0)
    return chosen(known_at(values), 1.0, counted)


def gaps_of(steps: Steps) -> tuple[Value, Gaps]:
    """Returns the last known value at or before each step, NaN where there is none, and what is known."""
    graph, values = steps.values.graph, steps.values
    states = [graph.node("Expand", number, _of_batch(values)) for number in (np.nan, 0.0)]

    def body(before: Sequence[Value], read: Sequence[Value]) -> tuple[Sequence[Value], Sequence[Value]]:
        known = known_after(read[0], before[0])
        return [known, since_after(read[0], before[1])], [known, before[1]]

    _, (known, since) = graph.scan(body, states, [values])
    return known, Gaps(known_at(values), since)


def with_marks(values: Value, gaps: Gaps, masked: Sequence[int]) -> Value:
    """Returns ``values`` ``(..., features)``, and for each masked feature whether it is known, and since when."""
    graph, places = values.graph, np.array(masked)
    known = graph.node("Cast", graph.node("Gather", gaps.is_known, places, axis=-1), to=FLOAT)
    # The logarithm keeps a long hole from being the largest input of all.
    since = graph.node("Log", graph.node("Gather", gaps.since, places, axis=-1) + 1.0)
    pairs = joined(unsqueezed(known, -1), unsqueezed(since, -1), axis=-1)
    flat = graph.node("Concat", graph.node("Shape", values, start=0, end=-1), np.array([-1]), axis=0)
    return joined(values, graph.node("Reshape", pairs, flat))


def carried_on(steps: Steps) -> Value:
    """Returns sequences with the last known value in each hole, and with the first one before it."""
    return _or_zero(_either(_nearest(steps).value, _nearest(steps, backward=True).value))


def interpolated(steps: Steps) -> Value:
    """Returns sequences with a line between the known neighbours in each hole."""
    before, after = _nearest(steps), _nearest(steps, backward=True)
    share = before.distance / steps.values.graph.node("Max", before.distance + after.distance, 1.0)
    line = before.value + share * (after.value - before.value)
    # A line that lacks one end is NaN; then the other end is repeated.
    return _or_zero(_either(line, _either(before.value, after.value)))


def _nearest(steps: Steps, *, backward: bool = False) -> Neighbour:
    graph, values = steps.values.graph, steps.values
    valid = unsqueezed(steps.valid, 2)

    def body(before: Sequence[Value], read: Sequence[Value]) -> tuple[Sequence[Value], Sequence[Value]]:
        value, distance = before
        is_known = graph.node("And", known_at(read[0]), read[1])
        after = [chosen(is_known, read[0], value), chosen(is_known, 0.0, distance + 1.0)]
        return after, after

    states = [graph.node("Expand", number, _of_batch(values)) for number in (np.nan, 0.0)]
    _, found = graph.scan(body, states, [values, valid], backward=backward)
    return Neighbour(*found)


def _either(one: Value, other: Value) -> Value:
    return chosen(known_at(one), one, other)


def _or_zero(values: Value) -> Value:
    return chosen(known_at(values), values, 0.0)


def _of_batch(values: Value) -> Value:
    """Returns the sizes of one step of ``values`` ``(batch, time, features)``."""
    return joined(batch_of(values), size_of(values, 2), axis=0)
