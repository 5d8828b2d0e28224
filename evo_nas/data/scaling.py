"""Standardisation with the statistics of the training part."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from evo_nas.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

SAME = 1e-9
"""Values that differ by less than this share of the largest one are the same: sums of millions of rows are rounded by
about as much, files write seldom more than nine digits, and float32, in which networks compute, holds seven."""
MOST_DEVIATIONS = 1e18
"""Largest standardised value, positive or negative: the square of a larger error is infinite in float32."""


@dataclass(frozen=True, slots=True)
class Scaler:
    """Mean and scale of each feature, float64 ``(features,)``."""

    mean: npt.NDArray[np.float64]
    scale: npt.NDArray[np.float64]

    @classmethod
    def fitted(cls, training: npt.NDArray[np.float64]) -> Scaler:
        """Returns the scaler of training values ``(..., features)``.

        A constant feature is only centred. Missing values, NaN, are left out of the statistics; a feature without any
        value keeps its scale.

        Raises:
            DataError: Values are so large that their squares overflow, or so small that these vanish.
        """
        rows = training.reshape(-1, training.shape[-1])
        if not np.isnan(rows).any():
            return cls(scale=_scale(rows), mean=rows.mean(axis=0))
        # Column by column, since each has holes of its own; one without any value counts as a constant zero.
        known = [column[~np.isnan(column), None] for column in rows.T]
        known = [column if len(column) else np.zeros((1, 1)) for column in known]
        scales = np.concatenate(list(map(_scale, known)))
        return cls(np.array([column.mean() for column in known]), scales)

    def __call__(
        self, values: npt.NDArray[np.float64], *, place: Callable[[int, int], str] | None = None
    ) -> npt.NDArray[np.float32]:
        """Returns ``values`` ``(..., features)``, less the training mean and divided by the training deviation.

        Args:
            values: Values of any part; NaN stays NaN.
            place: Names the place of a value for a message, from the positions of its row and of its feature.

        Raises:
            DataError: A value is more than `MOST_DEVIATIONS` away from the training values.
        """
        with np.errstate(over="ignore"):
            scaled = (values - self.mean) / self.scale
        extreme = np.argwhere(np.abs(scaled.reshape(-1, scaled.shape[-1])) > MOST_DEVIATIONS)
        if len(extreme):
            row, feature = extreme[0].tolist()
            value = float(values.reshape(-1, values.shape[-1])[row, feature])
            raise DataError(
                f"{place(row, feature) if place else f'row {row + 1}, column {feature + 1}'} is {value:g}, more than "
                f"{MOST_DEVIATIONS:g} times the deviation of the training part away from its mean; it is probably a "
                "placeholder for a missing value: mend it, drop the row or leave the column out"
            )
        return scaled.astype(np.float32)


def is_constant(column: npt.NDArray[np.float64]) -> bool:
    """Whether the known values of a column do not differ by more than rounding."""
    known = column[~np.isnan(column)]
    return not len(known) or bool(np.ptp(known) <= SAME * np.abs(known).max())


def _scale(rows: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        deviation = rows.std(axis=0)
    largest = np.abs(rows).max(axis=0)
    if not np.isfinite(deviation).all():
        raise DataError(
            f"the training part holds {float(largest.max()):g}, too large to be standardised; must be less than "
            "about 1e150 and is probably a placeholder for a missing value: remove it"
        )
    # The deviation of a constant is not exactly 0 when its mean is rounded.
    constant = np.array([is_constant(column) for column in rows.T])
    if len(tiny := largest[(deviation == 0) & ~constant]):
        raise DataError(
            f"a column of the training part has values up to {float(tiny[0]):g}, too small to be standardised; must "
            "be more than about 1e-150: give it in other units"
        )
    return np.where(constant, 1.0, deviation)
