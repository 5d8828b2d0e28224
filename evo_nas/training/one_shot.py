"""What a super-network says of single cells: the likeliest one, and a ranking by the shared weights.

Bender, Kindermans, Zoph, Vasudevan and Le, "Understanding and Simplifying One-Shot Architecture Search", ICML 2018;
Li and Talwalkar, "Random Search and Reproducibility for Neural Architecture Search", UAI 2019.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Sequence

    from evo_nas.genome.gene import Genome
    from evo_nas.genome.space import SearchSpace

DRAWS = 50
"""Draws for one cell before fewer are ranked: of what a softmax prefers early, much is dead."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A genome that a super-network has found.

    Attributes:
        genome: The genome.
        score: What the super-network thinks of it, higher is better.
    """

    genome: Genome
    score: float


class CellDrawing:
    """Draws genomes that differ from a host in their evolved cell alone.

    Args:
        space: The search space.
        host: The genome around the cell.
    """

    def __init__(self, space: SearchSpace, host: Genome) -> None:
        self._space = space
        self._host = host

    def with_cell(self, genes: Sequence[int]) -> Genome:
        """Returns the host with another cell."""
        return (*self._host[: self._space.cell_start], *genes)

    def cell_of(self, genome: Genome) -> Genome:
        """Returns the genes of the cell of ``genome``."""
        return genome[self._space.cell_start :]

    def by_chance(self, rng: random.Random) -> Genome:
        """Returns a genome with a random cell that is alive."""
        return self.with_cell(self.cell_of(self._space.random(rng)))

    def likeliest(self, log_shares: Sequence[Sequence[float]]) -> Genome | None:
        """Returns the feasible genome with the choices of the largest shares; None if none near them is feasible.

        Where those choices together are no live cell, the one gene is changed that costs the least of their
        likelihood, or two of them.
        """
        best = [max(range(len(shares)), key=shares.__getitem__) for shares in log_shares]
        # (cost, gene, choice) of each other choice, the cheapest first.
        changes = sorted(
            (shares[best[gene]] - share, gene, choice)
            for gene, shares in enumerate(log_shares)
            for choice, share in enumerate(shares)
            if choice != best[gene]
        )
        genome = self.with_cell(best)
        if self._space.is_feasible(genome):
            return genome
        alone = [((gene, choice),) for _, gene, choice in changes]
        cheap = changes[:60]
        pairs = sorted(
            (one[0] + other[0], one[1:], other[1:])
            for place, one in enumerate(cheap)
            for other in cheap[:place]
            if one[1] != other[1]
        )
        for changed in (*alone, *((one, other) for _, one, other in pairs)):
            genes = list(best)
            for gene, choice in changed:
                genes[gene] = choice
            if self._space.is_feasible(genome := self.with_cell(genes)):
                return genome
        return None

    def drawn(self, log_shares: Sequence[Sequence[float]], rng: random.Random) -> Genome | None:
        """Returns a feasible genome whose genes are drawn by their shares; None if no draw was feasible."""
        shares = [[math.exp(share) for share in of_gene] for of_gene in log_shares]
        for _ in range(DRAWS):
            genes = [rng.choices(range(len(weights)), weights)[0] for weights in shares]
            if self._space.is_feasible(genome := self.with_cell(genes)):
                return genome
        return None


def found(
    drawing: CellDrawing,
    log_shares: Sequence[Sequence[float]],
    score: Callable[[Genome], float],
    *,
    rng: random.Random,
    drawn: int,
    ranked: int,
    identity: Callable[[Genome], str],
) -> list[Finding]:
    """Returns what a super-network has found: its likeliest cell first, then all others by their scores.

    Args:
        drawing: Makes genomes.
        log_shares: For each gene of the cell the logarithms of the shares of its choices.
        score: Returns what the shared weights say of a genome, higher is better; NaN or infinite if nothing.
        rng: Decides what is drawn.
        drawn: How many cells are drawn by the shares.
        ranked: How many cells are drawn by chance.
        identity: Returns the canonical hash of a genome.
    """
    likeliest = drawing.likeliest(log_shares)
    others = [drawing.drawn(log_shares, rng) for _ in range(drawn)]
    others += [drawing.by_chance(rng) for _ in range(ranked)]
    # By identity, since many genomes spell one cell.
    distinct = {identity(genome): genome for genome in reversed([likeliest, *others]) if genome is not None}
    findings = [Finding(genome, score(genome)) for genome in distinct.values()]
    first = [each for each in findings if each.genome == likeliest and math.isfinite(each.score)]
    rest = [each for each in findings if each.genome != likeliest and math.isfinite(each.score)]
    return first + sorted(rest, key=lambda each: (-each.score, each.genome))
