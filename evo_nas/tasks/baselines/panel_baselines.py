"""Baselines of panels: the last value, the last season, a ridge regression for all series, and a model for each."""

from __future__ import annotations

import warnings
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from evo_nas.data.holes import HoleFilling
from evo_nas.errors import DataError
from evo_nas.tasks.baselines.error_quantiles import error_quantiles, with_levels
from evo_nas.tasks.baselines.fitting import BaselineNote
from evo_nas.tasks.baselines.forecasters import PENALTY
from evo_nas.tasks.baselines.ridge import Ridge
from evo_nas.tasks.baselines.statistical_forecasters import (
    STATISTICAL,
    at_levels,
    statistical_model,
    widths,
)
from evo_nas.tasks.dataset import Sequences
from evo_nas.tasks.example_sums import Scored

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

    from evo_nas.data.panel import Cut, Panel
    from evo_nas.tasks.baselines.fitting import Fit
    from evo_nas.tasks.dataset import Dataset

    Values = npt.NDArray[np.float64]

MOST_FITTED = 2_000
"""Series that get a model of their own; an AutoETS takes about a tenth of a second for each."""


def panel_baselines(panel: Panel, dataset: Dataset) -> dict[str, Fit]:
    """Returns what fits each simple model and returns its test metric.

    Quantiles of the first three are their point forecasts plus the quantiles of their errors in training and
    validation.

    Args:
        panel: The panel; its models read all values before a forecast.
        dataset: The windows of the panel.
    """
    seasonal: dict[str, Fit] = {}
    if panel.season > 1:
        last_season = partial(_last_season, season=panel.season, horizon=panel.horizon)
        seasonal = {"seasonal naive": partial(_scored, last_season, panel, dataset)}
    return {
        "naive": partial(_scored, partial(_last_season, season=1, horizon=panel.horizon), panel, dataset),
        **seasonal,
        "ridge": partial(_scored_ridge, dataset),
        **{name: partial(_scored_models, name, panel, dataset) for name in STATISTICAL},
    }


def _last_season(history: Values, *, season: int, horizon: int) -> Values:
    """Returns the last season, repeated ``(horizon,)``."""
    # Holes are filled from the past; those before the first known value do not matter here.
    known = HoleFilling("previous")(history[-2 * season :, None])[-season:, 0].astype(np.float64)
    return known[np.arange(horizon) % season]


def _scored(forecast: Callable[[Values], Values], panel: Panel, dataset: Dataset) -> Scored:
    """Tests a forecast that looks at the values before each origin."""

    def forecasts(part: str) -> Values:
        return np.array(
            [forecast(cut.values[:origin]) for cut in panel.parts[part] for origin in cut.origins]
        )

    test = forecasts("test")
    errors = [np.zeros(test.shape)]
    if dataset.quantiles:
        parts = _sequences(dataset)
        errors = [
            parts[part].targets.astype(np.float64) - forecasts(part) for part in ("train", "validation")
        ]
    return _score(dataset, test, np.concatenate(errors))


def _scored_ridge(dataset: Dataset) -> Scored:
    """Tests a ridge regression on changes from the last value, which is fitted to all windows."""
    parts = _sequences(dataset)
    changes = {name: _changes(part) for name, part in parts.items()}
    learnt = [
        (x[~np.isnan(y).any(axis=1)], y[~np.isnan(y).any(axis=1)])
        for x, y, _ in (changes["train"], changes["validation"])
    ]
    model = Ridge.fitted(learnt, penalty=PENALTY)
    inputs, _, last = changes["test"]
    errors = np.concatenate([y - model(x) for x, y in learnt])
    return _score(dataset, model(inputs) + last, errors)


def _changes(
    part: Sequences,
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Returns inputs and targets less the last value, ``(n, ...)``, and the last value ``(n, 1)``.

    Before a series begins its first value is repeated.
    """
    values = part.inputs[..., -1].astype(np.float32)  # the features before it are of the last season
    steps = values.shape[1]
    lengths = np.full(len(part), steps) if part.lengths is None else part.lengths
    places = np.maximum(lengths[:, None] - steps + np.arange(steps), 0)
    aligned = np.take_along_axis(values, places, axis=1)
    last = aligned[:, -1:]
    return aligned - last, part.targets.astype(np.float32) - last, last


def _scored_models(name: str, panel: Panel, dataset: Dataset) -> Scored:
    """Tests a statistical model of each series, which is fitted to all values before the test part."""
    model = statistical_model(name)
    cuts = panel.parts["test"]
    which = np.unique(np.linspace(0, len(cuts) - 1, MOST_FITTED).astype(int))
    fit = partial(_modelled, model, panel, dataset.quantiles)
    results = [fit(cuts[at]) for at in which]
    failures = sum(result is None for result in results)
    if failures == len(results):
        raise DataError("could not be fitted to any series")
    _note(len(which), len(cuts), failures)
    spare = partial(_last_season, season=panel.season, horizon=panel.horizon)
    forecasts = [
        np.repeat(spare(cuts[at].history), max(len(dataset.quantiles), 1)) if result is None else result
        for at, result in zip(which, results, strict=True)
    ]
    targets = _sequences(dataset)["test"].targets[which]
    return Scored.of(dataset.metric, np.array(forecasts, dtype=np.float32), targets, rows=which)


def _modelled(model: Any, panel: Panel, levels: Sequence[float], cut: Cut) -> Values | None:
    """Returns the forecast ``(horizon * levels,)`` of a class of statsforecast; None if it cannot be fitted."""
    history = HoleFilling("interpolate")(cut.history[:, None])[:, 0].astype(np.float64)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            given = model(season_length=panel.season).forecast(
                y=history, h=panel.horizon, level=widths(levels)
            )
    except Exception:  # noqa: BLE001 - it raises bare exceptions for series that are too short or too odd
        return None
    forecast = at_levels(given, levels).ravel()
    return forecast if np.isfinite(forecast).all() else None


def _note(fitted: int, of: int, failures: int) -> None:
    if fitted < of:
        warnings.warn(f"on {fitted:,} of {of:,} series", BaselineNote, stacklevel=2)
    if failures:
        warnings.warn(
            f"the last season instead for {failures:,} series that it cannot fit", BaselineNote, stacklevel=2
        )


def _score(dataset: Dataset, points: Values, errors: Values) -> Scored:
    """Tests forecasts ``(n, horizon)`` by a model that made ``errors`` ``(m, horizon)`` before."""
    forecasts = with_levels(points, error_quantiles(errors, dataset.quantiles))
    return Scored.of(dataset.metric, forecasts.astype(np.float32), _sequences(dataset)["test"].targets)


def _sequences(dataset: Dataset) -> dict[str, Sequences]:
    return {name: part for name, part in dataset.parts.items() if isinstance(part, Sequences)}
