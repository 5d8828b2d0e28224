"""Baselines of numbers that are predicted for whole sequences: the mean, the nearest neighbour and a linear model."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from evo_nas.data.padding import padded

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

    from evo_nas.tasks.baselines.fitting import Fit
    from evo_nas.tasks.metrics import Metric

    Both = Sequence[Sequence[npt.NDArray[np.generic]]]
    """Sequences to learn from, and sequences to test."""
    Targets = Sequence[npt.NDArray[np.generic]]

PENALTIES = np.logspace(-3, 3, 10)
"""Penalties of the ridge regression, of which leaving one out chooses, as for random convolutions."""


def regression_baselines(inputs: Both, targets: Targets, *, metric: Metric) -> dict[str, Fit]:
    """Returns what fits the mean, the nearest neighbour and a ridge regression.

    All but the first see the steps of a sequence side by side, padded at its end.

    Args:
        inputs: Sequences to learn from and sequences to test, ``(time, features)`` each.
        targets: Targets of both, ``(n, targets)``.
        metric: A metric of predictions and targets.
    """
    models = {"nearest neighbour": _nearest_neighbour, "ridge regression": _ridge_regression}
    return {
        "mean": partial(score_of_mean, targets, metric),
        **{name: partial(_score_of_flat, make, inputs, targets, metric) for name, make in models.items()},
    }


def score_of_mean(targets: Targets, metric: Metric) -> float:
    """Returns the metric of always predicting the mean of the targets to learn from; see `regression_baselines`."""
    mean = targets[0].astype(np.float64).mean(axis=0)
    return metric.score(np.broadcast_to(mean, targets[1].shape).astype(np.float32), targets[1])


def _score_of_flat(make: Callable[[], Any], inputs: Both, targets: Targets, metric: Metric) -> float:
    steps = max(len(item) for items in inputs for item in items)
    learnt, test = (padded(items, np.float64, steps=steps).reshape(len(items), -1) for items in inputs)
    guess = make().fit(learnt, targets[0]).predict(test)
    # Scikit-learn drops the axis of a single target.
    return metric.score(np.reshape(guess, targets[1].shape).astype(np.float32), targets[1])


def _nearest_neighbour() -> Any:
    from sklearn.neighbors import KNeighborsRegressor  # noqa: PLC0415 - 1.5 s, which only baselines need

    return KNeighborsRegressor(n_neighbors=1)


def _ridge_regression() -> Any:
    from sklearn.linear_model import RidgeCV  # noqa: PLC0415
    from sklearn.pipeline import make_pipeline  # noqa: PLC0415
    from sklearn.preprocessing import StandardScaler  # noqa: PLC0415

    return make_pipeline(StandardScaler(), RidgeCV(alphas=PENALTIES))
