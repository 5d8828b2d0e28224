"""Labels and groups that are arrays: their shapes are checked."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from evo_nas.data.array_files import are_numbers, as_numbers
from evo_nas.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Array = npt.NDArray[np.generic]
    Texts = npt.NDArray[np.str_]


class Labels(NamedTuple):
    """Labels in the order of the sequences, and what was done to get them, one sentence each."""

    labels: list[str]
    remarks: tuple[str, ...] = ()


class StepLabels(NamedTuple):
    """An array ``(time,)`` of labels for each sequence, and what was done to get them, one sentence each."""

    labels: list[Texts]
    remarks: tuple[str, ...] = ()


def labels_of(place: str, values: Array, count: int) -> Labels:
    """Returns the label of each of ``count`` sequences.

    Args:
        place: The file and the name of the array.
        values: ``(count,)``, one-hot ``(count, classes)``, or MATLAB's rows, columns and cells.
        count: The number of sequences.

    Raises:
        DataError: The shape is another one, or a label is missing.
    """
    if values.ndim == 2 and 1 in values.shape:
        values = values.ravel()  # MATLAB has no vectors, only rows and columns
    remarks: tuple[str, ...] = ()
    if values.ndim > 1:
        if values.ndim != 2 or not _is_one_hot(values):
            raise DataError(
                f"{place} has shape {values.shape}; a classification needs one class for each sequence, ({count},), or "
                "a one-hot row: choose the task labelling for one at each step"
            )
        values, remarks = values.argmax(axis=1), (f"{place} is one-hot; classes are numbered from 0",)
    if len(values) != count:
        raise DataError(f"{place} has {len(values)} labels for {count} sequences; the numbers must be equal")
    return Labels(_texts(place, values, what="label"), remarks)


def step_labels_of(place: str, values: Array | Sequence[Array], steps: Sequence[int]) -> StepLabels:
    """Returns the labels of the steps of each sequence.

    Args:
        place: The file and the name of the array.
        values: ``(n, time)``, one-hot ``(n, time, classes)``, or one array ``(time,)`` for each sequence.
        steps: The number of steps of each sequence, before padding is cut off.

    Raises:
        DataError: The shape is another one, or a label is missing.
    """
    if len(values) != len(steps):
        raise DataError(f"{place} has labels for {len(values)} sequences; must have them for {len(steps)}")
    remarks: tuple[str, ...] = ()
    if isinstance(values, np.ndarray) and values.ndim == 3 and _is_one_hot(values):
        values, remarks = values.argmax(axis=2), (f"{place} is one-hot; classes are numbered from 0",)
    labels = []
    for number, (value, count) in enumerate(zip(values, steps, strict=True), start=1):
        label = np.asarray(value)
        if label.ndim == 2 and 1 in label.shape:
            label = label.ravel()
        if label.shape != (count,):
            raise DataError(
                f"{place}: sequence {number} of {count} steps has labels of shape {label.shape}; must be ({count},), "
                "one for each step"
            )
        if _has_hole(label):
            raise DataError(f"{place}: sequence {number} has a missing value; every label must be given")
        labels.append(label.astype(np.str_))
    return StepLabels(labels, remarks)


def targets_of(place: str, values: Array, count: int) -> list[npt.NDArray[np.float64]]:
    """Returns the numbers ``(targets,)`` that are to be predicted for each of ``count`` sequences.

    Args:
        place: The file and the name of the array.
        values: ``(count,)`` or ``(count, targets)``.
        count: The number of sequences.

    Raises:
        DataError: The shape is another one, or a target is missing, infinite or no number.
    """
    if values.ndim == 2 and values.shape[0] == 1 < count:
        values = values.T  # MATLAB has no vectors, only rows and columns
    numbers = as_numbers(values)
    if numbers is None:
        raise DataError(f"{place} has targets that are no numbers; must be ({count},) or ({count}, targets)")
    numbers = numbers[:, None] if numbers.ndim == 1 else numbers
    if numbers.ndim != 2 or len(numbers) != count:
        raise DataError(f"{place} has shape {values.shape}; must be ({count},), or ({count}, targets)")
    if len(unusable := np.flatnonzero(~np.isfinite(numbers).all(axis=1))):
        raise DataError(f"{place}, sequence {unusable[0] + 1}: a target is missing or infinite; mend it")
    return list(numbers)


def groups_of(place: str, values: Array, count: int) -> list[str]:
    """Returns the name of the group of each of ``count`` sequences.

    Raises:
        DataError: The shape is not ``(count,)``.
    """
    if values.ndim == 2 and 1 in values.shape:
        values = values.ravel()
    if values.shape != (count,):
        raise DataError(f"{place} has shape {values.shape}; must be ({count},), a group for each sequence")
    return _texts(place, values, what="group")


def _texts(place: str, values: Array, *, what: str) -> list[str]:
    numbered = enumerate(values, start=1)
    return [_text(f"{place}, sequence {number}", value, what=what) for number, value in numbered]


def _text(place: str, value: object, *, what: str) -> str:
    single = np.asarray(value).ravel()
    if single.size != 1:
        raise DataError(f"{place} has {single.size} values; must have one {what}")
    if _has_hole(single):
        raise DataError(f"{place}: the {what} is missing; every sequence must have one")
    return str(single[0])


def _has_hole(values: Array) -> bool:
    return any(value is None or value != value for value in values.ravel().tolist())  # noqa: PLR0124 - true for NaN


def _is_one_hot(values: Array) -> bool:
    if not are_numbers(values) or values.shape[-1] < 2:
        return False
    return bool(np.isin(values, (0, 1)).all() and (values.sum(axis=-1) == 1).all())
