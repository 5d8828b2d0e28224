"""`SteadyState`: evolution without generations: each newcomer takes the place of one individual.

Whitley and Kauth, "GENITOR: A Different Genetic Algorithm", 1988. One child per free worker; none waits for another.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from pydantic import Field

from evo_nas.strategies.evolution import Evolution, EvolutionOptions
from evo_nas.strategies.removal import worst

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence
    from typing import Self, Unpack

    from evo_nas.genome.space import SearchSpace
    from evo_nas.strategies.operators import Individual
    from evo_nas.strategies.removal import Removal
    from evo_nas.strategies.strategy import Terms
    from evo_nas.strategies.trials import Trial

LEAST_WARMUP, MOST_WARMUP = 10, 20


class SteadyStateOptions(EvolutionOptions):
    """Options of every strategy without generations.

    Attributes:
        warmup: Scored candidates before breeding starts; until then the founders of the space are asked, and then
            random networks. A fifth of the evaluations, 10 to 20, unless given, and never more than half.
    """

    warmup: int | None = Field(default=None, ge=1, examples=[20])

    def following(self, evaluations: int) -> Self:
        """Returns these options with those filled in that follow the budget and were left out."""
        followed = max(1, min(MOST_WARMUP, max(LEAST_WARMUP, evaluations // 5), evaluations // 2))
        return super().following(evaluations).model_copy(update={"warmup": self.warmup or followed})


SteadyStateOptionsT_co = TypeVar("SteadyStateOptionsT_co", bound=SteadyStateOptions, covariant=True)


class SteadyState(Evolution[SteadyStateOptionsT_co]):
    """Breeds from one population, of which a newcomer removes one individual once it is full."""

    def __init__(
        self, space: SearchSpace, options: SteadyStateOptionsT_co | None = None, **terms: Unpack[Terms]
    ) -> None:
        super().__init__(space, options, **terms)
        assert self._options.warmup is not None, "it follows the budget"
        self._warmup = self._options.warmup
        self._population: list[Individual] = []

    @property
    def _removal(self) -> Removal:
        """Chooses who dies."""
        return worst

    @property
    def _living(self) -> Sequence[Individual]:
        return self._population

    def _pool(self, k: int, rng: random.Random) -> tuple[Sequence[Individual], Sequence[Individual]]:  # noqa: ARG002 - the contract's signature
        pool = self._population if self._scored >= self._warmup else []
        return pool, pool

    def _enter(self, newcomer: Individual) -> None:
        self._population.append(newcomer)
        if len(self._population) > self._size:
            removed = self._removal(self._population, breeder=self._breeder)
            self._population = [each for each in self._population if each is not removed]

    def _leave(self, trial: Trial) -> None:
        self._population = [each for each in self._population if each.trial is not trial]
