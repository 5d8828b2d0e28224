"""Problems for measuring strategies without training: NK landscapes over genomes, and recorded trainings.

Kauffman and Levin, "Towards a general theory of adaptive walks on rugged landscapes", J. Theor. Biol. 128, 1987.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from evo_nas.genome.architecture import Signature
from evo_nas.genome.options import SpaceOptions
from evo_nas.genome.space import SearchSpace
from evo_nas.replay.nas_bench_nlp import read_nas_bench_nlp

if TYPE_CHECKING:
    import os
    from collections.abc import Callable

    from evo_nas.genome.space import Genome

NEIGHBOURS = 2
"""K: how many of the genes that follow change what a gene is worth."""
IDLE = 0.5
"""What a gene is worth that the architecture does not depend on."""
DRAWN = 200
_ONE = {
    "layers": {"min": 1, "max": 1}, "widths": [64], "cells": [], "norms": ["none"], "skips": False, "heads": [0],
    "poolings": ["last"], "optimizers": ["adam"], "clips": [1.0], "batch_sizes": [16], "fronts": ["none"],
    "learning_rates": {"min": 1e-2, "max": 1e-2, "count": 1}, "seeds": [],
}  # fmt: skip


def cell_space() -> SearchSpace:
    """Returns a space in which only the evolved cell varies: 62 genes."""
    return SearchSpace(SpaceOptions.model_validate(_ONE), Signature(features=3, outputs=2), epochs=8)


def network_space() -> SearchSpace:
    """Returns the default space with three layers, regularisation included: 86 genes that vary."""
    # Without founders: on a landscape that is drawn they are no better than chance.
    options = SpaceOptions.model_validate({"layers": {"min": 1, "max": 3}, "seeds": []})
    return SearchSpace(options, Signature(features=3, outputs=2), epochs=30)


class Landscape:
    """An NK landscape over the genes of ``space`` that vary.

    Each active gene is worth a number between 0 and 1 that depends on it and on the next two; choices of an ordered
    gene are worth the less, the further they are from a best one. The fitness is their weighted mean.

    Args:
        space: The space.
        seed: Which landscape.
        uneven: Whether some kinds of genes, such as the widths, matter more than others, as in trainings: the weight of
            a kind is drawn from an exponential distribution. Otherwise each gene weighs the same.
    """

    def __init__(self, space: SearchSpace, seed: int, *, uneven: bool = False) -> None:
        self._space = space
        genes = [(at, gene) for at, gene in enumerate(space.genes) if gene.size > 1]
        self._positions = [at for at, _ in genes]
        rng = np.random.default_rng(seed)
        kinds = [re.sub(r"\d+", "", gene.name) for _, gene in genes]
        drawn = {kind: rng.exponential() / kinds.count(kind) ** 0.5 for kind in dict.fromkeys(kinds)}
        worth = [drawn[kind] if uneven else 1.0 for kind in kinds]
        weights = [each / sum(worth) for each in worth]
        # One more choice for a gene that is idle, which is the last one.
        sizes = [gene.size + 1 for _, gene in genes] + [1] * NEIGHBOURS
        self._tables = []
        for place, (_, gene) in enumerate(genes):
            context = sizes[place + 1 : place + 1 + NEIGHBOURS]
            table = rng.random((gene.size, *context))
            if gene.ordered:
                places = np.linspace(0, 1, gene.size).reshape(-1, *[1] * NEIGHBOURS)
                table = rng.random((1, *context)) * (1 - np.abs(places - rng.random((1, *context))))
            idle = np.full((1, *context), IDLE)
            self._tables.append(weights[place] * np.concatenate([table, idle]))

    def __call__(self, genome: Genome) -> float:
        """Returns the fitness of ``genome``."""
        active = set(self._space.active_genes(genome))
        values = [genome[at] if at in active else -1 for at in self._positions] + [-1] * NEIGHBOURS
        return float(
            sum(table[tuple(values[at : at + NEIGHBOURS + 1])] for at, table in enumerate(self._tables))
        )

    @cached_property
    def bound(self) -> float:
        """What no genome exceeds: the optimum of independent genes, by dynamic programming."""
        ahead = np.zeros((1, 1))
        for table in reversed(self._tables):
            ahead = (table + ahead).max(axis=2)
        return float(ahead.max())


@dataclass(frozen=True)
class Problem:
    """A space, what its genomes are worth, and the scale that results are told in.

    Attributes:
        space: Where to search.
        value: The fitness of a genome, higher is better, without noise; None if its training fails.
        zero: The mean fitness of random genomes, told as 0.
        one: The fitness that is told as 1.
        noise: Standard deviation of what strategies see.
    """

    space: SearchSpace
    value: Callable[[Genome], float | None]
    zero: float
    one: float
    noise: float = 0.0

    def told(self, fitness: float) -> float:
        """Returns ``fitness`` on the scale from a random genome to the best there may be."""
        return (fitness - self.zero) / (self.one - self.zero)


def nk_problem(space: SearchSpace, seed: int, *, uneven: bool = False, noise: float = 0.0) -> Problem:
    """Returns the landscape ``seed`` over ``space``; ``noise`` is a share of the deviation of random genomes."""
    landscape, rng = Landscape(space, seed, uneven=uneven), random.Random(0)
    drawn = [landscape(space.random(rng)) for _ in range(DRAWN)]
    return Problem(space, landscape, float(np.mean(drawn)), landscape.bound, noise * float(np.std(drawn)))


def recorded_problem(path: str | os.PathLike[str]) -> Problem:
    """Returns the recorded cells of NAS-Bench-NLP, whose fitness is the negated perplexity after 50 epochs."""
    recorded = replace(read_nas_bench_nlp(path), founders={})
    space = recorded.space.as_search_space()
    first = {key: several[0] for key, several in recorded.recordings.items()}
    finished = {
        key: -float(np.exp(-each.fitness(len(each.curve))))
        for key, each in first.items()
        if each.failure is None
    }
    values = list(finished.values())
    return Problem(
        space, lambda genome: finished.get(space.canonical_hash(genome)), float(np.mean(values)), max(values)
    )
