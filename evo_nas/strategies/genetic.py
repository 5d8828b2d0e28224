"""A generational genetic algorithm: a new generation takes the place of the old one when it is complete.

Holland, "Adaptation in Natural and Artificial Systems", 1975; elitism is of De Jong, "An Analysis of the Behavior of a
Class of Genetic Adaptive Systems", 1975. Selection and crossover are DEAP's (Fortin et al., JMLR 13, 2012).

Workers never wait for a generation. Children are bred from the current generation until the next one is complete, which
it is as soon as ``population`` children that may live were told. Children that arrive later belong to the generation
that is then being filled: they are a generation older than their mates, but slow trainings are not lost. With one
worker this is the textbook's algorithm.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field, model_validator

from evo_nas.strategies.evolution import Evolution, EvolutionOptions

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence
    from typing import Self, Unpack

    from evo_nas.genome.space import SearchSpace
    from evo_nas.strategies.operators import Individual
    from evo_nas.strategies.strategy import Terms
    from evo_nas.strategies.trials import Trial


class GeneticOptions(EvolutionOptions):
    """Options of the generational genetic algorithm.

    Attributes:
        population: Individuals of a generation; 3 % of the evaluations, 10 to 100, unless given.
        tournament: Individuals drawn, with replacement, to find each parent; more is greedier. Half the population
            unless given.
        elites: The best individuals, which also live in the next generation.
    """

    elites: int = Field(default=2, ge=0, examples=[1])

    # On NK landscapes 15 of 500 with tournaments of 8 find more than 25 with 6 or 12, and than 40 with 10.
    population_share: ClassVar[float] = 0.03
    tournament_share: ClassVar[float] = 0.5

    @property
    def least_population(self) -> int:
        """The least population that follows the budget: many elites, too, need a generation with room beside them."""
        return max(super().least_population, self.elites + 1)

    @model_validator(mode="after")
    def _elites_leave_room(self) -> Self:
        if self.population is not None and self.elites >= self.population:
            raise ValueError(
                f"elites is {self.elites}; must be below the population, {self.population}: lower elites"
            )
        return self


class GeneticAlgorithm(Evolution[GeneticOptions]):
    """Breeds each generation from the one before, and keeps the best of it."""

    kind: ClassVar[str] = "genetic"
    Options = GeneticOptions

    def __init__(
        self, space: SearchSpace, options: GeneticOptions | None = None, **terms: Unpack[Terms]
    ) -> None:
        super().__init__(space, options, **terms)
        self._generation: list[Individual] = []
        self._children: list[Individual] = []

    @property
    def _living(self) -> Sequence[Individual]:
        return [*self._generation, *self._children]

    def _pool(self, k: int, rng: random.Random) -> tuple[Sequence[Individual], Sequence[Individual]]:  # noqa: ARG002 - the contract's signature
        return self._generation, self._generation

    def _enter(self, newcomer: Individual) -> None:
        self._children.append(newcomer)
        elites = self._breeder.ranked(self._generation)[: self._options.elites]
        if len(elites) + len(self._children) >= self._size:
            self._generation, self._children = [*elites, *self._children], []

    def _leave(self, trial: Trial) -> None:
        self._generation = [each for each in self._generation if each.trial is not trial]
        self._children = [each for each in self._children if each.trial is not trial]
