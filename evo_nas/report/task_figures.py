"""The figures of what a champion does on the test part of its task: what a person of that task would look at."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from evo_nas.report.figures import FIRST, SECOND, SOFT, Figure, quantitative, values_of
from evo_nas.report.forecast_figures import forecast_figures, panel_figures
from evo_nas.tasks.answers import NumberAnswers
from evo_nas.tasks.dataset import Objective, Sequences, Windows
from evo_nas.tasks.raw_panels import PanelInputs
from evo_nas.training.forward import predictions_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt

    from evo_nas.champion.champion import Champion
    from evo_nas.tasks.dataset import Dataset

MOST_POINTS = 800
ROLL_STEPS = 64
UNLIKELY = 0.02
"""Chances that are too pale to be seen; most labels of most steps have less."""


def task_figures(champion: Champion, dataset: Dataset) -> Iterator[Figure]:
    """Yields the figures that fit the task of ``dataset``, of the test part; `class_figures` has those of classes."""
    answers = dataset.preparation.answers if dataset.preparation else None
    if isinstance(dataset.test, Windows):
        if isinstance(answers, NumberAnswers):
            yield from forecast_figures(champion, dataset.test, answers)
    elif dataset.preparation and isinstance(dataset.preparation.inputs, PanelInputs):
        if isinstance(dataset.test, Sequences) and isinstance(answers, NumberAnswers):
            anchors = np.array(dataset.signature.last_values)[:: max(len(answers.quantiles), 1)]
            yield from panel_figures(champion, dataset.test, answers, seasonal=anchors)
    elif dataset.objective is Objective.BINARY_CROSS_ENTROPY:
        if isinstance(dataset.test, Sequences) and dataset.signature.per_step:
            yield _roll(champion, dataset.test, dataset.classes)
    elif dataset.objective is Objective.MSE and not dataset.signature.per_step:
        yield _numbers(champion, dataset)


def _numbers(champion: Champion, dataset: Dataset) -> Figure:
    parts = list(predictions_of(champion.network, dataset, "test"))
    outputs = np.concatenate([part.outputs.numpy() for part in parts])[:, 0]
    targets = np.concatenate([part.targets.numpy() for part in parts])[:, 0]
    answers = dataset.preparation.answers if dataset.preparation else None
    if isinstance(answers, NumberAnswers):
        outputs, targets = (each * answers.scale[0] + answers.mean[0] for each in (outputs, targets))
    step = max(1, -(-len(outputs) // MOST_POINTS))
    values = [
        {"truth": float(truth), "prediction": float(found)}
        for truth, found in zip(targets[::step], outputs[::step], strict=True)
    ]
    low, high = float(min(targets.min(), outputs.min())), float(max(targets.max(), outputs.max()))
    return Figure(
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


def _roll(champion: Champion, part: Sequences, labels: Sequence[str]) -> Figure:
    """Returns what the champion expects of each label, such as a key, at each step of the first sequence."""
    length = int(part.lengths[0]) if part.lengths is not None else part.inputs.shape[1]
    steps = min(length, ROLL_STEPS)
    outputs = champion.outputs(part.inputs[:1, :steps])[0].astype(np.float64)
    chances: npt.NDArray[np.float64] = 1 / (1 + np.exp(-outputs))  # (steps, labels)
    truth = part.targets[0, :steps].astype(bool)
    used = np.flatnonzero(truth.any(axis=0) | (chances > 0.1).any(axis=0)).tolist()
    low, high = used[0], used[-1]
    names = labels or range(truth.shape[1])
    expected = [
        {"step": step, "until": step + 1, "key": key, "above": key + 1, "chance": float(chances[step, key])}
        for step in range(steps)
        for key in used
        if chances[step, key] > UNLIKELY
    ]
    came = [{"step": step + 0.5, "key": key + 0.5} for step, key in np.argwhere(truth).tolist()]
    return Figure(
        "roll",
        "What is expected at each step",
        f"The first {steps} steps of a test sequence: the darker, the likelier the champion finds a label from the "
        f"steps before; points are what came. From {names[low]} to {names[high]}.",
        {
            "width": 820,
            "height": 300,
            "encoding": {
                "x": quantitative("step", "step"),
                "y": quantitative(
                    "key", "label" if labels else "key", scale={"zero": False, "domain": [low, high + 1]}
                ),
            },
            "layer": [
                {
                    "data": values_of(expected),
                    "mark": {"type": "rect", "color": FIRST},
                    "encoding": {
                        "x2": {"field": "until"},
                        "y2": {"field": "above"},
                        "opacity": quantitative(
                            "chance", scale={"domain": [0, 1], "range": [0, 0.9]}, legend=None
                        ),
                    },
                },
                {
                    "data": values_of(came),
                    "mark": {"type": "point", "size": 14, "color": SECOND, "opacity": 1},
                },
            ],
        },
        is_wide=True,
    )
