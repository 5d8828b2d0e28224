"""AgEBO: aging evolution chooses the network, and Bayesian optimisation how it is trained.

Egele, Balaprakash, Guyon, Vishwanath, Xia, Stevens and Liu, "AgEBO-Tabular: Joint Neural Architecture and
Hyperparameter Search with Autotuned Data-Parallel Training for Tabular Data", SC 2021. As there the model sees the
genes of training and nothing of the network, and is told of every candidate. It departs from the paper in the model
and in what it is asked: a Gaussian process and expected improvement instead of a random forest and a confidence bound.
"""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from evo_nas.strategies.aging import AgingEvolution, AgingOptions
from evo_nas.strategies.bayesian_optimizer import BayesianOptimizer
from evo_nas.strategies.mutation import moved
from evo_nas.strategies.strategy import Proposal

if TYPE_CHECKING:
    import random
    from collections.abc import Iterable, Sequence
    from typing import Unpack

    from evo_nas.evaluation import Candidate
    from evo_nas.genome.space import Genome, SearchSpace
    from evo_nas.strategies.strategy import Terms
    from evo_nas.strategies.trials import Trial

INCUMBENTS = 5
"""The best trials, near whose settings half of the others are drawn."""
FURTHER = 0.5
"""Chance that one more gene of a good setting is changed, and then again."""


class AgeboOptions(AgingOptions):
    """Options of aging evolution with training genes by Bayesian optimisation: those of aging, and two more.

    Attributes:
        settings: Settings of the training genes that are compared for each child; all of them where there are no more.
        trials: Trials that the process learns from at most, the best and the latest; the time of an ask grows with
            their square.
    """

    settings: int = Field(default=200, ge=1)
    trials: int = Field(default=500, ge=10)


class Agebo(AgingEvolution):
    """Breeds networks as aging evolution does, and trains each with the settings that promise most.

    Children get their settings from the model as soon as they are bred. What the process learns of a trial is its rank:
    what was pruned stands below what went further, and failures last. Where no gene of training varies, it is
    aging evolution.
    """

    kind: ClassVar[str] = "agebo"
    Options = AgeboOptions
    extra: ClassVar[str] = "bayes"

    def __init__(
        self, space: SearchSpace, options: AgeboOptions | None = None, **terms: Unpack[Terms]
    ) -> None:
        super().__init__(space, options, **terms)
        assert isinstance(self._options, AgeboOptions), "they are its own"
        self._tuned = sorted(space.training_genes - self._frozen)
        self._compared = self._options.settings
        self._optimizer = BayesianOptimizer(
            space,
            kind=self.kind,
            initial=max(2, self._warmup),
            trials=self._options.trials,
            positions=frozenset(self._tuned),
            objectives=self.objectives,
        )

    @property
    def _fixed(self) -> frozenset[int]:
        return super()._fixed | self._space.training_genes

    def _propose(self, k: int, rng: random.Random) -> Proposal:
        proposal = super()._propose(k, rng)
        if not (proposal.parents and self._tuned and self._optimizer.is_ready):
            return proposal
        return replace(proposal, genome=self._with_best_settings(proposal, rng))

    def _learn(self, trials: Sequence[Trial]) -> None:
        super()._learn(trials)
        for trial in trials if self._tuned else ():
            self._optimizer.observations.add(trial)

    def _remember_asked(self, candidates: Iterable[Candidate]) -> None:
        asked = tuple(candidates)
        super()._remember_asked(asked)
        if self._tuned:  # else nobody would ever ask which of them are pending, and all would be kept
            self._optimizer.remember(asked)

    def _with_best_settings(self, proposal: Proposal, rng: random.Random) -> Genome:
        """Returns the proposed network with the settings that promise most, of those that make it a new candidate."""
        genomes = [self._with_settings(proposal.genome, values) for values in self._settings(rng)]
        if not any(map(self._may_ask, genomes)):
            return proposal.genome
        pending = self._optimizer.pending(self._in_flight, self._unsettled)
        score = self._optimizer.scorer(pending, rng)
        ranked = sorted(zip(score(genomes), genomes, strict=True), reverse=True)
        return next(genome for _, genome in ranked if self._may_ask(genome))

    def _may_ask(self, genome: Genome) -> bool:
        return self._is_new(Proposal(genome, parents=(), operator=""))

    def _settings(self, rng: random.Random) -> list[tuple[int, ...]]:
        """Returns all settings where there are few; else some at random, and as many near the best that are known."""
        sizes = [self._space.genes[position].size for position in self._tuned]
        if math.prod(sizes) <= self._compared:
            return list(product(*map(range, sizes)))
        best = [trial.candidate.genome for trial in self._optimizer.observations.best(INCUMBENTS)]
        # All are drawn where all that is remembered has failed.
        drawn = [
            tuple(map(rng.randrange, sizes)) for _ in range(self._compared // 2 if best else self._compared)
        ]
        drawn += [self._near(rng.choice(best), rng) for _ in range(self._compared - len(drawn))]
        # In the order of drawing, unlike a set.
        return list(dict.fromkeys(drawn))

    def _near(self, genome: Genome, rng: random.Random) -> tuple[int, ...]:
        values = [genome[position] for position in self._tuned]
        while True:
            place = rng.randrange(len(values))
            values[place] = moved(self._space.genes[self._tuned[place]], values[place], rng)
            if rng.random() >= FURTHER:
                return tuple(values)

    def _with_settings(self, genome: Genome, values: Sequence[int]) -> Genome:
        changed = dict(zip(self._tuned, values, strict=True))
        return tuple(changed.get(position, value) for position, value in enumerate(genome))
