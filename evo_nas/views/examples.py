"""`example_inputs`: raw inputs that a champion takes, to begin from when one has none at hand."""

from __future__ import annotations

import math
from itertools import cycle, islice
from typing import TYPE_CHECKING, Any

import numpy as np

from evo_nas.data.steps import after
from evo_nas.tasks.dataset import Stream, Windows
from evo_nas.tasks.raw_inputs import NumericInputs, TokenInputs
from evo_nas.tasks.raw_keys import KeyInputs
from evo_nas.tasks.raw_panels import PanelInputs
from evo_nas.tasks.raw_windows import WindowInputs

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from evo_nas.genome.architecture import Signature
    from evo_nas.tasks.dataset import Part
    from evo_nas.tasks.preparation import Preparation

    Array = npt.NDArray[np.generic]
    Numbers = npt.NDArray[np.float64]
    Example = dict[str, Any]

USUAL_STEPS, MOST_STEPS = 8, 24
"""Steps of an example where the network reads sequences of any length, and the most of one that it could be read in."""
BEGINNING = np.datetime64("2026-01-01")
MOST_VALUES = 5000
"""Values of the longest sequence of the data that is taken as an example."""
DIGITS = 4
"""Digits of a value beside its deviation, so that people can read an example."""


def example_inputs(preparation: Preparation, signature: Signature, *, seen: Array | None = None) -> Example:
    """Returns ``rows`` of a table, ``inputs``, or a ``text`` to go on from, in the format of the task.

    Without a sequence of the data, values swing about the mean of training by its deviation: a champion keeps no data.

    Args:
        preparation: What the champion keeps of its training.
        signature: Shape of its inputs and outputs.
        seen: A sequence as the network reads it; see `first_sequence`.
    """
    steps = signature.steps
    several = min(steps or USUAL_STEPS, MOST_STEPS)
    match preparation.inputs:
        case NumericInputs() as inputs:
            return _sequences(inputs, several, fixed=steps, seen=seen)
        case TokenInputs() as inputs:
            return _tokens(inputs, several, is_prompt=signature.predicts_inputs, seen=seen)
        case WindowInputs() as inputs:
            return _series(inputs, seen)
        case PanelInputs() as inputs:
            values = _swinging(np.array([100.0]), np.array([10.0]), 2 * max(inputs.window, inputs.season))
            return {"inputs": [values[:, 0].tolist()]}
        case KeyInputs() as inputs:
            return {"inputs": [np.eye(inputs.keys, dtype=int)[np.arange(several) % inputs.keys].tolist()]}


def first_sequence(part: Part) -> Array | None:
    """Returns the first sequence of a part as the network reads it: ``(time, inputs)``, or tokens ``(time,)``.

    None if it is too long to be an example.
    """
    if isinstance(part, Stream):
        return part.tokens[:MOST_STEPS]
    first = part.cut(slice(0, 1)) if isinstance(part, Windows) else part.chosen(np.zeros(1, dtype=np.int64))
    sequence = first.inputs[0] if first.lengths is None else first.inputs[0, : first.lengths[0]]
    return sequence if sequence.size <= MOST_VALUES else None


def _values(inputs: NumericInputs, seen: Array | None, steps: int) -> Numbers:
    """Returns values ``(steps, features)`` in the units of the data: those that were seen, or as many as are wanted."""
    mean, scale = np.array(inputs.mean), np.array(inputs.scale)
    if seen is None:
        return _swinging(mean, scale, steps)
    # Masks and what is known beforehand follow the values.
    return _readable(seen[:, : len(mean)].astype(np.float64) * scale + mean, scale)


def _swinging(mean: Numbers, scale: Numbers, steps: int) -> Numbers:
    """Returns values ``(steps, features)``; each feature swings in a phase of its own."""
    phases = np.arange(steps)[:, None] * 0.7 + np.arange(len(mean))
    return _readable(mean + scale * np.sin(phases), scale)


def _readable(values: Numbers, scale: Numbers) -> Numbers:
    """Returns values rounded to what their deviation makes of interest: a network computes with fewer digits."""
    decimals = [DIGITS - math.ceil(math.log10(each)) for each in scale]
    columns = [
        [round(value, digits) + 0.0 for value in column]
        for column, digits in zip(values.T.tolist(), decimals, strict=True)
    ]
    return np.array(columns).T


def _sequences(inputs: NumericInputs, several: int, *, fixed: int, seen: Array | None) -> Example:
    layout = inputs.layout
    if layout.row:
        # A row is a whole sequence: its columns are the steps, and their features, one after the other.
        flat = _values(inputs, seen, len(layout.row) // len(inputs.mean) or 1).ravel()
        return {"rows": [dict(zip(layout.row, map(float, flat), strict=True))]}
    values = _values(inputs, seen, fixed if 0 < fixed <= MOST_STEPS else several)
    if layout.sequence is None:
        return {"inputs": [values.tolist()]}
    words = {f"{name}={word}" for name, each in layout.categories.items() for word in each}
    rows = [
        {
            layout.sequence: "example",
            **({layout.time: step} if layout.time else {}),
            **{name: value for name, value in zip(inputs.columns, row, strict=True) if name not in words},
            **{name: each[step % len(each)] for name, each in layout.categories.items()},
        }
        for step, row in enumerate(values.tolist())
    ]
    return {"rows": rows}


def _tokens(inputs: TokenInputs, several: int, *, is_prompt: bool, seen: Array | None) -> Example:
    # The first stands for unknown tokens, if there can be any.
    known = inputs.vocabulary if inputs.is_closed else inputs.vocabulary[1:]
    if seen is None:
        tokens = list(islice(cycle(each for each in known if each.strip()), several))
    else:
        tokens = [inputs.vocabulary[int(token)] for token in seen]
    if is_prompt:
        return {"text": inputs.text(tokens)}
    return {"inputs": [inputs.text(tokens) if inputs.level else tokens]}


def _series(inputs: WindowInputs, seen: Array | None) -> Example:
    # What is known beforehand of the rows after the window is in another form in what was seen.
    ahead = inputs.horizon if inputs.known else 0
    values = _values(inputs.values, None if ahead else seen, inputs.window + ahead)
    if not inputs.columns or (inputs.layout.time is None and not inputs.needs_rows):
        return {"inputs": [values.tolist()]}
    times = _times(inputs, len(values))
    rows: list[dict[str, Any]] = []
    for step, (time, row) in enumerate(zip(times, values.tolist(), strict=True)):
        is_ahead = step >= inputs.window
        named = dict(zip(inputs.columns, row, strict=False))
        rows.append(
            {
                **({inputs.layout.series: "example"} if inputs.layout.series else {}),
                **({inputs.layout.time: time} if inputs.layout.time else {}),
                **{name: value for name, value in named.items() if not is_ahead or name in inputs.known},
            }
        )
    return {"rows": rows}


def _times(inputs: WindowInputs, count: int) -> Sequence[str]:
    stamps = after(BEGINNING, inputs.layout.frequency or "D", count)
    whole = all(str(each).endswith("T00:00:00.000000000") for each in stamps)
    return [str(each)[:10] if whole else str(each)[:19].replace("T", " ") for each in stamps]
