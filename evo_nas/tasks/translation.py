"""Translates a data set into the units, words and classes of an earlier preparation, so that its network can go on.

Values are standardised with other means on new data, and classes and tokens have other numbers there. Both steps of a
standardisation are one multiplication and one addition, so that arrays are translated without reading files again.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from evo_nas.data.examples import enumerated
from evo_nas.errors import DataError
from evo_nas.tasks.answers import ClassAnswers, NumberAnswers
from evo_nas.tasks.cuts.relearning import in_former_units
from evo_nas.tasks.cuts.rows import valid_steps
from evo_nas.tasks.dataset import Sequences, Windows
from evo_nas.tasks.raw_inputs import NumericInputs
from evo_nas.tasks.raw_windows import WindowInputs

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from evo_nas.genome.architecture import Signature
    from evo_nas.tasks.dataset import Dataset, Part
    from evo_nas.tasks.preparation import Preparation

    Inputs = npt.NDArray[np.float32]
    Columns = Sequence[npt.NDArray[np.floating]]


def translated(dataset: Dataset, preparation: Preparation, signature: Signature) -> Dataset:
    """Returns the data set as the network of an earlier training reads and is judged by it.

    Args:
        dataset: New data, prepared with their own statistics; tokens with the vocabulary of ``preparation``.
        preparation: That of the earlier training.
        signature: The shape of its networks.

    Raises:
        DataError: The data lack a column, or have a class or holes that the network does not know.
    """
    own = dataset.preparation
    assert own is not None
    changes: dict[str, Any] = {"preparation": preparation, "resampling": None, "cuts": ()}
    parts: dict[str, Any] = dict(dataset.parts)
    if isinstance(own.inputs, NumericInputs | WindowInputs):
        parts = {name: _with_inputs(part, own, preparation) for name, part in parts.items()}
    if isinstance(own.answers, NumberAnswers) and isinstance(preparation.answers, NumberAnswers):
        before, after = own.answers, preparation.answers
        scale = np.array(after.scale) / np.array(before.scale)
        mean = (np.array(after.mean) - np.array(before.mean)) / np.array(before.scale)
        parts = {name: _with_numbers(part, mean, scale) for name, part in parts.items()}
        changes["metric"] = in_former_units(
            dataset.metric, tuple(mean.tolist()), tuple(scale.tolist()), levels=max(len(dataset.quantiles), 1)
        )
    if (
        isinstance(own.answers, ClassAnswers)
        and isinstance(preparation.answers, ClassAnswers)
        and dataset.classes
    ):
        places = _places(dataset, preparation.answers.classes)
        parts = {name: _with_classes(part, places) for name, part in parts.items()}
        changes["classes"] = preparation.answers.classes
        if dataset.class_weights is not None:
            weights = np.zeros(len(preparation.answers.classes), dtype=np.float32)
            weights[places] = dataset.class_weights
            changes["class_weights"] = weights
    return replace(dataset, **parts, **changes).with_signature(signature)


def _places(dataset: Dataset, classes: Sequence[str]) -> npt.NDArray[np.int64]:
    if unknown := [name for name in dataset.classes if name not in classes]:
        raise DataError(
            f"the data have the class {enumerated(map(repr, unknown))}, which the champion does not know; leave its "
            "rows out, or search on the new data: its outputs are those of "
            f"{enumerated(map(repr, classes))}"
        )
    return np.array([classes.index(name) for name in dataset.classes], dtype=np.int64)


def _with_classes(part: Part, places: npt.NDArray[np.int64]) -> Part:
    assert isinstance(part, Sequences)
    return replace(part, targets=places[part.targets.astype(np.int64)])


def _with_numbers(part: Part, mean: npt.NDArray[np.float64], scale: npt.NDArray[np.float64]) -> Part:
    if isinstance(part, Sequences) and part.targets.shape[1] != len(mean):
        return part  # of a panel, whose steps have the unit of their series
    assert isinstance(part, Sequences | Windows)
    targets = part.targets.astype(np.float64)
    return replace(part, targets=((targets - mean) / scale).astype(np.float32))


def _with_inputs(part: Part, own: Preparation, former: Preparation) -> Part:
    assert isinstance(part, Sequences | Windows)
    inputs = part.inputs.astype(np.float32, copy=False)
    if isinstance(part, Sequences):
        changed = _translated(inputs, _values(own), _values(former), own, former, starts=None)
        changed[~valid_steps(part)] = 0.0
        return replace(part, inputs=changed)
    # A mask may add columns, of which the last known row is then asked as well.
    if part.last_known is not None and _values(own).masked != _values(former).masked:
        raise DataError("missing values became inputs in another way when the network learnt; fill them in")
    changed = _translated(inputs, _values(own), _values(former), own, former, starts=part.starts)
    return replace(part, inputs=changed)


def _translated(
    inputs: Inputs,
    own: NumericInputs,
    former: NumericInputs,
    of_own: Preparation,
    of_former: Preparation,
    *,
    starts: npt.NDArray[np.int64] | None,
) -> Inputs:
    """Returns inputs ``(..., own inputs)`` as ``(..., former inputs)``, feature by feature."""
    names, wanted = _names(own), _names(former)
    if len(names) != len(wanted) and not own.columns:
        raise DataError(f"the data have {len(names)} values in a step; the champion reads {len(wanted)}")
    if holed := [
        names[at] for at in own.masked if names[at] in wanted and wanted.index(names[at]) not in former.masked
    ]:
        raise DataError(
            f"{enumerated(map(repr, holed))} has missing values, as it never had when the champion learnt; fill them in"
        )
    values = []
    for at, name in enumerate(wanted):
        if name not in names:
            if "=" not in name:
                raise DataError(
                    f"the data have no column {name!r}, which the champion reads; they have "
                    f"{enumerated(map(repr, names))}"
                )
            values.append(np.zeros(inputs.shape[:-1]))  # a word that the new data do not have
            continue
        place = names.index(name)
        column = inputs[..., place].astype(np.float64)
        shifted = (column * own.scale[place] + own.mean[place] - former.mean[at]) / former.scale[at]
        values.append(_with_holes(shifted, inputs, own, place, len(names) + _calendar(of_own), starts))
    further = _further(inputs, len(names), of_own)
    masks = _masks(inputs, own, former, len(names) + _calendar(of_own), starts)
    ahead = _ahead(inputs, own, former, of_own, of_former)
    return np.stack([*values, *further, *masks, *ahead], axis=-1).astype(np.float32)


def _with_holes(
    column: npt.NDArray[np.float64],
    inputs: Inputs,
    own: NumericInputs,
    place: int,
    first: int,
    starts: npt.NDArray[np.int64] | None,
) -> npt.NDArray[np.float64]:
    """Returns a column whose holes are the mean of the earlier training, where a mask says that they are holes."""
    if place not in own.masked:
        return column
    mask = first + 2 * own.masked.index(place)
    is_hole = inputs[..., mask] == 0
    if starts is not None:
        # A hole of a series repeats the last known value; only before the first one it is the mean.
        is_hole &= inputs[..., mask + 1] == 0
    return np.where(is_hole, 0.0, column)


def _masks(
    inputs: Inputs,
    own: NumericInputs,
    former: NumericInputs,
    first: int,
    starts: npt.NDArray[np.int64] | None,
) -> Columns:
    names, wanted = _names(own), _names(former)
    masks: list[npt.NDArray[np.floating]] = []
    for at in former.masked:
        place = names.index(wanted[at]) if wanted[at] in names else -1
        if place in own.masked:
            mask = first + 2 * own.masked.index(place)
            masks += [inputs[..., mask], inputs[..., mask + 1]]
            continue
        # Without a hole every value is known, and so was the one before it.
        since = np.full(inputs.shape[:-1], np.log1p(1.0))
        if starts is None:
            since[:, 0] = 0.0
        else:
            since[starts] = 0.0
        masks += [np.ones(inputs.shape[:-1]), since]
    return masks


def _further(inputs: Inputs, values: int, of_own: Preparation) -> Columns:
    return [inputs[..., values + at] for at in range(_calendar(of_own))]


def _ahead(
    inputs: Inputs, own: NumericInputs, former: NumericInputs, of_own: Preparation, of_former: Preparation
) -> Columns:
    """Returns the copies of known columns that lie ahead, which are scaled as the columns are."""
    mine, theirs = of_own.inputs, of_former.inputs
    if not isinstance(mine, WindowInputs) or not isinstance(theirs, WindowInputs) or not mine.known:
        return []
    first = len(own.mean) + _calendar(of_own) + 2 * len(own.masked)
    copies = []
    for place in range(first, inputs.shape[-1]):
        name = mine.known[(place - first) % len(mine.known)]
        at, before = former.columns.index(name), own.columns.index(name)
        column = inputs[..., place].astype(np.float64)
        copies.append((column * own.scale[before] + own.mean[before] - former.mean[at]) / former.scale[at])
    return copies


def _values(preparation: Preparation) -> NumericInputs:
    inputs = preparation.inputs
    if isinstance(inputs, WindowInputs):
        return inputs.values
    assert isinstance(inputs, NumericInputs)
    return inputs


def _names(inputs: NumericInputs) -> list[str]:
    return list(inputs.columns) or [f"value {number}" for number in range(1, len(inputs.mean) + 1)]


def _calendar(preparation: Preparation) -> int:
    return 2 * len(preparation.inputs.calendar) if isinstance(preparation.inputs, WindowInputs) else 0
