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
from evo_nas.data.series_frames import as_in_training, rows_in_time, series_of_frame
from evo_nas.data.series_inputs import last_known, value_at
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
                self._window(f"series {number}", np.asarray(item, np.float64))
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
            last = self._last_origin(where, read)
            if not (holds_out or every):
                yield self._end(name, where, read, last)
                continue
            for origin in self._origins(where, last, every):
                truth = read.values[origin : origin + self.horizon]
                yield self._end(name, where, read, origin)._replace(truth=truth)

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

    def _end(self, name: str, place: str, rows: SeriesRows, origin: int) -> SeriesEnd:
        ahead = rows.values[origin : origin + self.horizon]
        if self.known and len(ahead) < self.horizon:
            raise DataError(
                f"{place} has {len(ahead)} rows after its last value; the forecast of {self.horizon} rows reads "
                f"{', '.join(self.known)} of each of them: add rows with these alone"
            )
        before = rows.chosen(np.arange(origin))
        values = before.values
        if self.is_irregular:
            values = np.concatenate([values, before.elapsed()[:, None]], axis=1)
        inputs = self.at_end(values, before.stamps, place=place)
        if self.known:
            inputs = np.concatenate([inputs, self._ahead(rows, origin)], axis=1)
        at = origin if rows.stamps is None else rows.stamps[origin - 1]
        return SeriesEnd(name, inputs, self._stamps(rows, origin), origin=at)

    def at_end(self, values: Numbers, stamps: Stamps | None, *, place: str = "a series") -> Inputs:
        """Returns the window at the end of a series, ``(window, inputs)`` without what is known beforehand.

        Args:
            values: Its values ``(rows, values)``.
            stamps: The times of its rows, without gaps; needed where the calendar is read.
            place: What it is called in messages.

        Raises:
            DataError: As `raw`.
        """
        if not self.calendar:
            return self._window(place, values)
        assert stamps is not None
        return self._window(place, values, calendar_columns(stamps, self.calendar))

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
        read = rows.values[: origin + self.horizon, at].copy()
        if self.layout.gaps == "fill":
            there = np.flatnonzero(rows.lines[: len(read)] > 0)
            for column in read.T:
                column[:] = np.where(
                    rows.lines[: len(read)] > 0, column, np.interp(np.arange(len(read)), there, column[there])
                )
        values = ((read - mean) / scale).astype(np.float32)
        holes = np.argwhere(np.isnan(values[origin - self.window :]))
        if len(holes):
            row, which = holes[0].tolist()
            raise DataError(
                f"{rows.place(origin - self.window + row)}: the known column {self.known[which]!r} has no value; it "
                "must have one in every row that is read or forecast"
            )
        start = origin - self.window
        shifted = [values[start + by : origin + by] for by in range(self.horizon, 0, -self.window)]
        return np.concatenate(shifted, axis=1)

    def _window(self, place: str, rows: Numbers, *further: Numbers) -> Inputs:
        """Returns the window at the end of rows of values, beside which ``further`` columns need no scale."""
        if len(rows) < self.window:
            raise DataError(f"{place} has {len(rows)} rows; the network reads {self.window}: give more")
        scaled = np.concatenate(
            [self.values.scaled(rows, place=place), *(each.astype(np.float32) for each in further)], axis=1
        )
        how, count = self.values.missing, scaled.shape[1]
        carried = value_at(scaled, last_known(scaled, [0]))
        if how == "previous":
            return carried[-self.window :]
        filled = HoleFilling(how, self.values.masked)(scaled)
        if how == "mask":
            # As in training, where a hole of a series repeats its last known value.
            filled[:, :count] = carried
        return filled[-self.window :]
