"""Baselines of forecasts: the last known value, the last season, linear models, exponential smoothing and Theta."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from evo_nas.data.series_inputs import last_known, value_at
from evo_nas.errors import DataError
from evo_nas.tasks.baselines.error_quantiles import error_quantiles, with_levels
from evo_nas.tasks.baselines.forecast_maps import ForecastMap, MapShape
from evo_nas.tasks.baselines.ridge import Ridge, changes
from evo_nas.tasks.baselines.statistical_forecasters import statistical_baselines
from evo_nas.tasks.example_sums import Scored

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from evo_nas.tasks.baselines.fitting import Fit
    from evo_nas.tasks.dataset import Windows
    from evo_nas.tasks.metrics import Metric

PENALTY = 3e-4
"""Penalty on squared weights of the linear models, in standardised units; it keeps collinear columns apart."""
MOST_INPUTS = 5000
"""Values of a window up to which a linear model of all of them is fitted; their products need 200 MB."""
MOST_ANSWERS = 50_000_000
"""Forecast values up to which they are kept for a comparison: 200 MB."""
MOST_ERRORS = 10_000
"""Windows whose errors give the quantiles: enough for every level that is in use, few enough for any memory."""


class Tested(NamedTuple):
    """How forecasts are tested, and the shape of the map that is kept of them; None where none can be."""

    metric: Metric
    levels: tuple[float, ...]
    shape: MapShape | None


def forecast_baselines(
    learnt: Windows,
    test: Windows,
    *,
    metric: Metric,
    season: int = 1,
    levels: tuple[float, ...] = (),
    last_values: tuple[int, ...] = (),
) -> dict[str, Fit]:
    """Returns what fits the last known value, the last season, linear models and statistical ones.

    The linear models are ridge regressions that forecast changes from the last known value. The second one also
    reads changes instead of values, which is the model that Zeng et al. (2023) call NLinear; where there are several
    targets, a third one does so with the past of each target alone and the same weights for all, as theirs does. A
    target that is not known counts nowhere. The values before a forecast are read by all of them, in whichever part
    they are, as networks read them.

    Args:
        learnt: Windows to learn from.
        test: Windows to forecast.
        metric: The metric of the data set.
        season: Steps of a season; the seasonal forecast is left out if it is 1, or longer than the rows before every
            origin.
        levels: Levels of the quantiles that the metric expects: those of the errors on ``learnt``, about the forecast.
        last_values: For each target the feature of ``inputs`` that holds its last value; empty if not all are read,
            and then no model is kept.
    """
    known = replace(learnt, origins=_some(learnt.origins))
    tested = Tested(metric, levels, MapShape.of(learnt, last_values, levels=len(levels)))
    scored = partial(_scored, tested=tested, known=known, test=test)
    baselines: dict[str, Fit] = {"persistence": partial(scored, _no_change)}
    if season > 1 and (test.rows_before() >= season).any():
        baselines["seasonal naive"] = partial(_scored_season, known, test, season, tested=tested)
    for name, of_inputs in (("linear", False), ("linear on changes", True)):
        baselines[name] = partial(_scored_linear, scored, learnt, of_inputs=of_inputs)
    if test.targets.shape[1] > 1:
        baselines["linear map shared by columns"] = partial(_scored_shared, scored, learnt)
    return baselines | statistical_baselines(learnt, test, metric=metric, season=season, levels=levels)


def _some(origins: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Returns at most `MOST_ERRORS` origins, evenly chosen."""
    return origins[np.unique(np.linspace(0, len(origins) - 1, MOST_ERRORS).astype(np.int64))]


def _no_change(known: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    return np.zeros((len(known), 1))


def _scored_linear(scored: Callable[..., Scored], learnt: Windows, *, of_inputs: bool) -> Scored:
    if (values := learnt.window * learnt.inputs.shape[1]) > MOST_INPUTS:
        raise DataError(f"left out for {values:,} values of a window, more than {MOST_INPUTS:,}")
    blocks = changes(learnt, of_inputs=of_inputs)
    model = Ridge.fitted(((block.inputs, block.changes) for block in blocks), penalty=PENALTY)
    return scored(model, of_inputs=of_inputs, kept=lambda shape: shape.of_changes(model, relative=of_inputs))


def _scored_shared(scored: partial[Scored], learnt: Windows) -> Scored:
    columns = learnt.targets.shape[1]
    blocks = changes(_of_own_past(learnt), of_inputs=True)
    model = Ridge.fitted(
        ((_each_column(block.inputs, columns), _each_column(block.changes, columns)) for block in blocks),
        penalty=PENALTY,
    )

    def forecast(inputs: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        steps = model(_each_column(inputs, columns)).reshape(len(inputs), columns, -1)
        return steps.transpose(0, 2, 1).reshape(len(inputs), -1)

    past = {part: _of_own_past(scored.keywords[part]) for part in ("known", "test")}
    return scored(forecast, of_inputs=True, kept=lambda shape: shape.of_each_column(model), **past)


def _of_own_past(windows: Windows) -> Windows:
    """Returns windows whose inputs are the targets, holes filled with the last known value."""
    last = last_known(windows.targets, windows.starts)
    return replace(windows, inputs=value_at(windows.targets, last), last_known=None)


def _each_column(values: npt.NDArray[np.float32], columns: int) -> npt.NDArray[np.float32]:
    """Returns ``values`` ``(n, steps * columns)`` as ``(n * columns, steps)``."""
    return values.reshape(len(values), -1, columns).transpose(0, 2, 1).reshape(len(values) * columns, -1)


def _scored_season(known: Windows, test: Windows, season: int, *, tested: Tested) -> Scored:
    """Tests repeating the season before the origin, at the origins that have one."""
    metric, levels, shape = tested
    guesses, targets = _of_season(test, season)
    errors = np.subtract(*reversed(_of_season(known, season))) if levels else np.zeros(guesses.shape)
    offsets = error_quantiles(errors, levels)
    rows = np.flatnonzero(test.rows_before() >= season)
    made = None if shape is None else shape.of_season(season)
    model = None if made is None else made.with_offsets(offsets)
    answers = with_levels(guesses, offsets).astype(np.float32)
    return Scored.of(metric, answers, targets, rows=rows, model=model)


def _of_season(windows: Windows, season: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Returns the seasons before the origins that have one, and their targets, both ``(n, horizon * targets)``."""
    steps = np.arange(windows.horizon) % season - season
    # A season must not be read out of the series before, which is another file.
    some = replace(windows, origins=windows.origins[windows.rows_before() >= season])
    guesses = windows.targets[some.origins[:, None] + steps]
    # Where the season has a hole, the last known value is the next best.
    guesses = np.where(np.isnan(guesses), some.last_targets()[:, None], guesses)
    targets = some.cut().targets.astype(np.float64)
    return guesses.reshape(targets.shape).astype(np.float64), targets


def _scored(
    model: Callable[[npt.NDArray[np.float32]], npt.NDArray[np.float64]],
    *,
    tested: Tested,
    known: Windows,
    test: Windows,
    of_inputs: bool = False,
    kept: Callable[[MapShape], ForecastMap | None] = MapShape.of_last,
) -> Scored:
    """Tests a model of changes, which ``kept`` makes a map of windows."""
    metric, levels, shape = tested
    offsets = np.zeros((1, 1))
    if levels:
        errors = [block.changes - model(block.inputs) for block in changes(known, of_inputs=of_inputs)]
        offsets = error_quantiles(np.concatenate(errors), levels)
    sums, answers = [], []
    is_kept = len(test) * test.horizon * test.targets.shape[1] * max(1, len(levels)) <= MOST_ANSWERS
    for inputs, wanted, last in changes(test, of_inputs=of_inputs):
        # Values and not changes: a weighted loss depends on the size of the targets.
        forecasts = with_levels(model(inputs) + last, offsets).astype(np.float32)
        sums.append(metric.statistic(forecasts, wanted + last))
        if is_kept:
            answers.append((forecasts, wanted + last))
    score = metric.value(np.sum(sums, axis=0))
    made = None if shape is None else kept(shape)
    as_map = None if made is None else made.with_offsets(offsets)
    if not answers:
        return Scored(score, model=as_map)
    outputs, targets = map(np.concatenate, zip(*answers, strict=True))
    return Scored(score, outputs, targets, model=as_map)
