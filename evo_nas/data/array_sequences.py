"""Labelled sequences from files of arrays, and the parts that such a file may hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from evo_nas.data.array_files import (
    are_numbers,
    array_named,
    arrays_by_part,
    as_numbers,
    is_arrays,
    read_arrays,
)
from evo_nas.data.columns import SEQUENCES
from evo_nas.data.examples import Examples, Places, enumerated
from evo_nas.data.guesses import LABELS, guessed
from evo_nas.data.labels import groups_of, labels_of, step_labels_of, targets_of
from evo_nas.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import numpy.typing as npt

    from evo_nas.data.array_files import Arrays
    from evo_nas.data.columns import Roles
    from evo_nas.data.examples import Label

    Numeric = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class NamedArrays:
    """The arrays of a file, or those of one part in it.

    Attributes:
        source: The file, and the part if it holds several, for messages.
        arrays: The arrays by name.
    """

    source: str
    arrays: Arrays

    @classmethod
    def of(cls, path: Path, roles: Roles) -> NamedArrays:
        """Returns all arrays of a file; the labels of an ``.npy`` file are in another one if a role names it."""
        return cls(str(path), read_arrays(path, beside=roles.label))


def sources_by_part(files: Mapping[str, Sequence[Path]], roles: Roles) -> dict[str, list[Path | NamedArrays]]:
    """Returns what is read for each part: files, and arrays of files that hold parts of their own, as Keras has them.

    Args:
        files: The files of each part that has some, ``train`` first.
        roles: What the configuration names.

    Raises:
        DataError: A file holds a part that has files of its own, or parts where only one is expected.
    """
    sources: dict[str, list[Path | NamedArrays]] = {part: [] for part in files}
    for part, paths in files.items():
        for path in paths:
            if not is_arrays(path):
                sources[part].append(path)
                continue
            whole = NamedArrays.of(path, roles)
            within = arrays_by_part(whole.arrays) or {part: whole.arrays}
            if clash := [name for name in within if name != part and (part != "train" or name in files)]:
                raise DataError(
                    f"{path} holds the {', '.join(within)} parts, but {clash[0] if part == 'train' else part}_path is "
                    "given as well; give the file in path alone, or files with one part each"
                )
            for name, arrays in within.items():
                source = whole.source if len(within) == 1 else f"{whole.source}, {name} part"
                sources.setdefault(name, []).append(NamedArrays(source, arrays))
    return sources


def sequences_of_arrays(file: NamedArrays, roles: Roles) -> Examples[Numeric]:
    """Returns the labelled sequences of a file of arrays.

    Raises:
        DataError: The roles do not fit the arrays, or the arrays each other.
    """
    path, arrays = file.source, file.arrays
    name = roles.inputs[0] if roles.inputs else guessed(arrays, SEQUENCES)
    label = (roles.targets or (roles.label,))[0] or guessed(arrays, LABELS)
    for wanted in (name, label, roles.group, *(roles.targets or ())):
        if wanted is not None:
            array_named(path, arrays, wanted)  # raises where there is none
    items = [as_steps(path, item) for item in arrays[name]]
    if not items:
        raise DataError(f"{path}: {name} has no sequence; must have at least one")
    place, steps = f"{path}: {label}", [len(item) for item in items]
    # NPZ has no ragged arrays, so sequences of different lengths are padded there.
    items = known_steps(path, arrays, items)
    lengths = list(map(len, items))
    labels: Sequence[Label]
    remarks: tuple[str, ...] = ()
    if roles.targets is not None:
        named = [
            targets_of(f"{path}: {each}", arrays[each], len(items)) for each in roles.targets or (label,)
        ]
        labels = [np.concatenate(each) for each in zip(*named, strict=True)]
    elif roles.label_per_step:
        padded, remarks = step_labels_of(place, arrays[label], steps)
        labels = [each[:length] for each, length in zip(padded, lengths, strict=True)]
    else:
        labels, remarks = labels_of(place, arrays[label], len(items))
    groups = (
        None if roles.group is None else groups_of(f"{path}: {roles.group}", arrays[roles.group], len(items))
    )
    return Examples(
        path,
        items=items,
        labels=labels,
        groups=groups,
        remarks=(
            f"array {name} holds the sequences, {label} the {'labels' if roles.targets is None else 'targets'}",
            *remarks,
            *_unread(arrays, {name, label, roles.group, "lengths", *(roles.targets or ())}),
            *_padded(sum(length < count for length, count in zip(lengths, steps, strict=True))),
        ),
        places=Places.of(path, "sequence", range(1, len(items) + 1)),
    )


def as_steps(place: str, item: object) -> Numeric:
    """Returns one sequence as ``(time, features)``; a vector has one feature.

    Raises:
        DataError: It is no array of numbers of one or two dimensions.
    """
    steps = as_numbers(item)
    if steps is None:
        raise DataError(
            f"{place}: a sequence is not an array of numbers, (time, features); for words choose the task "
            "tagging, or text_classification"
        )
    steps = steps[:, None] if steps.ndim == 1 else steps
    if steps.ndim != 2:
        raise DataError(f"{place}: a sequence has shape {steps.shape}; must be (time, features)")
    return steps


def known_steps(path: str, arrays: Arrays, items: list[Numeric]) -> list[Numeric]:
    """Returns sequences without the steps that only pad them: beyond the array ``lengths``, or without any value.

    Raises:
        DataError: The lengths do not fit the sequences.
    """
    lengths = _lengths(path, arrays, items) if "lengths" in arrays else list(map(_length, items))
    return [item[:length] for item, length in zip(items, lengths, strict=True)]


def _length(item: Numeric) -> int:
    """Returns the number of steps up to the last one with a value; all of them if there is none."""
    known = np.flatnonzero(~np.isnan(item).all(axis=1))
    return int(known[-1]) + 1 if len(known) else len(item)


def _padded(count: int) -> tuple[str, ...]:
    return (f"{count:,} sequences end before the array does; what comes after is not read",) if count else ()


def _unread(arrays: Arrays, read: set[str | None]) -> tuple[str, ...]:
    others = [name for name in arrays if name not in read]
    return (f"not read: {enumerated(others)}",) if others else ()


def _lengths(path: str, arrays: Arrays, items: list[Numeric]) -> list[int]:
    given = np.ravel(arrays["lengths"])
    if not are_numbers(given) or not np.equal(given, np.floor(given)).all():
        raise DataError(f"{path}: lengths is {given.tolist()!s:.60}; must be whole numbers of steps")
    lengths: list[int] = given.astype(np.int64).tolist()
    if len(lengths) != len(items):
        raise DataError(
            f"{path}: lengths has {len(lengths)} numbers; must be {len(items)}, one for each sequence"
        )
    for number, (length, item) in enumerate(zip(lengths, items, strict=True), start=1):
        if not 1 <= length <= len(item):
            raise DataError(f"{path}: lengths of sequence {number} is {length}; must be 1 to {len(item)}")
    return lengths
