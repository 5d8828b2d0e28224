"""Forecasts of series and of panels beside the truth, and how their error grows with the horizon."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from evo_nas.report.figures import SECOND, Figure, coloured, quantitative, values_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import numpy.typing as npt

    from evo_nas.champion.champion import Champion
    from evo_nas.tasks.answers import NumberAnswers
    from evo_nas.tasks.dataset import Sequences, Windows

    Values = npt.NDArray[np.float64]

MOST_WINDOWS = 800
"""Windows whose errors are averaged, evenly over the test part."""
SHOWN = 4
BEFORE = 2
"""History that is drawn before a forecast, as a multiple of the horizon; at most the window."""


def forecast_figures(champion: Champion, part: Windows, answers: NumberAnswers) -> Iterator[Figure]:
    """Yields the figures of forecasts.

    Args:
        champion: What forecasts.
        part: Windows that it did not learn from.
        answers: From its outputs to the units of the file.
    """
    name = answers.columns[0] if answers.columns else "the first target"
    says = f"Windows evenly over the test part; {name}, in its own units."
    yield _beside_truth(_windows(champion, part, answers), answers, name, says)
    yield _errors_of_windows(champion, part, answers)


def panel_figures(
    champion: Champion, part: Sequences, answers: NumberAnswers, *, seasonal: npt.NDArray[np.int64]
) -> Iterator[Figure]:
    """Yields the figures of forecasts of a panel, whose series are all told in units of their own naive errors.

    Args:
        champion: What forecasts.
        part: One window of each series that it did not learn from; its last feature is the series itself.
        answers: The levels and the horizon of its outputs.
        seasonal: For each step of a forecast the feature whose last value is that of the season before.
    """
    rows = np.arange(len(part))
    ends = np.full(len(part), part.inputs.shape[1]) if part.lengths is None else part.lengths
    forecasts = answers.every_level(champion.outputs(part.inputs, part.lengths))[
        :, :, 0
    ]  # (n, horizon, levels)
    values: list[dict[str, Any]] = []
    for at in _evenly(len(part)):
        history = part.inputs[at, : ends[at], -1][-BEFORE * answers.horizon :]
        truth = np.concatenate([history, part.targets[at]])
        place = f"series {at + 1:,} of {len(part):,}"
        values += _rows(place, truth, len(history), forecasts[at], answers)
    says = "Series evenly over the panel, each in units of its own naive error."
    yield _beside_truth(values, answers, "in naive errors", says)
    naive = part.inputs[rows, ends - 1][:, seasonal]
    errors = {"champion": forecasts[..., answers.middle], "last season repeated": naive}
    errors = {what: found - part.targets for what, found in errors.items()}
    yield _error_by_step(
        errors, f"Mean absolute error at each step ahead, in naive errors, over {len(part):,} series."
    )


def _beside_truth(values: list[dict[str, Any]], answers: NumberAnswers, name: str, says: str) -> Figure:
    x = quantitative("step", "steps from the origin of the forecast")
    layers: list[dict[str, Any]] = []
    band = ""
    if answers.quantiles:
        share = answers.quantiles[-1] - answers.quantiles[0]
        band = f" The band holds {share:.0%} of the values, if its quantiles keep their promise."
        layers.append(
            {
                # A row of the truth at the same step has no bounds, and would break the band.
                "transform": [{"filter": "datum.what === 'forecast'"}],
                "mark": {"type": "area", "opacity": 0.25, "color": SECOND},
                "encoding": {"x": x, "y": {"field": "low", "type": "quantitative"}, "y2": {"field": "high"}},
            }
        )
    layers.append(
        {
            "mark": {"type": "line", "strokeWidth": 1.6},
            "encoding": {
                "x": x,
                "y": quantitative("value", name, scale={"zero": False}),
                "color": coloured("what", ["truth", "forecast"]),
            },
        }
    )
    return Figure(
        "forecasts",
        "Forecasts beside the truth",
        f"{says}{band}",
        {
            "data": values_of(values),
            "facet": {"field": "place", "type": "nominal", "title": None, "sort": None},
            "columns": 2,
            "spec": {"width": 380, "height": 170, "layer": layers},
            "resolve": {"scale": {"y": "independent"}},
        },
        is_wide=True,
    )


def _windows(champion: Champion, part: Windows, answers: NumberAnswers) -> list[dict[str, Any]]:
    """Returns truth and forecast of the first target in some windows, a row for each step."""
    chosen = _evenly(len(part))
    reach = min(part.window, BEFORE * part.horizon)
    values: list[dict[str, Any]] = []
    for number, at in enumerate(chosen, start=1):
        forecast = answers.every_level(champion.outputs(part.cut(slice(at, at + 1)).inputs))[0, :, 0]
        origin, place = int(part.origins[at]), f"forecast {number} of {len(chosen)}"
        truth = _in_units(part.targets[origin - reach : origin + part.horizon], answers)[:, 0]
        values += _rows(place, truth, reach, forecast, answers)
    return values


def _evenly(count: int) -> list[int]:
    return [int(at) for at in np.unique(np.linspace(0, count - 1, SHOWN).astype(np.int64))]


def _rows(
    place: str, truth: npt.NDArray[np.floating], before: int, forecast: Values, answers: NumberAnswers
) -> Iterator[dict[str, Any]]:
    """Yields a row for each step of the truth, of which so many are ``before`` the forecast ``(horizon, levels)``."""
    for step, value in enumerate(truth, start=1 - before):
        if not np.isnan(value):
            yield {"place": place, "step": step, "value": float(value), "what": "truth"}
    for step, levels in enumerate(forecast, start=1):
        bounds = {"low": float(levels[0]), "high": float(levels[-1])} if len(levels) > 1 else {}
        value = float(levels[answers.middle])
        yield {"place": place, "step": step, "value": value, "what": "forecast", **bounds}


def _errors_of_windows(champion: Champion, part: Windows, answers: NumberAnswers) -> Figure:
    which = slice(None, None, max(1, -(-len(part) // MOST_WINDOWS)))
    cut = part.cut(which)
    shape = (len(cut), part.horizon, len(answers.mean))
    truth = _in_units(cut.targets.reshape(shape), answers)
    errors = {
        "champion": answers(champion.outputs(cut.inputs)) - truth,
        "last value repeated": _in_units(part.last_targets()[which], answers)[:, None] - truth,
    }
    return _error_by_step(
        errors, f"Mean absolute error at each step ahead, over {len(cut):,} windows of the test part."
    )


def _error_by_step(errors: Mapping[str, Values], says: str) -> Figure:
    """Returns the figure of errors ``(n, horizon)`` or ``(n, horizon, targets)`` by what has made them."""
    values = [
        {"step": number, "error": float(error), "what": what}
        for what, found in errors.items()
        for number, error in enumerate(
            np.nanmean(np.abs(found.reshape(*found.shape[:2], -1)), axis=(0, 2)), start=1
        )
    ]
    return Figure(
        "error-by-step",
        "How the error grows with the horizon",
        says,
        {
            "data": values_of(values),
            "mark": "line",
            "encoding": {
                "x": quantitative("step", "steps ahead", axis={"tickMinStep": 1}),
                "y": quantitative("error", "mean absolute error"),
                "color": coloured("what", list(errors)),
            },
        },
    )


def _in_units(values: npt.NDArray[Any], answers: NumberAnswers) -> npt.NDArray[np.float64]:
    """Returns standardised targets ``(..., targets)`` in the units of the file."""
    numbers: npt.NDArray[np.float64] = values * np.array(answers.scale) + np.array(answers.mean)
    return numbers
