"""Trivial and linear opponents of classifiers, by scikit-learn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from evo_nas.tasks.task import Metric

MOST_STEPS = 2000
"""Of the solver of a logistic regression."""
LEAST_LOGIT = -30.0
"""For a class that an opponent rules out."""


def classification_floors(
    inputs: Sequence[npt.NDArray[np.float64]],
    targets: Sequence[npt.NDArray[np.int64]],
    *,
    metric: Metric,
    classes: int,
) -> dict[str, float]:
    """Returns the metric of the most frequent class, the nearest neighbour and a logistic regression.

    Args:
        inputs: What is learnt and what is tested, each ``(n, features)``, in original units.
        targets: Classes of both, int64 ``(n,)``.
        metric: Of logits and classes.
        classes: How many there are.
    """
    from sklearn.dummy import DummyClassifier  # noqa: PLC0415 - 1.5 s that only a verdict pays
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415
    from sklearn.neighbors import KNeighborsClassifier  # noqa: PLC0415
    from sklearn.pipeline import make_pipeline  # noqa: PLC0415
    from sklearn.preprocessing import StandardScaler  # noqa: PLC0415

    opponents = {
        "majority": DummyClassifier(strategy="prior"),
        "nearest neighbour": KNeighborsClassifier(n_neighbors=1),
        "logistic regression": make_pipeline(StandardScaler(), LogisticRegression(max_iter=MOST_STEPS)),
    }
    return {
        name: fitted_score(model, inputs, targets, metric=metric, classes=classes)
        for name, model in opponents.items()
    }


def fitted_score(
    model: Any,
    inputs: Sequence[Any],
    targets: Sequence[npt.NDArray[np.int64]],
    *,
    metric: Metric,
    classes: int,
) -> float:
    """Fits a classifier of scikit-learn to the first of ``inputs`` and returns its metric on the second."""
    model.fit(inputs[0], targets[0])
    logits = np.full((len(targets[1]), classes), LEAST_LOGIT)
    with np.errstate(divide="ignore"):
        logits[:, model.classes_] = np.maximum(np.log(model.predict_proba(inputs[1])), LEAST_LOGIT)
    return metric.score(logits.astype(np.float32), targets[1])
