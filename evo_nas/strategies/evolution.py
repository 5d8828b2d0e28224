"""`Evolution`: what strategies share that breed children from a population.

A subclass says who is alive, and from whom the next child is bred; `operators.Breeder` makes the child.
"""

from __future__ import annotations

from abc import abstractmethod
from contextlib import suppress
from typing import TYPE_CHECKING, ClassVar, Literal, TypeVar
from weakref import WeakSet

from pydantic import Field, model_validator

from evo_nas.strategies.from_scratch import FROM_SCRATCH
from evo_nas.strategies.operators import Breeder, Individual, fitness_statistics
from evo_nas.strategies.rates import MutationRates
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
ENOUGH = 20
"""Individuals that may breed among themselves, at most half a population."""


class EvolutionOptions(StrategyOptions):
    """Options of every strategy that breeds.

    Those that are left out follow the budget with which the run began.

    Attributes:
        population: Individuals alive at once.
        tournament: Individuals drawn, with replacement, to find each parent; more is greedier.
        crossover: Share of the children that have two parents while their success is not known, 0 to 1.
        rates: How often a child is changed more than once: always equally often (``fixed``), or by a rate that it
            inherits and that mutates, too (``self_adaptive``).
    """

    population: int | None = Field(
        default=None, ge=2, description="since crossover needs two parents", examples=[30]
    )
    tournament: int | None = Field(default=None, ge=1, examples=[9])
    crossover: float = Field(default=0.1, ge=0.0, le=1.0)
    rates: Literal["fixed", "self_adaptive"] = "fixed"

    population_share: ClassVar[float] = 0.25
    """Of the evaluations of a search."""
    tournament_share: ClassVar[float] = 0.3
    """Of the population."""

    @model_validator(mode="after")
    def _tournament_fits(self) -> Self:
        if self.tournament is not None and self.population is not None and self.tournament > self.population:
            raise ValueError(
                f"tournament is {self.tournament}; must be at most the population, {self.population}: "
                "lower tournament or raise population"
            )
        return self

    @property
    def least_population(self) -> int:
        """The least that follows the budget; a larger tournament that was given asks for a population that holds it."""
        return max(LEAST_POPULATION, self.tournament or 0)

    def following(self, evaluations: int) -> Self:
        """Returns these options with those filled in that follow the budget and were left out."""
        followed = max(self.least_population, min(MOST_POPULATION, int(self.population_share * evaluations)))
        population = self.population or followed
        tournament = self.tournament or max(2, round(self.tournament_share * population))
        return self.model_copy(update={"population": population, "tournament": tournament})


EvolutionOptionsT_co = TypeVar("EvolutionOptionsT_co", bound=EvolutionOptions, covariant=True)


class Evolution(Strategy[EvolutionOptionsT_co]):
    """Breeds from individuals that are alive.

    Trainings that a rung pruned never live, but for those that are paused where all others are for now. What failed
    does not live either; both teach which operators to avoid. A subclass fills `_living`, `_pool`, `_enter` and
    `_leave`.
    """

    breeds: ClassVar[bool] = True

    def __init__(
        self, space: SearchSpace, options: EvolutionOptionsT_co | None = None, **terms: Unpack[Terms]
    ) -> None:
        super().__init__(space, options, **terms)
        assert self._options.population is not None, "it follows the budget"
        assert self._options.tournament is not None, "it follows the budget"
        self._size = self._options.population
        self._breeder = Breeder(
            space,
            tournament=self._options.tournament,
            crossover=self._options.crossover,
            noise=lambda: self._trials.noise.overall,
            objectives=self.objectives,
            fixed=self._fixed,
        )
        self._rates = MutationRates(self._seed) if self._options.rates == "self_adaptive" else None
        self._scored = 0
        self._counted, self._entered = WeakSet[Trial](), WeakSet[Trial]()

    def statistics(self) -> Mapping[str, float]:
        """Returns size, mean, std, min and max of the population's fitness."""
        return fitness_statistics(self._breeding(self._living))

    def wanted_weights(self) -> set[str]:
        """Returns also the digests of what the living may pass on."""
        wanted = super().wanted_weights()
        return wanted.union(self._weights_of(each.trial) for each in self._living) - {"", BANK}

    @property
    def _fixed(self) -> frozenset[int]:
        """Positions of the genes that no mutation changes."""
        return self._frozen

    @property
    @abstractmethod
    def _living(self) -> Sequence[Individual]:
        """All individuals that are alive, in the order in which they entered."""

    @abstractmethod
    def _pool(self, k: int, rng: random.Random) -> tuple[Sequence[Individual], Sequence[Individual]]:
        """Returns where mother and father of candidate ``k`` are chosen; nothing while no child can be bred."""

    @abstractmethod
    def _enter(self, newcomer: Individual) -> None:
        """Takes in an individual, perhaps in the place of another."""

    @abstractmethod
    def _leave(self, trial: Trial) -> None:
        """Removes the individual of ``trial``, if it is alive: with another seed it failed, as its children might."""

    def _propose(self, k: int, rng: random.Random) -> Proposal:
        mothers, fathers = self._pool(k, rng)
        if not mothers:
            return self._founder(k) or self._by_chance(rng)
        rates = self._rates
        rate_of = None if rates is None else (lambda each: rates.of_child(k, each.trial.candidate.id))
        genome, parents, operator = self._breeder.breed(
            self._breeding(mothers), rng, mates=self._breeding(fathers), rate_of=rate_of
        )
        ids = tuple(parent.trial.candidate.id for parent in parents)
        return Proposal(genome, ids, operator, starts_from=self._weights_of(parents[0].trial))

    def _breeding(self, population: Sequence[Individual]) -> Sequence[Individual]:
        """Returns those of ``population`` that may breed: what inherited weights, once it is enough, before the rest.

        They never meet in a tournament, since what inherited has more training behind it.
        """
        if self._fitness.inheritance == "none":
            return population
        apart: dict[bool, list[Individual]] = {True: [], False: []}
        for each in population:
            apart[each.standing.is_inherited].append(each)
        enough = min(ENOUGH, self._size // 2)
        return apart[True] if len(apart[True]) >= enough or not apart[False] else apart[False]

    def _learn(self, trials: Sequence[Trial]) -> None:
        for trial in trials:
            self._breeder.learn(trial, self._parents_of(trial), self._living)
            if trial not in self._counted:
                self._counted.add(trial)
                self._scored += trial.standing is not None
            # One that goes on or is repeated is as old as when it entered, and does not live twice.
            is_new = trial not in self._entered and trial.candidate.operator != FROM_SCRATCH
            if trial.may_breed and is_new:
                self._entered.add(trial)
                if self._rates is not None:
                    self._rates.learn(trial.candidate)
                self._enter(Individual(trial))
            elif not trial.may_breed and trial in self._entered:
                self._leave(trial)

    def _parents_of(self, trial: Trial) -> list[Trial]:
        """Returns the parents that are remembered."""
        parents = []
        for number in trial.candidate.parents:
            with suppress(KeyError):
                parents.append(self._trials.of(number))
        return parents
