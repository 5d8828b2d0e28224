"""Baselines of classes of sequences and steps: the most frequent one, the nearest neighbour and linear models.

Scikit-learn is imported inside the functions: it takes 1.5 s, which a search that has its baselines need not spend.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from evo_nas.tasks.baselines.fitting import learnt_from
from evo_nas.tasks.baselines.random_features import (
    are_sequences,
    random_feature_classifiers,
    side_by_side,
)
from evo_nas.tasks.example_sums import Scored

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

    from evo_nas.tasks.baselines.fitting import Fit
    from evo_nas.tasks.metrics import Metric

    Both = Sequence[Sequence[npt.NDArray[np.generic]]]
    """Sequences to learn from, and sequences to test."""

STEPS = 13
"""Steps around the one that is classified, itself included; as many as for tags of tokens."""
MOST_STEPS = 2000
"""Iterations of the solver of a logistic regression, enough for the data sets in ``configs/`` to converge."""
MOST_PRODUCTS = 1e11
"""Multiplications of a fit, about a minute: a neighbour compares with every row, a regression reads all of them."""
LEARNING_STEPS = 200
"""Passes over all rows that a logistic regression usually makes."""
LEAST_LOGIT = -30.0
"""Logit of a class that a model rules out; minus infinity would make one such error cost everything."""


def classification_baselines(
    inputs: Both,
    targets: Sequence[npt.NDArray[np.int64]],
    *,
    metric: Metric,
    classes: int,
) -> dict[str, Fit]:
    """Returns what fits the most frequent class, the nearest neighbour and linear classifiers.

    The neighbour and the logistic regression see the steps of a sequence side by side, padded at its end; two ridge
    regressions see random features of it.

    Args:
        inputs: Sequences to learn from and sequences to test, in original units, ``(time, features)`` each.
        targets: Classes of both, int64 ``(n,)``.
        metric: A metric of logits and classes.
        classes: Number of classes.
    """
    options: dict[str, Any] = {"metric": metric, "classes": classes}
    return {
        "majority": partial(majority, *targets, **options),
        "nearest neighbour": partial(_score_of_flat, _nearest_neighbour, inputs, targets, **options),
        "logistic regression": partial(_score_of_flat, _logistic_regression, inputs, targets, **options),
        **(random_feature_classifiers(inputs, targets, **options) if are_sequences(inputs) else {}),
    }


def step_baselines(
    inputs: Both,
    targets: Sequence[npt.NDArray[np.int64]],
    *,
    metric: Metric,
    classes: int,
) -> dict[str, Fit]:
    """Returns what fits classifiers that see a single step, and one that sees its neighbours as well.

    Args:
        inputs: Sequences to learn from and sequences to test, ``(time, features)`` each.
        targets: Classes of all steps of both, int64 ``(n,)``, -1 for those that do not count.
        metric: A metric of logits and classes.
        classes: Number of classes.
    """
    options: dict[str, Any] = {"metric": metric, "classes": classes}
    return {
        "majority": partial(majority, *targets, **options),
        "nearest neighbour": partial(_score_of_steps, _nearest_neighbour, 1, inputs, targets, **options),
        "logistic regression": partial(_score_of_steps, _logistic_regression, 1, inputs, targets, **options),
        f"logistic regression on {STEPS} steps": partial(
            _score_of_steps, _logistic_regression, STEPS, inputs, targets, **options
        ),
    }


def _nearest_neighbour() -> Any:
    from sklearn.neighbors import KNeighborsClassifier  # noqa: PLC0415 - see the top of the file

    return KNeighborsClassifier(n_neighbors=1)


def _logistic_regression() -> Any:
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415
    from sklearn.pipeline import make_pipeline  # noqa: PLC0415
    from sklearn.preprocessing import StandardScaler  # noqa: PLC0415

    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=MOST_STEPS))


def _score_of_flat(make: Callable[[], Any], inputs: Both, *args: Any, **options: Any) -> Scored:
    # Only here, since rows of their own for each baseline would stay in memory for the whole search.
    return _score_of_some(make, side_by_side(inputs, np.float64), *args, **options)


def _score_of_steps(
    make: Callable[[], Any],
    width: int,
    inputs: Both,
    targets: Sequence[npt.NDArray[np.int64]],
    **options: Any,
) -> Scored:
    """Returns the score of a model that sees ``width`` steps around each that counts; an end is repeated beyond it."""
    around = np.arange(width) - width // 2
    rows = [
        np.concatenate(
            [item[np.clip(np.arange(len(item))[:, None] + around, 0, len(item) - 1)] for item in items]
        )
        for items in inputs
    ]
    # Steps that do not count are neighbours all the same, so that they are left out only now.
    counted = [some >= 0 for some in targets]
    rows = [some[which].reshape(which.sum(), -1) for some, which in zip(rows, counted, strict=True)]
    known = [some[which] for some, which in zip(targets, counted, strict=True)]
    return _score_of_some(make, rows, known, **options)


def _score_of_some(
    make: Callable[[], Any],
    rows: Sequence[npt.NDArray[np.generic]],
    targets: Sequence[npt.NDArray[np.int64]],
    *,
    metric: Metric,
    classes: int,
) -> Scored:
    """Returns the score of a model that learns from as many of the rows as take no more than about a minute."""
    learnt = rows[0]
    each = classes * LEARNING_STEPS if make is _logistic_regression else len(rows[1])
    most = max(1000, int(MOST_PRODUCTS / (each * learnt.shape[1])))
    some = learnt_from(len(learnt), most=most, what="rows")
    both, classes_of = [learnt[some], rows[1]], [targets[0][some], targets[1]]
    return fitted_score(make(), both, classes_of, metric=metric, classes=classes)


def majority(
    learnt: npt.NDArray[np.int64], test: npt.NDArray[np.int64], *, metric: Metric, classes: int
) -> Scored:
    """Returns what always predicting the frequencies of the classes in ``learnt`` gives; see `fitted_score`."""
    learnt, test = learnt[learnt >= 0], test[test >= 0]
    counts = np.maximum(np.bincount(learnt, minlength=classes), np.exp(LEAST_LOGIT))
    logits = np.broadcast_to(np.log(counts), (len(test), classes)).astype(np.float32)
    return Scored.of(metric, logits, test)


def fitted_score(
    model: Any,
    inputs: Sequence[Any],
    targets: Sequence[npt.NDArray[np.int64]],
    *,
    metric: Metric,
    classes: int,
) -> Scored:
    """Fits a classifier of scikit-learn to the first of ``inputs`` and tests it on the second."""
    model.fit(inputs[0], targets[0])
    logits = np.full((len(targets[1]), classes), LEAST_LOGIT)
    # A class that the model never saw has no column; the log of a probability 0 is cut at the least logit.
    with np.errstate(divide="ignore"):
        logits[:, model.classes_] = np.maximum(np.log(model.predict_proba(inputs[1])), LEAST_LOGIT)
    return Scored.of(metric, logits.astype(np.float32), targets[1])
