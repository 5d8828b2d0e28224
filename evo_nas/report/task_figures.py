"""The figures of what a champion does on the test part of its task: what a person of that task would look at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from evo_nas.report.figures import (
    FIRST,
    INK,
    SECOND,
    SOFT,
    Figure,
    coloured,
    nominal,
    quantitative,
    values_of,
)
from evo_nas.tasks.answers import NumberAnswers
from evo_nas.tasks.dataset import Objective, Sequences, Windows
from evo_nas.training.forward import predictions_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt

    from evo_nas.models.ensemble import Model
    from evo_nas.tasks.dataset import Dataset

    Array = npt.NDArray[np.generic]

MOST_CLASSES = 25
MOST_POINTS = 800
FORECASTS = 4
BEFORE = 2
"""History that is drawn before a forecast, as a multiple of the horizon; at most the window."""
ROLL_STEPS = 64


def task_figures(model: Model, dataset: Dataset) -> Iterator[Figure]:
    """Yields the figures that fit the task of ``dataset``, of the test part."""
    if isinstance(dataset.test, Windows):
        yield from _forecasts(model, dataset)
    elif dataset.objective is Objective.CROSS_ENTROPY and dataset.classes:
        yield from _classes(model, dataset)
    elif dataset.objective is Objective.BINARY_CROSS_ENTROPY and isinstance(dataset.test, Sequences):
        yield from _roll(model, dataset)
    elif dataset.objective is Objective.MSE and not dataset.signature.per_step:
        yield from _numbers(model, dataset)


@dataclass(frozen=True, slots=True)
class ClassRow:
    """How one class fared.

    Attributes:
        name: Its name.
        examples: How many examples are of it.
        precision: Share of right answers among those that name it; None if none does.
        recall: Share of its examples that were found; None without examples.
    """

    name: str
    examples: int
    precision: float | None
    recall: float | None


def class_rows(model: Model, dataset: Dataset) -> list[ClassRow]:
    """Returns precision and recall of each class on the test part; empty where outputs are no classes with names."""
    if dataset.objective is not Objective.CROSS_ENTROPY or not dataset.classes:
        return []
    counts = _confusion(model, dataset)
    return [
        ClassRow(
            name,
            int(counts[at].sum()),
            float(counts[at, at] / counts[:, at].sum()) if counts[:, at].sum() else None,
            float(counts[at, at] / counts[at].sum()) if counts[at].sum() else None,
        )
        for at, name in enumerate(dataset.classes)
    ]


def _confusion(model: Model, dataset: Dataset) -> npt.NDArray[np.int64]:
    """Returns how often each class (row) was answered as each class (column)."""
    count = len(dataset.classes)
    counts = np.zeros((count, count), dtype=np.int64)
    for part in predictions_of(model, dataset, "test"):
        np.add.at(counts, (part.targets.numpy(), part.outputs.numpy().argmax(axis=1)), 1)
    return counts


def _classes(model: Model, dataset: Dataset) -> Iterator[Figure]:
    counts = _confusion(model, dataset)
    # The classes that are confused most are what a reader looks for, if not all can be drawn.
    wrong = counts.sum(axis=0) + counts.sum(axis=1) - 2 * counts.diagonal()
    shown = sorted(np.argsort(-wrong, kind="stable")[:MOST_CLASSES].tolist())
    names = [dataset.classes[at] for at in shown]
    values = [
        {"truth": dataset.classes[row], "answer": dataset.classes[column], "count": int(counts[row, column]),
         "share": float(counts[row, column] / max(counts[row].sum(), 1))}
        for row in shown
        for column in shown
        if counts[row, column]
    ]  # fmt: skip
    side = max(160, min(400, 30 * len(shown)))
    x = nominal("answer", "answer", scale={"domain": names}, sort=None)
    y = nominal("truth", "truth", scale={"domain": names}, sort=None)
    left_out = f" The {len(shown)} classes that are confused most." if len(shown) < len(counts) else ""
    yield Figure(
        "confusion",
        "Which classes are confused",
        f"Rows are the true classes, columns the answers; numbers count examples of the test part.{left_out}",
        {
            "data": values_of(values),
            "width": side,
            "height": side,
            "encoding": {"x": x, "y": y},
            "layer": [
                {
                    "mark": {"type": "rect", "color": FIRST},
                    "encoding": {
                        "opacity": quantitative(
                            "share", scale={"domain": [0, 1], "range": [0.08, 0.75]}, legend=None
                        )
                    },
                },
                {
                    "mark": {"type": "text", "color": INK, "fontSize": 11 if len(shown) <= 15 else 8},
                    "encoding": {"text": {"field": "count"}},
                },
            ],
        },
    )


def _forecasts(model: Model, dataset: Dataset) -> Iterator[Figure]:
    part, answers = dataset.test, dataset.preparation.answers if dataset.preparation else None
    assert isinstance(part, Windows)
    if not isinstance(answers, NumberAnswers):
        return
    chosen = np.unique(np.linspace(0, len(part) - 1, FORECASTS).astype(np.int64))
    outputs = np.concatenate([_outputs(model, part.cut(slice(int(at), int(at) + 1)).inputs) for at in chosen])
    forecasts = answers.every_level(outputs)  # (windows, horizon, targets, levels)
    mean, scale = np.array(answers.mean), np.array(answers.scale)
    middle = answers.quantiles.index(0.5) if answers.quantiles else 0
    values: list[dict[str, Any]] = []
    for number, at in enumerate(chosen):
        origin = int(part.origins[at])
        reach = min(part.window, BEFORE * part.horizon)
        truth = part.targets[origin - reach : origin + part.horizon, 0] * scale[0] + mean[0]
        place = f"forecast {number + 1} of {len(chosen)}"
        values += [
            {"place": place, "step": step, "value": float(value), "what": "truth"}
            for step, value in enumerate(truth, start=1 - reach)
        ]
        of_first = forecasts[number, :, 0]
        values += [
            {"place": place, "step": step, "value": float(levels[middle]), "what": "forecast",
             **({"low": float(levels[0]), "high": float(levels[-1])} if len(levels) > 1 else {})}
            for step, levels in enumerate(of_first, start=1)
        ]  # fmt: skip
    band = ""
    layers: list[dict[str, Any]] = []
    x = quantitative("step", "steps from the origin of the forecast")
    if answers.quantiles:
        share = answers.quantiles[-1] - answers.quantiles[0]
        band = f" The band holds {share:.0%} of the values, if its quantiles keep their promise."
        layers.append(
            {
                "mark": {"type": "area", "opacity": 0.25, "color": SECOND},
                "encoding": {"x": x, "y": {"field": "low", "type": "quantitative"}, "y2": {"field": "high"}},
            }
        )
    name = answers.columns[0] if answers.columns else "the first target"
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
    yield Figure(
        "forecasts",
        "Forecasts beside the truth",
        f"{len(chosen)} windows, evenly over the test part; {name}, in its own units.{band}",
        {
            "data": values_of(values),
            "facet": {"field": "place", "type": "nominal", "title": None},
            "columns": 2,
            "spec": {"width": 380, "height": 170, "layer": layers},
            "resolve": {"scale": {"y": "independent"}},
        },
        is_wide=True,
    )
    yield _errors_by_step(model, dataset, answers, middle)


def _errors_by_step(model: Model, dataset: Dataset, answers: NumberAnswers, middle: int) -> Figure:
    """Returns the error at each step of the horizon, beside that of repeating the last value."""
    part = dataset.test
    assert isinstance(part, Windows)
    scale = np.array(answers.scale)
    step = max(1, len(part) // MOST_POINTS)
    errors, naive = [], []
    for at in range(0, len(part), step):
        which = slice(at, at + 1)
        cut = part.cut(which)
        forecast = answers.every_level(_outputs(model, cut.inputs))[0, :, :, middle]
        truth = cut.targets.reshape(part.horizon, -1) * scale + np.array(answers.mean)
        errors.append(np.abs(forecast - truth))
        last = Windows(part.inputs, part.targets, part.origins[which], part.window, part.horizon, part.starts)
        naive.append(np.abs(last.last_targets() * scale + np.array(answers.mean) - truth))
    values = [
        {"step": number, "error": float(error), "what": what}
        for what, found in (("champion", errors), ("last value repeated", naive))
        for number, error in enumerate(np.nanmean(np.stack(found), axis=(0, 2)), start=1)
    ]
    return Figure(
        "error-by-step",
        "How the error grows with the horizon",
        f"Mean absolute error at each step ahead, over {len(errors)} windows of the test part.",
        {
            "data": values_of(values),
            "mark": "line",
            "encoding": {
                "x": quantitative("step", "steps ahead", axis={"tickMinStep": 1}),
                "y": quantitative("error", "mean absolute error"),
                "color": coloured("what", ["champion", "last value repeated"]),
            },
        },
    )


def _outputs(model: Model, inputs: Array) -> npt.NDArray[np.float32]:
    import torch  # noqa: PLC0415 - loaded with the model already

    device = next(model.parameters()).device
    with torch.inference_mode():
        found: npt.NDArray[np.float32] = model(torch.from_numpy(inputs).to(device)).cpu().numpy()
    return found


def _numbers(model: Model, dataset: Dataset) -> Iterator[Figure]:
    parts = list(predictions_of(model, dataset, "test"))
    outputs = np.concatenate([part.outputs.numpy() for part in parts])[:, 0]
    targets = np.concatenate([part.targets.numpy() for part in parts])[:, 0]
    answers = dataset.preparation.answers if dataset.preparation else None
    if isinstance(answers, NumberAnswers):
        outputs, targets = (each * answers.scale[0] + answers.mean[0] for each in (outputs, targets))
    step = max(1, len(outputs) // MOST_POINTS)
    values = [
        {"truth": float(truth), "prediction": float(found)}
        for truth, found in zip(targets[::step], outputs[::step], strict=True)
    ]
    low, high = float(min(targets.min(), outputs.min())), float(max(targets.max(), outputs.max()))
    yield Figure(
        "predictions",
        "Predictions against the truth",
        f"{len(values)} examples of the test part; on the line a prediction is right.",
        {
            "layer": [
                {
                    "data": values_of([{"at": low}, {"at": high}]),
                    "mark": {"type": "line", "color": SOFT, "strokeWidth": 1},
                    "encoding": {"x": quantitative("at"), "y": quantitative("at")},
                },
                {
                    "data": values_of(values),
                    "mark": {"type": "point", "size": 18, "opacity": 0.6},
                    "encoding": {
                        "x": quantitative("truth", "truth", scale={"zero": False}),
                        "y": quantitative("prediction", "prediction", scale={"zero": False}),
                    },
                },
            ]
        },
    )


def _roll(model: Model, dataset: Dataset) -> Iterator[Figure]:
    """Yields what the model expects of each label, such as a key, at each step of one sequence."""
    part = dataset.test
    assert isinstance(part, Sequences)
    if not dataset.signature.per_step:
        return
    length = int(part.lengths[0]) if part.lengths is not None else part.inputs.shape[1]
    steps = min(length, ROLL_STEPS)
    inputs: Array = part.inputs[:1, :steps]
    chances = 1 / (1 + np.exp(-_outputs(model, inputs)[0].astype(np.float64)))
    truth = part.targets[0, :steps].astype(bool)
    used = np.flatnonzero(truth.any(axis=0) | (chances > 0.1).any(axis=0))
    names: Sequence[str] = dataset.classes or [str(number) for number in range(truth.shape[1])]
    values = [
        {
            "step": step,
            "until": step + 1,
            "key": int(key),
            "above": int(key) + 1,
            "chance": float(chances[step, key]),
        }
        for step in range(steps)
        for key in used
        if chances[step, key] > 0.02
    ]
    sounding = [
        {"step": step + 0.5, "key": int(key) + 0.5}
        for step in range(steps)
        for key in np.flatnonzero(truth[step])
    ]
    y = quantitative(
        "key",
        "label" if dataset.classes else "key",
        scale={"zero": False, "domain": [int(used.min()), int(used.max()) + 1]},
    )
    yield Figure(
        "roll",
        "What is expected at each step",
        f"The first {steps} steps of a test sequence: the darker, the likelier the champion finds a label from the "
        f"steps before; points are what came. From {names[int(used.min())]} to {names[int(used.max())]}.",
        {
            "width": 820,
            "height": 300,
            "layer": [
                {
                    "data": values_of(values),
                    "mark": {"type": "rect", "color": FIRST},
                    "encoding": {
                        "x": quantitative("step", "step"),
                        "x2": {"field": "until"},
                        "y": y,
                        "y2": {"field": "above"},
                        "opacity": quantitative(
                            "chance", scale={"domain": [0, 1], "range": [0, 0.9]}, legend=None
                        ),
                    },
                },
                {
                    "data": values_of(sounding),
                    "mark": {"type": "point", "size": 14, "color": SECOND, "opacity": 1},
                    "encoding": {"x": quantitative("step"), "y": quantitative("key")},
                },
            ],
        },
        is_wide=True,
    )
