"""An interpolated n-gram model, the baseline of language models."""

from __future__ import annotations

import math
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from evo_nas.tasks.example_sums import Scored

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from evo_nas.tasks.baselines.fitting import Fit, TrainTest
    from evo_nas.tasks.dataset import Stream
    from evo_nas.tasks.metrics import Metric


class NGrams:
    """Frequencies of n-grams, smoothed by the method of Witten and Bell (1991).

    Args:
        training: Tokens, as a string or a tuple.
        order: Length of the longest n-gram.
        vocabulary: Number of tokens that exist; those never seen share the remaining probability equally.
    """

    def __init__(self, training: str | tuple[int, ...], *, order: int, vocabulary: int) -> None:
        self._vocabulary = vocabulary
        self._counts: list[Counter[Hashable]] = []
        self._totals: list[Counter[Hashable]] = []
        self._kinds: list[Counter[Hashable]] = []
        for length in range(order):
            grams = Counter(training[at : at + length + 1] for at in range(len(training) - length))
            totals: Counter[Hashable] = Counter()
            kinds: Counter[Hashable] = Counter()
            for gram, count in grams.items():
                totals[gram[:-1]] += count
                kinds[gram[:-1]] += 1
            self._counts.append(Counter(grams))
            self._totals.append(totals)
            self._kinds.append(kinds)

    def surprises(self, tokens: str | tuple[int, ...]) -> list[float]:
        """Returns the negative log-likelihood of each of ``tokens`` but the first, in nats."""
        # The first token is skipped, as by networks: nothing predicts it.
        return [-math.log(self._probability(tokens, at)) for at in range(1, len(tokens))]

    def _probability(self, tokens: Sequence[Hashable], at: int) -> float:
        # Starts from the uniform distribution and mixes in ever longer contexts, until one was never seen.
        probability = 1.0 / self._vocabulary
        for length in range(min(len(self._counts), at + 1)):
            context = tokens[at - length : at]
            total = self._totals[length].get(context, 0)
            if not total:
                break
            kinds = self._kinds[length][context]
            count = self._counts[length].get(tokens[at - length : at + 1], 0)
            # As many chances for a new token as there were different tokens after this context.
            probability = (count + kinds * probability) / (total + kinds)
        return probability


def ngram_baselines(
    both: TrainTest[Stream], orders: Sequence[int], *, metric: Metric, vocabulary: int
) -> dict[str, Fit]:
    """Returns what fits an n-gram model of each order.

    Args:
        both: Tokens to learn from and tokens to test.
        orders: The orders.
        metric: A metric of logits and classes.
        vocabulary: Number of tokens that exist.
    """
    return {f"{order}-grams": partial(_score, both, order, metric, vocabulary) for order in orders}


def _score(both: TrainTest[Stream], order: int, metric: Metric, vocabulary: int) -> Scored:
    train, test = (tuple(part.tokens.tolist()) for part in both)
    surprises = np.array(NGrams(train, order=order, vocabulary=vocabulary).surprises(test))
    # The metrics of language models are functions of the sum of surprises and their number.
    score = metric.value(np.array([surprises.sum(), len(surprises)]))
    # Only the token that came has a probability here: as the first of two classes it costs exactly its surprise.
    others = np.log(np.maximum(-np.expm1(-surprises), np.finfo(np.float32).tiny))
    logits = np.stack([-surprises, others], axis=1).astype(np.float32)
    return Scored(score, logits, np.zeros(len(logits), dtype=np.int64))
