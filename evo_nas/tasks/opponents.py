"""Trivial and linear opponents of classifiers, by scikit-learn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from evo_nas.tasks.task import Metric
    from evo_nas.tasks.vocabulary import Level

MOST_STEPS = 2000
"""Of the solver of a logistic regression."""
LEAST_LOGIT = -30.0
"""For a class that an opponent rules out."""


def classification_baselines(
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


def majority(
    learnt: npt.NDArray[np.int64], test: npt.NDArray[np.int64], *, metric: Metric, classes: int
) -> float:
    """Returns the metric of the frequencies of the classes in ``learnt``, whatever is read."""
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
    """Fits a classifier of scikit-learn to the first of ``inputs`` and returns its metric on the second."""
    model.fit(inputs[0], targets[0])
    logits = np.full((len(targets[1]), classes), LEAST_LOGIT)
    with np.errstate(divide="ignore"):
        logits[:, model.classes_] = np.maximum(np.log(model.predict_proba(inputs[1])), LEAST_LOGIT)
    return metric.score(logits.astype(np.float32), targets[1])


def tagging_baselines(
    sequences: Sequence[list[tuple[str, ...]]],
    targets: Sequence[npt.NDArray[np.int64]],
    *,
    metric: Metric,
    classes: int,
) -> dict[str, float]:
    """Returns the metric of the most frequent tag, of each token's most frequent tag, and of a logistic regression.

    The last reads a token and its two neighbours.

    Args:
        sequences: Tokens of what is learnt and of what is tested.
        targets: Tags of all of their tokens, int64 ``(n,)``.
        metric: Of logits and classes.
        classes: How many there are.
    """
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 - as above
    from sklearn.pipeline import make_pipeline  # noqa: PLC0415
    from sklearn.preprocessing import OneHotEncoder  # noqa: PLC0415

    trigrams = [
        np.array(
            [
                triple
                for tokens in part
                for triple in zip(("", *tokens), tokens, (*tokens[1:], ""), strict=False)
            ]
        )
        for part in sequences
    ]
    linear = make_pipeline(OneHotEncoder(handle_unknown="ignore"), LogisticRegression(max_iter=MOST_STEPS))
    return {
        "majority": majority(*targets, metric=metric, classes=classes),
        "most frequent tag of each token": _lookup(trigrams, targets, metric=metric, classes=classes),
        "logistic regression on three tokens": fitted_score(
            linear, trigrams, targets, metric=metric, classes=classes
        ),
    }


def _lookup(
    trigrams: Sequence[npt.NDArray[np.str_]],
    targets: Sequence[npt.NDArray[np.int64]],
    *,
    metric: Metric,
    classes: int,
) -> float:
    """Returns the metric of the frequencies of tags of each token, those of all where it was never seen."""
    known, ids = np.unique(trigrams[0][:, 1], return_inverse=True)
    counts = np.zeros((len(known) + 1, classes))
    np.add.at(counts, (ids, targets[0]), 1.0)
    counts[-1] = np.bincount(targets[0], minlength=classes)
    places = {token: place for place, token in enumerate(known.tolist())}
    rows = counts[[places.get(token, -1) for token in trigrams[1][:, 1].tolist()]]
    logits = np.log(np.maximum(rows, np.exp(LEAST_LOGIT)))
    return metric.score(logits.astype(np.float32), targets[1])


def text_baselines(
    texts: Sequence[list[str]],
    targets: Sequence[npt.NDArray[np.int64]],
    *,
    level: Level,
    metric: Metric,
    classes: int,
) -> dict[str, float]:
    """Returns the metric of the most frequent class, and of a logistic regression on n-grams.

    N-grams are of one and two words, weighted by TF-IDF, or of two to six characters, counted.

    Args:
        texts: What is learnt and what is tested.
        targets: Classes of both, int64 ``(n,)``.
        level: What a token is.
        metric: Of logits and classes.
        classes: How many there are.
    """
    from sklearn.dummy import DummyClassifier  # noqa: PLC0415 - as above
    from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer  # noqa: PLC0415
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415
    from sklearn.pipeline import make_pipeline  # noqa: PLC0415

    words = make_pipeline(
        TfidfVectorizer(ngram_range=(1, 2), token_pattern=r"\S+"),  # noqa: S106 - no password
        LogisticRegression(C=10.0, max_iter=MOST_STEPS),
    )
    characters = make_pipeline(
        CountVectorizer(analyzer="char", ngram_range=(2, 6), lowercase=False),
        LogisticRegression(max_iter=MOST_STEPS),
    )
    opponents = {
        "majority": DummyClassifier(strategy="prior"),
        f"logistic regression on {level} n-grams": words if level == "word" else characters,
    }
    return {
        name: fitted_score(model, texts, targets, metric=metric, classes=classes)
        for name, model in opponents.items()
    }
