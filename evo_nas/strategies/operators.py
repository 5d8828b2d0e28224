"""Variation and selection, made of DEAP's toolbox; only this and `pareto` know DEAP.

DEAP draws from the module :mod:`random`; every call into it that draws is made inside `drawing_from`.
`creator.create` is not used: it registers classes in a global module and creates them again when unpickling.

Fortin et al., "DEAP: Evolutionary Algorithms Made Easy", JMLR 13, 2012.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
from deap import base, tools

from evo_nas.config.objectives import FITNESS
from evo_nas.strategies.bandit import OperatorBandit
from evo_nas.strategies.mutation import AGAIN, Operator, blocks_of, mutated, operators_of
from evo_nas.strategies.pareto import ranked, select_from_fronts
from evo_nas.strategies.rewards import reward_of
from evo_nas.strategies.trials import best_within_noise, standing_of

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from evo_nas.evaluation import Standing
    from evo_nas.genome.space import Genome, SearchSpace
    from evo_nas.strategies.noise import Noise
    from evo_nas.strategies.trials import Trial

_lending = threading.Lock()
CROSSOVER = "crossover"
MOST_CROSSOVER = 0.9
"""Some children must be mutated, since crosses of relatives are often known."""
ANOTHER = 0.2
"""Chance that a child that differs from its parents is changed once more, and then again."""
TRIES = 64
"""Changes of a child before it may equal a parent; genomes that differ may mean the same architecture."""


class Score(base.Fitness):  # type: ignore[misc]  # DEAP ships no types
    """What ranks a standing: how far the training went, then fitness, then the negated validation loss."""

    weights = (1.0, 1.0, 1.0)


class Individual(list[int]):
    """A DEAP individual: the genome as a list, and the trial that it stands for."""

    def __init__(self, trial: Trial) -> None:
        super().__init__(trial.candidate.genome)
        self.trial = trial

    @property
    def fitness(self) -> Score:
        """The score by which DEAP selects, as of now: repeated and continued trainings change it."""
        standing = self.standing
        return Score((standing.level, standing.fitness, -standing.loss))

    @property
    def standing(self) -> Standing:
        """What ranks it, as of now."""
        return standing_of(self.trial)

    def __deepcopy__(self, memo: dict[int, object]) -> Individual:
        return Individual(self.trial)


@contextmanager
def drawing_from(rng: random.Random) -> Iterator[None]:
    """Lets DEAP's operators draw from ``rng``; the global generator is neither used nor disturbed.

    Searches in several threads take turns.
    """
    # Seeding the global generator instead would let other threads of the host program draw in between.
    modules = (tools.selection, tools.crossover)
    with _lending:
        originals = [module.random for module in modules]
        for module in modules:
            module.random = rng
        try:
            yield
        finally:
            for module, original in zip(modules, originals, strict=True):
                module.random = original


class Breeder:
    """Makes children from a population by tournament, crossover and mutation.

    Operators are chosen by their success in this run. Its state is a function of what it learned, in order.

    Args:
        space: The search space.
        tournament: Individuals drawn, with replacement, for each parent; the fittest of them breeds.
        crossover: Share of the children that have two parents while nothing is known of their success.
        noise: Returns the noise of one training; None while it is unknown.
        fixed: Positions of genes that no mutation changes.
        objectives: Names of what is optimised, the fitness first; see `config.objectives`.
    """

    def __init__(
        self,
        space: SearchSpace,
        *,
        tournament: int,
        crossover: float,
        noise: Callable[[], Noise | None] = lambda: None,
        fixed: frozenset[int] = frozenset(),
        objectives: Sequence[str] = (FITNESS,),
    ) -> None:
        self._objectives = tuple(objectives)
        self._space = space
        self._noise = noise
        self._mutations = {operator.name: operator for operator in operators_of(space, fixed=fixed)}
        self._blocks = blocks_of(space)
        self._bandit = OperatorBandit(_first_shares(self._mutations, crossover))
        self._toolbox = base.Toolbox()
        self._toolbox.register("select", select_within_noise, k=1, tournsize=tournament, noise=noise)
        if len(self._objectives) > 1:
            self._toolbox.register(
                "select",
                select_from_fronts,
                k=1,
                tournsize=tournament,
                noise=noise,
                objectives=self._objectives,
            )
        self._toolbox.register("mate", tools.cxUniform, indpb=0.5)

    def breed(
        self,
        population: Sequence[Individual],
        rng: random.Random,
        *,
        mates: Sequence[Individual] | None = None,
        rate_of: Callable[[Individual], float] | None = None,
    ) -> tuple[Genome, list[Individual], str]:
        """Returns a child's genome, its parents and the names of the operators that made it, joined by ``+``.

        A child always differs from its parents in an active gene, unless no gene of the space varies.

        Args:
            population: Where its mother is chosen.
            rng: Source of all draws.
            mates: Where its father is chosen, if it has one; the same population if None.
            rate_of: Returns the chance that a child of this mother is changed once more, and then again; the usual ones
                if None.
        """
        mother = self._select(population, rng)
        another, again = (ANOTHER, AGAIN) if rate_of is None else [rate_of(mother)] * 2
        genome, parents, used = tuple(mother), [mother], list[str]()
        for _ in range(TRIES if self._mutations else 0):
            name = self._choose(rng)
            if name in self._mutations:
                operator = self._mutations[name]
                child = mutated(genome, operator, space=self._space, rng=rng, again=again)
                others = parents
            elif not used and (father := self._mate_of(mother, mates or population, rng)) is not None:
                child, others = self._crossed(mother, father, rng), [mother, father]
            else:
                continue
            # A cross that gives a parent again is drawn again; a mutation without effect drifts on.
            if child == genome or (others is not parents and not self._differs(child, others)):
                continue
            genome, parents = child, others
            used.append(name)
            if self._differs(genome, parents) and rng.random() >= another:
                break
        return genome, parents, "+".join(dict.fromkeys(used))

    def ranked(self, population: Sequence[Individual]) -> list[Individual]:
        """Returns ``population``, best first."""
        return ranked(population, noise=self._noise(), objectives=self._objectives)

    def learn(self, trial: Trial, parents: Sequence[Trial], population: Sequence[Individual]) -> None:
        """Takes in how a child did beside its parents; one without parents that are remembered teaches nothing."""
        if parents:
            operators = trial.candidate.operator.split("+")
            reward = reward_of(trial, parents, population, noise=self._noise(), objectives=self._objectives)
            self._bandit.learn(trial.candidate.id, operators, reward)

    def _choose(self, rng: random.Random) -> str:
        shares = self._bandit.shares()
        return rng.choices(list(shares), list(shares.values()))[0]

    def _mate_of(
        self, mother: Individual, population: Sequence[Individual], rng: random.Random
    ) -> Individual | None:
        """Returns another architecture of the population; None if there is none."""
        # A child of a parent with itself would be its parent again.
        known = mother.trial.candidate.canonical_hash
        others = [each for each in population if each.trial.candidate.canonical_hash != known]
        return self._select(others, rng) if others else None

    def _crossed(self, mother: Individual, father: Individual, rng: random.Random) -> Genome:
        first, second = (
            [[parent[at] for at in block] for block in self._blocks] for parent in (mother, father)
        )
        with drawing_from(rng):
            blocks, _ = self._toolbox.mate(first, second)
        child = list(mother)
        for block, values in zip(self._blocks, blocks, strict=True):
            for position, value in zip(block, values, strict=True):
                child[position] = value
        return tuple(child)

    def _differs(self, genome: Genome, parents: Sequence[Individual]) -> bool:
        identity = self._space.canonical_hash(genome)
        return all(identity != parent.trial.candidate.canonical_hash for parent in parents)

    def _select(self, population: Sequence[Individual], rng: random.Random) -> Individual:
        with drawing_from(rng):
            chosen: list[Individual] = self._toolbox.select(population)
        return chosen[0]


def select_within_noise(
    population: Sequence[Individual], k: int, tournsize: int, noise: Callable[[], Noise | None]
) -> list[Individual]:
    """Selects ``k`` individuals, each the winner of a tournament that noise does not decide.

    DEAP's ``selTournament`` with another judge: `best_within_noise`.
    """
    winners = []
    for _ in range(k):
        aspirants = tools.selRandom(population, tournsize)
        trial = best_within_noise([aspirant.trial for aspirant in aspirants], noise())
        winners.append(next(aspirant for aspirant in aspirants if aspirant.trial is trial))
    return winners


def _first_shares(mutations: Mapping[str, Operator], crossover: float) -> dict[str, float]:
    sizes = {name: operator.share for name, operator in mutations.items()}
    total = sum(sizes.values())
    crossover = min(crossover, MOST_CROSSOVER)
    shares = {name: (1 - crossover) * size / total for name, size in sizes.items()}
    return shares | ({CROSSOVER: crossover} if crossover else {})


def fitness_statistics(population: Sequence[Individual]) -> Mapping[str, float]:
    """Returns size and mean, std, min, max of the fitness of ``population``; empty for an empty one.

    Only those whose trainings went furthest count, since the scores of others cannot be compared with theirs.
    """
    if not population:
        return {}
    furthest = max(individual.standing.level for individual in population)
    population = [individual for individual in population if individual.standing.level == furthest]
    table = tools.Statistics(key=lambda individual: individual.standing.fitness)
    table.register("size", len)
    table.register("mean", np.mean)
    table.register("std", np.std)
    table.register("min", min)
    table.register("max", max)
    record: Mapping[str, float] = table.compile(population)
    return record
