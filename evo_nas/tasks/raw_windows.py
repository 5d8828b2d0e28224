"""From raw series to the window that a forecast reads, as training did it: plain values that JSON can hold."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from evo_nas.data.calendar import Cycle, calendar_columns
from evo_nas.data.frames import columns_of_frame, is_frame
from evo_nas.data.holes import HoleFilling
from evo_nas.data.layout import SeriesLayout
from evo_nas.data.memory import Reading
from evo_nas.data.series_ends import FilledRows, elapsed_before
from evo_nas.data.series_frames import as_in_training, rows_in_time, series_of_frame
from evo_nas.data.steps import after
from evo_nas.errors import DataError
from evo_nas.tasks.raw_inputs import NumericInputs  # noqa: TC001 - pydantic reads the annotations

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt

    from evo_nas.data.series_rows import SeriesRows

    Numbers = npt.NDArray[np.float64]
    Inputs = npt.NDArray[np.float32]
    Stamps = npt.NDArray[np.datetime64]
    Padded = tuple[npt.NDArray[np.generic], npt.NDArray[np.int64] | None]


class SeriesEnd(NamedTuple):
    """The end of one series, after which it is forecast.

    Attributes:
        name: Its name; "" if there is only one.
        inputs: What the network reads, ``(window, inputs)``.
        stamps: The times of the forecast ``(horizon,)``; None where no time or no regular step is known.
        truth: The values of the rows that are forecast ``(horizon, values)``, where they were held out.
        origin: The time of the last row that was read; its number, from 1, where no time is known.
    """

    name: str
    inputs: Inputs
    stamps: Stamps | None
    truth: Numbers | None = None
    origin: np.datetime64 | int = 0


@dataclass(frozen=True, slots=True)
class WindowInputs:
    """The last rows of series, standardised, with what becomes of their holes.

    Attributes:
        window: Rows that are read.
        values: What is done to the values.
        horizon: Rows that are forecast.
        layout: How tables hold the series.
        known: The columns whose values in the rows that are forecast are read as well.
        calendar: Cycles of the times that are read.
        is_irregular: Whether the last value is the time since the row before.
    """

    window: int
    values: NumericInputs
    horizon: int
    layout: SeriesLayout = field(default_factory=SeriesLayout)
    known: tuple[str, ...] = ()
    calendar: tuple[Cycle, ...] = ()
    is_irregular: bool = False
    kind: Literal["window"] = "window"

    @property
    def features(self) -> int:
        """Inputs of a network at each step."""
        ahead = len(range(self.horizon, 0, -self.window)) * len(self.known)
        return self.values.features + 2 * len(self.calendar) + ahead

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the values that tables hold."""
        return self.values.columns[:-1] if self.is_irregular else self.values.columns

    @property
    def needs_rows(self) -> str:
        """What is read beside the values, which only a table has; "" if nothing is."""
        reads = {
            "the calendar": self.calendar,
            "the time between rows": self.is_irregular,
            f"what is known beforehand, {', '.join(self.known)}": self.known,
        }
        return next((what for what, is_read in reads.items() if is_read), "")

    def raw(self, sequences: Any, *, sequence: str | None = None) -> Padded:
        """Returns the windows at the ends of raw series, float32 ``(n, window, inputs)``.

        Args:
            sequences: As for `NumericInputs.raw`, but a frame is one series, or those that its column names; rows
                before the window are read only to fill holes. Where columns are known beforehand, the last rows have
                these alone, and are forecast.
            sequence: As for `NumericInputs.raw`.

        Raises:
            DataError: A series is shorter than the window, or not of the kind that the network learnt from.
        """
        if self.needs_rows:
            frames = [sequences] if is_frame(sequences) else list(sequences)
            if not all(map(is_frame, frames)):
                raise DataError(f"the network reads {self.needs_rows}; give frames, whose columns have it")
            ends = [
                end
                for number, frame in enumerate(frames, start=1)
                for end in self.ends(f"series {number}", frame)
            ]
            return np.stack([end.inputs for end in ends]), None
        reading = Reading("classification", sequence, holes=True)
        series = as_in_training(sequences, self.columns, self.layout) if sequence is None else sequences
        items = reading.inputs("raw", series, columns=self.columns)
        return np.stack(
            [
                self.at_end(np.asarray(item, np.float64), None, place=f"series {number}")
                for number, item in enumerate(items, 1)
            ]
        ), None

    def ends(
        self, place: str, frame: Any, *, holds_out: bool = False, every: int | None = None
    ) -> Iterator[SeriesEnd]:
        """Yields the end of each series of a frame, in the order in which they appear.

        Args:
            place: What the frame is, for messages.
            frame: A table in memory.
            holds_out: Whether the last rows are forecast as if they were not known, instead of those after them.
            every: Rows between the successive origins from which rows that are known are forecast; the last ones alone
                if not given.

        Raises:
            DataError: As `raw`.
        """
        table = columns_of_frame(place, frame)
        layout = self.layout
        named = [*self.columns, *filter(None, (layout.time, layout.series))]
        if missing := [name for name in named if name not in table.column_names]:
            raise DataError(
                f"{place} has no column {', '.join(map(repr, missing))}, which the network reads; it has "
                f"{', '.join(map(repr, table.column_names))}"
            )
        for name, rows in series_of_frame(place, table, layout.series):
            where = f"{place}, series {name!r}" if name else place
            read = rows_in_time(where, rows, self.columns, layout)
            last, is_known = self._last_origin(where, read), holds_out or every is not None
            origins = self._origins(where, last, every) if is_known else [last]
            for origin, end in zip(origins, self._ends(name, where, read, origins), strict=True):
                truth = read.values[origin : origin + self.horizon] if is_known else None
                yield end._replace(truth=truth)

    def _origins(self, place: str, known: int, every: int | None) -> Sequence[int]:
        """Returns the first rows of forecasts whose horizon ends with the rows that are known, ascending."""
        latest = known - self.horizon
        if latest < self.window:
            raise DataError(
                f"{place} has {known} rows; {self.window} are read, and the {self.horizon} after them are compared "
                "with their forecast: give more, or forecast only what follows them"
            )
        return range(latest, self.window - 1, -every)[::-1] if every else [latest]

    def _last_origin(self, place: str, rows: SeriesRows) -> int:
        # Rows in which nothing but known columns has a value are those that are to be forecast.
        seen = [at for at, column in enumerate(self.columns) if column not in self.known]
        filled = np.flatnonzero(~np.isnan(rows.values[:, seen]).all(axis=1))
        if not len(filled):
            raise DataError(f"{place} has no row with a value; the network reads the last {self.window}")
        return int(filled[-1]) + 1

    def _ends(self, name: str, place: str, rows: SeriesRows, origins: Sequence[int]) -> Iterator[SeriesEnd]:
        """Yields the end of a series before each of ``origins``, ascending; each row is prepared once."""
        before = rows.chosen(np.arange(origins[-1]))
        values = before.values
        if self.is_irregular:
            values = np.concatenate([values, before.elapsed()[:, None]], axis=1)
        filled = self._filled(place, values, before.stamps)
        windows = (filled.before(origin, self.window) for origin in origins)
        if self.is_irregular:
            assert before.stamps is not None
            elapsed = elapsed_before(before.stamps, origins, self.window)
            windows = (self._with_elapsed(*each) for each in zip(windows, elapsed, strict=True))
        for origin, window in zip(origins, windows, strict=True):
            if self.known and len(rows) < origin + self.horizon:
                raise DataError(
                    f"{place} has {len(rows) - origin} rows after its last value; the forecast of {self.horizon} rows "
                    f"reads {', '.join(self.known)} of each of them: add rows with these alone"
                )
            inputs = np.concatenate([window, self._ahead(rows, origin)], axis=1) if self.known else window
            at = origin if rows.stamps is None else rows.stamps[origin - 1]
            yield SeriesEnd(name, inputs, self._stamps(rows, origin), origin=at)

    def _with_elapsed(self, window: Inputs, elapsed: Numbers) -> Inputs:
        """Returns a window with the time between rows in the steps that were usual before its end."""
        at = len(self.values.mean) - 1
        found = window.copy()
        found[:, at] = (elapsed - self.values.mean[at]) / self.values.scale[at]
        return found

    def at_end(self, values: Numbers, stamps: Stamps | None, *, place: str = "a series") -> Inputs:
        """Returns the window at the end of a series, ``(window, inputs)`` without what is known beforehand.

        Args:
            values: Its values ``(rows, values)``.
            stamps: The times of its rows, without gaps; needed where the calendar is read.
            place: What it is called in messages.

        Raises:
            DataError: As `raw`.
        """
        return self._filled(place, values, stamps).before(len(values), self.window)

    def _stamps(self, rows: SeriesRows, origin: int) -> Stamps | None:
        if rows.stamps is None:
            return None
        given = rows.stamps[origin : origin + self.horizon]
        frequency = self.layout.frequency
        if len(given) == self.horizon or frequency is None:
            return given if len(given) == self.horizon else None
        return after(rows.stamps[origin - 1], frequency, self.horizon)

    def _ahead(self, rows: SeriesRows, origin: int) -> Inputs:
        """Returns the known values that lie ahead of each row of the window; see `SeriesInputs.with_future`."""
        at = [self.columns.index(name) for name in self.known]
        mean, scale = (np.array(each)[at] for each in (self.values.mean, self.values.scale))
        start, end = origin - self.window, origin + self.horizon
        first = start
        if self.layout.gaps == "fill":
            # A line begins at the last row that the file has; the first row of a series is one.
            while not rows.lines[first]:
                first -= 1
        read = rows.values[first:end, at].copy()
        if self.layout.gaps == "fill":
            has_row = rows.lines[first:end] > 0
            there = np.flatnonzero(has_row)
            for column in read.T:
                column[:] = np.where(has_row, column, np.interp(np.arange(len(read)), there, column[there]))
        values = ((read - mean) / scale).astype(np.float32)[start - first :]
        holes = np.argwhere(np.isnan(values))
        if len(holes):
            row, which = holes[0].tolist()
            raise DataError(
                f"{rows.place(start + row)}: the known column {self.known[which]!r} has no value; it "
                "must have one in every row that is read or forecast"
            )
        shifted = [values[by : self.window + by] for by in range(self.horizon, 0, -self.window)]
        return np.concatenate(shifted, axis=1)

    def _filled(self, place: str, rows: Numbers, stamps: Stamps | None) -> FilledRows:
        """Returns the rows of a series as a network reads them, without what is known beforehand."""
        if len(rows) < self.window:
            raise DataError(f"{place} has {len(rows)} rows; the network reads {self.window}: give more")
        scaled = self.values.scaled(rows, place=place)
        if self.calendar:
            assert stamps is not None
            cycles = calendar_columns(stamps, self.calendar).astype(np.float32)
            scaled = np.concatenate([scaled, cycles], axis=1)
        return FilledRows.of(scaled, HoleFilling(self.values.missing, self.values.masked))
