"""Forecasts beside the truth, and how their error grows with the horizon."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from evo_nas.report.figures import SECOND, Figure, coloured, quantitative, values_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from evo_nas.champion.champion import Champion
    from evo_nas.tasks.answers import NumberAnswers
    from evo_nas.tasks.dataset import Windows

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
    yield _beside_truth(champion, part, answers)
    yield _errors_by_step(champion, part, answers)


def _beside_truth(champion: Champion, part: Windows, answers: NumberAnswers) -> Figure:
    values = _windows(champion, part, answers)
    name = answers.columns[0] if answers.columns else "the first target"
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
        f"Windows evenly over the test part; {name}, in its own units.{band}",
        {
            "data": values_of(values),
            "facet": {"field": "place", "type": "nominal", "title": None},
            "columns": 2,
            "spec": {"width": 380, "height": 170, "layer": layers},
            "resolve": {"scale": {"y": "independent"}},
        },
        is_wide=True,
    )


def _windows(champion: Champion, part: Windows, answers: NumberAnswers) -> list[dict[str, Any]]:
    """Returns truth and forecast of the first target in some windows, a row for each step."""
    chosen = np.unique(np.linspace(0, len(part) - 1, SHOWN).astype(np.int64)).tolist()
    reach = min(part.window, BEFORE * part.horizon)
    values: list[dict[str, Any]] = []
    for number, at in enumerate(chosen, start=1):
        forecast = answers.every_level(champion.outputs(part.cut(slice(at, at + 1)).inputs))[0, :, 0]
        origin, place = int(part.origins[at]), f"forecast {number} of {len(chosen)}"
        truth = _in_units(part.targets[origin - reach : origin + part.horizon], answers)[:, 0]
        values += [
            {"place": place, "step": step, "value": float(value), "what": "truth"}
            for step, value in enumerate(truth, start=1 - reach)
        ]
        values += [
            {"place": place, "step": step, "value": float(levels[answers.middle]), "what": "forecast",
             **({"low": float(levels[0]), "high": float(levels[-1])} if len(levels) > 1 else {})}
            for step, levels in enumerate(forecast, start=1)
        ]  # fmt: skip
    return values


def _errors_by_step(champion: Champion, part: Windows, answers: NumberAnswers) -> Figure:
    which = slice(None, None, max(1, -(-len(part) // MOST_WINDOWS)))
    cut = part.cut(which)
    shape = (len(cut), part.horizon, len(answers.mean))
    truth = _in_units(cut.targets.reshape(shape), answers)
    errors = {
        "champion": answers(champion.outputs(cut.inputs)) - truth,
        "last value repeated": _in_units(part.last_targets()[which], answers)[:, None] - truth,
    }
    values = [
        {"step": number, "error": float(error), "what": what}
        for what, found in errors.items()
        for number, error in enumerate(np.nanmean(np.abs(found), axis=(0, 2)), start=1)
    ]
    return Figure(
        "error-by-step",
        "How the error grows with the horizon",
        f"Mean absolute error at each step ahead, over {len(cut):,} windows of the test part.",
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
