"""Linear forecasts as one map of the window that a network reads, so that they can be kept and exported."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from evo_nas.tasks.baselines.fitted_models import MOST_BYTES, LinearMap

if TYPE_CHECKING:
    import numpy.typing as npt

    from evo_nas.tasks.baselines.ridge import Ridge
    from evo_nas.tasks.dataset import Windows

    Values = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ForecastMap:
    """A map of all values of a window to all targets of a forecast.

    Attributes:
        weight: float64 ``(steps, features, horizon, targets)``.
        bias: float64 ``(horizon, targets)``.
    """

    weight: Values
    bias: Values

    def with_offsets(self, offsets: Values) -> LinearMap:
        """Returns the model of every level of quantiles; ``offsets`` are as in `error_quantiles.with_levels`."""
        steps, features, horizon, targets = self.weight.shape
        weight = self.weight.reshape(steps * features, horizon * targets)
        bias = (self.bias.reshape(-1, 1) + offsets).ravel()
        return LinearMap(weight.repeat(offsets.shape[1], axis=1), bias, steps, "last")


@dataclass(frozen=True, slots=True)
class MapShape:
    """The shape of a forecast, and where a window holds the last values of its targets.

    Attributes:
        window: Steps that are read.
        features: Values of a step.
        horizon: Steps that are forecast.
        last_values: For each target the feature that holds it.
        is_whole: Whether every target is known in every row, so that its past is what the window holds.
    """

    window: int
    features: int
    horizon: int
    last_values: tuple[int, ...]
    is_whole: bool

    @classmethod
    def of(cls, windows: Windows, last_values: tuple[int, ...], *, levels: int) -> MapShape | None:
        """Returns the shape of forecasts from ``windows``; None if their map would be none, or too large to be kept.

        Args:
            windows: The windows.
            last_values: For each target the feature that holds its last value; empty if not all are read.
            levels: Levels of quantiles; 0 without any.
        """
        features, targets = windows.inputs.shape[1], windows.targets.shape[1]
        size = 8 * windows.window * features * windows.horizon * targets * max(1, levels)
        if len(last_values) != targets or size > MOST_BYTES:
            return None
        is_whole = not np.isnan(windows.targets).any()
        return cls(windows.window, features, windows.horizon, last_values, is_whole)

    def of_last(self) -> ForecastMap:
        """Returns the map that repeats the last values."""
        weight = self._zeros(self.window)
        for target, feature in enumerate(self.last_values):
            weight[-1, feature, :, target] = 1.0
        return self._map(weight)

    def of_season(self, season: int) -> ForecastMap | None:
        """Returns the map that repeats the last season; None where holes in it are filled with what came before."""
        if not self.is_whole:
            return None
        weight = self._zeros(max(season, self.window))
        for step in range(self.horizon):
            for target, feature in enumerate(self.last_values):
                weight[step % season - season, feature, step, target] = 1.0
        return self._map(weight)

    def of_changes(self, ridge: Ridge, *, relative: bool) -> ForecastMap:
        """Returns the map of a model of changes from the last values.

        Args:
            ridge: The model.
            relative: Whether it reads changes from the last step.
        """
        weight = self._zeros(self.window)
        weight += ridge.weights.reshape(weight.shape)
        if relative:
            weight[-1] -= weight.sum(axis=0)
        weight += self.of_last().weight
        return ForecastMap(weight, ridge.bias.reshape(self.horizon, -1))

    def of_each_column(self, ridge: Ridge) -> ForecastMap | None:
        """Returns the map of a model of changes in the past of each target alone; None as for `of_season`."""
        if not self.is_whole:
            return None
        weight = self._zeros(self.window)
        for target, feature in enumerate(self.last_values):
            weight[:, feature, :, target] = ridge.weights
        weight[-1] -= weight.sum(axis=0)
        weight += self.of_last().weight
        return ForecastMap(weight, np.tile(ridge.bias[:, None], len(self.last_values)))

    def _zeros(self, steps: int) -> Values:
        return np.zeros((steps, self.features, self.horizon, len(self.last_values)))

    def _map(self, weight: Values) -> ForecastMap:
        return ForecastMap(weight, np.zeros((self.horizon, len(self.last_values))))
