"""Baselines of tokens: a tag for each of them, or a class for a whole text.

Scikit-learn is imported inside the functions, as in `classifiers`.
"""

from __future__ import annotations

from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from evo_nas.tasks.baselines.classifiers import MOST_STEPS, fitted_score, majority
from evo_nas.tasks.baselines.fitted_models import LEAST_LOGIT
from evo_nas.tasks.baselines.fitting import learnt_from
from evo_nas.tasks.example_sums import Scored

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    import numpy.typing as npt

    from evo_nas.data.vocabulary import Level
    from evo_nas.tasks.baselines.fitting import Fit
    from evo_nas.tasks.metrics import Metric

    Tokens = Sequence[Hashable]
    Both = Sequence[Sequence[Tokens]]
    """Sequences to learn from, and sequences to test."""

WIDTHS = (3, 13)
"""Tokens that the regressions see, the one that is tagged in their middle."""
MOST_TOKENS = 100_000
"""Tokens that a regression learns from, about half a minute with the wide window."""


def tagging_baselines(
    sequences: Both, targets: Sequence[npt.NDArray[np.int64]], *, metric: Metric, classes: int
) -> dict[str, Fit]:
    """Returns what fits the most frequent tag, each token's most frequent tag, and logistic regressions.

    The regressions read a token and its neighbours, each at its own place.

    Args:
        sequences: Tokens of the sequences to learn from and of those to test.
        targets: Tags of all tokens of both, int64 ``(n,)``, -1 for those that do not count.
        metric: A metric of logits and classes.
        classes: Number of classes.
    """
    options: dict[str, Any] = {"metric": metric, "classes": classes}
    return {
        "majority": partial(majority, *targets, **options, per_step=True),
        "most frequent tag of each token": partial(_lookup, sequences, targets, **options),
        **{
            f"logistic regression on {width} tokens": partial(
                _score_of_windows, width, sequences, targets, **options
            )
            for width in WIDTHS
        },
    }


def _score_of_windows(
    width: int, sequences: Both, targets: Sequence[npt.NDArray[np.int64]], **options: Any
) -> Scored:
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415
    from sklearn.pipeline import make_pipeline  # noqa: PLC0415
    from sklearn.preprocessing import OneHotEncoder  # noqa: PLC0415

    known = {token: place for place, token in enumerate(dict.fromkeys(chain.from_iterable(sequences[0])))}
    rows = [
        np.concatenate([_windows([known.get(token, -1) for token in tokens], width) for tokens in part])
        for part in sequences
    ]
    counted = [tags >= 0 for tags in targets]
    rows = [part[which] for part, which in zip(rows, counted, strict=True)]
    learnt, test = (tags[which] for tags, which in zip(targets, counted, strict=True))
    some = learnt_from(len(learnt), most=MOST_TOKENS, what="tokens")
    linear = make_pipeline(OneHotEncoder(handle_unknown="ignore"), LogisticRegression(max_iter=MOST_STEPS))
    return fitted_score(linear, [rows[0][some], rows[1]], [learnt[some], test], **options)


def _windows(ids: Sequence[int], width: int) -> npt.NDArray[np.int64]:
    """Returns the ids around each place, ``(n, width)``; -2 beyond both ends."""
    padded = np.pad(np.array(ids, dtype=np.int64), width // 2, constant_values=-2)
    return np.lib.stride_tricks.sliding_window_view(padded, width)


def _lookup(
    sequences: Both, targets: Sequence[npt.NDArray[np.int64]], *, metric: Metric, classes: int
) -> Scored:
    """Tests each token's frequencies of tags; a token never seen has those of all tokens."""
    learnt, test = (
        [token for token, tag in zip(chain.from_iterable(part), tags.tolist(), strict=True) if tag >= 0]
        for part, tags in zip(sequences, targets, strict=True)
    )
    targets = [tags[tags >= 0] for tags in targets]
    places = {token: place for place, token in enumerate(dict.fromkeys(learnt))}
    counts = np.zeros((len(places) + 1, classes))
    np.add.at(counts, (np.array([places[token] for token in learnt]), targets[0]), 1.0)
    # The last row is for tokens that were never seen: place -1.
    counts[-1] = np.bincount(targets[0], minlength=classes)
    rows = counts[[places.get(token, -1) for token in test]]
    logits = np.log(np.maximum(rows, np.exp(LEAST_LOGIT)))
    return Scored.of(metric, logits.astype(np.float32), targets[1])


def text_baselines(
    texts: Sequence[list[str]],
    targets: Sequence[npt.NDArray[np.int64]],
    *,
    level: Level,
    metric: Metric,
    classes: int,
) -> dict[str, Fit]:
    """Returns what fits the most frequent class, and logistic regressions on bags of tokens and of n-grams.

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
        f"logistic regression on a bag of {'characters' if level == 'character' else 'words'}": partial(
            _score_of_bags, level, texts, targets, **options
        ),
        f"logistic regression on {level} n-grams": partial(_score_of_grams, level, texts, targets, **options),
    }


def _score_of_bags(
    level: Level, texts: Sequence[list[str]], targets: Sequence[npt.NDArray[np.int64]], **options: Any
) -> Scored:
    from sklearn.feature_extraction.text import CountVectorizer  # noqa: PLC0415
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415
    from sklearn.pipeline import make_pipeline  # noqa: PLC0415

    if level == "character":
        bag = CountVectorizer(analyzer="char", lowercase=False)
    else:
        bag = CountVectorizer(token_pattern=r"\S+")  # noqa: S106 - no password
    return fitted_score(
        make_pipeline(bag, LogisticRegression(max_iter=MOST_STEPS)), texts, targets, **options
    )


def _score_of_grams(
    level: Level, texts: Sequence[list[str]], targets: Sequence[npt.NDArray[np.int64]], **options: Any
) -> Scored:
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
