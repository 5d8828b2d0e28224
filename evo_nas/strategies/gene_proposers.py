"""Propose values of a few genes one after the other, for whoever evaluates them outside of a search."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from functools import partial
from importlib.util import find_spec
from itertools import product
from typing import TYPE_CHECKING, Protocol, cast

from evo_nas.errors import ConfigError
from evo_nas.evaluation import Candidate, Evaluation, Outcome, Status
from evo_nas.randomness import derive_seed, stream
from evo_nas.strategies.bayesian_optimizer import BayesianOptimizer
from evo_nas.strategies.trials import Trial

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from evo_nas.genome.gene import Gene, Genome
    from evo_nas.genome.space import SearchSpace

STARTUP = 8
"""Scores before a searcher begins to model."""
REDRAWS = 100
INCUMBENTS = 5
COMPARED = 500
"""Genomes that the Gaussian process compares for each proposal."""


class GeneSpace(Protocol):
    """A few genes, each of which always counts."""

    @property
    def genes(self) -> tuple[Gene, ...]:
        """What each position of a genome chooses."""

    def active_genes(self, genome: Genome) -> tuple[int, ...]:
        """Returns the positions that can vary."""


class Proposer(Protocol):
    """Proposes genomes, and learns from their fitness."""

    def suggest(self, key: str) -> Genome | None:
        """Returns the next genome, in flight under ``key`` until it is told; None if there is no other."""

    def complete(self, key: str, fitness: float) -> None:
        """Tells the fitness of a genome."""

    def fail(self, key: str) -> None:
        """Tells that a genome has no fitness."""


class SimpleProposer(ABC):
    """The base of those that are no library's: first it suggests what it was given, then what it finds itself.

    Args:
        space: The genes.
        seed: Seed of all that it draws.
        first: Genomes that it suggests first, in order.
    """

    def __init__(self, space: GeneSpace, *, seed: int, first: Sequence[Genome]) -> None:
        self._genes = space.genes
        self._seed = seed
        self._first = deque(first)
        self._seen = set(first)
        self._suggested = 0
        self._in_flight: dict[str, Genome] = {}

    def suggest(self, key: str) -> Genome | None:
        """Returns the next genome; see `Proposer`."""
        genome = self._first.popleft() if self._first else self._next()
        if genome is not None:
            self._suggested += 1
            self._seen.add(genome)
            self._in_flight[key] = genome
        return genome

    def complete(self, key: str, fitness: float) -> None:
        """Learns a fitness."""
        self._learn(self._in_flight.pop(key), fitness)

    def fail(self, key: str) -> None:
        """Learns that a genome failed."""
        self._learn(self._in_flight.pop(key), None)

    @abstractmethod
    def _next(self) -> Genome | None:
        """Returns a genome that it finds itself; None if there is no other."""

    def _learn(self, genome: Genome, fitness: float | None) -> None:
        """Takes in what became of a genome."""

    def _drawn(self) -> Genome | None:
        """Returns a random genome that was not suggested yet, if one is found soon."""
        rng = stream(self._seed, "tune", self._suggested)
        drawn = (tuple(rng.randrange(gene.size) for gene in self._genes) for _ in range(REDRAWS))
        return next((genome for genome in drawn if genome not in self._seen), None)


class RandomProposer(SimpleProposer):
    """Draws every gene uniformly, and no genome twice."""

    def _next(self) -> Genome | None:
        return self._drawn()


class GridProposer(SimpleProposer):
    """Enumerates all genomes, the first gene fastest, each gene from its default on."""

    def __init__(self, space: GeneSpace, *, seed: int, first: Sequence[Genome]) -> None:
        super().__init__(space, seed=seed, first=first)
        # A small number of trials sees all of the first gene, and of the others what is near their defaults.
        ordered = [sorted(range(gene.size), key=partial(_distance, gene.default)) for gene in self._genes]
        self._left = (tuple(reversed(values)) for values in product(*reversed(ordered)))

    def _next(self) -> Genome | None:
        return next((genome for genome in self._left if genome not in self._seen), None)


class GaussianProposer(SimpleProposer):
    """Proposes the genome of which a Gaussian process of BoTorch expects the greatest improvement.

    Expected improvement: Jones, Schonlau and Welch, "Efficient Global Optimization of Expensive Black-Box Functions",
    1998; its logarithm: Ament et al., NeurIPS 2023.

    Raises:
        ConfigError: BoTorch is not installed.
    """

    def __init__(self, space: GeneSpace, *, seed: int, first: Sequence[Genome]) -> None:
        super().__init__(space, seed=seed, first=first)
        self._optimizer = BayesianOptimizer(
            # Of a space it uses the genes alone, where positions are given.
            cast("SearchSpace", space),
            kind="botorch",
            initial=STARTUP,
            trials=500,
            positions=frozenset(space.active_genes(tuple(gene.default for gene in space.genes))),
        )
        self._told = 0

    def _learn(self, genome: Genome, fitness: float | None) -> None:
        number = self._told
        self._told += 1
        candidate = Candidate(number, genome, str(number), (), "tune", 0, 1, number)
        status = Status.FAILED if fitness is None else Status.OK
        self._optimizer.observations.add(Trial(Evaluation(candidate, Outcome(status, fitness=fitness))))

    def _next(self) -> Genome | None:
        if not self._optimizer.is_ready:
            return self._drawn()
        rng = stream(self._seed, "tune promising", self._suggested)
        best = [trial.candidate.genome for trial in self._optimizer.observations.best(INCUMBENTS)]
        found: set[Genome] = set()
        for number in range(COMPARED):
            drawn = [rng.randrange(gene.size) for gene in self._genes]
            if number % 2:
                # A neighbour of one of the best, in which about two genes are drawn anew.
                near = rng.choice(best)
                drawn = [
                    new if rng.random() < 2 / len(drawn) else old
                    for old, new in zip(near, drawn, strict=True)
                ]
            found.add(tuple(drawn))
        wanted = sorted(found - self._seen)
        if not wanted:
            return None
        promises = self._optimizer.scorer(list(self._in_flight.values()), rng)(wanted)
        return max(zip(promises, wanted, strict=True))[1]


def _distance(default: int, value: int) -> int:
    return abs(value - default)


def _of_library(name: str) -> Callable[..., Proposer]:
    def build(space: GeneSpace, *, seed: int, first: Sequence[Genome]) -> Proposer:
        from evo_nas.strategies.tune_searchers import GeneSearcher  # noqa: PLC0415 - it loads Ray

        return GeneSearcher(name, space.genes, seed=seed, startup=STARTUP, founders=first)

    return build


PROPOSERS: Mapping[str, Callable[..., Proposer]] = {
    "optuna": _of_library("optuna"),
    "botorch": GaussianProposer,
    "bayesopt": _of_library("bayesopt"),
    "hyperopt": _of_library("hyperopt"),
    "random": RandomProposer,
    "grid": GridProposer,
}
"""What may propose settings, by name."""
_NEEDS = {
    "optuna": ("optuna", "tune"),
    "botorch": ("botorch", "bayes"),
    "bayesopt": ("bayes_opt", "tune"),
    "hyperopt": ("hyperopt", "tune"),
}
"""The library that a proposer needs, and the optional dependencies that have it."""


def check_proposer(name: str, *, is_here: bool = True) -> None:
    """Checks that there is a proposer ``name``.

    Args:
        name: One of `PROPOSERS`.
        is_here: Whether it shall propose on this machine, which must have its library then.

    Raises:
        ConfigError: There is none, or its library is not installed.
    """
    if name not in PROPOSERS:
        raise ConfigError(f"searcher is {name}; must be one of {', '.join(PROPOSERS)}")
    library, extra = _NEEDS.get(name, ("", ""))
    if is_here and library and find_spec(library) is None:
        raise ConfigError(
            f"searcher is {name}, whose library {library} is not installed; install it with "
            f"`pip install 'evo-nas[{extra}]'`, or choose random or grid"
        )


def proposer_of(
    name: str,
    space: GeneSpace,
    *,
    seed: int,
    start: Genome,
    known: Sequence[tuple[Genome, float | None]] = (),
) -> Proposer:
    """Returns a proposer that knows what was tried, so that it goes on where an earlier one was stopped.

    Args:
        name: One of `PROPOSERS`.
        space: The genes.
        seed: Seed of all that it draws.
        start: What it suggests first if nothing was tried.
        known: The genomes that were tried, in order, and their fitness; None for one that failed.

    Raises:
        ConfigError: There is no such proposer, or what it needs is not installed.
    """
    check_proposer(name)
    first = [genome for genome, _ in known] or [start]
    proposer = PROPOSERS[name](space, seed=derive_seed(seed, "tune", name), first=first)
    for number, (_, fitness) in enumerate(known):
        key = f"known {number}"
        # Every proposer suggests what it was given in that order, so that each score finds its genome.
        proposer.suggest(key)
        if fitness is None:
            proposer.fail(key)
        else:
            proposer.complete(key, fitness)
    return proposer
