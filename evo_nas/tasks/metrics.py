"""The figures that tasks are scored with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from evo_nas.tasks.task import Metric

if TYPE_CHECKING:
    import numpy.typing as npt


def accuracy(outputs: npt.NDArray[np.float32], targets: npt.NDArray[np.generic]) -> float:
    """Returns the share of right classes; outputs ``(n, classes)``, targets int64 ``(n,)``."""
    return float(np.mean(outputs.argmax(axis=-1) == targets))


def mean_squared_error(outputs: npt.NDArray[np.float32], targets: npt.NDArray[np.generic]) -> float:
    """Returns the mean squared difference over all entries."""
    return float(np.mean(np.square(np.subtract(outputs, targets, dtype=np.float64))))


def mean_absolute_error(outputs: npt.NDArray[np.float32], targets: npt.NDArray[np.generic]) -> float:
    """Returns the mean absolute difference over all entries."""
    return float(np.mean(np.abs(np.subtract(outputs, targets, dtype=np.float64))))


ACCURACY = Metric("accuracy", higher_is_better=True, score=accuracy)
MSE = Metric("mse", higher_is_better=False, score=mean_squared_error)
MAE = Metric("mae", higher_is_better=False, score=mean_absolute_error)
