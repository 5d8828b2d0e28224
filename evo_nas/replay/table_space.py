"""`TableSpace`: a search space whose architectures are the rows of a table."""

from __future__ import annotations

from collections import Counter
from functools import lru_cache
from typing import TYPE_CHECKING, cast

import numpy as np

from evo_nas.errors import ConfigError, GenomeError
from evo_nas.genome.gene import Gene, Genome

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Mapping, Sequence

    from evo_nas.genome.cell import CellGraph
    from evo_nas.genome.cgp import CellCode
    from evo_nas.genome.space import SearchSpace

_CACHED_GENOMES = 4096
_VARIANT = "variant"
"""The gene that tells rows with equal features apart."""


class TableSpace:
    """The part of `SearchSpace` that strategies use, over a table of architectures instead of all that can be built.

    A genome is a vector of features, such as the number of gates. Every vector of integers within the genes' sizes
    means the nearest row of the table, so that a small mutation gives a similar architecture and any strategy can
    search it.

    Args:
        rows: The features of each architecture by its canonical hash, integers of which neighbours are similar.
        names: What the features are called.
        founders: Canonical hashes by name of where a search begins.

    Attributes:
        genes: What each position of a genome chooses.

    Raises:
        ConfigError: There are no rows, or a row has another number of features.
    """

    def __init__(
        self,
        rows: Mapping[str, Sequence[int]],
        *,
        names: Sequence[str] = (),
        founders: Mapping[str, str] | None = None,
    ) -> None:
        if not rows:
            raise ConfigError("a table has no rows; give at least one architecture")
        for key, features in rows.items():
            if len(features) != len(names):
                raise ConfigError(
                    f"row {key} has {len(features)} features; must be {len(names)}, as there are names"
                )
        self._keys = tuple(rows)
        self.genes, genomes = _encoded(list(rows.values()), names)
        self._genomes = dict(zip(self._keys, genomes, strict=True))
        self._widths = np.array([max(1, gene.size - 1) for gene in self.genes], dtype=np.float64)
        self._places = np.array(genomes, dtype=np.float64) / self._widths
        self._sizes = tuple(gene.size for gene in self.genes)
        self._founders = dict(founders or {})
        self._nearest = lru_cache(maxsize=_CACHED_GENOMES)(self._find_nearest)
        self._active = lru_cache(maxsize=_CACHED_GENOMES)(self._find_active)

    def as_search_space(self) -> SearchSpace:
        """Returns this space under the type that strategies declare, of which they use only what is here."""
        return cast("SearchSpace", self)

    def canonical_hash(self, genome: Genome) -> str:
        """Returns the canonical hash of the row that ``genome`` means.

        Raises:
            GenomeError: It has a wrong number of genes, or a value beyond a gene's choices.
        """
        return self._nearest(genome)

    def genome_of(self, key: str) -> Genome:
        """Returns the genome of the row with the canonical hash ``key``."""
        return self._genomes[key]

    def active_genes(self, genome: Genome) -> tuple[int, ...]:
        """Returns the positions, ascending, of the genes of which another value means another row."""
        return self._active(genome)

    def spell(self, choose: Callable[[int], int]) -> Genome:
        """Returns a genome that ``choose`` gives gene by gene: all that vary, since any may decide which row is meant.

        Args:
            choose: Returns the value of the gene at a position.
        """
        return tuple(choose(position) if size > 1 else 0 for position, size in enumerate(self._sizes))

    def cells(self, genome: Genome) -> tuple[CellGraph, ...]:
        """A table knows the features of its architectures alone, and no graphs."""
        self._check(genome)
        return ()

    @property
    def cell_code(self) -> CellCode | None:
        """No cell evolves."""
        return None

    @property
    def training_genes(self) -> frozenset[int]:
        """No gene of a table is known to belong to the training."""
        return frozenset()

    @property
    def regularisation_genes(self) -> frozenset[int]:
        """No gene of a table is known to regularise."""
        return frozenset()

    def is_feasible(self, genome: Genome) -> bool:
        """Whether ``genome`` may be asked; all of them may."""
        self._check(genome)
        return True

    def repaired(self, genome: Genome, rng: random.Random) -> Genome:  # noqa: ARG002 - as `SearchSpace` is called
        """Returns ``genome``: whatever it is, it means a row."""
        self._check(genome)
        return genome

    def random(self, rng: random.Random) -> Genome:
        """Returns the genome of a row, all of them equally likely."""
        return self._genomes[rng.choice(self._keys)]

    def seeds(self) -> tuple[tuple[str, Genome], ...]:
        """Returns the founders by name."""
        return tuple((name, self._genomes[key]) for name, key in self._founders.items())

    def _check(self, genome: Genome) -> None:
        sizes = self._sizes
        if len(genome) != len(sizes) or any(
            not 0 <= value < size for value, size in zip(genome, sizes, strict=True)
        ):
            raise GenomeError(f"genome is {genome}; must be one value for each gene, below {sizes}")

    def _find_nearest(self, genome: Genome) -> str:
        self._check(genome)
        return self._keys[int(self._row_at(np.array([genome], dtype=np.float64))[0])]

    def _row_at(self, genomes: np.ndarray) -> np.ndarray:
        """Returns the nearest row for each of ``genomes``, the first of equals: `(count, genes)` -> `(count,)`."""
        distances = np.abs(genomes[:, None] / self._widths - self._places).sum(axis=2)
        nearest: np.ndarray = distances.argmin(axis=1)
        return nearest

    def _find_active(self, genome: Genome) -> tuple[int, ...]:
        own = self._keys.index(self.canonical_hash(genome))
        active = []
        for position, gene in enumerate(self.genes):
            others = np.tile(np.array(genome, dtype=np.float64), (gene.size, 1))
            others[:, position] = range(gene.size)
            if (self._row_at(others) != own).any():
                active.append(position)
        return tuple(active)


def _encoded(rows: Sequence[Sequence[int]], names: Sequence[str]) -> tuple[tuple[Gene, ...], list[Genome]]:
    """Returns the genes of a table and the genome of each row."""
    choices = [sorted({row[position] for row in rows}) for position in range(len(names))]
    genes = [Gene(name, tuple(values), ordered=True) for name, values in zip(names, choices, strict=True)]
    seen: Counter[tuple[int, ...]] = Counter()
    genomes: list[Genome] = []
    for row in rows:
        features = tuple(values.index(value) for values, value in zip(choices, row, strict=True))
        genomes.append((*features, seen[features]))
        seen[features] += 1
    genes.append(Gene(_VARIANT, tuple(range(max(seen.values())))))
    return tuple(genes), genomes
