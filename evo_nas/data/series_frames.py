"""Series in frames in the order of their times, without gaps, as training had those of files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from evo_nas.data.frames import columns_of_frame, is_frame, refuse_index, rows_of
from evo_nas.data.series_rows import SeriesRows
from evo_nas.data.table_files import arrow_table
from evo_nas.data.time import read_times
from evo_nas.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evo_nas.data.layout import SeriesLayout


def as_in_training(given: Any, columns: Sequence[str], layout: SeriesLayout) -> Any:
    """Returns the series of a frame, or of a list of frames, as arrays where they have times; others as they are.

    Args:
        given: One frame, or a list with a series in each item.
        columns: The columns of values in their order.
        layout: How tables held the series that the network learnt from.

    Raises:
        DataError: A column is missing, times are no times or there twice, or rows are missing as they never were.
    """
    if is_frame(given):
        refuse_index("the frame", given, layout.series, layout.time)
    given = (
        [frame for _, frame in series_of_frame("the frame", given, layout.series)]
        if is_frame(given)
        else given
    )
    if not isinstance(given, list | tuple):
        return given
    if layout.time is None:
        check_steps(given)
        return given
    return [
        rows_in_time(f"series {number}", each, columns, layout).values if is_frame(each) else each
        for number, each in enumerate(given, start=1)
    ]


def check_steps(frames: Sequence[Any]) -> None:
    """Refuses an index of times that lacks a step: what is not there would be read as if it were.

    Raises:
        DataError: A frame has such an index.
    """
    for number, frame in enumerate(frames, start=1):
        index: Any = getattr(frame, "index", None)
        is_ordered = hasattr(index, "inferred_freq") and len(frame) > 2 and index.is_monotonic_increasing
        if is_ordered and index.inferred_freq is None:
            raise DataError(
                f"series {number} has an index of times without a regular step; give every step a row, with NaN for "
                "what is missing (asfreq), or leave the index out: reset_index(drop=True)"
            )


def series_of_frame(place: str, frame: Any, name: str | None) -> list[tuple[str, Any]]:
    """Returns the name and a frame for each series of ``frame``, in the order in which they appear."""
    if name is None:
        return [("", frame)]
    columns = columns_of_frame(place, frame)
    names = arrow_table(place, columns).texts(name)
    return [(str(each), columns.take(pa.array(rows))) for each, rows in rows_of(names).items()]


def rows_in_time(place: str, frame: Any, columns: Sequence[str], layout: SeriesLayout) -> SeriesRows:
    """Returns the rows of one series, oldest first, with those that gaps lack as training added them.

    Raises:
        DataError: A column is missing, times are no times or there twice, or rows are missing as they never were.
    """
    refuse_index(place, frame, layout.time)
    table = arrow_table(place, columns_of_frame(place, frame))
    rows = SeriesRows(
        place,
        "",
        "",
        table.matrix(columns, holes=True),
        np.array(table.row_numbers()),
        None if layout.time is None else read_times(table, layout.time, day_first=layout.day_first),
    ).in_order()
    if layout.time is None or layout.gaps == "keep" or layout.frequency is None or len(rows) == 1:
        return rows
    steps = rows.steps(None)
    if steps.name != layout.frequency:
        # A few rows may fit several steps.
        steps = rows.steps(layout.frequency)
    if layout.gaps == "refuse" and steps.inserted:
        raise DataError(
            f"{place} has {len(rows):,} rows, but {steps.inserted:,} are missing between them, with steps of "
            f"{steps.text}, as none did when the network learnt; give every step a row"
        )
    return rows.without_gaps(steps, layout.gaps)
