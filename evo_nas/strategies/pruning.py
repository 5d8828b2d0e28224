"""Rungs, and the rules that say below which score a training is pruned there."""

from __future__ import annotations

import heapq
import math
from abc import ABC, abstractmethod
from collections import defaultdict
from itertools import pairwise
from typing import TYPE_CHECKING, ClassVar

from evo_nas.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evo_nas.config import FitnessOptions

FIRST_RUNG = 2
"""Fewest epochs before a training may be pruned: after one epoch the order of networks is close to chance."""
LEAST_TO_GROW = 2
"""Fewest rungs with which epochs can grow, since they begin at the second level."""
MEDIAN_OF = 5
"""Scores at a rung before their median prunes."""
FINISHED = 10
"""Finished trainings before their curves are extrapolated."""
SIGNIFICANT = 4.0
"""Slope of the extrapolation over its standard error from which on it is believed."""
DOUBT = 1.645
"""Standard deviations that a prediction may be too low by: it is with 5 % of all trainings."""


def resolve_rungs(fitness: FitnessOptions, epochs: int) -> tuple[int, ...]:
    """Returns the epochs after which a training of ``epochs`` may be pruned, ascending; empty for none.

    ``auto`` divides the epochs by the reduction again and again, as successive halving does, while at least two are
    left. With several objectives there are none, since the fitness alone would throw out what is cheap.

    Raises:
        ConfigError: The rungs do not ascend, begin too early, lie beyond the training, or leave nothing to grow.
    """
    rungs = _rungs(fitness, epochs) if fitness.prunes else ()
    if fitness.grow and len(rungs) < LEAST_TO_GROW:
        raise ConfigError(
            f"fitness.grow is true and the rungs are {list(rungs)}; must be at least {LEAST_TO_GROW} rungs below "
            f"training.epochs, {epochs}: give them in fitness.rungs, raise training.epochs, or leave grow out"
        )
    return rungs


def _rungs(fitness: FitnessOptions, epochs: int) -> tuple[int, ...]:
    if fitness.rungs is None:
        return ()
    if fitness.rungs == "auto":
        return _geometric(epochs, fitness.reduction)
    rungs = fitness.rungs
    levels = (FIRST_RUNG - 1, *rungs, epochs)
    if rungs and any(low >= high for low, high in pairwise(levels)):
        example = list(_geometric(epochs, fitness.reduction)) or [FIRST_RUNG]
        advice = f", such as {example}, or be auto"
        if epochs <= FIRST_RUNG:
            advice = ", which leaves none: raise training.epochs, or leave rungs out"
        raise ConfigError(
            f"fitness.rungs is {list(rungs)}; must ascend, from at least {FIRST_RUNG} to below training.epochs, "
            f"{epochs}{advice}"
        )
    return rungs


def _geometric(epochs: int, reduction: int) -> tuple[int, ...]:
    rungs: list[int] = []
    divisor = reduction
    while (rung := round(epochs / divisor)) >= FIRST_RUNG:
        rungs.append(rung)
        divisor *= reduction
    return tuple(reversed(rungs))


class PruningRule(ABC):
    """Learns from trainings of the same budget, and says below which score one is pruned at a rung.

    A threshold is asked for when a candidate is, and travels with it, so that its training needs no message. The state
    is a function of what was learned, in order.

    Args:
        reduction: One of so many goes on.

    Attributes:
        scouts: Trainings that go to the end before any is pruned.
    """

    scouts: ClassVar[int] = 1

    @abstractmethod
    def __init__(self, reduction: int) -> None: ...

    def reached(self, rung: int, score: float) -> None:
        """Takes in the best score of a training up to ``rung``; each training counts once at each rung."""

    def finished(self, scores: Mapping[int, float], final: float) -> None:
        """Takes in a training that was not pruned: its best score up to each rung, and its final one."""

    @abstractmethod
    def waits_at(self, rung: int) -> bool:
        """Whether too little is known to say which trainings go on at ``rung``, so that all of them are paused there.

        If they went on, every candidate that was asked meanwhile would be trained to the end: with many workers that
        may be all of them.
        """

    @abstractmethod
    def threshold(self, rung: int) -> float:
        """Returns the score below which a training is pruned at ``rung``; minus infinity while nothing is known."""


class TopShare:
    """The lowest of the best scores, if one of so many counts as the best; an addition takes O(log n).

    Args:
        one_of: One of so many scores is among the best.
    """

    def __init__(self, one_of: int) -> None:
        self._one_of = one_of
        self._count = 0
        self._best: list[float] = []  # a heap, its lowest first
        self._rest: list[float] = []  # a heap of negated scores, its highest first

    def add(self, score: float) -> None:
        """Adds a score."""
        self._count += 1
        # It enters among the best, and their lowest falls among the rest, which gives one back when more are best.
        heapq.heappush(self._rest, -heapq.heappushpop(self._best, score))
        if self._count // self._one_of > len(self._best):
            heapq.heappush(self._best, -heapq.heappop(self._rest))

    def __len__(self) -> int:
        return self._count

    @property
    def lowest(self) -> float:
        """The lowest of the best; minus infinity while there are too few scores for one to be the best."""
        return self._best[0] if self._best else -math.inf


class HalvingRule(PruningRule):
    """Asynchronous successive halving: at each rung the best one of ``reduction`` seen so far goes on.

    Li et al., "A System for Massively Parallel Hyperparameter Tuning", MLSys 2020. Trainings that belong to the best go
    on at once, and those that belong to them later are promoted.
    """

    def __init__(self, reduction: int) -> None:
        self._scores = defaultdict[int, TopShare](lambda: TopShare(reduction))

    def reached(self, rung: int, score: float) -> None:
        """Takes in a score at a rung."""
        self._scores[rung].add(score)

    def waits_at(self, rung: int) -> bool:
        """Whether there are fewer than ``reduction`` scores."""
        return self.threshold(rung) == -math.inf

    def threshold(self, rung: int) -> float:
        """Returns the lowest score of the best at ``rung``; unknown below ``reduction`` scores."""
        return self._scores[rung].lowest


class MedianRule(HalvingRule):
    """A training goes on while it is at least as good as the median at the same rung.

    Golovin et al., "Google Vizier", KDD 2017; here the best score up to the rung is compared, of all that reached it.
    """

    def __init__(self, reduction: int) -> None:  # noqa: ARG002 - every rule is made alike
        super().__init__(2)

    def threshold(self, rung: int) -> float:
        """Returns the median of the scores at ``rung``; unknown while there are few."""
        return super().threshold(rung) if len(self._scores[rung]) >= MEDIAN_OF else -math.inf


class ExtrapolationRule(PruningRule):
    """Prunes what would not be among the best one of ``reduction`` finished trainings, even if luck helped.

    The final score is predicted from that at the rung by a line through the finished trainings of this run. Pruning
    does not bend the line, since it selects by the score at the rung, not by the final one. A line that explains little
    prunes little, as its residuals are wide.
    """

    scouts: ClassVar[int] = FINISHED

    def __init__(self, reduction: int) -> None:
        self._lines = defaultdict[int, Line](Line)
        self._finals = TopShare(reduction)

    def finished(self, scores: Mapping[int, float], final: float) -> None:
        """Takes in a finished training."""
        self._finals.add(final)
        for rung, score in scores.items():
            self._lines[rung].add(score, final)

    def waits_at(self, rung: int) -> bool:
        """Whether fewer trainings have finished than a line needs; one that stays insignificant prunes nothing."""
        return len(self._lines[rung]) < FINISHED

    def threshold(self, rung: int) -> float:
        """Returns the score from which the best are within reach; unknown until the line is significant."""
        line = self._lines[rung]
        if not line.is_significant:
            return -math.inf
        return line.where(self._finals.lowest - DOUBT * line.residual)


class Line:
    """A least-squares line through points that come one by one.

    Welford, "Note on a Method for Calculating Corrected Sums of Squares and Products", Technometrics 4, 1962.
    """

    def __init__(self) -> None:
        self._count = 0
        self._mean_x = self._mean_y = 0.0
        self._xx = self._xy = self._yy = 0.0

    def __len__(self) -> int:
        return self._count

    def add(self, x: float, y: float) -> None:
        """Adds a point."""
        self._count += 1
        from_x, from_y = x - self._mean_x, y - self._mean_y
        self._mean_x += from_x / self._count
        self._mean_y += from_y / self._count
        self._xx += from_x * (x - self._mean_x)
        self._yy += from_y * (y - self._mean_y)
        self._xy += from_x * (y - self._mean_y)

    @property
    def is_significant(self) -> bool:
        """Whether there are enough points, and the slope is positive beyond its standard error."""
        if self._count < FINISHED or self._xx <= 0 or self._xy <= 0:
            return False
        return self._xy / self._xx >= SIGNIFICANT * self.residual / math.sqrt(self._xx)

    @property
    def residual(self) -> float:
        """Standard deviation of the points around the line."""
        around = self._yy - self._xy**2 / self._xx
        return math.sqrt(max(around, 0.0) / (self._count - 2))

    def where(self, y: float) -> float:
        """Returns the x at which the line, which must be significant, has the value ``y``."""
        return self._mean_x + (y - self._mean_y) * self._xx / self._xy


RULES: Mapping[str, type[PruningRule]] = {
    "halving": HalvingRule,
    "median": MedianRule,
    "extrapolation": ExtrapolationRule,
}
"""The rules by the name in ``fitness.pruning``, made from ``fitness.reduction``."""
