"""Frames in memory - of pandas, Polars or Arrow - as numeric sequences."""

from __future__ import annotations

from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from evo_nas.data.table import Table
from evo_nas.data.time import read_times
from evo_nas.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    import numpy.typing as npt

    from evo_nas.data.layout import Layout

    Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class FrameSequences:
    """The sequences of one frame or of several, in the order in which they appear.

    Attributes:
        items: float64 ``(time, features)`` each; a missing value is NaN.
        columns: The columns that were read, in this order; empty for arrays.
        names: Name of each sequence; None if they have none.
        named: For each column that was asked for by a role, its value for each sequence.
    """

    items: list[Numbers]
    columns: tuple[str, ...] = ()
    names: list[Any] | None = None
    named: Mapping[str, list[Any]] = field(default_factory=dict)


def is_frame(value: object) -> bool:
    """Whether ``value`` is a table in memory: a pandas or Polars ``DataFrame`` or an Arrow ``Table``."""
    # Series have the interface of Arrow as well, but no columns. A lazy frame has columns alone.
    return hasattr(value, "__arrow_c_stream__") and hasattr(value, "columns")


def frame_with(columns: Mapping[str, npt.NDArray[np.generic]]) -> pa.Table:
    """Returns a frame of columns ``(rows,)`` by their names."""
    return pa.table(dict(columns))


def names_its_rows(frame: Any) -> bool:
    """Whether the index of a pandas frame has levels, of which the first names the sequence of each row."""
    return bool(getattr(getattr(frame, "index", None), "nlevels", 1) > 1)


def sequences_of_frame(
    place: str,
    frame: Any,
    *,
    sequence: str | None = None,
    named: Mapping[str, str] | None,
    per_step: Collection[str] = (),
    columns: Sequence[str] = (),
) -> FrameSequences:
    """Returns the sequences of a frame.

    Every row is a step of the sequence that the column ``sequence`` or the first level of pandas' index names; rows are
    in the order of time, those of a sequence need not follow each other. Without either, every row is a whole sequence
    of one feature, and the columns are its steps.

    Args:
        place: What the frame is, for messages.
        frame: A frame, see `is_frame`.
        sequence: Column with the name of each row's sequence.
        named: Columns that are no values, by their roles, such as ``targets``; None if no others than ``columns`` are
            read.
        per_step: The roles of which every step has a value of its own.
        columns: The columns of values in the order in which they are read; none for the order of the frame.

    Raises:
        DataError: A column does not exist or holds no numbers, a sequence has several values where it must have one, or
            rows are not in the order of time.
    """
    table = columns_of_frame(place, frame)
    names = _names_of_rows(place, table, frame, sequence)
    may_have_more, named = named is None, named or {}
    given = {role: _column(place, table, column).to_pylist() for role, column in named.items()}
    found = [column for column in table.column_names if column not in (sequence, *named.values())]
    columns = _same_columns(place, found, columns or found, may_have_more=may_have_more)
    values = _matrix(place, table, columns)
    if names is None:
        return FrameSequences([row[:, None] for row in values], tuple(columns), named=given)
    places = rows_of(names)
    _check_time(place, frame, places)
    return FrameSequences(
        [values[rows] for rows in places.values()],
        tuple(columns),
        names=list(places),
        named={
            role: _of_sequences(f"{place}, column {named[role]!r}", some, places, per_step=role in per_step)
            for role, some in given.items()
        },
    )


def sequences_of_frames(
    place: str, frames: Sequence[Any], *, columns: Sequence[str] = (), may_have_more: bool = False
) -> FrameSequences:
    """Returns the sequences of frames ``(time, features)``, one each; columns are matched by their names.

    Args:
        place: What the frames are, for messages.
        frames: Frames, at least one.
        columns: The columns in the order in which they are read; none for the order of the first frame.
        may_have_more: Whether further columns are not read, instead of being refused.

    Raises:
        DataError: A frame has other columns, a column holds no numbers, or rows are not in the order of time.
    """
    items = []
    for number, frame in enumerate(frames, start=1):
        here = f"{place} {number}"
        table = columns_of_frame(here, frame)
        found = table.column_names
        columns = _same_columns(here, found, columns or found, may_have_more=may_have_more)
        _check_time(here, frame, {None: np.arange(len(table))})
        items.append(_matrix(here, table, columns))
    return FrameSequences(items, tuple(columns))


def as_laid_out(place: str, frame: Any, layout: Layout) -> Any:
    """Returns a frame with its rows in the order of time, and with a column for each word that has an input.

    Raises:
        DataError: It has no column of times, or one with values that are no times.
    """
    if layout.time is None and not layout.categories:
        return frame
    if names_its_rows(frame):
        raise DataError(f"{place} has an index of several levels; make columns of them: reset_index()")
    refuse_index(place, frame, layout.time, *layout.categories)
    table = columns_of_frame(place, frame)
    if layout.time is not None:
        _column(place, table, layout.time)
        table = table.take(pa.array(np.argsort(_times(place, table, layout.time), kind="stable")))
    for name, words in layout.categories.items():
        found = _words(place, name, _column(place, table, name).to_pylist(), words)
        for word in words:
            table = table.append_column(f"{name}={word}", pa.array([each == word for each in found]))
    return table


def refuse_index(place: str, frame: Any, *names: str | None) -> None:
    """Refuses a pandas frame whose index has one of ``names``, which are read as columns.

    Raises:
        DataError: It has.
    """
    levels = getattr(getattr(frame, "index", None), "names", ())
    if indexed := [
        name for name in names if name is not None and name in levels and name not in frame.columns
    ]:
        raise DataError(
            f"{place} has {indexed[0]!r} as its index, which is not read; make a column of it: reset_index()"
        )


def _words(place: str, name: str, values: Sequence[Any], words: Sequence[str]) -> list[str | None]:
    """Returns which of ``words`` each value of a column is, None where it is another one or missing.

    Raises:
        DataError: There are values, and none of them is a known word.
    """
    given = [value for value in values if value is not None and str(value).strip()]
    found = [next((each for each in _spellings(value) if each in words), None) for value in values]
    if given and not any(found):
        known = ", ".join(map(repr, words[:5])) + (", ..." if len(words) > 5 else "")
        raise DataError(
            f"{place}: no value of column {name!r} is a word that the network learnt, the first is "
            f"{str(given[0])!r:.60}; must be one of {known}, or missing"
        )
    return found


def _spellings(value: object) -> tuple[str, ...]:
    text = str(value).strip()
    # A column of whole numbers is one of fractions as soon as one is missing, in pandas and in files.
    is_whole = isinstance(value, int | float) and float(value).is_integer()
    return (text, f"{value:.0f}", f"{value:.1f}") if is_whole else (text,)


def _times(place: str, table: pa.Table, name: str) -> npt.NDArray[Any]:
    read = Table(place, {name: table.column(name)})
    return read.numbers(name) if read.kind_of(name).name == "numeric" else read_times(read, name)


def plain_column(place: str, values: Any, names: Sequence[Any] | None) -> Any:
    """Returns values that may be a series or a frame as a list or an array, in the order of ``names``.

    Args:
        place: What the values are, for messages.
        values: Anything; a series of pandas is matched with the names of the sequences by its index.
        names: Names of the sequences; None if they have none.

    Raises:
        DataError: The index of a series names other sequences.
    """
    if is_frame(values):
        table = columns_of_frame(place, values)
        if table.num_columns == 1:
            return table.column(0).to_pylist()
        return _matrix(place, table, table.column_names)
    if hasattr(values, "to_pylist"):  # a column of Arrow
        return values.to_pylist()
    index: Any = getattr(values, "index", None)
    if names is None or not hasattr(index, "is_unique"):
        return values
    if not index.is_unique or set(index) != set(names):
        if index.dtype.kind in "iu" and index.tolist() == list(range(len(index))):
            return values  # numbered by pandas, not named
        raise DataError(
            f"{place} have an index that does not name the sequences; must have the names {names[0]!r} and so on, each "
            "once, or none: reset_index(drop=True)"
        )
    return values.loc[list(names)]


def _same_columns(
    place: str, found: Sequence[str], wanted: Sequence[str], *, may_have_more: bool
) -> list[str]:
    more = () if may_have_more else found
    if different := [name for name in (*wanted, *more) if (name in wanted) != (name in found)]:
        what = "has no column" if different[0] in wanted else "has the column"
        raise DataError(
            f"{place} {what} {different[0]!r}; must have those of the first: {', '.join(map(repr, wanted))}"
        )
    return list(wanted)


def columns_of_frame(place: str, frame: Any) -> pa.Table:
    """Returns the columns of a frame, at least one with at least one row.

    Raises:
        DataError: It is empty, or a column has no single type or no name of its own.
    """
    try:
        # The index of pandas is no column.
        is_pandas = hasattr(frame, "iloc")
        table = pa.Table.from_pandas(frame, preserve_index=False) if is_pandas else pa.table(frame)
    except (pa.ArrowException, TypeError, ValueError) as error:
        reason = str(error).replace("\n", " ")
        raise DataError(
            f"{place} cannot be read: {reason:.150}; every column must have one type and a name of its own"
        ) from error
    if not (len(table) and table.num_columns):
        raise DataError(
            f"{place} has {len(table)} rows and {table.num_columns} columns; must have at least one of both"
        )
    return table


def _names_of_rows(place: str, table: pa.Table, frame: Any, sequence: str | None) -> list[Any] | None:
    if sequence is not None:
        names: list[Any] = _column(place, table, sequence).to_pylist()
    elif names_its_rows(frame):
        names = frame.index.get_level_values(0).tolist()
    else:
        return None
    nameless = next((row for row, name in enumerate(names) if name is None or name != name), None)  # noqa: PLR0124
    if nameless is not None:
        raise DataError(
            f"{place}, row {nameless + 1}: the name of the sequence is missing; every row must have one"
        )
    return names


def _column(place: str, table: pa.Table, name: str) -> pa.ChunkedArray:
    if name not in table.column_names:
        near = get_close_matches(name, table.column_names, n=1, cutoff=0.0)
        raise DataError(f"{place} has no column {name!r}; did you mean {near[0]!r}?")
    return table.column(name)


def _matrix(place: str, table: pa.Table, names: Sequence[str]) -> Numbers:
    """Returns columns side by side, float64 ``(rows, columns)``, by name and not by place."""
    if not names:
        raise DataError(f"{place} has no column of numbers to read")
    return np.stack([_numbers(place, name, table.column(name)) for name in names], axis=1)


def _numbers(place: str, name: str, column: pa.ChunkedArray) -> Numbers:
    kind = column.type
    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)):
        raise DataError(
            f"{place}: column {name!r} holds {kind}; must hold numbers: leave it out, or say what it is"
        )
    # A null of Arrow and Polars becomes NaN, as pandas has it.
    return np.array(column.to_pandas(), dtype=np.float64)


def rows_of(names: Iterable[Any]) -> dict[Any, npt.NDArray[np.int64]]:
    """Returns the positions of the rows of each name, in the order in which names appear."""
    rows: dict[Any, list[int]] = {}
    for row, name in enumerate(names):
        rows.setdefault(name, []).append(row)
    return {name: np.array(some, dtype=np.int64) for name, some in rows.items()}


def _check_time(place: str, frame: Any, places: dict[Any, npt.NDArray[np.int64]]) -> None:
    """Refuses rows that are not in the order of the times in pandas' index."""
    index: Any = getattr(frame, "index", None)
    if not hasattr(index, "get_level_values"):
        return
    times = index.get_level_values(index.nlevels - 1)
    # Any numbers may name rows; as the second level they are times by convention.
    if index.nlevels == 1 and times.dtype.kind != "M":
        return
    for name, rows in places.items():
        if not times[rows].is_monotonic_increasing:
            of = "" if name is None else f" of sequence {name!r}"
            raise DataError(f"{place}: the rows{of} are not in the order of time; sort_index() first")


def _of_sequences(
    place: str, values: list[Any], places: dict[Any, npt.NDArray[np.int64]], *, per_step: bool
) -> list[Any]:
    """Returns the value of each sequence, or those of its steps."""
    found: list[Any] = []
    for name, rows in places.items():
        some = [values[row] for row in rows.tolist()]
        if not per_step and len(set(map(repr, some))) > 1:
            raise DataError(
                f"{place}: sequence {name!r} has several values; must have one: a class for each step is `labelling`"
            )
        found.append(some if per_step else some[0])
    return found
