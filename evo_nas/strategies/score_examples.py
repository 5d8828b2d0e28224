"""What a surrogate learns from: how each trial did, on one scale, whether it was pruned, failed or went on."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from evo_nas.config.objectives import FITNESS
from evo_nas.strategies.front import cost_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from evo_nas.genome.space import Genome
    from evo_nas.strategies.trials import Trial

LEAST_AT_LEVEL = 10
"""Fewer trainings that went so far do not tell how a shorter one would have gone on."""


@dataclass(frozen=True, slots=True)
class Example:
    """How a trial stood when it was settled; one that is settled again gives another example.

    Attributes:
        trial: Id of the trial's first candidate.
        genome: Its genome.
        level: Epochs after which it was pruned; infinity for a complete training.
        score: The mean score of its trainings; None if it failed.
        curve: The best score so far after each epoch.
        is_inherited: Whether its training started from weights of another network.
        costs: Its costs, in the order of the objectives; infinite where one is not known.
    """

    trial: int
    genome: Genome
    level: float
    score: float | None
    curve: tuple[float, ...]
    is_inherited: bool
    costs: tuple[float, ...]

    @classmethod
    def of(cls, trial: Trial, objectives: Sequence[str]) -> Self:
        """Returns how ``trial`` stands now."""
        standing = trial.standing
        costs = [cost_of(trial, name) for name in objectives if name != FITNESS]
        return cls(
            trial=trial.candidate.id,
            genome=trial.candidate.genome,
            level=standing.level if standing else 0.0,
            score=standing.fitness if standing else None,
            curve=tuple(np.maximum.accumulate(trial.outcome.fitness_curve).tolist()) if standing else (),
            is_inherited=standing.is_inherited if standing else False,
            costs=tuple(math.inf if cost is None else cost for cost in costs),
        )

    def after(self, level: float) -> float | None:
        """Returns the score after ``level`` epochs; None if it did not go so far, or has no curve."""
        if level == self.level:
            return self.score
        return self.curve[int(level) - 1] if level < self.level and len(self.curve) >= level else None


def latest(examples: Sequence[Example]) -> list[Example]:
    """Returns the last example of each trial, in the order of their first ones, of those that can be compared.

    What inherited weights has more training behind it, so that only the more frequent kind of start is kept; failures
    count for both.
    """
    last = {example.trial: example for example in examples}.values()
    starts = Counter(example.is_inherited for example in last if example.score is not None)
    usual = starts[True] > starts[False]
    return [example for example in last if example.score is None or example.is_inherited == usual]


def values_of(examples: Sequence[Example]) -> npt.NDArray[np.float64]:
    """Returns what each example is worth: the score that it would have at the level that enough trainings reached.

    The score of a training that was pruned is carried on along a straight line: scores after as many epochs predict the
    later ones of those that went on. Failures are worth minus infinity.
    """
    scored = [example for example in examples if example.score is not None]
    goal = _goal(scored)
    lines: dict[float, tuple[float, float]] = {}
    values = []
    for example in examples:
        value = -math.inf if example.score is None else example.after(goal)
        if value is None and example.score is not None and example.level < goal:
            if example.level not in lines:
                lines[example.level] = _line(scored, example.level, goal)
            slope, offset = lines[example.level]
            value = slope * example.score + offset
        values.append(example.score if value is None else value)
    return np.array(values, dtype=np.float64)


def ranks(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Returns the rank of each value among all, 0 to 1, equal ones with the mean of theirs.

    Ranks tame scores that fall off a cliff, such as perplexities, and give failures a place: the last.
    """
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return np.asarray((ends - counts / 2)[places] / len(values))


def _goal(scored: Sequence[Example]) -> float:
    """Returns the furthest level that enough trainings have reached, or else the most usual one."""
    levels = Counter(example.level for example in scored)
    enough = [level for level, count in levels.items() if count >= LEAST_AT_LEVEL]
    return max(enough) if enough else max(levels, key=lambda level: (levels[level], level), default=0.0)


def _line(scored: Sequence[Example], level: float, goal: float) -> tuple[float, float]:
    """Returns slope and offset of the score at ``goal`` by that at ``level``, by least squares."""
    pairs = [
        (before, after)
        for example in scored
        if (before := example.after(level)) is not None and (after := example.after(goal)) is not None
    ]
    if len(pairs) < LEAST_AT_LEVEL or len({before for before, _ in pairs}) < 2:
        return 1.0, 0.0
    xs, ys = np.array(pairs).T
    slope = float(np.cov(xs, ys, bias=True)[0, 1] / np.var(xs))
    # A line that falls would make the poorest the best.
    slope = max(slope, 0.0)
    return slope, float(ys.mean() - slope * xs.mean())
