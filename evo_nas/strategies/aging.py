"""Aging (regularized) evolution: the oldest dies, not the worst.

Real, Aggarwal, Huang and Le, "Regularized Evolution for Image Classifier Architecture Search", AAAI 2019.
Asynchronous and steady-state: one child per free worker, no generations. It departs from the paper in three points.
Breeding starts after the first ``warmup`` evaluations instead of waiting for a full population, and known architectures
are drawn again; both help on small budgets according to measurements. Population, tournament and warm-up follow the
budget: with fifty individuals alive, forty evaluations would never leave the first population.
"""

from __future__ import annotations

from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, ClassVar
from weakref import WeakSet

from pydantic import Field, model_validator

from evo_nas.strategies.from_scratch import FROM_SCRATCH
from evo_nas.strategies.operators import Breeder, Individual, fitness_statistics, individuals
from evo_nas.strategies.strategy import Proposal, Strategy, StrategyOptions
from evo_nas.strategies.trials import Trial
from evo_nas.weights import BANK

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping, Sequence
    from typing import Self, Unpack

    from evo_nas.genome.space import SearchSpace
    from evo_nas.strategies.strategy import Terms


LEAST_POPULATION, MOST_POPULATION = 10, 100
LEAST_WARMUP, MOST_WARMUP = 10, 20
TOURNAMENT_SHARE = 0.3
"""Of 50 or 25 individuals; 5 of 50 are far behind on NK landscapes, with noise, too (benchmarks/search_quality.py)."""


class AgingOptions(StrategyOptions):
    """Options of aging evolution.

    Those that are left out follow the budget with which the run began.

    Attributes:
        population: Individuals alive at once; a quarter of the evaluations, 10 to 100, unless given.
        tournament: Individuals drawn, with replacement, to find each parent; more is greedier. Three tenths of the
            population unless given.
        warmup: Scored candidates before breeding starts; until then the founders of the space are asked, and then
            random networks. A fifth of the evaluations, 10 to 20, unless given, and never more than half.
        crossover: Share of the children that have two parents while their success is not known, 0 to 1.
    """

    population: int | None = Field(
        default=None, ge=2, description="since crossover needs two parents", examples=[30]
    )
    tournament: int | None = Field(default=None, ge=1, examples=[9])
    warmup: int | None = Field(default=None, ge=1, examples=[20])
    crossover: float = Field(default=0.1, ge=0.0, le=1.0)

    @model_validator(mode="after")
    def _tournament_fits(self) -> Self:
        if self.tournament is not None and self.population is not None and self.tournament > self.population:
            raise ValueError(
                f"tournament is {self.tournament}; must be at most the population, {self.population}: "
                "lower tournament or raise population"
            )
        return self

    def following(self, evaluations: int) -> Self:
        """Returns these options with those filled in that follow the budget and were left out."""
        # A larger tournament that was given asks for a population that holds it.
        least = max(LEAST_POPULATION, self.tournament or 0)
        population = self.population or max(least, min(MOST_POPULATION, evaluations // 4))
        return self.model_copy(
            update={
                "population": population,
                "tournament": self.tournament or max(2, round(TOURNAMENT_SHARE * population)),
                "warmup": self.warmup
                or max(1, min(MOST_WARMUP, max(LEAST_WARMUP, evaluations // 5), evaluations // 2)),
            }
        )


class AgingEvolution(Strategy[AgingOptions]):
    """Breeds from tournament winners among the last ``population`` candidates that no rung has thrown out."""

    kind: ClassVar[str] = "aging"
    Options = AgingOptions
    breeds: ClassVar[bool] = True

    def __init__(
        self, space: SearchSpace, options: AgingOptions | None = None, **terms: Unpack[Terms]
    ) -> None:
        super().__init__(space, options, **terms)
        chosen = self._options
        assert chosen.population is not None, "it follows the budget"
        assert chosen.tournament is not None, "it follows the budget"
        assert chosen.warmup is not None, "it follows the budget"
        self._size, self._warmup = chosen.population, chosen.warmup
        # The bounded queue does the aging: the youngest individual pushes out the oldest.
        self._population: deque[Individual] = deque(maxlen=self._size)
        self._breeder = Breeder(
            space,
            tournament=chosen.tournament,
            crossover=chosen.crossover,
            noise=lambda: self._trials.noise.overall,
            objectives=self.objectives,
            fixed=space.regularisation_genes if self._freezes else frozenset(),
        )
        self._scored = 0
        self._counted, self._entered = WeakSet[Trial](), WeakSet[Trial]()

    def statistics(self) -> Mapping[str, float]:
        """Returns size, mean, std, min and max of the population's fitness."""
        return fitness_statistics(self._breeding)

    def wanted_weights(self) -> set[str]:
        """Returns also the digests of what the living may pass on."""
        wanted = super().wanted_weights()
        return wanted.union(self._weights_of(each.trial) for each in self._population) - {"", BANK}

    def _propose(self, k: int, rng: random.Random) -> Proposal:
        if self._scored >= self._warmup and self._population:
            genome, parents, operator = self._breeder.breed(self._breeding, rng)
            ids = tuple(parent.trial.candidate.id for parent in parents)
            return Proposal(genome, ids, operator, starts_from=self._weights_of(parents[0].trial))
        return self._founder(k) or self._by_chance(rng)

    @property
    def _breeding(self) -> Sequence[Individual]:
        """The living that may breed: those that inherited weights once they are enough, before the others.

        They never meet in a tournament, since what inherited has more training behind it.
        """
        if self._fitness.inheritance == "none":
            return self._population
        apart: dict[bool, list[Individual]] = {True: [], False: []}
        for each in self._population:
            apart[each.standing.is_inherited].append(each)
        enough = min(self._warmup, self._size // 2)
        return apart[True] if len(apart[True]) >= enough or not apart[False] else apart[False]

    def _learn(self, trials: Sequence[Trial]) -> None:
        for trial in trials:
            self._breeder.learn(trial, self._parents_of(trial), self._population)
            if trial not in self._counted:
                self._counted.add(trial)
                self._scored += trial.standing is not None
            # One that goes on or is repeated is as old as when it entered, and does not live twice.
            is_new = trial not in self._entered and trial.candidate.operator != FROM_SCRATCH
            if trial.may_breed and is_new:
                self._entered.add(trial)
                self._population.extend(individuals([trial]))
            elif not trial.may_breed and trial in self._entered:
                # It failed or collapsed with another seed, as its children might.
                alive = [each for each in self._population if each.trial is not trial]
                self._population = deque(alive, maxlen=self._population.maxlen)

    def _parents_of(self, trial: Trial) -> list[Trial]:
        """Returns the parents that are remembered."""
        parents = []
        for number in trial.candidate.parents:
            with suppress(KeyError):
                parents.append(self._trials.of(number))
        return parents
