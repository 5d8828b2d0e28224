"""Standardisation with the statistics of the training part."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from evo_nas.errors import DataError

if TYPE_CHECKING:
    import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class Scaler:
    """Mean and scale of each feature, float64 ``(features,)``."""

    mean: npt.NDArray[np.float64]
    scale: npt.NDArray[np.float64]

    @classmethod
    def fitted(cls, training: npt.NDArray[np.float64]) -> Scaler:
        """Returns the scaler of training values ``(..., features)``; a constant feature is only centred.

        Raises:
            DataError: Values are so large that their squares overflow.
        """
        rows = training.reshape(-1, training.shape[-1])
        with np.errstate(over="ignore", invalid="ignore"):
            deviation = rows.std(axis=0)
        if not np.isfinite(deviation).all():
            raise DataError(
                f"the training part holds {float(np.abs(rows).max()):g}, too large to be standardised; must be less "
                "than about 1e150 and is probably a placeholder for a missing value: remove it"
            )
        # The deviation of a constant is not exactly 0 when its mean is rounded.
        constant = np.ptp(rows, axis=0) == 0
        return cls(mean=rows.mean(axis=0), scale=np.where(constant, 1.0, deviation))

    def __call__(self, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
        """Returns ``values`` ``(..., features)``, less the training mean and divided by the training deviation."""
        return ((values - self.mean) / self.scale).astype(np.float32)
