"""Genomes as rows of numbers whose squared distances a kernel compares, block by block."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from evo_nas.strategies.weisfeiler_lehman import ROUNDS, labels_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import numpy.typing as npt

    from evo_nas.genome.space import Gene, Genome, SearchSpace

    Rows = npt.NDArray[np.float64]

LABEL_COLUMNS = 256
SIGN = 1 << 32
"""A bit of a label that its column does not depend on."""
_CACHED_ROWS = 1024


class Metric(StrEnum):
    """What the distance in a block means."""

    ORDERED = "ordered"
    """How far apart the values of ordered genes are."""
    CATEGORICAL = "categorical"
    """How many genes differ: the Hamming distance."""
    GRAPH = "graph"
    """How few Weisfeiler-Lehman labels two networks share: one minus a cosine."""


@dataclass(frozen=True, slots=True)
class Block:
    """Columns that belong to genes of one kind, such as the widths of all layers.

    Attributes:
        name: Its name: that of the genes, without the numbers of layers and nodes.
        metric: What its squared distances mean.
        genes: How many genes it has; 1 for a graph.
        columns: Its columns in a row.
    """

    name: str
    metric: Metric
    genes: int
    columns: slice


class Encoder:
    """Encodes the genes that vary, and the graphs of the cells.

    Two genomes that differ in one gene of a block are about 1 apart there, squared. A gene that the architecture does
    not depend on has a value of its own, as far from the others as these are from one another. Labels of graphs are
    hashed to a few columns, with signs, so that chance meetings cancel out (Weinberger et al., "Feature Hashing for
    Large Scale Multitask Learning", ICML 2009): there are more labels than can have a column each.

    Args:
        space: The search space.
        positions: Positions of the genes to encode; all that vary if None.
        graphs: Whether the cells are compared as graphs, too.

    Attributes:
        blocks: What the columns of a row mean.
    """

    def __init__(
        self, space: SearchSpace, *, positions: frozenset[int] | None = None, graphs: bool = True
    ) -> None:
        self._space = space
        self._graphs = graphs
        kinds: dict[str, list[int]] = {}
        for position, gene in enumerate(space.genes):
            if gene.size > 1 and (positions is None or position in positions):
                kinds.setdefault(re.sub(r"\d+", "", gene.name), []).append(position)
        self._tables = {
            position: _values_of(space.genes[position]) for places in kinds.values() for position in places
        }
        self._row = lru_cache(maxsize=_CACHED_ROWS)(self._encoded)
        blocks, start = list[Block](), 0
        for kind, places in kinds.items():
            metric = Metric.ORDERED if space.genes[places[0]].ordered else Metric.CATEGORICAL
            width = sum(self._tables[place].shape[1] for place in places)
            blocks.append(Block(kind, metric, len(places), slice(start, start + width)))
            start += width
        for around in range(1 + ROUNDS if graphs else 0):
            blocks.append(Block(f"graph {around}", Metric.GRAPH, 1, slice(start, start + LABEL_COLUMNS)))
            start += LABEL_COLUMNS
        self.blocks = tuple(blocks)

    def rows(self, genomes: Sequence[Genome]) -> Rows:
        """Returns a row for each genome: the columns of all blocks, then the squared norm in each block."""
        width = sum(block.columns.stop - block.columns.start for block in self.blocks) + len(self.blocks)
        return np.stack([self._row(genome) for genome in genomes]) if genomes else np.zeros((0, width))

    def _encoded(self, genome: Genome) -> Rows:
        active = set(self._space.active_genes(genome))
        parts = [
            table[genome[position] if position in active else -1] for position, table in self._tables.items()
        ]
        if self._graphs:
            cells = [labels_of(cell) for cell in self._space.cells(genome)]
            parts += [_hashed(layers) for layers in zip(*cells, strict=True)]
        columns = np.concatenate([*parts, np.zeros(0)])
        norms = [float(columns[block.columns] @ columns[block.columns]) for block in self.blocks]
        return np.append(columns, norms)


def _hashed(layers: Iterable[Mapping[int, int]]) -> Rows:
    """Returns how often the cells of all layers have the labels, as a vector of squared norm 1/2."""
    vector = np.zeros(LABEL_COLUMNS)
    for labels in layers:
        for label, times in labels.items():
            sign = 1 if label & SIGN else -1
            vector[label % LABEL_COLUMNS] += sign * times
    # All may cancel out, however unlikely that is.
    return vector / max(math.sqrt(2 * float(vector @ vector)), 1.0)


def _values_of(gene: Gene) -> Rows:
    """Returns a row for each value of ``gene``, and a last one for an inactive gene."""
    if not gene.ordered:
        return np.eye(gene.size + 1) * math.sqrt(0.5)
    places = np.arange(gene.size) - (gene.size - 1) / 2
    # Two values that are drawn at random are 1 apart in the mean, squared, as those of a category nearly are.
    values = places / math.sqrt(2 * places.var())
    return np.stack([np.append(values, 0.0), np.append(np.full(gene.size, math.sqrt(0.5)), 0.0)], axis=1)
