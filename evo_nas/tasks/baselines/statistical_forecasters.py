"""Exponential smoothing and Theta by statsforecast: fitted once to the training rows of each series, then rolled on."""

from __future__ import annotations

import warnings
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from evo_nas.data.holes import HoleFilling
from evo_nas.errors import DataError
from evo_nas.tasks.baselines.fitting import BaselineNote
from evo_nas.tasks.example_sums import Scored

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from evo_nas.tasks.baselines.fitting import Fit
    from evo_nas.tasks.dataset import Windows
    from evo_nas.tasks.metrics import Metric

    Values = npt.NDArray[np.float64]

STATISTICAL = ("AutoTheta", "AutoETS")
"""Classes of statsforecast, each of which chooses its own form for every series; the cheaper one comes first."""
MOST_ROWS = 1000
"""Rows that a model is fitted to, and as many that it reads before a forecast: older ones do not change its level."""
MOST_MODELS = 40
"""Series times targets that get a model of their own; each takes about a second with a season."""
MOST_ORIGINS = 300
"""Test forecasts; they are evenly chosen."""


def statistical_baselines(
    learnt: Windows, test: Windows, *, metric: Metric, season: int, levels: tuple[float, ...]
) -> dict[str, Fit]:
    """Returns what fits a model of each target of each series to its training rows.

    The model keeps its parameters; only its states follow the values before each test forecast, those of the validation
    part among them. A series that training does not have is fitted to the rows before its first test forecast.

    Args:
        learnt: Windows to learn from, of the same rows.
        test: Windows to forecast.
        metric: The metric of the data set.
        season: Steps of a season.
        levels: Levels of the quantiles that the metric expects.
    """
    return {name: partial(_scored, name, learnt, test, metric, season, levels) for name in STATISTICAL}


def statistical_model(name: str) -> Any:
    """Returns a class of statsforecast.

    Raises:
        DataError: The extra is not installed.
    """
    try:
        from statsforecast import models  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise DataError("needs statsforecast; run pip install 'evo-nas[baselines]'") from error
    return getattr(models, name)


def at_levels(given: dict[str, Values], levels: Sequence[float]) -> Values:
    """Returns the forecast ``(horizon, levels)`` out of what statsforecast gives for these levels, see `widths`."""
    keys = [
        f"{'lo' if level < 0.5 else 'hi'}-{width}" if width else "mean"
        for level, width in zip(levels, map(_width, levels), strict=True)
    ]
    return np.stack([given[key] for key in keys or ["mean"]], axis=-1)


def widths(levels: Sequence[float]) -> list[float] | None:
    """Returns the intervals in percent that have these levels as ends; None without any."""
    return sorted({*filter(None, map(_width, levels))}) or None


def _width(level: float) -> float:
    # Intervals are symmetric: the level .1 is the lower end of the interval of 80 percent.
    return round(200 * abs(level - 0.5), 6)


def _scored(
    name: str, learnt: Windows, test: Windows, metric: Metric, season: int, levels: tuple[float, ...]
) -> Scored:
    model, columns = statistical_model(name), test.targets.shape[1]
    if columns > MOST_MODELS:
        raise DataError(f"left out for {columns} columns, more than {MOST_MODELS}")
    series = np.searchsorted(test.starts, test.origins, side="right") - 1
    ends = _ends_of_training(learnt)
    chosen = _evenly(np.unique(series), MOST_MODELS // columns)
    forecasts, wanted = [], []
    tested: list[int] = []
    for number in chosen.tolist():
        origins = np.sort(test.origins[series == number])
        some = _evenly(origins, max(1, MOST_ORIGINS // len(chosen)))
        # No row of the test part is fitted to, wherever it lies.
        start, end = int(test.starts[number]), min(ends.get(number, origins[0]), origins[0])
        forecasts += [
            np.stack(each, axis=1)  # (horizon, targets, levels)
            for each in zip(
                *(
                    _rolled(model(season_length=season), test, column, levels, [start, end, *some])
                    for column in range(columns)
                ),
                strict=True,
            )
        ]
        wanted += [test.targets[origin : origin + test.horizon] for origin in some.tolist()]
        tested += np.flatnonzero((series == number) & np.isin(test.origins, some)).tolist()
    if len(wanted) < len(test):
        warnings.warn(f"on {len(wanted):,} of {len(test):,} forecasts", BaselineNote, stacklevel=2)
    outputs = np.array(forecasts, dtype=np.float32).reshape(len(wanted), -1)
    return Scored.of(metric, outputs, np.array(wanted).reshape(len(wanted), -1), rows=np.array(tested))


def _ends_of_training(learnt: Windows) -> dict[int, int]:
    """Returns the row after the last one that training forecasts, of each series that it has."""
    series = np.searchsorted(learnt.starts, learnt.origins, side="right") - 1
    ends: dict[int, int] = {}
    for number, origin in zip(series.tolist(), learnt.origins.tolist(), strict=True):
        ends[number] = max(ends.get(number, 0), origin + learnt.horizon)
    return ends


def _rolled(
    model: Any, test: Windows, column: int, levels: Sequence[float], rows: Sequence[int]
) -> list[Values]:
    """Returns a forecast ``(horizon, levels)`` from each origin of one series.

    Args:
        model: An instance of a class of statsforecast.
        test: All windows.
        column: Which target.
        levels: Levels of the quantiles.
        rows: First row of the series, the row that the model is fitted before, and the origins.
    """
    start, end, *origins = map(int, rows)
    begin = max(start, end - MOST_ROWS)

    def before(origin: int) -> Values:
        first = max(begin, origin - MOST_ROWS)
        # The states that the model begins with belong to the place in the season where its fit began.
        first -= (first - begin) % model.season_length
        values = test.targets[first:origin, column, None]
        # Only what comes before the forecast may fill a hole.
        return HoleFilling("interpolate")(values)[:, 0].astype(np.float64)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(before(end))
        given = [model.forward(y=before(origin), h=test.horizon, level=widths(levels)) for origin in origins]
    return [at_levels(each, levels) for each in given]


def _evenly(values: npt.NDArray[np.int64], most: int) -> npt.NDArray[np.int64]:
    return values[np.unique(np.linspace(0, len(values) - 1, most).astype(np.int64))]
