"""Baselines of panels: the last value, the last season, a ridge regression for all series, and a model for each."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

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
from evo_nas.tasks.example_sums import Scored

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

    from evo_nas.data.panel import Cut
    from evo_nas.tasks.baselines.fitting import Fit, TrainTest
    from evo_nas.tasks.dataset import Sequences
    from evo_nas.tasks.metrics import Metric

    Values = npt.NDArray[np.float64]

MOST_FITTED = 2_000
"""Series that get a model of their own; an AutoETS takes about a tenth of a second for each."""


class PanelPart(NamedTuple):
    """One part of a panel: the series as they are, and the windows of them that a network reads."""

    cuts: Sequence[Cut]
    windows: Sequences


@dataclass(frozen=True, slots=True)
class PanelFacts:
    """What baselines know of a panel beside its values.

    Attributes:
        horizon: Steps of a forecast.
        season: Steps of a season; 1 for none.
        metric: The metric of the data set.
        quantiles: Levels of the quantiles that it expects.
    """

    horizon: int
    season: int
    metric: Metric
    quantiles: tuple[float, ...] = ()


def panel_baselines(both: TrainTest[PanelPart], facts: PanelFacts) -> dict[str, Fit]:
    """Returns what fits each simple model and returns its test metric.

    Quantiles of the first three are their point forecasts plus the quantiles of their errors in training. All models
    read the values before a forecast, those of the validation part among them, as networks do.

    Args:
        both: The part to learn from and the part to test.
        facts: What else is known of the panel.
    """
    last_value = partial(_last_season, season=1, horizon=facts.horizon)
    last_season = partial(_last_season, season=facts.season, horizon=facts.horizon)
    return {
        "naive": partial(_scored, last_value, both, facts),
        **({"seasonal naive": partial(_scored, last_season, both, facts)} if facts.season > 1 else {}),
        "ridge": partial(_scored_ridge, both, facts),
        **{name: partial(_scored_models, name, both.test, facts) for name in STATISTICAL},
    }


def _last_season(history: Values, *, season: int, horizon: int) -> Values:
    """Returns the last season, repeated ``(horizon,)``."""
    # Holes are filled from the past; those before the first known value do not matter here.
    known = HoleFilling("previous")(history[-2 * season :, None])[-season:, 0].astype(np.float64)
    return known[np.arange(horizon) % season]


def _scored(forecast: Callable[[Values], Values], both: TrainTest[PanelPart], facts: PanelFacts) -> Scored:
    """Tests a forecast that looks at the values before each origin."""

    def forecasts(part: PanelPart) -> Values:
        return np.array([forecast(cut.values[:origin]) for cut in part.cuts for origin in cut.origins])

    test = forecasts(both.test)
    errors = np.zeros(test.shape)
    if facts.quantiles:
        errors = both.train.windows.targets.astype(np.float64) - forecasts(both.train)
    return _score(facts, test, errors, both.test)


def _scored_ridge(both: TrainTest[PanelPart], facts: PanelFacts) -> Scored:
    """Tests a ridge regression on changes from the last value, which is fitted to all training windows."""
    x, y, _ = _changes(both.train.windows)
    is_whole = ~np.isnan(y).any(axis=1)
    x, y = x[is_whole], y[is_whole]
    model = Ridge.fitted([(x, y)], penalty=PENALTY)
    inputs, _, last = _changes(both.test.windows)
    return _score(facts, model(inputs) + last, y - model(x), both.test)


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


def _scored_models(name: str, test: PanelPart, facts: PanelFacts) -> Scored:
    """Tests a statistical model of each series, which is fitted to its values before the validation part."""
    model, cuts = statistical_model(name), test.cuts
    which = np.unique(np.linspace(0, len(cuts) - 1, MOST_FITTED).astype(int))
    fit = partial(_modelled, model, facts)
    results = [fit(cuts[at]) for at in which]
    failures = sum(result is None for result in results)
    if failures == len(results):
        raise DataError("could not be fitted to any series")
    _note(len(which), len(cuts), failures)
    spare = partial(_last_season, season=facts.season, horizon=facts.horizon)
    forecasts = [
        np.repeat(spare(cuts[at].history), max(len(facts.quantiles), 1)) if result is None else result
        for at, result in zip(which, results, strict=True)
    ]
    targets = test.windows.targets[which]
    return Scored.of(facts.metric, np.array(forecasts, dtype=np.float32), targets, rows=which)


def _modelled(model: Any, facts: PanelFacts, cut: Cut) -> Values | None:
    """Returns the forecast ``(horizon * levels,)`` of a class of statsforecast; None if it cannot be fitted."""
    try:
        # A panel validates on the last values before the test part: they are read, but no parameter is fitted to them.
        learnt, history = _filled(cut.history[: -facts.horizon]), _filled(cut.history)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            fitted = model(season_length=facts.season).fit(learnt)
            given = fitted.forward(y=history, h=facts.horizon, level=widths(facts.quantiles))
    except Exception:  # noqa: BLE001 - it raises bare exceptions for series that are too short or too odd
        return None
    forecast = at_levels(given, facts.quantiles).ravel()
    return forecast if np.isfinite(forecast).all() else None


def _note(fitted: int, of: int, failures: int) -> None:
    if fitted < of:
        warnings.warn(f"on {fitted:,} of {of:,} series", BaselineNote, stacklevel=2)
    if failures:
        warnings.warn(
            f"the last season instead for {failures:,} series that it cannot fit", BaselineNote, stacklevel=2
        )


def _filled(values: Values) -> Values:
    # Only what comes before its end may fill a hole.
    return HoleFilling("interpolate")(values[:, None])[:, 0].astype(np.float64)


def _score(facts: PanelFacts, points: Values, errors: Values, test: PanelPart) -> Scored:
    """Tests forecasts ``(n, horizon)`` by a model that made ``errors`` ``(m, horizon)`` before."""
    forecasts = with_levels(points, error_quantiles(errors, facts.quantiles))
    return Scored.of(facts.metric, forecasts.astype(np.float32), test.windows.targets)
