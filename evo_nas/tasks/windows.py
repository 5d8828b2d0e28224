"""Windows into a multivariate series, as views where possible."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

if TYPE_CHECKING:
    import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class Series:
    """What is read and what is forecast, row by row.

    An *origin* is the first row of a forecast: everything before it is known.

    Attributes:
        inputs: float32 ``(rows, features)``.
        targets: float32 ``(rows, targets)``.
    """

    inputs: npt.NDArray[np.float32]
    targets: npt.NDArray[np.float32]

    def past(self, origins: range, window: int) -> npt.NDArray[np.float32]:
        """Returns the ``window`` steps before each origin, a view ``(origins, window, features)``."""
        rows = self.inputs[origins.start - window : origins.stop - 1]
        return sliding_window_view(rows, window, axis=0).transpose(0, 2, 1)

    def future(self, origins: range, horizon: int) -> npt.NDArray[np.float32]:
        """Returns the targets from each origin on, ``(origins, horizon * targets)``, step by step."""
        rows = self.targets[origins.start : origins.stop + horizon - 1]
        return sliding_window_view(rows, horizon, axis=0).transpose(0, 2, 1).reshape(len(origins), -1)

    def unchanged(self, origins: range, horizon: int) -> npt.NDArray[np.float32]:
        """Returns the last known targets as a forecast, ``(origins, horizon * targets)``."""
        return np.tile(self.targets[origins.start - 1 : origins.stop - 1], horizon)
