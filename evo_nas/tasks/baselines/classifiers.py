"""Baselines of classifiers: the most frequent class, the nearest neighbour and linear models, by scikit-learn.

Scikit-learn is imported inside the functions: it takes 1.5 s, which a search that has its baselines need not spend.
"""

from __future__ import annotations

from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from evo_nas.tasks.baselines.random_features import (
    are_sequences,
    random_feature_classifiers,
    side_by_side,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

    from evo_nas.data.vocabulary import Level
    from evo_nas.tasks.baselines.fitting import Fit
    from evo_nas.tasks.metrics import Metric

    Both = Sequence[Sequence[npt.NDArray[np.generic]]]
    """Sequences to learn from, and sequences to test."""

MOST_STEPS = 2000
"""Iterations of the solver of a logistic regression, enough for the data sets in ``configs/`` to converge."""
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
    """Returns what fits classifiers that see a single step; arguments and models as in `classification_baselines`.

    Args:
        inputs: Sequences to learn from and sequences to test, ``(time, features)`` each.
        targets: Classes of all steps of both, int64 ``(n,)``, -1 for those that do not count.
        metric: A metric of logits and classes.
        classes: Number of classes.
    """
    models = {"nearest neighbour": _nearest_neighbour, "logistic regression": _logistic_regression}
    return {
        "majority": partial(majority, *targets, metric=metric, classes=classes),
        **{
            name: partial(_score_of_steps, make, inputs, targets, metric=metric, classes=classes)
            for name, make in models.items()
        },
    }


def _nearest_neighbour() -> Any:
    from sklearn.neighbors import KNeighborsClassifier  # noqa: PLC0415 - see the top of the file

    return KNeighborsClassifier(n_neighbors=1)


def _logistic_regression() -> Any:
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415
    from sklearn.pipeline import make_pipeline  # noqa: PLC0415
    from sklearn.preprocessing import StandardScaler  # noqa: PLC0415

    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=MOST_STEPS))


def _score_of_flat(make: Callable[[], Any], inputs: Both, *args: Any, **options: Any) -> float:
    # Only here, since rows of their own for each baseline would stay in memory for the whole search.
    return fitted_score(make(), side_by_side(inputs, np.float64), *args, **options)


def _score_of_steps(make: Callable[[], Any], inputs: Both, *args: Any, **options: Any) -> float:
    return fitted_score(make(), [np.concatenate(items) for items in inputs], *args, **options)


def majority(
    learnt: npt.NDArray[np.int64], test: npt.NDArray[np.int64], *, metric: Metric, classes: int
) -> float:
    """Returns the metric of always predicting the frequencies of the classes in ``learnt``; see `fitted_score`."""
    learnt, test = learnt[learnt >= 0], test[test >= 0]
    counts = np.maximum(np.bincount(learnt, minlength=classes), np.exp(LEAST_LOGIT))
    return metric.score(np.broadcast_to(np.log(counts), (len(test), classes)).astype(np.float32), test)


def fitted_score(
    model: Any,
    inputs: Sequence[Any],
    targets: Sequence[npt.NDArray[np.int64]],
    *,
    metric: Metric,
    classes: int,
) -> float:
    """Fits a classifier of scikit-learn to the first of ``inputs`` and returns its metric on the second.

    A row whose target is -1 does not count; inputs are arrays then.
    """
    if any((some < 0).any() for some in targets):
        inputs = [rows[some >= 0] for rows, some in zip(inputs, targets, strict=True)]
        targets = [some[some >= 0] for some in targets]
    model.fit(inputs[0], targets[0])
    logits = np.full((len(targets[1]), classes), LEAST_LOGIT)
    # A class that the model never saw has no column; the log of a probability 0 is cut at the least logit.
    with np.errstate(divide="ignore"):
        logits[:, model.classes_] = np.maximum(np.log(model.predict_proba(inputs[1])), LEAST_LOGIT)
    return metric.score(logits.astype(np.float32), targets[1])


def tagging_baselines(
    sequences: Sequence[list[tuple[str, ...]]],
    targets: Sequence[npt.NDArray[np.int64]],
    *,
    metric: Metric,
    classes: int,
) -> dict[str, Fit]:
    """Returns what fits the most frequent tag, each token's most frequent tag, and a logistic regression.

    The regression reads a token and its two neighbours.

    Args:
        sequences: Tokens of the sequences to learn from and of those to test.
        targets: Tags of all tokens of both, int64 ``(n,)``, -1 for those that do not count.
        metric: A metric of logits and classes.
        classes: Number of classes.
    """
    options: dict[str, Any] = {"metric": metric, "classes": classes}
    return {
        "majority": partial(majority, *targets, **options),
        "most frequent tag of each token": partial(_lookup, sequences, targets, **options),
        "logistic regression on three tokens": partial(_score_of_trigrams, sequences, targets, **options),
    }


def _score_of_trigrams(
    sequences: Sequence[list[tuple[str, ...]]], targets: Sequence[npt.NDArray[np.int64]], **options: Any
) -> float:
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415
    from sklearn.pipeline import make_pipeline  # noqa: PLC0415
    from sklearn.preprocessing import OneHotEncoder  # noqa: PLC0415

    linear = make_pipeline(OneHotEncoder(handle_unknown="ignore"), LogisticRegression(max_iter=MOST_STEPS))
    return fitted_score(linear, _trigrams(sequences), targets, **options)


def _trigrams(sequences: Sequence[list[tuple[str, ...]]]) -> list[npt.NDArray[np.str_]]:
    return [
        np.array(
            [
                triple
                for tokens in part
                for triple in zip(("", *tokens), tokens, (*tokens[1:], ""), strict=False)
            ]
        )
        for part in sequences
    ]


def _lookup(
    sequences: Sequence[list[tuple[str, ...]]],
    targets: Sequence[npt.NDArray[np.int64]],
    *,
    metric: Metric,
    classes: int,
) -> float:
    """Returns the metric of each token's frequencies of tags; a token never seen has those of all tokens."""
    learnt, test = (
        [token for token, tag in zip(chain.from_iterable(part), tags.tolist(), strict=True) if tag >= 0]
        for part, tags in zip(sequences, targets, strict=True)
    )
    targets = [tags[tags >= 0] for tags in targets]
    known, ids = np.unique(learnt, return_inverse=True)
    counts = np.zeros((len(known) + 1, classes))
    np.add.at(counts, (ids, targets[0]), 1.0)
    # The last row is for tokens that were never seen: place -1.
    counts[-1] = np.bincount(targets[0], minlength=classes)
    places = {token: place for place, token in enumerate(known.tolist())}
    rows = counts[[places.get(token, -1) for token in test]]
    logits = np.log(np.maximum(rows, np.exp(LEAST_LOGIT)))
    return metric.score(logits.astype(np.float32), targets[1])


def text_baselines(
    texts: Sequence[list[str]],
    targets: Sequence[npt.NDArray[np.int64]],
    *,
    level: Level,
    metric: Metric,
    classes: int,
) -> dict[str, Fit]:
    """Returns what fits the most frequent class, and a logistic regression on n-grams.

    N-grams have one and two words, weighted by TF-IDF, or two to six characters, counted.

    Args:
        texts: Texts to learn from and texts to test.
        targets: Classes of both, int64 ``(n,)``.
        level: What a token is.
        metric: A metric of logits and classes.
        classes: Number of classes.
    """
    options: dict[str, Any] = {"metric": metric, "classes": classes}
    return {
        "majority": partial(majority, *targets, **options),
        f"logistic regression on {level} n-grams": partial(_score_of_grams, level, texts, targets, **options),
    }


def _score_of_grams(
    level: Level, texts: Sequence[list[str]], targets: Sequence[npt.NDArray[np.int64]], **options: Any
) -> float:
    from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer  # noqa: PLC0415
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415
    from sklearn.pipeline import make_pipeline  # noqa: PLC0415

    if level != "character":
        # Tokens are already separated by blanks; a weak penalty (C) suits the small weights of TF-IDF.
        model = make_pipeline(
            TfidfVectorizer(ngram_range=(1, 2), token_pattern=r"\S+"),  # noqa: S106 - no password
            LogisticRegression(C=10.0, max_iter=MOST_STEPS),
        )
    else:
        model = make_pipeline(
            CountVectorizer(analyzer="char", ngram_range=(2, 6), lowercase=False),
            LogisticRegression(max_iter=MOST_STEPS),
        )
    return fitted_score(model, texts, targets, **options)
