"""Panels from files: a long table, one column or one row for each series, one file for each, or lists of values."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from evo_nas.data.panel import PanelSeries
from evo_nas.data.table_files import read_table
from evo_nas.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    import numpy.typing as npt

    from evo_nas.data.table import Table

_NAMES_SERIES = re.compile(r"(?:.*[_ ])?(?:id|ids|series|item|key)", re.IGNORECASE)
"""Names of columns that probably name the series of a long table."""


@dataclass(frozen=True, slots=True)
class PanelColumns:
    """The columns of a panel, as far as they are given.

    Attributes:
        series: Names of the series.
        value: Values, or lists of values.
        time: Times of the values.
    """

    series: str | None = None
    value: str | None = None
    time: str | None = None


def read_panel(
    files: Sequence[Path], columns: PanelColumns, *, delimiter: str | None = None
) -> list[PanelSeries]:
    """Reads all series of all files.

    A column of lists holds a series in each row. With names of series, a table is long, with a row for each value,
    or has a row for each series if every name is there once and several columns hold numbers. Without them each column
    of numbers is a series.

    Args:
        files: Tables.
        columns: The columns that are given.
        delimiter: Character between columns of CSV; by the file's name if not given.

    Raises:
        DataError: A file cannot be read, it is not clear what its series are, or two series have the same name.
    """
    tables = (read_table(path, delimiter=delimiter) for path in files)
    series: dict[str, tuple[str, PanelSeries]] = {}
    for path, table in zip(files, tables, strict=True):
        for each in _series_of(table, path, columns, is_only=len(files) == 1):
            if each.name in series:
                raise DataError(
                    f"series {each.name!r} is in {series[each.name][0]} and again in {table.source}; one series must "
                    "be in one file: join them or rename one"
                )
            series[each.name] = table.source, each
    return [each for _, each in series.values()]


def _series_of(table: Table, path: Path, columns: PanelColumns, *, is_only: bool) -> Iterable[PanelSeries]:
    for name in (columns.series, columns.value, columns.time):
        if name is not None:
            table.column(name)  # raises where there is none
    lists = table.list_columns()
    if columns.value in lists or (columns.value is None and lists):
        return _of_lists(table, path, columns, lists)
    if columns.series is None:
        return _of_columns(table, path, columns, is_only=is_only)
    numbers = _numeric(table, columns)
    if (
        columns.value is None
        and len(numbers) > 1
        and len(table.column(columns.series).unique()) == len(table)
    ):
        return _of_rows(table, columns.series, numbers)
    return _of_long(table, columns.series, columns.value or _only(table, numbers))


def _of_lists(table: Table, path: Path, columns: PanelColumns, lists: Sequence[str]) -> Iterator[PanelSeries]:
    """Yields a series for each row, which holds the list of its values."""
    value = columns.value or _only(table, lists)
    named = table.texts(columns.series) if columns.series else None
    for row, each in enumerate(table.lists(value)):
        try:
            values = np.array(each, dtype=np.float64)
        except (TypeError, ValueError):
            values = np.empty(0)
        if values.ndim != 1 or not np.isfinite(values).all() or not len(values):
            raise DataError(
                f"{table.place(value, row)} is no list of finite numbers; every series must be one"
            )
        yield PanelSeries(named[row] if named else f"{path.name} row {row + table.first_row}", values)


def _of_columns(table: Table, path: Path, columns: PanelColumns, *, is_only: bool) -> Iterator[PanelSeries]:
    """Yields a series for each column of numbers; missing values at its ends are not part of it."""
    if columns.value is None:
        _check_that_columns_are_series(table, columns)
    numbers = [columns.value] if columns.value else _numeric(table, columns)
    if not numbers:
        raise DataError(f"{table.source} has no column of numbers; a panel needs at least one series")
    for name in numbers:
        label = name if is_only else path.name if len(numbers) == 1 else f"{path.name} {name}"
        yield PanelSeries(label, _trimmed(table.numbers(name, holes=True)))


def _check_that_columns_are_series(table: Table, columns: PanelColumns) -> None:
    """Refuses a table of which some column may name the series: values of different series must never be joined."""
    for name in table.columns:
        if name in {columns.time, *table.index_columns}:
            continue
        is_likely = _NAMES_SERIES.fullmatch(name) and len(table.column(name).unique()) < len(table)
        if is_likely or table.kind_of(name).name in {"words", "mixed"}:
            raise DataError(
                f"{table.source}: column {name!r} may name the series, and no option says so; set series to {name!r} "
                "if it does, or value to the one column that is forecast"
            )


def _of_rows(table: Table, series: str, numbers: Sequence[str]) -> Iterator[PanelSeries]:
    """Yields a series for each row; missing values at its ends are not part of it."""
    values = table.matrix(numbers, holes=True)
    for name, row in zip(table.texts(series), values, strict=True):
        yield PanelSeries(name, _trimmed(row))


def _of_long(table: Table, series: str, value: str) -> Iterator[PanelSeries]:
    """Yields the values of each name, in the order of the file."""
    values = table.numbers(value, holes=True)
    names, places = np.unique(np.array(table.texts(series)), return_inverse=True)
    order = np.argsort(places, kind="stable")
    starts = np.flatnonzero(np.diff(places[order])) + 1
    for which in sorted(np.split(order, starts), key=lambda rows: int(rows[0])):
        yield PanelSeries(str(names[places[which[0]]]), values[which])


def _numeric(table: Table, columns: PanelColumns) -> list[str]:
    return [name for name in table.numeric_columns() if name not in {columns.series, columns.time}]


def _only(table: Table, names: Sequence[str]) -> str:
    if len(names) != 1:
        raise DataError(
            f"{table.source} has {', '.join(map(repr, names)) or 'no column of numbers'} to forecast; name the one "
            "column of values in value"
        )
    return names[0]


def _trimmed(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Returns the values from the first to the last one that is known."""
    known = np.flatnonzero(~np.isnan(values))
    return values[known[0] : known[-1] + 1] if len(known) else values[:0]
