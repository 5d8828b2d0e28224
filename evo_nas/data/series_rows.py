"""The rows of one series as files hold them, brought into the order of time and onto regular steps."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from evo_nas.data.steps import Steps, spelled, steps_of
from evo_nas.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt

    from evo_nas.data.series_options import Gaps

MOST_INSERTED = 10
"""Most rows that are added for each row that is there: a longer gap is a mistake, or another series."""


@dataclass(frozen=True, slots=True)
class SeriesRows:
    """One series.

    Attributes:
        source: File and name of the series, for messages.
        part: The part that the file is for.
        name: Name of the series; "" if the file is one series.
        values: float64 ``(rows, columns)``, NaN for a missing value.
        lines: Number of each row in its file, as people count, int64 ``(rows,)``; 0 for a row that was added.
        stamps: Times ``datetime64[ns]`` ``(rows,)``; None if the order of the rows is all that is known.
    """

    source: str
    part: str
    name: str
    values: npt.NDArray[np.float64]
    lines: npt.NDArray[np.int64]
    stamps: npt.NDArray[np.datetime64] | None = None

    def __len__(self) -> int:
        return len(self.values)

    def place(self, row: int) -> str:
        """Returns where a row is, for a message."""
        if self.lines[row]:
            return f"{self.source}, row {self.lines[row]}"
        assert self.stamps is not None
        return f"{self.source}, the row that was added for {time_text(self.stamps[row])}"

    def chosen(self, which: npt.NDArray[np.int64]) -> SeriesRows:
        """Returns the rows at the positions ``which``."""
        stamps = None if self.stamps is None else self.stamps[which]
        return replace(self, values=self.values[which], lines=self.lines[which], stamps=stamps)

    def by_name(self, names: Sequence[str]) -> Iterator[SeriesRows]:
        """Yields the rows of each series, which ``names`` has for each row, in the order in which they appear."""
        different, places = np.unique(np.array(names), return_inverse=True)
        order = np.argsort(places, kind="stable")
        groups = np.split(order, np.flatnonzero(np.diff(places[order])) + 1)
        for which in sorted(groups, key=lambda rows: int(rows[0])):
            name = str(different[places[which[0]]])
            yield replace(self.chosen(which), source=f"{self.source}, series {name!r}", name=name)

    def joined(self, other: SeriesRows) -> SeriesRows:
        """Returns these rows and those of another file; both have times."""
        assert self.stamps is not None
        assert other.stamps is not None
        return replace(
            self,
            source=f"{self.source} and {other.source}",
            values=np.concatenate([self.values, other.values]),
            lines=np.concatenate([self.lines, other.lines]),
            stamps=np.concatenate([self.stamps, other.stamps]),
        )

    def is_ordered(self) -> bool:
        """Whether no row is older than the one before it."""
        return self.stamps is None or not (np.diff(self.stamps) < 0).any()

    def in_order(self) -> SeriesRows:
        """Returns the rows, oldest first.

        Raises:
            DataError: Two rows have the same time.
        """
        if self.stamps is None:
            return self
        ordered = self.chosen(np.argsort(self.stamps, kind="stable"))
        assert ordered.stamps is not None
        twice = np.flatnonzero(ordered.stamps[1:] == ordered.stamps[:-1])
        if twice.size:
            row = int(twice[0])
            raise DataError(
                f"{self.source}: rows {ordered.lines[row]} and {ordered.lines[row + 1]} have the same time, "
                f"{time_text(ordered.stamps[row])}; every row of a series needs one of its own"
            )
        return ordered

    def steps(self, frequency: str | None) -> Steps:
        """Returns what lies between the rows; see `steps_of`."""
        assert self.stamps is not None
        try:
            return steps_of(self.stamps, frequency)
        except DataError as error:
            raise DataError(f"{self.source}: {error}") from error

    def without_gaps(self, steps: Steps, gaps: Gaps) -> SeriesRows:
        """Returns the rows with those added that are missing, unless ``gaps`` keeps or refuses that.

        Raises:
            DataError: There is a gap or no regular step, and ``gaps`` does not allow it.
        """
        if gaps == "keep" or (steps.positions is not None and not steps.inserted):
            return self
        if steps.positions is None:
            # Holes have no place where there are no steps: rows with the time between them are all there is.
            if gaps == "mask":
                return self
            raise self._irregular(gaps)
        if gaps == "refuse":
            raise self._gap(steps)
        if steps.inserted > MOST_INSERTED * len(self):
            raise DataError(
                f"{self.source} has {len(self):,} rows, and its gaps would need {steps.inserted:,} more; set gaps to "
                "keep, cut it into several series, or give a longer frequency"
            )
        return self._with_rows(steps)

    def elapsed(self) -> npt.NDArray[np.float64]:
        """Returns the logarithm of the time since the row before, in median steps, float64 ``(rows,)``."""
        assert self.stamps is not None
        lengths = np.diff(self.stamps).astype(np.float64)
        usual = np.median(lengths) if len(lengths) else 1.0
        return np.concatenate([[0.0], np.log(lengths / usual)])

    def _with_rows(self, steps: Steps) -> SeriesRows:
        assert self.stamps is not None
        assert steps.positions is not None
        grid = steps.grid(self.stamps)
        values = np.full((len(grid), self.values.shape[1]), np.nan)
        values[steps.positions] = self.values
        lines = np.zeros(len(grid), dtype=np.int64)
        lines[steps.positions] = self.lines
        return replace(self, values=values, lines=lines, stamps=grid)

    def _gap(self, steps: Steps) -> DataError:
        assert self.stamps is not None
        assert steps.positions is not None
        missing = np.diff(steps.positions) - 1
        row, gaps = int(missing.argmax()), int(np.count_nonzero(missing))
        where = f"between {time_text(self.stamps[row])} (row {self.lines[row]}) and {time_text(self.stamps[row + 1])}"
        return DataError(
            f"{self.source}: {missing[row]:,} rows are missing {where}, with steps of {steps.text}; "
            f"{'the only gap' if gaps == 1 else f'the longest of {gaps:,} gaps'}. Set gaps to fill, mask or keep"
        )

    def _irregular(self, gaps: Gaps) -> DataError:
        assert self.stamps is not None
        lengths = np.diff(self.stamps).astype(np.int64)
        return DataError(
            f"{self.source}: gaps is {gaps}, but the rows have no regular step: they are "
            f"{spelled(int(lengths.min()))} to {spelled(int(lengths.max()))} apart; set gaps to keep, which reads the "
            "time between them"
        )


def common_steps(rows: Sequence[SeriesRows], *, gaps: Gaps, frequency: str | None = None) -> list[Steps]:
    """Returns the steps of each series, which must be the same for all; see `steps_of`.

    Raises:
        DataError: They differ, and ``gaps`` is not ``keep``.
    """
    steps = [each.steps(frequency) for each in rows]
    # A short series may fit several steps, so that the longest one says which is meant.
    longest = max(range(len(rows)), key=lambda at: len(rows[at]))
    usual = steps[longest].name
    for at, each in enumerate(rows):
        if steps[at].name in {usual, ""} or not usual:
            continue
        try:
            steps[at] = each.steps(usual)
        except DataError:
            if gaps != "keep":
                raise DataError(
                    f"{each.source} has steps of {steps[at].text}, {rows[longest].source} of {steps[longest].text}; "
                    "one network needs series with one step: forecast them apart, or set gaps to keep"
                ) from None
    return steps


def time_text(stamp: np.datetime64) -> str:
    """Returns a time for people, without what is zero."""
    text = str(stamp.astype("datetime64[ms]")).replace("T", " ")
    return text.removesuffix(".000").removesuffix(" 00:00:00")
