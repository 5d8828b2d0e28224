"""Baselines of numbers that are predicted for whole sequences: the mean, a neighbour, and linear models."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from evo_nas.tasks.baselines.fitting import learnt_from
from evo_nas.tasks.baselines.random_features import are_sequences, random_feature_regressions, side_by_side
from evo_nas.tasks.baselines.readout import fitted_numbers
from evo_nas.tasks.example_sums import Scored

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

    from evo_nas.tasks.baselines.fitting import Fit
    from evo_nas.tasks.metrics import Metric

    Features = npt.NDArray[np.float32]
    Both = Sequence[Sequence[npt.NDArray[np.generic]]]
    """Sequences to learn from, and sequences to test."""
    Targets = Sequence[npt.NDArray[np.generic]]

MOST_PRODUCTS = 1e11
"""Multiplications of a fit, about a minute."""


def regression_baselines(inputs: Both, targets: Targets, *, metric: Metric) -> dict[str, Fit]:
    """Returns what fits the mean, the nearest neighbour and ridge regressions.

    The neighbour and the first regression see the steps of a sequence side by side, padded at its end; the others
    see random features of it.

    Args:
        inputs: Sequences to learn from and sequences to test, ``(time, features)`` each.
        targets: Targets of both, ``(n, targets)``.
        metric: A metric of predictions and targets.
    """
    options: dict[str, Any] = {"inputs": inputs, "targets": targets, "metric": metric}
    return {
        "mean": partial(score_of_mean, targets, metric),
        "nearest neighbour": partial(_score_of_flat, _nearest_neighbour, **options),
        "ridge regression": partial(_score_of_flat, fitted_numbers, **options),
        **(random_feature_regressions(**options) if are_sequences(inputs) else {}),
    }


def score_of_mean(targets: Targets, metric: Metric) -> Scored:
    """Tests always predicting the mean of the targets to learn from; see `regression_baselines`."""
    mean = targets[0].astype(np.float64).mean(axis=0)
    return Scored.of(metric, np.broadcast_to(mean, targets[1].shape).astype(np.float32), targets[1])


def _score_of_flat(
    fit: Callable[[Features, Features], Callable[[Features], npt.NDArray[np.floating]]],
    *,
    inputs: Both,
    targets: Targets,
    metric: Metric,
) -> Scored:
    learnt, test = side_by_side(inputs, np.float32)
    width = learnt.shape[1]
    most = MOST_PRODUCTS / (len(test) * width)
    if fit is fitted_numbers:
        # Rows times values times the smaller of the two.
        most = max(MOST_PRODUCTS / width**2, np.sqrt(MOST_PRODUCTS / width))
    some = learnt_from(len(learnt), most=max(1000, int(most)), what="rows")
    known = targets[0].astype(np.float32)
    guess = fit(learnt[some], known[some])(test)
    # Scikit-learn drops the axis of a single target.
    return Scored.of(metric, np.reshape(guess, targets[1].shape).astype(np.float32), targets[1])


def _nearest_neighbour(learnt: Features, targets: Features) -> Callable[[Features], Features]:
    from sklearn.neighbors import KNeighborsRegressor  # noqa: PLC0415 - 1.5 s, which only baselines need

    predict: Callable[[Features], Features] = KNeighborsRegressor(n_neighbors=1).fit(learnt, targets).predict
    return predict
