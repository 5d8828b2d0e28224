"""Baselines of classifiers: the most frequent class, the nearest neighbour and linear models, by scikit-learn.

Scikit-learn is imported inside the functions: it takes 1.5 s, which a search that has its baselines need not spend.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from evo_nas.data.vocabulary import Level
    from evo_nas.tasks.metrics import Metric

MOST_STEPS = 2000
"""Iterations of the solver of a logistic regression, enough for the data sets in ``configs/`` to converge."""
LEAST_LOGIT = -30.0
"""Logit of a class that a model rules out; minus infinity would make one such error cost everything."""


def classification_baselines(
    inputs: Sequence[npt.NDArray[np.float64]],
    targets: Sequence[npt.NDArray[np.int64]],
    *,
    metric: Metric,
    classes: int,
) -> dict[str, float]:
    """Returns the metric of the most frequent class, the nearest neighbour and a logistic regression.

    Args:
        inputs: Inputs to learn from and inputs to test, each ``(n, features)``, in original units.
        targets: Classes of both, int64 ``(n,)``.
        metric: A metric of logits and classes.
        classes: Number of classes.
    """
    from sklearn.dummy import DummyClassifier  # noqa: PLC0415 - see the top of the file
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415
    from sklearn.neighbors import KNeighborsClassifier  # noqa: PLC0415
    from sklearn.pipeline import make_pipeline  # noqa: PLC0415
    from sklearn.preprocessing import StandardScaler  # noqa: PLC0415

    models = {
        "majority": DummyClassifier(strategy="prior"),
        "nearest neighbour": KNeighborsClassifier(n_neighbors=1),
        "logistic regression": make_pipeline(StandardScaler(), LogisticRegression(max_iter=MOST_STEPS)),
    }
    return {
        name: fitted_score(model, inputs, targets, metric=metric, classes=classes)
        for name, model in models.items()
    }


def majority(
    learnt: npt.NDArray[np.int64], test: npt.NDArray[np.int64], *, metric: Metric, classes: int
) -> float:
    """Returns the metric of always predicting the frequencies of the classes in ``learnt``."""
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
) -> dict[str, float]:
    """Returns the metric of the most frequent tag, of each token's most frequent tag, and of a logistic regression.

    The regression reads a token and its two neighbours.

    Args:
        sequences: Tokens of the sequences to learn from and of those to test.
        targets: Tags of all tokens of both, int64 ``(n,)``.
        metric: A metric of logits and classes.
        classes: Number of classes.
    """
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415
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
    """Returns the metric of each token's frequencies of tags; a token never seen has those of all tokens."""
    known, ids = np.unique(trigrams[0][:, 1], return_inverse=True)
    counts = np.zeros((len(known) + 1, classes))
    np.add.at(counts, (ids, targets[0]), 1.0)
    # The last row is for tokens that were never seen: place -1.
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

    N-grams have one and two words, weighted by TF-IDF, or two to six characters, counted.

    Args:
        texts: Texts to learn from and texts to test.
        targets: Classes of both, int64 ``(n,)``.
        level: What a token is.
        metric: A metric of logits and classes.
        classes: Number of classes.
    """
    from sklearn.dummy import DummyClassifier  # noqa: PLC0415
    from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer  # noqa: PLC0415
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415
    from sklearn.pipeline import make_pipeline  # noqa: PLC0415

    # Tokens are already separated by blanks; a weak penalty (C) suits the small weights of TF-IDF.
    words = make_pipeline(
        TfidfVectorizer(ngram_range=(1, 2), token_pattern=r"\S+"),  # noqa: S106 - no password
        LogisticRegression(C=10.0, max_iter=MOST_STEPS),
    )
    characters = make_pipeline(
        CountVectorizer(analyzer="char", ngram_range=(2, 6), lowercase=False),
        LogisticRegression(max_iter=MOST_STEPS),
    )
    models = {
        "majority": DummyClassifier(strategy="prior"),
        f"logistic regression on {level} n-grams": words if level == "word" else characters,
    }
    return {
        name: fitted_score(model, texts, targets, metric=metric, classes=classes)
        for name, model in models.items()
    }
