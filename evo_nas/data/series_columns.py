"""The columns of series that are read, settled once by the first table of the training part."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from evo_nas.data.guesses import names_rows
from evo_nas.data.series_names import names_series
from evo_nas.data.time import time_columns
from evo_nas.errors import DataError

if TYPE_CHECKING:
    from evo_nas.data.series_options import SeriesOptions
    from evo_nas.data.table import Table


@dataclass(frozen=True, slots=True)
class SeriesColumns:
    """The columns that are read from each table.

    Attributes:
        inputs: Columns that a network reads.
        targets: Columns that are forecast.
        known: Those of the inputs whose future is known.
        time: Column that orders the rows; None if their order in the file does.
        series: Column that names the series; None if a file is one series.
        all: All columns of the first table.
        remarks: What was guessed and what is not read, one sentence each.
    """

    inputs: tuple[str, ...]
    targets: tuple[str, ...]
    known: tuple[str, ...]
    time: str | None
    series: str | None
    all: frozenset[str]
    remarks: tuple[str, ...] = ()

    @property
    def numbers(self) -> tuple[str, ...]:
        """Inputs and targets, each once."""
        return tuple(dict.fromkeys((*self.inputs, *self.targets)))

    def remarks_on(self, table: Table) -> tuple[str, ...]:
        """Returns how a table was read, and what it has that the first one has not, one sentence each."""
        return (*table.remarks, *table.further(self.all))


def series_columns(table: Table, options: SeriesOptions) -> SeriesColumns:
    """Returns the columns that ``options`` name, and guesses those that they do not name.

    Raises:
        DataError: A named column is not there, there is nothing to read, two columns may be the time, or one may name
            the series.
    """
    for name in (*options.exclude, *filter(None, (options.time, options.series))):
        table.column(name)  # raises where there is none
    dates = time_columns(table)
    time = options.time or _guessed_time(table, options, dates)
    if time is None and (needs := _needs_time(options)):
        raise DataError(f"{table.source} has no column of dates, which {needs} needs; name it in time")
    if time is None and options.series is None and options.inputs is None:
        _check_that_rows_are_one_series(table, options)
    others = {time, options.series, *options.exclude}
    free = [
        name
        for name in table.numeric_columns()
        if name not in others and not _names_rows(table, name, options)
    ]
    inputs = options.inputs or tuple(free)
    if not inputs:
        raise DataError(f"{table.source} has no column of numbers; the network needs at least one to read")
    inputs = (*inputs, *(name for name in options.known if name not in inputs))
    targets = options.targets
    if targets == "all":
        targets = tuple(name for name in inputs if name not in options.known)
        if not targets:
            raise DataError(
                f"{table.source} has no column to forecast: all that are read are known beforehand"
            )
    return SeriesColumns(
        inputs,
        targets,
        options.known,
        time,
        options.series,
        frozenset(table.columns),
        _unread(table, {*inputs, *targets, time, options.series}, options.exclude, dates),
    )


def _names_rows(table: Table, name: str, options: SeriesOptions) -> bool:
    return name not in {*options.targets, *options.known} and names_rows(
        name, table.numbers(name, holes=True)
    )


def _check_that_rows_are_one_series(table: Table, options: SeriesOptions) -> None:
    """Refuses rows that no time orders if a column may name their series: no window may reach into another one."""
    named = {*options.exclude, *options.known, *table.index_columns}
    named |= set() if options.targets == "all" else {*options.targets}
    for name in table.columns:
        if name not in named and names_series(table, name):
            raise DataError(
                f"{table.source}: column {name!r} may name the series that a row belongs to, and no option says so; "
                f"set series to {name!r}, or list it in exclude, or in inputs if it is to be read"
            )


def _guessed_time(table: Table, options: SeriesOptions, dates: list[str]) -> str | None:
    named = {options.series, *options.exclude, *(options.inputs or ()), *options.known, *options.targets}
    candidates = [name for name in dates if name not in named]
    if len(candidates) > 1:
        raise DataError(
            f"{table.source}: columns {', '.join(map(repr, candidates))} all hold dates or times; name the one that "
            "orders the rows in time, or list those that do not in exclude"
        )
    return candidates[0] if candidates else None


def _needs_time(options: SeriesOptions) -> str:
    wishes = {
        "calendar": bool(options.calendar),
        "frequency": options.frequency is not None,
        "gaps": options.gaps != "refuse",
        "day_first": options.day_first is not None,
    }
    return next((name for name, is_wished in wishes.items() if is_wished), "")


def _unread(
    table: Table, read: set[str | None], exclude: tuple[str, ...], dates: list[str]
) -> tuple[str, ...]:
    reasons = {name: "excluded" if name in exclude else "dates or times" for name in (*dates, *exclude)}
    said = [
        f"{name or 'a column without a name'} ({reasons.get(name) or _reason(table, name)})"
        for name in table.columns
        if name not in read
    ]
    return (f"not read: {', '.join(said)}",) if said else ()


def _reason(table: Table, name: str) -> str:
    if name in table.index_columns:
        return "an index of the rows"
    kind = table.kind_of(name)
    if kind.name == "mixed" and kind.first_wrong is not None:
        value = table.column(name)[kind.first_wrong].as_py()
        return f"row {table.row_number(kind.first_wrong)} is {value!r}"
    if kind.name == "numeric" and names_rows(name, table.numbers(name, holes=True)):
        return "it names or counts the rows"
    return {"empty": "without a value", "numeric": "not in inputs"}.get(kind.name, kind.name)
