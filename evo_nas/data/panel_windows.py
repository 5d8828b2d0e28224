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
        starts = np.maximum(cut.origins - self.window, 0)
        inputs = np.zeros((len(starts), self.window, self.features), dtype=np.float32)
        for row, (start, origin) in enumerate(zip(starts.tolist(), cut.origins.tolist(), strict=True)):
            inputs[row, : origin - start] = self._inputs(cut, start, origin)
        targets = cut.values[cut.origins[:, None] + np.arange(self.horizon)].astype(np.float32)
        return inputs, targets, cut.origins - starts

    def _inputs(self, cut: Cut, start: int, origin: int) -> Inputs:
        """Returns the features ``(steps, features)`` of the steps from ``start`` to before ``origin``."""
        reach = start - self.season + 1
        # Holes are filled window by window, so that no value after the origin is used.
        values = self.filling(cut.values[max(reach, 0) : origin, None])[:, 0]
        # Before a series begins its first value stands for the season that is not known.
        values = np.concatenate([np.full(max(-reach, 0), values[0]), values])
        seasons = sliding_window_view(values, self.season)  # (steps, season)
        itself = seasons[:, max(self.horizon, self.season - 1) :]
        return np.concatenate([seasons[:, : self.horizon], itself], axis=1)
