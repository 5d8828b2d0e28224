"""Baselines of numbers that are predicted for whole sequences: the mean, a neighbour, and linear models."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from evo_nas.errors import DataError
from evo_nas.tasks.baselines.fitted_models import Constant, LinearMap, NearestNeighbour, answers
from evo_nas.tasks.baselines.fitting import learnt_from
from evo_nas.tasks.baselines.random_features import are_sequences, random_feature_regressions, side_by_side
from evo_nas.tasks.baselines.readout import fitted_numbers
from evo_nas.tasks.example_sums import Scored

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

    from evo_nas.tasks.baselines.fitted_models import BaselineModel
    from evo_nas.tasks.baselines.fitting import Fit
    from evo_nas.tasks.metrics import Metric

    Features = npt.NDArray[np.float32]
    Learn = Callable[[Features, Features, int], BaselineModel]
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
        "ridge regression": partial(_score_of_flat, _ridge, **options),
        **(random_feature_regressions(**options) if are_sequences(inputs) else {}),
    }


def score_of_mean(targets: Targets, metric: Metric) -> Scored:
    """Tests always predicting the mean of the targets to learn from; see `regression_baselines`."""
    model = Constant(targets[0].astype(np.float64).mean(axis=0))
    return Scored.of(metric, model.of(targets[1].shape[:1]), targets[1], model=model)


def _score_of_flat(fit: Learn, *, inputs: Both, targets: Targets, metric: Metric) -> Scored:
    learnt, test = side_by_side(inputs, np.float32)
    width = learnt.shape[1]
    most = MOST_PRODUCTS / (len(test) * width)
    if fit is _ridge:
        # Rows times values times the smaller of the two.
        most = max(MOST_PRODUCTS / width**2, np.sqrt(MOST_PRODUCTS / width))
    some = learnt_from(len(learnt), most=max(1000, int(most)), what="rows")
    steps = max(len(item) for items in inputs for item in items)
    model = fit(learnt[some], targets[0].astype(np.float32)[some], steps)
    return Scored.of(metric, answers(model, inputs[1]), targets[1], model=model)


def _ridge(learnt: Features, targets: Features, steps: int) -> BaselineModel:
    return LinearMap(*fitted_numbers(learnt, targets), steps)


def _nearest_neighbour(learnt: Features, targets: Features, steps: int) -> BaselineModel:
    if np.isnan(targets).any():
        raise DataError("cannot learn from targets that are not known")
    return NearestNeighbour(learnt, targets, steps)
