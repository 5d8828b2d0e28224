"""Grid search over a bounded space, in an order that is good when it is stopped early.

McKay, Beckman and Conover, "A Comparison of Three Methods for Selecting Values of Input Variables in the Analysis of
Output from a Computer Code", Technometrics 1979. As in their Latin hypercubes, every choice of every gene has come
about equally often at any time, so that no gene waits until another one has gone through its choices; but every
architecture comes once.
"""

from __future__ import annotations

import math
from decimal import Decimal
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from evo_nas.errors import ConfigError
from evo_nas.randomness import stream
from evo_nas.strategies.strategy import Proposal, Strategy, StrategyOptions

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator, Sequence
    from typing import Unpack

    from evo_nas.genome.space import Genome, SearchSpace
    from evo_nas.genome.subspaces import Subspace
    from evo_nas.strategies.strategy import Terms

GOLDEN = (math.sqrt(5) - 1) / 2


class GridOptions(StrategyOptions):
    """Options of grid search.

    Attributes:
        max_points: The most architectures that the space may have, those that are too large included.
    """

    max_points: int = Field(default=10_000, ge=1)


class GridSearch(Strategy[GridOptions]):
    """Enumerates a bounded space, training genes included: each architecture once, all choices equally often.

    It learns nothing from scores, so that pruned trainings cost it nothing but themselves. Founders have no place of
    their own, as in random search. Genes that regularise keep their default where rungs prune too early to judge them.

    Raises:
        ConfigError: The space may have more architectures than ``max_points``.
    """

    kind: ClassVar[str] = "grid"
    Options = GridOptions

    def __init__(
        self, space: SearchSpace, options: GridOptions | None = None, **terms: Unpack[Terms]
    ) -> None:
        super().__init__(space, options, **terms)
        parts = space.subspaces(fixed=self._frozen)
        _check_size(parts, self._options.max_points)
        self._genomes = self._in_turn(parts)

    def _propose(self, k: int, rng: random.Random) -> Proposal | None:  # noqa: ARG002 - the contract's signature
        # A resumed search passes all that was asked before, since it is known.
        proposals = (Proposal(genome, parents=(), operator="grid") for genome in self._genomes)
        return next(filter(self._is_new, proposals), None)

    def _in_turn(self, parts: Sequence[Subspace]) -> Iterator[Genome]:
        """Yields a genome of each part in turn, so that shallow networks, of which there are few, do not come last."""
        walks = [filter(self._is_plain, walk(part, self._ordered(), self._seed)) for part in parts]
        while walks:
            for each in tuple(walks):
                genome = next(each, None)
                if genome is None:
                    walks.remove(each)
                else:
                    yield genome

    def _ordered(self) -> tuple[bool, ...]:
        return tuple(gene.ordered for gene in self._space.genes)

    def _is_plain(self, genome: Genome) -> bool:
        """Whether the genes that do not matter are 0: of all genomes with the same active genes, one is."""
        active = self._frozen.union(self._space.active_genes(genome))
        return not any(value and position not in active for position, value in enumerate(genome))


def walk(part: Subspace, ordered: Sequence[bool], seed: int) -> Iterator[Genome]:
    """Yields every genome of ``part`` once.

    The ``k``-th one has, as the choice of a gene, the digit of ``k`` that counts the choices of the gene, moved by a
    function of the digits below it. Any such function gives each genome once; this one deals out all choices
    of the gene anew for every few ``k``, long before the digit itself has moved.
    """
    key = ",".join(str(len(values)) for values in part.values)
    dealers = [
        _Dealer(values, seed=seed, key=f"{key};{position}", is_ordered=ordered[position])
        for position, values in enumerate(part.values)
    ]
    for k in range(math.prod(len(values) for values in part.values)):
        genome, below = [], 1
        for dealer in dealers:
            genome.append(dealer.value(k // below, k % below))
            below *= dealer.size
        yield tuple(genome)


class _Dealer:
    """Deals the values of one gene: all of them in a random order, then all in another one, and so on."""

    def __init__(self, values: tuple[int, ...], *, seed: int, key: str, is_ordered: bool) -> None:
        self.size = len(values)
        self._values = values
        self._seed, self._key, self._is_ordered = seed, key, is_ordered
        self._step = far_step(self.size)
        self._round = -1
        self._dealt: list[int] = []

    def value(self, digit: int, below: int) -> int:
        """Returns the value for a number with this digit, and ``below`` it the rest."""
        if self.size == 1:
            return self._values[0]
        number, place = divmod(below, self.size)
        if number != self._round:
            self._round, self._dealt = number, self._deal(number)
        return self._values[(digit * self._step + self._dealt[place]) % self.size]

    def _deal(self, number: int) -> list[int]:
        rng = stream(self._seed, "grid", self._key, number)
        dealt = list(range(self.size))
        if not self._is_ordered:
            rng.shuffle(dealt)
            return dealt
        # Neighbours teach the same, so that those which follow each other are far apart.
        start, step = rng.randrange(self.size), rng.choice((self._step, -self._step))
        return [(start + place * step) % self.size for place in dealt]


def far_step(size: int) -> int:
    """Returns the step nearest to the golden section of ``size`` that visits all of ``size`` places in a circle."""
    steps = [step for step in range(1, size) if math.gcd(step, size) == 1] or [1]
    return min(steps, key=lambda step: abs(step - GOLDEN * size))


def _check_size(parts: Sequence[Subspace], permitted: int) -> None:
    count = sum(part.most for part in parts)
    if count <= permitted:
        return
    largest = max(parts, key=lambda part: part.most)
    left, named = count, []
    for option, factor in sorted(largest.factors.items(), key=lambda item: -item[1]):
        if left <= permitted:
            break
        left //= factor
        named.append(f"space.{option} (times {written(factor)})")
    raise ConfigError(
        f"strategy.kind is grid, but the space has up to {written(count)} architectures; must be at most "
        f"strategy.max_points, {permitted:,}: narrow {', '.join(named)}, raise strategy.max_points, or choose "
        "another strategy"
    )


def written(count: int) -> str:
    """Returns ``count`` for people, such as ``12,000`` or ``3.1e+24``."""
    return f"{count:,}" if count < 10**9 else f"{Decimal(count):.1e}"
