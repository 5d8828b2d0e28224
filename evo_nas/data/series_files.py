"""Series from tables: grouped by name, ordered by time, with the inputs that the calendar and gaps give."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from evo_nas.data.calendar import calendar_columns, calendar_names
from evo_nas.data.examples import enumerated, summed
from evo_nas.data.layout import SeriesLayout
from evo_nas.data.series import Series
from evo_nas.data.series_columns import series_columns
from evo_nas.data.series_leaks import check_that_series_differ
from evo_nas.data.series_names import may_name_series
from evo_nas.data.series_rows import SeriesRows, common_steps
from evo_nas.data.table_files import read_table
from evo_nas.data.time import read_times
from evo_nas.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    import numpy.typing as npt

    from evo_nas.data.calendar import Cycle
    from evo_nas.data.series_columns import SeriesColumns
    from evo_nas.data.series_options import Gaps, SeriesOptions
    from evo_nas.data.steps import Steps
    from evo_nas.data.table import Table


@dataclass(frozen=True, slots=True)
class SeriesFiles:
    """All series of all files.

    Attributes:
        by_part: The series of each part that has files of its own.
        inputs: Names of the inputs.
        values: How many of the inputs, from the first on, are values that have to be standardised.
        columns: The columns that they come from.
        missing: How many values of each column of the files are missing.
        remarks: How the files were understood, one sentence each.
        layout: How the files hold the series.
        calendar: Cycles of the times that are read.
    """

    by_part: Mapping[str, Sequence[Series]]
    inputs: tuple[str, ...]
    values: int
    columns: SeriesColumns
    missing: Mapping[str, int]
    remarks: tuple[str, ...]
    layout: SeriesLayout = field(default_factory=SeriesLayout)
    calendar: tuple[Cycle, ...] = ()


def read_series(options: SeriesOptions) -> SeriesFiles:
    """Reads all files that ``options`` name.

    Raises:
        DataError: A file cannot be read, lacks a column, or its times are not as ``options`` allow.
    """
    files = options.files_by_part()
    first = read_table(files["train"][0], delimiter=options.delimiter)
    columns = series_columns(first, options)
    remarks, missing = list(columns.remarks), []
    read: list[SeriesRows] = []
    for part, table in _tables(files, first, options):
        remarks += columns.remarks_on(table)
        missing.append(table.missing())
        read += _rows_of(table, part, columns, options)
    rows, steps = _joined(read), []
    check_that_series_differ(rows)
    if columns.time is not None:
        remarks += _order_remarks(rows, columns.time)
        rows = [_in_order(each, first, columns) for each in rows]
        steps = common_steps(rows, gaps=options.gaps, frequency=options.frequency)
        remarks.append(_step_remark(steps, columns.time, options.gaps))
        rows = [each.without_gaps(some, options.gaps) for each, some in zip(rows, steps, strict=True)]
    # Where one series has no regular step, all of them read the time between rows: a network has one set of inputs.
    is_irregular = any(some.positions is None for some in steps)
    by_part: dict[str, list[Series]] = {part: [] for part in files}
    for each in rows:
        by_part[each.part].append(_series(each, columns, options, is_irregular=is_irregular))
    inputs = (*columns.inputs, *(("time since the last row",) if is_irregular else ()))
    return SeriesFiles(
        by_part,
        (*inputs, *calendar_names(options.calendar)),
        len(inputs),
        columns,
        summed(missing),
        tuple(remarks),
        _layout(columns, options, steps),
        options.calendar,
    )


def _layout(columns: SeriesColumns, options: SeriesOptions, steps: Sequence[Steps]) -> SeriesLayout:
    frequency = next((some.name for some in steps if some.name), None)
    return SeriesLayout(columns.time, columns.series, options.day_first, frequency, options.gaps)


def _tables(
    files: Mapping[str, Sequence[Path]], first: Table, options: SeriesOptions
) -> Iterator[tuple[str, Table]]:
    """Yields every table with its part, one at a time; the first was already read, since it names the columns."""
    for part, paths in files.items():
        for number, path in enumerate(paths):
            is_first = part == "train" and number == 0
            yield part, first if is_first else read_table(path, delimiter=options.delimiter)


def _rows_of(table: Table, part: str, columns: SeriesColumns, options: SeriesOptions) -> Iterator[SeriesRows]:
    values = table.matrix(columns.numbers, holes=True)
    if options.missing == "refuse":
        _refuse_holes(table, values, columns)
    # Not `if columns.time`: a column without a name in CSV has an empty one.
    name = columns.time
    stamps = None if name is None else read_times(table, name, day_first=options.day_first)
    whole = SeriesRows(table.source, part, "", values, np.array(table.row_numbers()), stamps)
    if columns.series is None:
        yield whole
    else:
        yield from whole.by_name(table.texts(columns.series))


def _refuse_holes(table: Table, values: npt.NDArray[np.float64], columns: SeriesColumns) -> None:
    # What a known column may lack depends on the horizon, which only the task knows.
    is_hole = np.isnan(values) & np.array([name not in columns.known for name in columns.numbers])
    if is_hole.any():
        row, at = np.argwhere(is_hole)[0].tolist()
        found = ", ".join(f"{name} {count:,}" for name, count in table.missing().items() if count)
        raise DataError(
            f"{table.place(columns.numbers[at], row)}: the value is missing; set missing to mask, interpolate or "
            f"previous, fill it in, or leave the column out. Missing of {len(table):,} rows: {found}"
        )


def _joined(rows: Iterable[SeriesRows]) -> list[SeriesRows]:
    """Returns the series with those of one name and part joined, which several files may hold pieces of."""
    series: dict[object, SeriesRows] = {}
    for number, each in enumerate(rows):
        key = (each.part, each.name) if each.name else number
        if key in series and each.stamps is None:
            raise DataError(
                f"{series[key].source} and {each.source} have the same name, and no time says which comes first; name "
                "a column of dates in time, or join the files"
            )
        series[key] = series[key].joined(each) if key in series else each
    return list(series.values())


def _in_order(rows: SeriesRows, table: Table, columns: SeriesColumns) -> SeriesRows:
    try:
        return rows.in_order()
    except DataError as error:
        others = [
            name for name in table.columns if name not in {columns.time, *columns.targets, columns.series}
        ]
        likely = [name for name in others if columns.series is None and may_name_series(table, name)]
        if not likely:
            raise
        raise DataError(
            f"{error}. If column {likely[0]!r} names the series that a row belongs to, set series to {likely[0]!r}"
        ) from error


def _series(
    rows: SeriesRows, columns: SeriesColumns, options: SeriesOptions, *, is_irregular: bool
) -> Series:
    values, names = rows.values, columns.numbers
    if options.gaps == "fill" and columns.known:
        values = values.copy()
        for name in columns.known:
            _bridge(values[:, names.index(name)], rows.lines == 0)
    # The inputs come first among the columns that are parsed.
    inputs, targets = values[:, : len(columns.inputs)], values[:, list(map(names.index, columns.targets))]
    further = []
    if is_irregular:
        further.append(rows.elapsed()[:, None])
    if options.calendar:
        assert rows.stamps is not None
        further.append(calendar_columns(rows.stamps, options.calendar))
    if further:
        inputs = np.concatenate([inputs, *further], axis=1)
    return Series(rows.source, inputs, targets, rows.lines)


def _bridge(values: npt.NDArray[np.float64], added: npt.NDArray[np.bool_]) -> None:
    """Draws lines over rows that were added, in place; the future of such a column is known, so nothing leaks."""
    there = np.flatnonzero(~added)
    values[added] = np.interp(np.flatnonzero(added), there, values[there])


def _order_remarks(rows: Sequence[SeriesRows], time: str) -> list[str]:
    shuffled = [each.source for each in rows if not each.is_ordered()]
    return [f"not in the order of {time} and therefore sorted: {enumerated(shuffled)}"] if shuffled else []


def _step_remark(steps: Sequence[Steps], time: str, gaps: Gaps) -> str:
    names = sorted({some.text for some in steps if some.name})
    said = f"{time} orders the rows, " + (
        f"in steps of {', '.join(names)}" if names else "without a regular step"
    )
    inserted = sum(some.inserted for some in steps)
    if not inserted:
        return said
    return f"{said}, with {inserted:,} steps without a row" + ("" if gaps == "keep" else ", which were added")
