"""Several series joined one after the other, and the rows that belong to each part."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from evo_nas.data.examples import enumerated
from evo_nas.data.scaling import SAME
from evo_nas.data.splitting import PARTS
from evo_nas.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Collection

    import numpy.typing as npt

ALIKE = 2.0
"""Most times that the naive error of one series may be that of another for one mean to be the unit of both."""


@dataclass(frozen=True, slots=True)
class Series:
    """The values that are read and those that are forecast, row by row.

    Attributes:
        source: The file and the name of the series, for messages.
        inputs: float64 ``(rows, features)``, NaN for a missing value.
        targets: float64 ``(rows, targets)``, NaN for a missing value.
        lines: Number of each row in its file, as people count, int64 ``(rows,)``; 0 for a row that was added.
    """

    source: str
    inputs: npt.NDArray[np.float64]
    targets: npt.NDArray[np.float64]
    lines: npt.NDArray[np.int64]


class SeriesParts:
    """Collects series and cuts each into parts in the order of time.

    Args:
        split: Shares or numbers of rows of the training, validation and test part.
        window: Steps that are read.
        horizon: Steps that are forecast.

    Attributes:
        starts: First row of each series in the joined `series`.
        rows: For each part, ranges of rows of the joined `series`.
        origins: For each part, ranges of rows at which forecasts begin that stay within it.
    """

    def __init__(
        self, split: tuple[int, int, int] | tuple[float, float, float], *, window: int, horizon: int
    ) -> None:
        self._split = split
        self._window = window
        self._horizon = horizon
        self._all: list[Series] = []
        self._length = 0
        self.starts: list[int] = []
        self.rows: dict[str, list[range]] = {part: [] for part in PARTS}
        self.origins: dict[str, list[range]] = {part: [] for part in PARTS}

    def add(self, series: Series, *, part: str | None = None, without: Collection[str] = ()) -> None:
        """Adds a series.

        Args:
            series: The series.
            part: The part that all of it belongs to; None to cut it.
            without: Parts that get no share of it.

        Raises:
            DataError: A part is too short for one window and its forecast.
        """
        cuts = {part: range(len(series.inputs))} if part else self._cut(series, without)
        # Inputs may reach back into the part before; a forecast may not reach into the part after.
        origins = {
            name: range(max(rows.start, self._window), rows.stop - self._horizon + 1)
            for name, rows in cuts.items()
        }
        if short := [name for name, some in origins.items() if not some]:
            raise self._too_short(series, short[0], cuts[short[0]])
        for name, rows in cuts.items():
            self.rows[name].append(_shifted(rows, self._length))
            self.origins[name].append(_shifted(origins[name], self._length))
        self._all.append(series)
        self.starts.append(self._length)
        self._length += len(series.inputs)

    @cached_property
    def series(self) -> Series:
        """All series joined."""
        return Series(
            enumerated(series.source for series in self._all),
            np.concatenate([series.inputs for series in self._all]),
            np.concatenate([series.targets for series in self._all]),
            np.concatenate([series.lines for series in self._all]),
        )

    def targets(self, part: str) -> npt.NDArray[np.float64]:
        """Returns the targets in the rows of ``part``, ``(rows, targets)``."""
        return np.concatenate([self.series.targets[rows.start : rows.stop] for rows in self.rows[part]])

    def place(self, row: int) -> str:
        """Returns where a row of the joined series is, for a message."""
        series = self._all[int(np.searchsorted(self.starts, row, side="right")) - 1]
        line = self.series.lines[row]
        return f"{series.source}, {f'row {line}' if line else 'a row that was added for a gap'}"

    def naive_errors(self, season: int) -> tuple[float, ...]:
        """Returns the mean absolute difference of each target from ``season`` rows before, in training.

        Raises:
            DataError: A target never changes from one season to the next, training is too short, or the series differ
                so much that those with small changes would not count.
        """
        targets = self.series.targets
        changes = [
            np.abs(targets[rows.start + season : rows.stop] - targets[rows.start : rows.stop - season])
            for rows in self.rows["train"]
            if len(rows) > season
        ]
        if not changes:
            longest = max(map(len, self.rows["train"]))
            raise DataError(
                f"{self.series.source}: season is {season}, but the training part of no series has more than {longest} "
                "rows; mase needs at least one row more than a season: lower season or choose another metric"
            )
        errors = means_of_known(np.concatenate(changes))
        if not (errors > SAME * np.nanmax(np.abs(targets), axis=0, initial=0.0)).all():
            raise DataError(
                f"{self.series.source}: a target is constant from season to season (season {season}) in the training "
                "part, or never known one season apart, so that mase divides by zero; choose another metric or season"
            )
        of_each = np.array(
            [np.where(np.isnan(some).all(axis=0), np.nan, means_of_known(some)) for some in changes]
        )
        least, most = np.nanmin(of_each, axis=0), np.nanmax(of_each, axis=0)
        if (most > ALIKE * least).any():
            at = int(np.argmax(most > ALIKE * least))
            raise DataError(
                f"{self.series.source}: mase divides the errors of all series by one change from season to season, and "
                f"those of the series are {least[at]:.3g} to {most[at]:.3g}, so that the smaller would hardly count; "
                "choose the task panel, which divides each series by its own, or another metric"
            )
        return tuple(errors.tolist())

    def require_season(self, season: int, part: str) -> None:
        """Checks that some forecast of ``part`` has ``season`` rows of its own series before it.

        Raises:
            DataError: There is none, so that no season can be repeated.
        """
        starts = np.array(self.starts)
        last = np.array([origins.stop - 1 for origins in self.origins[part]])
        before = int((last - starts[np.searchsorted(starts, last, side="right") - 1]).max())
        if before < season:
            raise DataError(
                f"{self.series.source}: season is {season}, but a forecast of the {part} part has at most {before} "
                "rows of its series before it; lower season or leave it out"
            )

    def _cut(self, series: Series, without: Collection[str]) -> dict[str, range]:
        rows = len(series.inputs)
        shares = {part: share for part, share in zip(PARTS, self._split, strict=True) if part not in without}
        if isinstance(self._split[0], float):
            shares["train"] += 1.0 - sum(shares.values())  # a part with files of its own leaves its share
            scale = rows
        else:
            scale = 1
        # Cumulated shares are rounded, not each share: so the last end is exactly the number of rows.
        ends = np.rint(scale * np.cumsum(list(shares.values()))).astype(int).tolist()
        if ends[-1] > rows:
            raise DataError(
                f"{series.source} has {rows} rows; split {list(self._split)} needs {ends[-1]}: lower it, or give three "
                "shares, such as [0.7, 0.1, 0.2]"
            )
        return {part: range(*ends_of) for part, *ends_of in zip(shares, [0, *ends], ends, strict=False)}

    def _too_short(self, series: Series, part: str, rows: range) -> DataError:
        needed = self._horizon + max(self._window - rows.start, 0)
        return DataError(
            f"{series.source}: the {part} part has {len(rows)} rows; window {self._window} and horizon "
            f"{self._horizon} need at least {needed}: lower them, change split or supply more rows"
        )


def means_of_known(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Returns the mean of each column over its known values, 0 where there are none."""
    known = ~np.isnan(values)
    sums: npt.NDArray[np.float64] = np.where(known, values, 0.0).sum(axis=0)
    means: npt.NDArray[np.float64] = sums / np.maximum(known.sum(axis=0), 1)
    return means


def _shifted(rows: range, by: int) -> range:
    return range(rows.start + by, rows.stop + by)
