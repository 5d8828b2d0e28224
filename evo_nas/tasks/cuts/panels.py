"""Cuts of panels: the forecasts of every series one horizon earlier, in units that were known then."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from evo_nas.data.panel import unit_of
from evo_nas.data.redrawing import Draw
from evo_nas.tasks.cuts.examples import ExampleCut

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from evo_nas.data.panel import Panel, PanelSeries
    from evo_nas.tasks.dataset import Dataset

    Positions = npt.NDArray[np.int64]

LEAST_SERIES = 0.5
"""Least series that a validation part forecasts, as a share of those of the first one."""


@dataclass(frozen=True, slots=True)
class EarlierForecasts:
    """Rolling origins: each further cut forecasts every series at least a horizon earlier than the one before it.

    A forecast of training is the validation part then, and those that end before it are learnt.

    Attributes:
        series: Number of the series of each forecast of training, then of validation, int64 ``(n,)``.
        origins: The first step of each of these forecasts, int64 ``(n,)``.
        values: The values of each series in the units of the files.
        units: The unit of each series in the first cut.
        horizon: Steps of a forecast.
        season: Steps of a season.
    """

    series: Positions
    origins: Positions
    values: tuple[npt.NDArray[np.float64], ...]
    units: npt.NDArray[np.float64]
    horizon: int
    season: int

    @classmethod
    def of(cls, panel: Panel, series: Sequence[PanelSeries]) -> EarlierForecasts:
        """Returns the cuts of ``panel``, which was made of ``series``."""
        numbers = {each.name: number for number, each in enumerate(series)}
        cuts = [*panel.parts["train"], *panel.parts["validation"]]
        units = np.ones(len(series))
        for cut in cuts:
            units[numbers[cut.name]] = cut.scale
        return cls(
            np.concatenate([np.full(len(cut.origins), numbers[cut.name]) for cut in cuts]),
            np.concatenate([cut.origins for cut in cuts]),
            tuple(each.values for each in series),
            units,
            panel.horizon,
            panel.season,
        )

    def limit(self, dataset: Dataset) -> str:  # noqa: ARG002 - it is the same for all
        """Why there are not more cuts."""
        return (
            f"every further validation part is {self.horizon} steps earlier, and at least half of the series must be "
            "long enough for it and for training before it"
        )

    def cuts(self, dataset: Dataset, count: int) -> Sequence[ExampleCut]:
        """Returns at most ``count`` cuts; see `Resampling.cuts`."""
        held_out = len(dataset.validation)
        latest = np.full(len(self.units), -1)
        latest[self.series[-held_out:]] = self.origins[-held_out:]
        found: list[ExampleCut] = []
        while len(found) < count:
            latest, divisors = self._earlier(latest)
            validation = np.flatnonzero(self.origins == latest[self.series])
            train = np.flatnonzero(self.origins <= latest[self.series] - self.horizon)
            is_large = len(validation) >= LEAST_SERIES * held_out
            if not (is_large and Draw(train, validation).has_enough_to_learn):
                break
            said = (
                f"{len(train):,} training and {len(validation):,} validation forecasts, each at least "
                f"{(1 + len(found)) * self.horizon:,} steps before that of the first cut"
            )
            found.append(ExampleCut(train, validation, said, divisors[self.series]))
        return found

    def _earlier(self, latest: Positions) -> tuple[Positions, npt.NDArray[np.float32]]:
        """Returns for each series the last forecast that ends before ``latest``, -1 for none, and its unit there."""
        is_before = self.origins <= latest[self.series] - self.horizon
        earlier = np.full(len(self.units), -1)
        np.maximum.at(earlier, self.series[is_before], self.origins[is_before])
        divisors = np.ones(len(self.units), dtype=np.float32)
        for number in np.flatnonzero(earlier >= 0).tolist():
            unit = unit_of(self.values[number][: earlier[number]], self.season)
            if unit is None:
                earlier[number] = -1
            else:
                divisors[number] = unit / self.units[number]
        return earlier, divisors
