"""Baselines of forecasts: the last known value, the last season, and linear models."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from evo_nas.tasks.baselines.ridge import Ridge, changes

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from evo_nas.tasks.baselines.fitting import Fit
    from evo_nas.tasks.dataset import Windows
    from evo_nas.tasks.metrics import Metric

PENALTY = 3e-4
"""Penalty on squared weights of the linear models, in standardised units; it keeps collinear columns apart."""


def forecast_baselines(
    learnt: Windows, test: Windows, *, metric: Metric, season: int = 1, levels: int = 0
) -> dict[str, Fit]:
    """Returns what fits the last known value, the last season and two linear models.

    Both linear models are ridge regressions that forecast changes from the last known value. The second one also
    reads changes instead of values, which is the model that Zeng et al. (2023) call NLinear. A target that is not
    known counts nowhere.

    Args:
        learnt: Windows to learn from.
        test: Windows to forecast.
        metric: The metric of the data set.
        season: Steps of a season; the seasonal forecast is left out if it is 1, or longer than the rows before every
            origin.
        levels: Number of quantiles that the metric expects, all of which are the point forecast; 0 for none.
    """
    scored = partial(_scored, metric=metric, levels=max(levels, 1))
    baselines: dict[str, Fit] = {"persistence": partial(scored, _no_change, test)}
    if season > 1 and (test.rows_before() >= season).any():
        baselines["seasonal naive"] = partial(_scored_season, test, metric, season, levels=max(levels, 1))
    for name, of_inputs in (("linear", False), ("linear on changes", True)):
        baselines[name] = partial(_scored_linear, scored, learnt, test, of_inputs=of_inputs)
    return baselines


def _no_change(known: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    return np.zeros((len(known), 1))


def _scored_linear(scored: Callable[..., float], learnt: Windows, test: Windows, *, of_inputs: bool) -> float:
    blocks = changes(learnt, of_inputs=of_inputs)
    model = Ridge.fitted(((block.inputs, block.changes) for block in blocks), penalty=PENALTY)
    return scored(model, test, of_inputs=of_inputs)


def _scored_season(windows: Windows, metric: Metric, season: int, *, levels: int) -> float:
    """Returns the metric of repeating the season before the origin, over the origins that have one."""
    steps = np.arange(windows.horizon) % season - season
    # A season must not be read out of the series before, which is another file.
    some = replace(windows, origins=windows.origins[windows.rows_before() >= season])
    guesses = windows.targets[some.origins[:, None] + steps]
    # Where the season has a hole, the last known value is the next best.
    guesses = np.where(np.isnan(guesses), some.last_targets()[:, None], guesses)
    return metric.score(np.repeat(guesses.reshape(len(some), -1), levels, axis=1), some.cut().targets)


def _scored(
    model: Callable[[npt.NDArray[np.float32]], npt.NDArray[np.float64]],
    windows: Windows,
    *,
    metric: Metric,
    levels: int,
    of_inputs: bool = False,
) -> float:
    """Returns the metric of a model of changes."""
    sums = []
    for inputs, wanted, last in changes(windows, of_inputs=of_inputs):
        # Values and not changes: a weighted loss depends on the size of the targets.
        forecasts = np.repeat(model(inputs) + last, levels, axis=1).astype(np.float32)
        sums.append(metric.statistic(forecasts, wanted + last))
    return metric.value(np.sum(sums, axis=0))
