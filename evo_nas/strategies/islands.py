"""Islands: several populations that evolve apart, exchange genes now and then, and die out when they fall behind.

The scheme is that of EXAMM. Ororbia, ElSaid and Desell, "Investigating Recurrent Neural Network Memory Structures using
Neuro-Evolution", GECCO 2019, have the islands, each of them steady-state: a newcomer takes the place of the worst.
Lyu, Karns, ElSaid, Mkaouer and Desell, "Improving Distributed Neuroevolution Using Island Extinction and Repopulation",
EvoApplications 2021, let the worst island die out and refill it with mutants of the best network. It departs from EXAMM
in three points: parents are chosen by tournaments, as in every strategy here; the mother of a migrating child lives on
another island and its father, if it has one, on its own; and half of those that refill an island are children of other
islands, since the mutants of one network are soon all known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from evo_nas.randomness import stream
from evo_nas.strategies.evolution import Evolution
from evo_nas.strategies.removal import REMOVALS, RemovalName
from evo_nas.strategies.steady_state import SteadyStateOptions

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence
    from typing import Self, Unpack

    from evo_nas.genome.space import SearchSpace
    from evo_nas.strategies.operators import Individual
    from evo_nas.strategies.strategy import Terms
    from evo_nas.strategies.trials import Trial

LEAST_ISLANDS, MOST_ISLANDS = 2, 10
LIFE = 250
"""Evaluations that an island should have, since each begins anew: with 500 in all, two are far ahead of four."""
EXTINCTIONS = 5
"""In a search, unless the option says how many results lie between them."""


class IslandsOptions(SteadyStateOptions):
    """Options of islands.

    Attributes:
        islands: Number of populations; one for 250 evaluations, 2 to 10, unless given.
        population: Individuals alive at once on each island; a fiftieth of the evaluations, 10 to 100, unless given.
        tournament: Individuals drawn, with replacement, to find each parent; more is greedier. Three tenths of the
            population unless given.
        warmup: Scored candidates, on all islands together, before breeding starts. A fifth of the evaluations, 10 to
            20, unless given, and never more than half.
        removal: Which individual of a full island makes room: the worst or the oldest.
        migration: Chance that the mother of a child lives on another island, 0 to 1.
        extinction: Results between two extinctions; each empties the island whose best is the lowest. A fifth of the
            evaluations unless given; 0 for none.
    """

    islands: int | None = Field(
        default=None, ge=2, le=100, description="one alone is aging with removal worst", examples=[4]
    )
    removal: RemovalName = "worst"
    migration: float = Field(default=0.1, ge=0.0, le=1.0)
    extinction: int | None = Field(default=None, ge=0, examples=[100])

    population_share: ClassVar[float] = 1 / 50

    def following(self, evaluations: int) -> Self:
        """Returns these options with those filled in that follow the budget and were left out."""
        extinction = max(1, evaluations // EXTINCTIONS) if self.extinction is None else self.extinction
        islands = self.islands or max(LEAST_ISLANDS, min(MOST_ISLANDS, evaluations // LIFE))
        followed = super().following(evaluations)
        return followed.model_copy(update={"extinction": extinction, "islands": islands})


class Island:
    """One population.

    Attributes:
        members: Its individuals, the oldest first.
        emptied_after: Results that the search had when it died out last.
        is_refilling: Whether it died out and is not full again.
    """

    def __init__(self) -> None:
        self.members: list[Individual] = []
        self.emptied_after = 0
        self.is_refilling = False


class Islands(Evolution[IslandsOptions]):
    """Evolves several populations with migration between them; the worst dies out at intervals."""

    kind: ClassVar[str] = "islands"
    Options = IslandsOptions

    def __init__(
        self, space: SearchSpace, options: IslandsOptions | None = None, **terms: Unpack[Terms]
    ) -> None:
        super().__init__(space, options, **terms)
        assert self._options.warmup is not None, "it follows the budget"
        assert self._options.extinction is not None, "it follows the budget"
        assert self._options.islands is not None, "it follows the budget"
        self._warmup, self._extinction = self._options.warmup, self._options.extinction
        self._remove = REMOVALS[self._options.removal]
        self._islands = [Island() for _ in range(self._options.islands)]
        self._until_extinction = self._extinction

    @property
    def _living(self) -> Sequence[Individual]:
        return [member for island in self._islands for member in island.members]

    def _island_of(self, number: int) -> Island:
        # Drawn, so that it needs no record. Not in turns: repeats and promotions take numbers, too, and where every
        # second number is a repeat, one of two islands would stay empty.
        return self._islands[stream(self._seed, "island", number).randrange(len(self._islands))]

    def _pool(self, k: int, rng: random.Random) -> tuple[Sequence[Individual], Sequence[Individual]]:
        if self._scored < self._warmup:
            return [], []
        home = self._island_of(k)
        others = [island for island in self._islands if island is not home and island.members]
        if others and rng.random() < (1 / 2 if home.is_refilling else self._options.migration):
            return rng.choice(others).members, home.members
        if home.is_refilling or not home.members:
            # Nobody to mate with: children of the best of all by mutation alone.
            best = self._breeder.ranked(self._living)[:1]
            return best, best
        return home.members, home.members

    def _learn(self, trials: Sequence[Trial]) -> None:
        for trial in trials:
            super()._learn([trial])
            self._until_extinction -= 1
            if self._until_extinction == 0:
                self._until_extinction = self._extinction
                self._extinguish()

    def _extinguish(self) -> None:
        """Empties the island whose best is the lowest, unless one is empty or still being refilled."""
        if any(island.is_refilling or not island.members for island in self._islands):
            return
        place = {id(each): rank for rank, each in enumerate(self._breeder.ranked(self._living))}
        worst = max(self._islands, key=lambda island: min(place[id(each)] for each in island.members))
        worst.members, worst.emptied_after, worst.is_refilling = [], self._told, True

    def _enter(self, newcomer: Individual) -> None:
        island = self._island_of(newcomer.trial.candidate.id)
        if newcomer.trial.candidate.asked_after < island.emptied_after:
            return  # a child of those that died out would bring them back
        island.members.append(newcomer)
        if len(island.members) >= self._size:
            island.is_refilling = False
        if len(island.members) > self._size:
            removed = self._remove(island.members, breeder=self._breeder)
            island.members = [each for each in island.members if each is not removed]

    def _leave(self, trial: Trial) -> None:
        for island in self._islands:
            island.members = [each for each in island.members if each.trial is not trial]
