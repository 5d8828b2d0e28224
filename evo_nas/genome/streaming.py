"""Which networks can read their input one step at a time, and what keeps the others from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evo_nas.genome.architecture import Forecast
from evo_nas.genome.blocks import Columns

if TYPE_CHECKING:
    from evo_nas.genome.architecture import Architecture


def can_stream(architecture: Architecture) -> bool:
    """Returns whether a network can read its input step by step, as `models.streaming.StreamingModel` does."""
    return not stream_obstacle(architecture)


def stream_obstacle(architecture: Architecture) -> str:
    """Returns which part of a network needs the whole sequence, and why; an empty string if none does.

    Everything else is a function of the steps so far that a state of fixed size holds: of a forecast of the change the
    last value is the present one, and a map from a window keeps the window.
    """
    backward = [number for number, layer in enumerate(architecture.layers) if layer.bidirectional]
    front = architecture.front
    if backward:
        return f"layers[{backward[0]}] is bidirectional: its backward cell begins at the end of the sequence"
    if front.shortens > 1:
        return f"front is {front}: its places are counted from the end of the sequence"
    if architecture.forecast is Forecast.RELATIVE:
        return f"forecast is {Forecast.RELATIVE}: the last step is subtracted from all steps before it"
    if architecture.head.segment:
        return f"head.segment is {architecture.head.segment}: segments are decoded after the last step"
    if architecture.columns is Columns.APART:
        return f"columns is {Columns.APART}: the network runs once for each target, over all of its steps"
    return ""
