"""Variation and selection, made of DEAP's toolbox; the one place that knows DEAP.

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

from evo_nas.strategies.trials import best_within_noise

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from evo_nas.evaluation import Standing
    from evo_nas.genome.space import Gene, Genome, SearchSpace
    from evo_nas.strategies.noise import Noise
    from evo_nas.strategies.trials import Trial

_lending = threading.Lock()
NEIGHBOUR_STEP = 0.75
"""Share of the mutations of an ordered gene that move to an adjacent choice."""


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
        return Score((self.standing.level, self.standing.fitness, -self.standing.loss))

    @property
    def standing(self) -> Standing:
        """What ranks it, as of now."""
        standing = self.trial.standing
        assert standing is not None, "only scored trials are individuals"
        return standing

    def __deepcopy__(self, memo: dict[int, object]) -> Individual:
        return Individual(self.trial)


def individuals(trials: Iterable[Trial]) -> list[Individual]:
    """Returns one individual for each trial that may breed."""
    return [Individual(trial) for trial in trials if trial.may_breed]


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

    Args:
        space: The search space.
        tournament: Individuals drawn, with replacement, for each parent; the fittest of them breeds.
        crossover: Share of the children that have two parents.
        noise: Returns the noise of one training; None while it is unknown.
    """

    def __init__(
        self,
        space: SearchSpace,
        *,
        tournament: int,
        crossover: float,
        noise: Callable[[], Noise | None] = lambda: None,
    ) -> None:
        self._crossover = crossover
        self._toolbox = base.Toolbox()
        self._toolbox.register("select", select_within_noise, k=1, tournsize=tournament, noise=noise)
        self._toolbox.register("mate", tools.cxUniform, indpb=0.5)
        self._toolbox.register("mutate", mutate_active_gene, space=space, groups=gene_groups(space))

    def breed(
        self, population: Sequence[Individual], rng: random.Random
    ) -> tuple[Genome, list[Individual], str]:
        """Returns a child's genome, its parents and the name of the operator that made it."""
        # Every child is mutated, also after crossover: two similar parents would otherwise give a known child.
        mother = self._select(population, rng)
        if rng.random() >= self._crossover:
            return self._toolbox.mutate(tuple(mother), rng=rng), [mother], "mutation"
        father = self._select(population, rng)
        with drawing_from(rng):
            child, _ = self._toolbox.mate(list(mother), list(father))
        return self._toolbox.mutate(tuple(child), rng=rng), [mother, father], "crossover"

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


def mutate_active_gene(
    genome: Genome, *, space: SearchSpace, groups: Sequence[Sequence[int]], rng: random.Random
) -> Genome:
    """Returns a child in which exactly one active gene differs, and perhaps some inactive ones.

    Genes are mutated one after another until an active one is hit: the inactive genes drift, and yet every child
    differs from its parent. A genome without active genes is returned unchanged. Goldman and Punch, "Reducing
    Wasted Evaluations in Cartesian Genetic Programming", EuroGP 2013.
    """
    active = set(space.active_genes(genome))
    child = list(genome)
    while active:
        # The group is drawn first, since the cell has many genes and would crowd out the few others.
        index = rng.choice(rng.choice(groups))
        child[index] = mutated_choice(space.genes[index], child[index], rng)
        if index in active:
            break
    return tuple(child)


def gene_groups(space: SearchSpace) -> list[list[int]]:
    """Returns the positions of the genes that can vary: those of the cell, of the training and of the network."""
    groups: dict[str, list[int]] = {"cell": [], "training": [], "network": []}
    for position, gene in enumerate(space.genes):
        if gene.size > 1:
            prefix = gene.name.split(".")[0]
            groups[prefix if prefix in groups else "network"].append(position)
    return [positions for positions in groups.values() if positions]


def mutated_choice(gene: Gene, value: int, rng: random.Random) -> int:
    """Returns another value of ``gene``; for an ordered gene, most often a neighbour."""
    if gene.ordered and rng.random() < NEIGHBOUR_STEP:
        neighbours = [near for near in (value - 1, value + 1) if 0 <= near < gene.size]
        return rng.choice(neighbours)
    # Draws from one number fewer and shifts those from ``value`` on by one, so that ``value`` is never drawn.
    other = rng.randrange(gene.size - 1)
    return other if other < value else other + 1


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
