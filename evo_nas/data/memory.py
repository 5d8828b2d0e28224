"""Sequences and targets that a program holds, in arrays or frames: checked, as one array for each sequence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, cast

import numpy as np

from evo_nas.data.array_files import are_numbers
from evo_nas.data.frames import (
    FrameSequences,
    is_frame,
    plain_column,
    sequences_of_frame,
    sequences_of_frames,
)
from evo_nas.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Array = npt.NDArray[np.generic]
    Numbers = npt.NDArray[np.float64]

Kind = Literal["classification", "labelling", "regression"]
Pair = tuple[Any, Any] | tuple[Any, Any, Any]
"""Inputs and targets of one part, and the name of the group of each sequence if there are groups."""


class CheckedPair(NamedTuple):
    """Checked inputs, ids ``(time,)`` or values ``(time, features)`` each, a target for each, and perhaps a group.

    Attributes:
        items: The inputs.
        targets: Classes, or numbers ``(outputs,)``.
        groups: Names of groups.
        columns: The columns of frames that were read, in this order.
        rows_are_sequences: Whether these columns are the steps of a row that is a whole sequence.
    """

    items: list[Array]
    targets: Sequence[Any]
    groups: list[str] | None = None
    columns: tuple[str, ...] = ()
    rows_are_sequences: bool = False

    @property
    def features(self) -> int:
        """Values of a step; 0 for tokens."""
        return self.items[0].shape[1] if self.items[0].ndim == 2 else 0


class Reading(NamedTuple):
    """How inputs and targets in memory are understood.

    Attributes:
        kind: What the targets are.
        sequence: Column of a frame with the name of each row's sequence.
        holes: Whether values may be missing.
    """

    kind: Kind
    sequence: str | None = None
    holes: bool = False

    def pair(self, part: str, pair: Pair, *, columns: tuple[str, ...] = ()) -> CheckedPair:
        """Returns the checked inputs, targets and groups of a part.

        Args:
            part: Name of the part, for messages.
            pair: Inputs, targets and perhaps groups; targets and groups may be columns of a frame.
            columns: Columns that frames must have, in this order; those of the first frame if there are none.

        Raises:
            DataError: Shapes or types do not fit, or values are missing.
        """
        if not (isinstance(pair, tuple) and len(pair) in {2, 3}):
            raise DataError(f"{part} is a {type(pair).__name__}; must be a pair of inputs and targets")
        given = dict(zip(("targets", "groups"), pair[1:], strict=False))
        named = {what: each for what, each in given.items() if isinstance(each, str)}
        for what, name in named.items():
            if not is_frame(pair[0]):
                raise DataError(
                    f"{part} {what} is {name!r}; must be an array or a list: only a frame has columns to name"
                )
        read = self._sequences(f"{part} inputs", pair[0], named=named, columns=columns)
        targets, groups = (
            read.named[what] if what in named else _listed(f"{part} {what}", given.get(what), read.names)
            for what in ("targets", "groups")
        )
        if targets is None or not read.items or len(read.items) != len(targets):
            raise DataError(
                f"{part} has {len(read.items)} inputs and {len(targets or ())} targets; must have the same number of "
                "both, at least one"
            )
        items = self._checked_items(part, read.items)
        return CheckedPair(
            items,
            self._checked_targets(part, targets, items),
            None if groups is None else _groups(part, groups, len(items)),
            read.columns,
            rows_are_sequences=is_frame(pair[0]) and read.names is None,
        )

    def inputs(self, part: str, inputs: Any, *, columns: tuple[str, ...] = ()) -> list[Array]:
        """Returns checked inputs without targets; see `pair`. Frames may have further columns than ``columns``."""
        items = self._sequences(f"{part} inputs", inputs, named=None, columns=columns).items
        if not items:
            raise DataError(f"{part} has no inputs; must have at least one")
        return self._checked_items(part, items)

    def _sequences(
        self, place: str, inputs: Any, *, named: Mapping[str, str] | None, columns: tuple[str, ...]
    ) -> FrameSequences:
        if is_frame(inputs):
            per_step = ("targets",) if self.kind == "labelling" else ()
            return sequences_of_frame(
                place, inputs, sequence=self.sequence, named=named, per_step=per_step, columns=columns
            )
        if self.sequence is not None:
            raise DataError(
                f"{place} is no frame; only a frame has the column {self.sequence!r}, which `sequence` names"
            )
        _check_list(place, inputs)
        items = list(inputs)
        if items and all(map(is_frame, items)):
            return sequences_of_frames(place, items, columns=columns, may_have_more=named is None)
        return FrameSequences(items)

    def _checked_items(self, part: str, items: Sequence[Any]) -> list[Array]:
        arrays = [_array(f"{part}, input {number}", item) for number, item in enumerate(items, start=1)]
        if all(item.ndim == 1 and item.dtype.kind in "iu" for item in arrays):
            return [_tokens(f"{part}, input {number}", item) for number, item in enumerate(arrays, start=1)]
        return [
            _values(f"{part}, input {number}", item, holes=self.holes)
            for number, item in enumerate(arrays, start=1)
        ]

    def _checked_targets(self, part: str, targets: Sequence[Any], items: Sequence[Array]) -> Sequence[Any]:
        places = [f"{part}, target {number}" for number in range(1, len(targets) + 1)]
        if self.kind == "labelling":
            return list(map(_step_labels, places, targets, map(len, items)))
        if self.kind == "regression":
            return [
                _target(place, target, holes=self.holes)
                for place, target in zip(places, targets, strict=True)
            ]
        return list(map(_label, places, targets))


def _listed(place: str, values: Any, names: Sequence[Any] | None) -> list[Any] | None:
    """Returns targets or groups as a list, in the order of the sequences; None if there are none."""
    if values is None:
        return None
    plain = plain_column(place, values, names)
    _check_list(place, plain)
    return list(plain)


def _groups(part: str, groups: list[Any], count: int) -> list[str]:
    shape = np.asarray(groups).shape
    if shape != (count,):
        raise DataError(f"{part} groups have shape {shape}; must be ({count},), a group for each sequence")
    return list(map(str, groups))


def _check_list(place: str, values: object) -> None:
    # A mapping has a length, too, but a list of it has only its keys.
    if not hasattr(values, "__len__") or isinstance(values, str | Mapping):
        raise DataError(f"{place} is {values!r:.60}; must be an array, a list or a frame")


def _array(place: str, item: Any) -> Array:
    try:
        array = np.asarray(item)
    except ValueError:  # of nested lists that differ in length
        raise DataError(f"{place} is no array; every step must have the same number of values") from None
    if not are_numbers(array):
        raise DataError(
            f"{place} is no array of numbers: it has the type {array.dtype}; must be numbers (time, features), with "
            "NaN for a missing one"
        )
    return cast("Array", array)


def _tokens(place: str, item: Array) -> Array:
    ids = item.astype(np.int64)
    if not len(ids) or ids.min() < 0:
        raise DataError(f"{place} is {item.tolist()!s:.60}; must be at least one id of a token, from 0")
    return ids


def _values(place: str, item: Array, *, holes: bool) -> Array:
    values = item.astype(np.float64)
    values = values[:, None] if values.ndim == 1 else values
    if values.ndim != 2 or not values.size:
        raise DataError(
            f"{place} has shape {item.shape}; must be (time, features), or (time,) for one feature"
        )
    if np.isinf(values).any() or (np.isnan(values).any() and not holes):
        remedy = (
            "mend it" if holes else "mend it, leave the sequence out, or say what `missing` values become"
        )
        raise DataError(f"{place} has {'an infinite' if holes else 'a missing or infinite'} value; {remedy}")
    return values


def _label(place: str, target: Any) -> str:
    label = np.asarray(target)
    if label.ndim:
        raise DataError(
            f"{place} has shape {label.shape}; must be one class: for one at each step choose labelling"
        )
    if _is_missing(target):
        raise DataError(f"{place} is missing; every sequence must have a class")
    return str(label)


def _is_missing(label: object) -> bool:
    # By their names, since only pandas has a way to ask for its own kinds of nothing.
    return label is None or (not isinstance(label, str) and str(label) in {"nan", "NaT", "<NA>"})


def _step_labels(place: str, target: Any, steps: int) -> npt.NDArray[np.str_]:
    labels = np.asarray(target)
    if labels.shape != (steps,):
        raise DataError(f"{place} has shape {labels.shape}; must be ({steps},), a class for each step")
    # Asked of what was given: in an array of texts a missing one has become the word "nan".
    missing = next((step for step, label in enumerate(target, start=1) if _is_missing(label)), None)
    if missing is not None:
        raise DataError(f"{place}, step {missing} is missing; every step must have a class")
    return labels.astype(np.str_)


def _target(place: str, target: Any, *, holes: bool) -> Numbers:
    try:
        array = np.atleast_1d(np.asarray(target))
    except ValueError:
        array = np.array([""])  # of lists that differ in length: no numbers, as below
    if not are_numbers(array):
        raise DataError(f"{place} is {target!r:.60}; must be a number, or a list of numbers")
    numbers: Numbers = array.astype(np.float64)
    is_usable = (np.isfinite(numbers) | np.isnan(numbers)).all() if holes else np.isfinite(numbers).all()
    if numbers.ndim != 1 or not is_usable or np.isnan(numbers).all():
        raise DataError(f"{place} is {numbers.tolist()!s:.60}; must be a finite number, or a list of them")
    return numbers
