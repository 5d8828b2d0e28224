"""Baselines of classes of sequences and steps: the most frequent one, the nearest neighbour and linear models.

Scikit-learn is imported inside the functions: it takes 1.5 s, which a search that has its baselines need not spend.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from evo_nas.tasks.baselines.fitted_models import (
    LEAST_LOGIT,
    Constant,
    LinearMap,
    NearestNeighbour,
    answers,
    rows_around,
)
from evo_nas.tasks.baselines.fitting import learnt_from
from evo_nas.tasks.baselines.random_features import (
    are_sequences,
    random_feature_classifiers,
    side_by_side,
)
from evo_nas.tasks.example_sums import Scored

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from evo_nas.tasks.baselines.fitting import Fit
    from evo_nas.tasks.metrics import Metric

    Rows = npt.NDArray[np.float64]
    Classes = npt.NDArray[np.int64]
    Both = Sequence[Sequence[npt.NDArray[np.generic]]]
    """Sequences to learn from, and sequences to test."""


class Learn(Protocol):
    """Fits a model of ``classes`` classes to rows ``(n, steps * features)`` of so many steps, and their targets."""

    def __call__(
        self, rows: Rows, targets: Classes, steps: int, *, classes: int
    ) -> LinearMap | NearestNeighbour:
        """Returns the model."""


STEPS = 13
"""Steps around the one that is classified, itself included; as many as for tags of tokens."""
MOST_STEPS = 2000
"""Iterations of the solver of a logistic regression, enough for the data sets in ``configs/`` to converge."""
MOST_PRODUCTS = 1e11
"""Multiplications of a fit, about a minute: a neighbour compares with every row, a regression reads all of them."""
LEARNING_STEPS = 200
"""Passes over all rows that a logistic regression usually makes."""


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
        "majority": partial(majority, *targets, **options, per_step=True),
        "nearest neighbour": partial(_score_of_steps, _nearest_neighbour, 1, inputs, targets, **options),
        "logistic regression": partial(_score_of_steps, _logistic_regression, 1, inputs, targets, **options),
        f"logistic regression on {STEPS} steps": partial(
            _score_of_steps, _logistic_regression, STEPS, inputs, targets, **options
        ),
    }


def _nearest_neighbour(rows: Rows, targets: Classes, steps: int, *, classes: int) -> NearestNeighbour:
    return NearestNeighbour(rows, targets, steps, classes)


def _logistic_regression(rows: Rows, targets: Classes, steps: int, *, classes: int) -> LinearMap:
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 - see the top of the file
    from sklearn.preprocessing import StandardScaler  # noqa: PLC0415

    scaler = StandardScaler()
    model = LogisticRegression(max_iter=MOST_STEPS).fit(scaler.fit_transform(rows), targets)
    # Of two classes it has the logit of the second; the first has none.
    seen = [model.classes_[1:] if len(model.coef_) == 1 else model.classes_][0]
    weight, bias = np.zeros((rows.shape[1], classes)), np.full(classes, LEAST_LOGIT)
    bias[model.classes_] = 0.0
    weight[:, seen] = (model.coef_ / scaler.scale_).T
    bias[seen] = model.intercept_ - scaler.mean_ @ weight[:, seen]
    return LinearMap(weight, bias, steps)


def _score_of_flat(
    fit: Learn, inputs: Both, targets: Sequence[Classes], *, metric: Metric, classes: int
) -> Scored:
    # Only here, since rows of their own for each baseline would stay in memory for the whole search.
    learnt, test = side_by_side(inputs, np.float64)
    some = _affordable(fit, learnt, len(test), classes)
    steps = max(len(item) for items in inputs for item in items)
    model = fit(learnt[some], targets[0][some], steps, classes=classes)
    return Scored.of(metric, answers(model, inputs[1]), targets[1], model=model)


def _score_of_steps(
    fit: Learn,
    width: int,
    inputs: Both,
    targets: Sequence[Classes],
    *,
    metric: Metric,
    classes: int,
) -> Scored:
    """Returns the score of a model that sees ``width`` steps around each that counts; an end is repeated beyond it."""
    # Steps that do not count are neighbours all the same, so that they are left out only now.
    counted = [some >= 0 for some in targets]
    rows = np.concatenate([rows_around(item[None], None, width)[0] for item in inputs[0]])[counted[0]]
    rows, known = rows.astype(np.float64), targets[0][counted[0]]
    some = _affordable(fit, rows, int(counted[1].sum()), classes)
    model = replace(fit(rows[some], known[some], width, classes=classes), reads="around")
    return Scored.of(metric, answers(model, inputs[1])[counted[1]], targets[1][counted[1]], model=model)


def _affordable(fit: Learn, learnt: Rows, tested: int, classes: int) -> npt.NDArray[np.int64]:
    """Returns the positions of as many of the rows as take no more than about a minute."""
    each = classes * LEARNING_STEPS if fit is _logistic_regression else tested
    return learnt_from(
        len(learnt), most=max(1000, int(MOST_PRODUCTS / (each * learnt.shape[1]))), what="rows"
    )


def majority(
    learnt: Classes, test: Classes, *, metric: Metric, classes: int, per_step: bool = False
) -> Scored:
    """Returns what always predicting the frequencies of the classes in ``learnt`` gives.

    Args:
        learnt: Classes to learn from, int64 ``(n,)``; -1 does not count.
        test: Those to test.
        metric: A metric of logits and classes.
        classes: Number of classes.
        per_step: Whether they are classes of steps.
    """
    learnt, test = learnt[learnt >= 0], test[test >= 0]
    counts = np.maximum(np.bincount(learnt, minlength=classes), np.exp(LEAST_LOGIT))
    model = Constant(np.log(counts), around=per_step)
    return Scored.of(metric, model.of(test.shape), test, model=model)


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
