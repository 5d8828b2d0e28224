"""Files that hold numeric sequences: tables, NumPy and MATLAB arrays, and ``.ts``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from evo_nas.data.array_files import is_arrays, read_arrays
from evo_nas.data.examples import Examples, Places
from evo_nas.data.files import format_of
from evo_nas.data.table_files import read_table
from evo_nas.data.ts_files import read_ts
from evo_nas.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import numpy.typing as npt

    from evo_nas.data.examples import Label
    from evo_nas.data.table import Table

LABELS = ("label", "class", "target", "y", "labels", "targets")
SEQUENCES = ("x", "X", "inputs", "data")


@dataclass(frozen=True, slots=True)
class Roles:
    """The columns or arrays that play each role; None is guessed.

    Attributes:
        label: The class of a sequence, or of a step.
        inputs: The values that are read.
        sequence: The sequence that a row is a step of; None if every row is a whole sequence.
        group: The names of groups that must stay together in a split.
        features: How many successive columns are one step if a row is a whole sequence.
        delimiter: The character between columns of text.
        label_per_step: Whether every step has a label of its own.
    """

    label: str | None = None
    inputs: tuple[str, ...] | None = None
    sequence: str | None = None
    group: str | None = None
    features: int = 1
    delimiter: str | None = None
    label_per_step: bool = False


def read_sequences(path: Path, roles: Roles) -> Examples[npt.NDArray[np.float64]]:
    """Reads labelled numeric sequences.

    Raises:
        DataError: The file cannot be read, or the roles do not fit it.
    """
    if format_of(path) == ".ts":
        return read_ts(path)
    if is_arrays(path):
        return _from_arrays(path, roles)
    return sequences_of(read_table(path, delimiter=roles.delimiter), roles)


def sequences_of(table: Table, roles: Roles) -> Examples[npt.NDArray[np.float64]]:
    """Returns the labelled sequences of a table; each row is a sequence, a step, or holds a list of steps."""
    label = roles.label or guessed(table.columns, LABELS, default=list(table.columns)[-1])
    lists = [name for name in table.list_columns() if name in (roles.inputs or {*table.columns} - {label})]
    if lists:
        return _from_lists(table, roles, guessed(lists, SEQUENCES, default=lists[0]), label=label)
    return _from_steps(table, roles, label) if roles.sequence else _from_rows(table, roles, label)


def _from_rows(table: Table, roles: Roles, label: str) -> Examples[npt.NDArray[np.float64]]:
    """Every row is a sequence: its columns are the steps."""
    inputs = roles.inputs or _numeric(table, without=(label, roles.group))
    if len(inputs) % roles.features:
        raise DataError(
            f"{table.source} has {len(inputs)} input columns; features is {roles.features}: must divide them evenly"
        )
    rows = table.matrix(inputs).reshape(len(table), -1, roles.features)
    return Examples(
        table.source,
        missing=table.missing(),
        items=list(rows),
        labels=table.texts(label),
        groups=table.texts(roles.group) if roles.group else None,
        remarks=(
            f"every row is a sequence of {rows.shape[1]} steps with {_values(roles.features)}, "
            f"columns {inputs[0]} to {inputs[-1]}",
            f"column {label} is the label",
        ),
        places=places_of_rows(table),
    )


def _from_lists(table: Table, roles: Roles, name: str, *, label: str) -> Examples[npt.NDArray[np.float64]]:
    """Every row holds a sequence: a list with a value, or a list of values, for each step."""
    if label in table.list_columns() and not roles.label_per_step:
        raise DataError(
            f"{table.source}: column {label!r} holds a list of labels in every row; a classification needs one: choose "
            "the task labelling, or another column"
        )
    items = [
        _as_steps(f"{table.source}, row {row}", value) for row, value in enumerate(table.lists(name), start=1)
    ]
    return Examples(
        table.source,
        missing=table.missing(),
        items=items,
        labels=[np.array(each, dtype=np.str_) for each in table.lists(label)]
        if roles.label_per_step
        else table.texts(label),
        groups=table.texts(roles.group) if roles.group else None,
        remarks=(f"column {name} holds a sequence in every row, {label} the label",),
        places=places_of_rows(table),
    )


def _from_steps(table: Table, roles: Roles, label: str) -> Examples[npt.NDArray[np.float64]]:
    """Every row is a step; the rows of a sequence are in the order of time, but need not follow each other."""
    assert roles.sequence is not None
    inputs = roles.inputs or _numeric(table, without=(label, roles.group, roles.sequence))
    names = np.array(table.texts(roles.sequence))
    values, labels = table.matrix(inputs), np.array(table.texts(label))
    groups = np.array(table.texts(roles.group)) if roles.group else None
    # A stable sort keeps the order of time within each sequence.
    order = np.argsort(names, kind="stable")
    rows_of = np.split(order, np.flatnonzero(names[order][1:] != names[order][:-1]) + 1)
    # Sequences come in the order of the file again: a split by time takes the last ones.
    rows_of.sort(key=lambda rows: int(rows[0]))
    if not roles.label_per_step:
        for rows in rows_of:
            if len(set(labels[rows].tolist())) > 1:
                raise DataError(
                    f"{table.source}: sequence {names[rows[0]]!r} has several labels in column {label!r}; a "
                    "classification needs one: choose the task labelling, or another column"
                )
    labels_of: list[Label] = [
        labels[rows] if roles.label_per_step else str(labels[rows[0]]) for rows in rows_of
    ]
    return Examples(
        table.source,
        missing=table.missing(),
        items=[values[rows] for rows in rows_of],
        labels=labels_of,
        groups=None if groups is None else [str(groups[rows[0]]) for rows in rows_of],
        remarks=(
            f"every row is a step of the sequence that column {roles.sequence} names, with {', '.join(inputs)}",
            f"column {label} is the label",
        ),
        places=Places.of(table.source, "sequence", [str(names[rows[0]]) for rows in rows_of]),
    )


def _from_arrays(path: Path, roles: Roles) -> Examples[npt.NDArray[np.float64]]:
    arrays = read_arrays(path)
    name = roles.inputs[0] if roles.inputs else guessed(arrays, SEQUENCES)
    label = roles.label or guessed(arrays, LABELS)
    for wanted in (name, label, roles.group):
        if wanted is not None and wanted not in arrays:
            raise DataError(f"{path} has no array {wanted!r}; it has {', '.join(map(repr, arrays))}")
    items = [_as_steps(path, item) for item in arrays[name]]
    labels = arrays[label]
    if labels.ndim == 2 and 1 in labels.shape and not roles.label_per_step:
        labels = labels.ravel()  # MATLAB has no vectors, only rows and columns
    if len(items) != len(labels) or not items:
        raise DataError(
            f"{path}: {name} has {len(items)} sequences and {label} {len(labels)} labels; the numbers must be equal"
        )
    # NPZ has no ragged arrays, so sequences of different lengths are padded there.
    if "lengths" in arrays:
        items = [item[:length] for item, length in zip(items, _lengths(path, arrays, items), strict=True)]
    if any(value != value for each in labels for value in np.ravel(each)):  # noqa: PLR0124 - true only for NaN
        raise DataError(f"{path}: {label} has a missing value; every label must be given")
    ravelled = [np.ravel(value).astype(str) for value in labels]
    return Examples(
        str(path),
        items=items,
        labels=[value[: len(item)] for value, item in zip(ravelled, items, strict=True)]
        if roles.label_per_step
        else [str(value[0]) for value in ravelled],
        groups=None if roles.group is None else [str(np.ravel(value)[0]) for value in arrays[roles.group]],
        remarks=(f"array {name} holds the sequences, {label} the labels",),
        places=Places.of(str(path), "sequence", range(1, len(items) + 1)),
    )


def _lengths(
    path: Path, arrays: dict[str, npt.NDArray[np.generic]], items: list[npt.NDArray[np.float64]]
) -> list[int]:
    lengths: list[int] = np.ravel(arrays["lengths"]).astype(np.int64).tolist()
    if len(lengths) != len(items):
        raise DataError(
            f"{path}: lengths has {len(lengths)} numbers; must be {len(items)}, one for each sequence"
        )
    for number, (length, item) in enumerate(zip(lengths, items, strict=True), start=1):
        if not 1 <= length <= len(item):
            raise DataError(f"{path}: lengths of sequence {number} is {length}; must be 1 to {len(item)}")
    return lengths


def _as_steps(place: Path | str, item: object) -> npt.NDArray[np.float64]:
    """Returns one sequence as ``(time, features)``; a vector has one feature."""
    try:
        steps = np.asarray(item, dtype=np.float64)
    except (TypeError, ValueError):
        raise DataError(f"{place}: a sequence is not an array of numbers; must be (time, features)") from None
    steps = steps[:, None] if steps.ndim == 1 else steps
    if steps.ndim != 2:
        raise DataError(f"{place}: a sequence has shape {steps.shape}; must be (time, features)")
    return steps


def places_of_rows(table: Table) -> Places:
    """Returns the place of each row of a table."""
    return Places.of(table.source, "row", range(table.first_row, table.first_row + len(table)))


def _values(count: int) -> str:
    return "1 value" if count == 1 else f"{count} values"


def _numeric(table: Table, *, without: tuple[str | None, ...]) -> tuple[str, ...]:
    # A column with a word among its numbers is read, too, and then refused with the row of the word.
    names = tuple(
        name
        for name in table.columns
        if table.kind_of(name).name in {"numeric", "mixed"} and name not in (*without, *table.index_columns)
    )
    if not names:
        raise DataError(f"{table.source} has no column of numbers to read; name some in `inputs`")
    return names


def guessed(names: Iterable[str], wanted: tuple[str, ...], *, default: str = "") -> str:
    """Returns the first of ``wanted`` that is in ``names``, in any case of letters; otherwise ``default``."""
    present = {name.lower(): name for name in names}
    return next((present[name.lower()] for name in wanted if name.lower() in present), default or wanted[0])
