"""An interpolated n-gram model: what a language model has to beat."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence


class NGrams:
    """Frequencies of n-grams, smoothed as Witten and Bell (1991) did.

    Args:
        training: Tokens, as a string or a tuple.
        order: Longest n-gram.
        vocabulary: Number of tokens there are; a token never seen has its share of what is left.
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

    def surprise(self, tokens: str | tuple[int, ...]) -> float:
        """Returns the mean negative log-likelihood of all but the first of ``tokens``, in nats."""
        return sum(-math.log(self._probability(tokens, at)) for at in range(1, len(tokens))) / (
            len(tokens) - 1
        )

    def _probability(self, tokens: Sequence[Hashable], at: int) -> float:
        probability = 1.0 / self._vocabulary
        for length in range(min(len(self._counts), at + 1)):
            context = tokens[at - length : at]
            total = self._totals[length].get(context, 0)
            if not total:
                break
            kinds = self._kinds[length][context]
            count = self._counts[length].get(tokens[at - length : at + 1], 0)
            probability = (count + kinds * probability) / (total + kinds)
        return probability
