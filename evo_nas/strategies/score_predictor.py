"""`ScorePredictor`: an ensemble that predicts the ranks of genomes, and knows how well it did so far.

Extremely randomised trees (Geurts et al., Machine Learning 2006) beside a ridge regression: on NK landscapes and on
recorded trainings either is ahead now and then, and their mean is seldom behind. This file loads scikit-learn, so it is
imported when the strategy is built.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice, pairwise
from typing import TYPE_CHECKING

import numpy as np
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.linear_model import Ridge

from evo_nas.randomness import derive_seed
from evo_nas.strategies.genome_features import features_of
from evo_nas.strategies.score_examples import Example, latest, ranks, values_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from evo_nas.genome.space import Genome, SearchSpace

FIRST = 20
"""Examples before the first fit."""
STEP, GROWTH = 10, 10
"""A fit follows after `STEP` more examples, and later after a tenth more."""
REMEMBERED = 1000
"""Examples that a fit learns from, the latest ones; a bound on its time."""
MOST_STEP = REMEMBERED // GROWTH
"""Examples after which a fit follows at the latest: a tenth of what it learns from. It is below `JUDGED`, since else no
prediction would be judged, and a long search would never hear the predictor."""
JUDGED = 200
"""Examples, the latest ones, on which the predictor is judged: what it knew long ago says little of what it knows."""
KEPT = REMEMBERED + JUDGED + MOST_STEP
"""Examples that the oldest fit that is judged, and all that came after it, have learnt from."""
TREES = 32
DIGITS = 6
"""Digits of a predicted rank that count."""
ALPHA = 2.0
"""Of the ridge: how much the weights of features that are 0 or 1 are held back."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """How well predictions agreed with what was told later.

    Attributes:
        correlation: Kendall's tau, -1 to 1, among predictions that the same fit made.
        p_value: Chance of a correlation at least as high if the predictions were worthless.
        predictions: How many predictions were compared.
    """

    correlation: float = 0.0
    p_value: float = 1.0
    predictions: int = 0


class ScorePredictor:
    """Learns examples and predicts ranks; its state is a function of the examples, in order.

    It is fitted when it is needed, but only ever after 20, 30, 40, ... examples, so that it does not matter when that
    is. Each fit is judged by the examples between it and the next one, none of which it knew (prequential
    evaluation; Dawid, 1984). After a resume only the fits are made again that the judgement needs.

    Args:
        space: The search space.
        seed: Seed of the run.
    """

    def __init__(self, space: SearchSpace, *, seed: int) -> None:
        self._seed = seed
        self._examples: deque[Example] = deque(maxlen=KEPT)
        self._learnt = 0
        self._points: deque[int] = deque([FIRST], maxlen=JUDGED // STEP + 2)
        self._features = lru_cache(maxsize=2 * REMEMBERED)(lambda genome: features_of(space, genome))
        self._fit = lru_cache(maxsize=JUDGED // STEP + 2)(self._fit_anew)
        self._judge = lru_cache(maxsize=2)(self._judge_anew)

    def learn(self, example: Example) -> None:
        """Takes in how a trial did."""
        self._examples.append(example)
        self._learnt += 1
        if self._learnt > self._points[-1]:
            self._points.append(_after(self._points[-1]))

    @property
    def judgement(self) -> Judgement:
        """How well it did, as of the latest fit."""
        known = self._known
        return Judgement() if known is None else self._judge(known)

    def predict(self, genomes: Sequence[Genome]) -> npt.NDArray[np.float64]:
        """Returns the rank that each genome should have among those that were told, ``(genomes, 1 + costs)``.

        Raises:
            ValueError: It was not fitted yet, as the judgement tells.
        """
        if self._known is None:
            raise ValueError(f"{self._learnt} examples are known; the first fit needs {FIRST}")
        return self._fit(self._known).predict(self._rows(genomes))

    @property
    def _known(self) -> int | None:
        """Number of the examples that the latest fit learns from; None before the first fit."""
        return max((point for point in self._points if point <= self._learnt), default=None)

    def _between(self, start: int, end: int) -> list[Example]:
        """Returns the examples from the number ``start`` on, before the number ``end``."""
        forgotten = self._learnt - len(self._examples)
        return list(islice(self._examples, max(0, start - forgotten), max(0, end - forgotten)))

    def _rows(self, genomes: Sequence[Genome]) -> npt.NDArray[np.float32]:
        return np.stack([self._features(genome) for genome in genomes])

    def _fit_anew(self, count: int) -> _Ensemble:
        examples = latest(self._between(count - REMEMBERED, count))
        costs = np.array([example.costs for example in examples]).reshape(len(examples), -1)
        targets = np.stack([ranks(column) for column in (values_of(examples), *costs.T)], axis=1)
        rows = self._rows([example.genome for example in examples])
        return _Ensemble(rows, targets, seed=derive_seed(self._seed, "surrogate", count) % 2**32)

    def _judge_anew(self, count: int) -> Judgement:
        comparable = latest(self._between(count - REMEMBERED, count))
        told = dict(
            zip((example.trial for example in comparable), values_of(comparable).tolist(), strict=True)
        )
        agreement, variance, pairs, predictions = 0.0, 0.0, 0, 0
        for start, end in pairwise(point for point in self._points if count - JUDGED <= point <= count):
            # One that was settled before was known to the fit.
            before = {example.trial for example in self._between(start - REMEMBERED, start)}
            new = {each.trial: each for each in self._between(start, end) if each.trial not in before}
            judged = [each for each in new.values() if each.trial in told]
            if len(judged) < 2:
                continue
            predicted = self._fit(start).predict(self._rows([each.genome for each in judged]))[:, 0]
            agreement += _agreement(predicted, np.array([told[each.trial] for each in judged]))
            # Kendall, 1938. Ties make it smaller; without a correction the test is on the safe side.
            size = len(judged)
            variance += size * (size - 1) * (2 * size + 5) / 18
            pairs += size * (size - 1) // 2
            predictions += size
        if not pairs:
            return Judgement()
        p_value = math.erfc(agreement / math.sqrt(2 * variance)) / 2
        return Judgement(agreement / pairs, p_value, predictions)


class _Ensemble:
    """Trees and a ridge, fitted to ``(examples, features)`` and ``(examples, targets)``."""

    def __init__(self, rows: npt.NDArray[np.float32], targets: npt.NDArray[np.float64], *, seed: int) -> None:
        self._targets = targets.shape[1]
        forest = ExtraTreesRegressor(TREES, max_features="sqrt", random_state=seed)
        told = targets if self._targets > 1 else targets[:, 0]  # trees warn of a single column
        self._members = [forest.fit(rows, told), Ridge(ALPHA).fit(rows, told)]

    def predict(self, rows: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        """Returns the mean of both, ``(rows, targets)``."""
        predictions = [member.predict(rows).reshape(len(rows), self._targets) for member in self._members]
        # Sums differ in their last digits between processors, and must not decide between two children.
        return np.asarray(np.round(np.mean(predictions, axis=0), DIGITS))


def _after(point: int) -> int:
    return point + min(max(STEP, point // GROWTH), MOST_STEP)


def _agreement(predicted: npt.NDArray[np.float64], told: npt.NDArray[np.float64]) -> float:
    """Returns the number of pairs in the same order minus that in the other order."""
    # Minus infinity for failures, whose difference is not a number.
    order = ranks(told)
    signs = np.sign(predicted[:, None] - predicted) * np.sign(order[:, None] - order)
    return float(signs.sum() / 2)
