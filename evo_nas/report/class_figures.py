"""How a champion fares with each class of the test part: the confusion matrix, precision and recall."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from evo_nas.report.figures import FIRST, INK, Figure, nominal, quantitative, values_of
from evo_nas.tasks.dataset import Objective
from evo_nas.training.forward import predictions_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from evo_nas.models.ensemble import Model
    from evo_nas.tasks.dataset import Dataset

    Counts = npt.NDArray[np.int64]

MOST_CLASSES = 25


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


def confusion(model: Model, dataset: Dataset) -> Counts | None:
    """Returns how often each class (row) of the test part was answered as each class (column).

    None where the outputs are no classes with names.
    """
    if dataset.objective is not Objective.CROSS_ENTROPY or not dataset.classes:
        return None
    count = len(dataset.classes)
    counts = np.zeros((count, count), dtype=np.int64)
    for part in predictions_of(model, dataset, "test"):
        np.add.at(counts, (part.targets.numpy(), part.outputs.numpy().argmax(axis=1)), 1)
    return counts


def class_rows(counts: Counts, classes: Sequence[str]) -> list[ClassRow]:
    """Returns precision and recall of each class.

    Args:
        counts: What `confusion` returned.
        classes: Names of the classes.
    """
    return [
        ClassRow(
            name,
            int(counts[at].sum()),
            float(counts[at, at] / counts[:, at].sum()) if counts[:, at].sum() else None,
            float(counts[at, at] / counts[at].sum()) if counts[at].sum() else None,
        )
        for at, name in enumerate(classes)
    ]


def confusion_figure(counts: Counts, classes: Sequence[str]) -> Figure:
    """Returns the confusion matrix as a picture; of many classes those that are confused most.

    Args:
        counts: What `confusion` returned.
        classes: Names of the classes.
    """
    # The classes that are confused most are what a reader looks for, if not all can be drawn.
    wrong = counts.sum(axis=0) + counts.sum(axis=1) - 2 * counts.diagonal()
    shown = sorted(np.argsort(-wrong, kind="stable")[:MOST_CLASSES].tolist())
    names = [classes[at] for at in shown]
    values = [
        {"truth": classes[row], "answer": classes[column], "count": int(counts[row, column]),
         "share": float(counts[row, column] / max(counts[row].sum(), 1))}
        for row in shown
        for column in shown
        if counts[row, column]
    ]  # fmt: skip
    side = max(160, min(400, 30 * len(shown)))
    x = nominal("answer", "answer", scale={"domain": names}, sort=None)
    y = nominal("truth", "truth", scale={"domain": names}, sort=None)
    left_out = f" The {len(shown)} classes that are confused most." if len(shown) < len(counts) else ""
    return Figure(
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
