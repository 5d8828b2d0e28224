"""Quantiles of simple models: a point forecast plus the quantiles of the errors that it made before."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Values = npt.NDArray[np.float64]


def error_quantiles(errors: Values, levels: Sequence[float]) -> Values:
    """Returns what to add to a point forecast for each level, ``(targets, levels)``; zeros without levels or errors.

    The forecast itself stays the median, so that its own error is the same with and without quantiles.

    Args:
        errors: Targets less their forecasts ``(n, targets)``; NaN does not count.
        levels: The levels.
    """
    if not levels or not len(errors):
        return np.zeros((errors.shape[1], max(len(levels), 1)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a target of which nothing is known has no errors
        offsets = np.nanquantile(errors, levels, axis=0).T - np.nanmedian(errors, axis=0)[:, None]
    return np.nan_to_num(offsets, nan=0.0)


def with_levels(points: Values, offsets: Values) -> Values:
    """Returns the outputs ``(n, targets * levels)`` for point forecasts ``(n, targets)``; see `error_quantiles`."""
    return (points[..., None] + offsets).reshape(len(points), -1)
