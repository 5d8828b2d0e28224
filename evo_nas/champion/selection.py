"""Ranks the trials of a run by a lower bound of what they are worth, so that luck does not choose the champion.

The best of many noisy scores is lucky: the more candidates, the more. So each mean of ``n`` trainings, ``x``, is drawn
towards what is typical of the run. With a normal prior ``N(m, t²)`` of the true fitness and the noise ``s`` of one
training, the posterior of a trial has::

    variance   v = 1 / (1 / t² + n / s²)
    mean       e = m + v · n / s² · (x - m)
    bound      b = e - sqrt(v)

the estimator of James and Stein (1961) in the empirical Bayes form of Efron and Morris (1975), which undoes the bias of
selection (Efron, 2011). Trials are ranked by ``b``, one posterior standard deviation below ``e``: of two equally high
means the one that was confirmed more often wins.
"""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from evo_nas.config.objectives import FITNESS
from evo_nas.errors import ChampionError
from evo_nas.evaluation import best_first
from evo_nas.strategies.front import dominates, values_of
from evo_nas.strategies.trials import Trials, standing_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from evo_nas.evaluation import Evaluation
    from evo_nas.strategies.front import Values
    from evo_nas.strategies.noise import Noise
    from evo_nas.strategies.trials import Trial

BOUND = 1.0
"""Posterior standard deviations between the expected fitness and its bound."""
ASSUMED_SHARE = 0.5
"""Share of the variance among the better half that is taken for noise where the run has measured none.

On digits the noise between seeds was .005 to .008 and the true spread among the best .003, which would be more; but the
better half is wider than the best few, and nothing is known of other data.
"""
LEAST_SPREAD = 0.1
"""Least standard deviation of the prior, in that of the noise: without any, all trials would be worth the same."""
ONE_STD = statistics.NormalDist().cdf(1.0)


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a trial is worth, given its trainings and those of the whole run; all as fitness, higher is better.

    Attributes:
        fitness: Mean of its trainings.
        trainings: How many there were.
        noise: Standard deviation of one training.
        expected: Posterior mean of its true fitness.
        bound: One posterior standard deviation below that.
    """

    fitness: float
    trainings: int
    noise: float
    expected: float
    bound: float


@dataclass(frozen=True, slots=True)
class Prior:
    """What the scores of a run say about the true fitness of any of its networks.

    Attributes:
        mean: Mean of the true fitness.
        std: Its standard deviation among the better half, without noise.
        noise: Standard deviation of the fitness of one training.
        is_measured: Whether the run measured the noise; otherwise `ASSUMED_SHARE` stands for it.
    """

    mean: float
    std: float
    noise: float
    is_measured: bool

    @classmethod
    def fitted(cls, scores: Sequence[tuple[float, int]], noise: Noise | None) -> Prior:
        """Returns the prior that explains the scores of a run.

        Args:
            scores: Mean fitness and number of trainings of each trial, at least one.
            noise: The noise of one training, as the run measured it; None if it did not.
        """
        fitness = np.array([score for score, _ in scores])
        # The better half alone: networks that learn nothing spread the scores, and would make any lead look real.
        middle = float(np.median(fitness))
        spread = float(np.quantile(fitness, ONE_STD)) - middle
        of_mean = statistics.fmean(1 / trainings for _, trainings in scores)
        std_of_one = spread * math.sqrt(ASSUMED_SHARE / of_mean) if noise is None else noise.std
        std = math.sqrt(max(0.0, spread**2 - of_mean * std_of_one**2))
        return cls(middle, max(std, LEAST_SPREAD * std_of_one), std_of_one, noise is not None)

    def estimate(self, fitness: float, trainings: int) -> Estimate:
        """Returns what a trial is worth whose ``trainings`` have the mean ``fitness``."""
        if self.noise == 0.0:
            return Estimate(fitness, trainings, 0.0, fitness, fitness)
        precision = trainings / self.noise**2
        variance = 1 / (1 / self.std**2 + precision)
        expected = self.mean + variance * precision * (fitness - self.mean)
        return Estimate(fitness, trainings, self.noise, expected, expected - BOUND * math.sqrt(variance))


@dataclass(frozen=True, slots=True)
class Ranking:
    """The trials of a run that may become its champion, best first by the bounds of their fitness.

    With several objectives the first ones are those that no other beats in all of them, bounds standing for fitness.

    Attributes:
        trials: Trials and what they are worth.
        front: How many of the first ones are on the front; 0 with one objective.
        prior: What the scores of the run say.
    """

    trials: tuple[tuple[Trial, Estimate], ...]
    front: int
    prior: Prior

    @classmethod
    def of(
        cls, told: Sequence[Evaluation], run: object, *, objectives: Sequence[str] = (FITNESS,)
    ) -> Ranking:
        """Ranks the trials of a run.

        Only full trainings from scratch that succeeded with every seed count. Where a run has none, those do that went
        furthest, and unstable ones only where nothing else was scored.

        Args:
            told: All evaluations of the run, in the order of telling.
            run: The run, as the error message names it.
            objectives: Names of what was optimised, the fitness first.

        Raises:
            ChampionError: No candidate was scored.
        """
        known = Trials()
        # By identity, since a trial that is trained again stays the same; the last noise counts for all of them.
        each = {id(trial): trial for trial in (known.add(one) for one in told if not one.candidate.trains)}
        eligible = _eligible(each.values())
        if not eligible:
            raise ChampionError(
                f"{run} has no champion: none of its {len(told)} evaluations was scored; search on, or look at a "
                f"cause with `evo-nas show {run} --candidate {told[0].candidate.id if told else 0}`"
            )
        prior = Prior.fitted(
            [(standing_of(trial).fitness, trial.trainings) for trial in eligible], known.noise.overall
        )
        estimated = [
            (trial, prior.estimate(standing_of(trial).fitness, trial.trainings)) for trial in eligible
        ]
        # What is as good is ordered by its validation loss: a small validation part has many ties.
        ranked = sorted(estimated, key=lambda pair: (pair[1].bound, standing_of(pair[0])), reverse=True)
        front = _front(ranked, objectives) if len(objectives) > 1 else []
        leading = {id(trial) for trial, _ in front}
        rest = (pair for pair in ranked if id(pair[0]) not in leading)
        return cls((*front, *rest), len(front), prior)


def select_champion(
    told: Sequence[Evaluation], run: object, *, objectives: Sequence[str] = (FITNESS,)
) -> Trial:
    """Returns the trial with the highest lower bound of fitness; see `Ranking.of`.

    With several objectives it is the fittest of those that no other beats in all of them.

    Raises:
        ChampionError: No candidate was scored.
    """
    return Ranking.of(told, run, objectives=objectives).trials[0][0]


def _eligible(trials: Iterable[Trial]) -> list[Trial]:
    scored = [trial for trial in trials if trial.standing is not None]
    stable = [trial for trial in scored if not trial.is_unstable] or scored
    best = next(iter(best_first(stable, standing_of, count=1)), None)
    if best is None:
        return []
    return [trial for trial in stable if standing_of(trial).is_comparable(standing_of(best))]


def _front(
    ranked: Sequence[tuple[Trial, Estimate]], objectives: Sequence[str]
) -> list[tuple[Trial, Estimate]]:
    """Returns the pairs that no other dominates, in their order; of equal ones the first."""
    front: list[tuple[Trial, Estimate]] = []
    kept: list[Values] = []
    # Best bound first, so that only those before one can dominate it.
    for trial, estimate in ranked:
        values = values_of(trial, objectives)
        if values is None:
            continue
        bounded = (estimate.bound, *values[1:])
        if not any(other == bounded or dominates(other, bounded) for other in kept):
            front.append((trial, estimate))
            kept.append(bounded)
    return front
