"""The windows of a panel: what a network reads of a series before a forecast, and what it should say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

if TYPE_CHECKING:
    import numpy.typing as npt

    from evo_nas.data.holes import HoleFilling
    from evo_nas.data.panel import Cut

    Inputs = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class PanelWindows:
    """Cuts windows whose features are, at each step, the values one season before the next steps, and the value itself.

    So the last step holds the seasonal naive forecast. Without a season the value is all.

    Attributes:
        window: Most steps that are read; of a shorter series there are fewer.
        horizon: Steps of a forecast.
        season: Steps of a season; 1 for none.
        filling: What becomes of missing values.
    """

    window: int
    horizon: int
    season: int
    filling: HoleFilling

    @property
    def features(self) -> int:
        """Number of features; the value itself is the last one."""
        return min(self.horizon + 1, self.season)

    @property
    def seasonal(self) -> tuple[int, ...]:
        """For each step of a forecast the feature whose last value is that of the last season."""
        return tuple(step % self.season for step in range(self.horizon))

    def __call__(self, cut: Cut) -> tuple[Inputs, npt.NDArray[np.float32], npt.NDArray[np.int64]]:
        """Returns inputs ``(n, window, features)``, padded at their end, targets ``(n, horizon)``, lengths ``(n,)``."""
        # The first steps of a series have no season before them: reading begins where the first season ends.
        starts = np.maximum(cut.origins - self.window, self.season - 1)
        places = starts[:, None] + np.arange(self.window)
        if np.isnan(cut.values).any():
            inputs = np.stack([self._filled(cut, *ends) for ends in zip(starts, cut.origins, strict=True)])
        else:
            read = np.minimum(places, len(cut.values) - 1) - self.season + 1
            inputs = self._features(cut.values.astype(np.float32))[read]
        inputs[places >= cut.origins[:, None]] = 0.0
        targets = cut.values[cut.origins[:, None] + np.arange(self.horizon)].astype(np.float32)
        return inputs, targets, cut.origins - starts

    def ending(self, values: npt.NDArray[np.float64]) -> Inputs:
        """Returns the inputs ``(steps, features)`` of the window after which everything is unknown.

        Args:
            values: The scaled values of a series ``(time,)``, more than a season.
        """
        start = max(len(values) - self.window, self.season - 1)
        return self._features(self.filling(values[start - self.season + 1 :, None])[:, 0])

    def _filled(self, cut: Cut, start: int, origin: int) -> Inputs:
        """Returns the inputs ``(window, features)`` of one window, whose holes no later value fills."""
        features = self._features(self.filling(cut.values[start - self.season + 1 : origin, None])[:, 0])
        return np.pad(features, ((0, self.window - len(features)), (0, 0)))

    def _features(self, values: Inputs) -> Inputs:
        """Returns the features ``(steps, features)`` of successive values, from the end of their first season on."""
        seasons = sliding_window_view(values, self.season)
        itself = seasons[:, max(self.horizon, self.season - 1) :]
        return np.concatenate([seasons[:, : self.horizon], itself], axis=1)
