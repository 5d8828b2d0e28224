"""What a model learns from: genomes and targets, which are ranks."""

from __future__ import annotations

import math
from itertools import groupby
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from evo_nas.config.objectives import FITNESS
from evo_nas.evaluation import best_first
from evo_nas.strategies.front import cost_of
from evo_nas.strategies.score_examples import ranks
from evo_nas.strategies.trials import REMEMBERED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from evo_nas.evaluation import Standing
    from evo_nas.genome.space import Genome
    from evo_nas.strategies.trials import Trial

GROWTH = 1.25
"""A model is fitted again when there are so many times as many trials as at the last fit."""
MOST_FITTED = 200
"""A fit solves for so many trials again and again."""
AUGMENTATION = 0.05
"""Weight of the sum beside the worst objective, so that of two trials with the same worst one the better wins."""
_NORMAL = NormalDist()


class Observations:
    """The trials that were told, and the ranks among them that a model predicts.

    A target is the normal score of a rank: ranks need no scale, so that one loss of a million or a metric without
    bounds decides nothing (Salinas, Shen and Perrone, "A Quantile-Based Approach for Hyperparameter Transfer Learning",
    ICML 2020). They are made by `best_first`: a training that was pruned stands below all that went further, and among
    those that went as far its score decides. Failures share the last rank, so that a model learns to avoid them.

    Several objectives become one: the augmented Tchebycheff norm of what is missing to the best rank in each. Knowles,
    "ParEGO: A Hybrid Algorithm with On-Line Landscape Approximation for Expensive Multiobjective Optimization
    Problems", IEEE TEVC 2006.

    Args:
        first: How many trials with a score the first fit waits for.
        most: How many trials a model learns from at most.
        objectives: Names of what is optimised, the fitness first.
    """

    def __init__(self, first: int, *, most: int = 500, objectives: Sequence[str] = (FITNESS,)) -> None:
        self._most = most
        self._objectives = tuple(objectives)
        self._trials: dict[int, Trial] = {}
        self._scored = 0
        self._next_fit = first
        self.fit_data: tuple[tuple[Genome, ...], tuple[float, ...]] | None = None
        """Genomes and targets as they were when a fit was due last; None before."""

    def __len__(self) -> int:
        """How many trials there are."""
        return len(self._trials)

    def add(self, trial: Trial) -> None:
        """Adds a trial that was settled, perhaps again."""
        is_new = trial.candidate.id not in self._trials
        self._trials[trial.candidate.id] = trial
        if len(self._trials) > REMEMBERED:
            del self._trials[next(iter(self._trials))]
        if not is_new or trial.standing is None:
            return
        self._scored += 1
        if self._scored >= self._next_fit:
            # Now and not when it is asked next, which depends on how many are told at once.
            self._next_fit = max(self._scored + 1, round(GROWTH * self._scored))
            self.fit_data = self.training(
                dict.fromkeys(self._objectives, 1.0), most=min(self._most, MOST_FITTED)
            )

    def best(self, count: int) -> list[Trial]:
        """Returns the best trials, best first."""
        return best_first(self._trials.values(), _standing_of, count=count)

    def training(
        self, weights: Mapping[str, float], *, most: int | None = None
    ) -> tuple[tuple[Genome, ...], tuple[float, ...]]:
        """Returns genomes and their targets: of all trials, or of the best and the latest ones.

        Args:
            weights: How much each objective counts.
            most: How many are wanted at most; as many as a model learns from if None.
        """
        most = self._most if most is None else most
        targets = self._targets(weights)
        numbers = list(targets)
        if len(numbers) > most:
            best = set(sorted(numbers, key=targets.__getitem__, reverse=True)[: most // 2])
            latest = [number for number in numbers if number not in best][len(best) - most :]
            numbers = [number for number in numbers if number in best.union(latest)]
        genomes = (self._trials[number].candidate.genome for number in numbers)
        return tuple(genomes), tuple(targets[number] for number in numbers)

    def _targets(self, weights: Mapping[str, float]) -> dict[int, float]:
        """Returns the target of each trial by its number, in the order of telling."""
        shares = self._shares_of_fitness()
        if len(self._objectives) > 1:
            mixed = self._mixed({FITNESS: shares, **self._shares_of_costs()}, weights)
            shares = _shares_below(mixed, list(self._trials))
        return {number: _NORMAL.inv_cdf(shares[number]) for number in self._trials}

    def _shares_of_fitness(self) -> dict[int, float]:
        ranked = best_first(self._trials.values(), _standing_of)
        # Equal standings have the same place, also where one of them was told earlier.
        places = [list(group) for _, group in groupby(ranked, _standing_of)]
        values = {trial.candidate.id: -place for place, group in enumerate(places) for trial in group}
        return _shares_below(values, list(self._trials))

    def _shares_of_costs(self) -> dict[str, dict[int, float]]:
        found = {}
        for name in self._objectives[1:]:
            costs = {number: cost_of(trial, name) for number, trial in self._trials.items() if trial.standing}
            found[name] = _shares_below(
                {number: -cost for number, cost in costs.items() if cost is not None}, list(self._trials)
            )
        return found

    def _mixed(
        self, shares: Mapping[str, Mapping[int, float]], weights: Mapping[str, float]
    ) -> dict[int, float]:
        mixed = {}
        for number, trial in self._trials.items():
            if trial.standing is not None:
                regrets = [weights[name] * (1 - each[number]) for name, each in shares.items()]
                mixed[number] = -max(regrets) - AUGMENTATION * sum(regrets)
        return mixed


def _standing_of(trial: Trial) -> Standing | None:
    return trial.standing


def _shares_below(values: Mapping[int, float], numbers: Sequence[int]) -> dict[int, float]:
    """Returns for each of ``numbers`` the share of them that is worse, between 0 and 1.

    Equals share the middle of their places; those without a value share the last ones.
    """
    shares = ranks(np.array([values.get(number, -math.inf) for number in numbers]))
    return dict(zip(numbers, shares.tolist(), strict=True))
