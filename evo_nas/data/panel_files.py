"""Panels from files: a long table, one column or one row for each series, one file for each, or lists of values."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from evo_nas.data.examples import enumerated
from evo_nas.data.guesses import is_id, names_rows
from evo_nas.data.panel import PanelSeries
from evo_nas.data.series_names import names_series
from evo_nas.data.series_options import Gaps  # noqa: TC001 - pydantic reads the annotations of `PanelColumns`
from evo_nas.data.series_rows import SeriesRows, common_steps
from evo_nas.data.table_files import read_table
from evo_nas.data.time import read_times, time_columns
from evo_nas.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path
    from typing import Self

    import numpy.typing as npt

    from evo_nas.data.table import Table

_DIGITS = re.compile("[0-9]+")


@dataclass(frozen=True, slots=True)
class PanelColumns:
    """What a person says about the columns of a panel.

    Attributes:
        series: Names of the series.
        value: Values, or lists of values.
        time: Times of the values.
        day_first: Whether 01/02/2020 is in February; None refuses dates that can be read in both ways.
        gaps: What becomes of steps without a row; ``mask`` makes them missing values.
    """

    series: str | None = None
    value: str | None = None
    time: str | None = None
    day_first: bool | None = None
    gaps: Gaps = "refuse"


@dataclass(frozen=True, slots=True)
class _PanelLayout:
    """Where the series of a table are; the first table settles it for all.

    Attributes:
        form: ``long`` if each row is a value of a series, ``rows`` and ``columns`` if each is a series, ``lists`` if
            each row has a series in one column.
        values: Columns that hold the values.
        series: Column that names the series.
        time: Column that orders the values.
        day_first: See `PanelColumns`.
    """

    form: Literal["long", "rows", "columns", "lists"]
    values: tuple[str, ...]
    series: str | None
    time: str | None
    day_first: bool | None

    @classmethod
    def of(cls, table: Table, columns: PanelColumns) -> Self:
        """Finds the series of the first table.

        Raises:
            DataError: A named column is not there, or it is not clear what the series are.
        """
        for name in filter(None, (columns.series, columns.value, columns.time)):
            table.column(name)  # raises where there is none
        lists, time = table.list_columns(), columns.time or _guessed_time(table, columns)
        given = (columns.value,) if columns.value else ()
        if lists and (not given or given[0] in lists):
            return cls("lists", given or _only(table, lists), columns.series, None, columns.day_first)
        free = {columns.series, time}
        numbers = given or tuple(
            name for name in table.numeric_columns() if name not in free and not _names_rows(table, name)
        )
        if columns.series is None:
            if not given:
                _check_that_columns_are_series(table, time)
            if not numbers:
                raise DataError(f"{table.source} has no column of numbers; a panel needs at least one series")
            return cls("columns", numbers, None, time, columns.day_first)
        is_named_once = table.distinct(columns.series) == len(table)
        if is_named_once and len(numbers) > 1 and time is None:
            _check_that_columns_are_alike(table, numbers)
            return cls("rows", numbers, columns.series, None, columns.day_first)
        return cls("long", _only(table, numbers), columns.series, time, columns.day_first)

    @property
    def remark(self) -> str:
        """How the columns are read, as a sentence."""
        values, named = enumerated(self.values), f", which {self.series} names" if self.series else ""
        return {
            "long": f"every row holds a value of a series{named}, in column {values}",
            "rows": f"every row is a series{named}, with its values in columns {self.values[0]} to {self.values[-1]}",
            "columns": f"every column of numbers is a series: {values}",
            "lists": f"every row holds a series{named}, as a list in column {values}",
        }[self.form]

    def unread(self, table: Table) -> str:
        """Returns which columns of ``table`` are not read, as a sentence; "" if all are."""
        read = {*self.values, self.series, self.time}
        names = [name or "a column without a name" for name in table.columns if name not in read]
        return f"{table.source}: not read: {enumerated(names)}" if names else ""

    def series_of(self, table: Table, path: Path, *, is_only: bool) -> Iterator[SeriesRows]:
        """Yields the series of a table; with ``is_only`` there is no other table."""
        read: Callable[[Table, _PanelLayout], Iterator[SeriesRows]] = _READERS[self.form]
        for each in read(table, self):
            if self.form == "columns" and not is_only:
                name = path.name if len(self.values) == 1 else f"{path.name} {each.name}"
                yield replace(each, name=name)
            else:
                yield each


def read_panel(
    files: Sequence[Path], columns: PanelColumns, *, delimiter: str | None = None
) -> tuple[list[PanelSeries], tuple[str, ...]]:
    """Returns all series of all files, and how the files were understood, one sentence each.

    A column of lists holds a series in each row. With names of series, a table is long, with a row for each value,
    or has a row for each series if every name is there once and several columns hold numbers. Without them each column
    of numbers is a series.

    Args:
        files: Tables.
        columns: What is said about them.
        delimiter: Character between columns of CSV; by the file's name if not given.

    Raises:
        DataError: A file cannot be read, it is not clear what its series are, two series have the same name, or times
            are not as ``columns`` allow.
    """
    layout: _PanelLayout | None = None
    series: dict[str, SeriesRows] = {}
    sources: dict[str, str] = {}
    of_tables: dict[str, None] = {}
    for path in files:
        table = read_table(path, delimiter=delimiter)
        layout = layout or _PanelLayout.of(table, columns)
        of_tables |= dict.fromkeys((*table.remarks, layout.unread(table)))
        for each in layout.series_of(table, path, is_only=len(files) == 1):
            if each.name in series:
                raise DataError(
                    f"series {each.name!r} is in {sources[each.name]} and again in {table.source}; one series must be "
                    "in one file: join them or rename one"
                )
            series[each.name], sources[each.name] = each, table.source
    assert layout is not None
    rows = list(series.values())
    remarks = [layout.remark, *filter(None, of_tables)]
    names = [""] * len(rows)
    if layout.time is not None:
        rows, names, said = _in_time(rows, layout.time, columns.gaps)
        remarks += said
    series_read = list(map(_trimmed, rows, names))
    shorter = sum(len(each.values) < len(more) for each, more in zip(series_read, rows, strict=True))
    if shorter:
        remarks.append(f"{shorter:,} series begin or end with missing values, which are no part of them")
    return series_read, tuple(remarks)


def _guessed_time(table: Table, columns: PanelColumns) -> str | None:
    dates = [name for name in time_columns(table) if name not in {columns.series, columns.value}]
    if len(dates) > 1:
        raise DataError(
            f"{table.source}: columns {', '.join(map(repr, dates))} all hold dates or times; name the one that orders "
            "the values in time"
        )
    return dates[0] if dates else None


def _check_that_columns_are_series(table: Table, time: str | None) -> None:
    """Refuses a table of which some column may name the series: values of different series must never be joined."""
    # Series that are stacked share their times; but an id that comes again is none of the values of any series.
    is_ordered = time is not None and table.distinct(time) == len(table)
    for name in table.columns:
        if name in {time, *table.index_columns}:
            continue
        is_likely = names_series(table, name) and (is_id(name) or not is_ordered)
        if is_likely or table.kind_of(name).name in {"words", "mixed"}:
            raise DataError(
                f"{table.source}: column {name!r} may name the series, and no option says so; set series to {name!r} "
                "if it does, or value to the one column that is forecast"
            )


def _names_rows(table: Table, name: str) -> bool:
    return names_rows(name, table.numbers(name, holes=True))


def _check_that_columns_are_alike(table: Table, names: Sequence[str]) -> None:
    """Refuses columns beside a run such as ``d_1`` to ``d_40``: what is known of a series is none of its values."""
    stems = {name: _DIGITS.sub("#", name) for name in names}
    stem, count = Counter(stems.values()).most_common(1)[0]
    if 2 * count > len(names) and (apart := [name for name in names if stems[name] != stem]):
        run = [name for name in names if stems[name] == stem]
        raise DataError(
            f"{table.source}: columns {run[0]!r} to {run[-1]!r} hold the values of a series in each row, but "
            f"{apart[0]!r} holds numbers, too; remove it, or name it like the others if it is a value"
        )


def _only(table: Table, names: Sequence[str]) -> tuple[str]:
    if len(names) != 1:
        raise DataError(
            f"{table.source} has {', '.join(map(repr, names)) or 'no column of numbers'} to forecast; name the one "
            "column of values in value"
        )
    return (names[0],)


def _of_lists(table: Table, layout: _PanelLayout) -> Iterator[SeriesRows]:
    """Yields a series for each row, which holds the list of its values."""
    (value,) = layout.values
    lines = table.row_numbers()
    names = table.texts(layout.series) if layout.series else [f"row {line}" for line in lines]
    for row, (line, name, each) in enumerate(zip(lines, names, table.lists(value), strict=True)):
        try:
            values = np.array(each, dtype=np.float64)
        except (TypeError, ValueError):
            values = np.empty(0)
        if values.ndim != 1 or not np.isfinite(values).all() or not len(values):
            raise DataError(
                f"{table.place(value, row)} is no list of finite numbers; every series must be one"
            )
        yield _rows(table.source, name, values, [line] * len(values))


def _of_columns(table: Table, layout: _PanelLayout) -> Iterator[SeriesRows]:
    stamps = _stamps(table, layout)
    for name in layout.values:
        rows = _rows(table.source, name, table.numbers(name, holes=True), table.row_numbers())
        yield replace(rows, stamps=stamps)


def _of_rows(table: Table, layout: _PanelLayout) -> Iterator[SeriesRows]:
    assert layout.series is not None
    values = table.matrix(layout.values, holes=True)
    for line, name, each in zip(table.row_numbers(), table.texts(layout.series), values, strict=True):
        yield _rows(table.source, name, each, [line] * len(each))


def _of_long(table: Table, layout: _PanelLayout) -> Iterator[SeriesRows]:
    """Yields the values of each name, in the order of the file."""
    assert layout.series is not None
    values = table.numbers(layout.values[0], holes=True)
    whole = replace(_rows(table.source, "", values, table.row_numbers()), stamps=_stamps(table, layout))
    yield from whole.by_name(table.texts(layout.series))


_READERS: Mapping[str, Callable[[Table, _PanelLayout], Iterator[SeriesRows]]] = {
    "lists": _of_lists,
    "columns": _of_columns,
    "rows": _of_rows,
    "long": _of_long,
}


def _rows(source: str, name: str, values: npt.NDArray[np.float64], lines: Sequence[int]) -> SeriesRows:
    return SeriesRows(source, "train", name, values[:, None], np.array(lines, dtype=np.int64))


def _stamps(table: Table, layout: _PanelLayout) -> npt.NDArray[np.datetime64] | None:
    return None if layout.time is None else read_times(table, layout.time, day_first=layout.day_first)


def _in_time(
    rows: Sequence[SeriesRows], time: str, gaps: Gaps
) -> tuple[list[SeriesRows], list[str], list[str]]:
    """Returns the series in the order of time with a row for each step, their steps, and what was done for that."""
    shuffled = sum(not each.is_ordered() for each in rows)
    ordered = [each.in_order() for each in rows]
    steps = common_steps(ordered, gaps=gaps)
    irregular = [each for each, some in zip(ordered, steps, strict=True) if some.positions is None]
    if irregular and gaps != "keep":
        raise DataError(
            f"{irregular[0].source}: the values have no regular step in {time}; set gaps to keep, which takes them as "
            "they follow each other"
        )
    names = sorted({some.text for some in steps if some.name})
    said = [
        f"{time} orders the values, "
        + (f"in steps of {', '.join(names)}" if names else "without a regular step")
    ]
    if shuffled:
        said.append(f"{shuffled:,} series are not in the order of {time} and were sorted")
    if inserted := sum(some.inserted for some in steps):
        said.append(f"{inserted:,} steps have no row" + ("" if gaps == "keep" else " and are missing values"))
    whole = [each.without_gaps(some, gaps) for each, some in zip(ordered, steps, strict=True)]
    return whole, [some.name for some in steps], said


def _trimmed(rows: SeriesRows, step: str) -> PanelSeries:
    """Returns the values from the first to the last one that is known."""
    values = rows.values[:, 0]
    known = np.flatnonzero(~np.isnan(values))
    if not len(known):
        return PanelSeries(rows.name, values[:0])
    last = None if rows.stamps is None else rows.stamps[known[-1]]
    return PanelSeries(rows.name, values[known[0] : known[-1] + 1], last, step)
