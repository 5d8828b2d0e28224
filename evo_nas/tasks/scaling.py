"""Standardisation with the statistics of the training part."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class Scaler:
    """Mean and scale of each feature, float64 ``(features,)``."""

    mean: npt.NDArray[np.float64]
    scale: npt.NDArray[np.float64]

    @classmethod
    def fitted(cls, training: npt.NDArray[np.float64]) -> Scaler:
        """Returns the scaler of training values ``(..., features)``; a constant feature is only centred."""
        rows = training.reshape(-1, training.shape[-1])
        deviation = rows.std(axis=0)
        # The deviation of a constant is not exactly 0 when its mean is rounded.
        constant = np.ptp(rows, axis=0) == 0
        return cls(mean=rows.mean(axis=0), scale=np.where(constant, 1.0, deviation))

    def __call__(self, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
        """Returns ``values`` ``(..., features)`` in units of training deviations from the training mean."""
        return ((values - self.mean) / self.scale).astype(np.float32)
