"""What a genome looks like to a regression: one number for each choice, and counts of what its cells compute.

The counts are Weisfeiler-Lehman features (Shervashidze et al., JMLR 2011) of the canonical cells: a node is labelled by
its op, then by its label and those of what it reads, and so on. They do not depend on how the genome spells a cell.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from evo_nas.genome.cell import CellGraph
    from evo_nas.genome.space import Genome, SearchSpace

ROUNDS = 2
"""How often labels take in those of what a node reads."""
BINS = 64
"""Labels are hashed to so many features; more of them are as good, and cost time."""
INACTIVE = -1.0
"""Value of an ordered gene that the architecture does not depend on."""


def features_of(space: SearchSpace, genome: Genome) -> npt.NDArray[np.float32]:
    """Returns the features of ``genome``, the same number for all genomes of ``space``.

    Genes that do not matter count as not chosen, so that all spellings of an architecture look much alike.
    """
    active = set(space.active_genes(genome))
    columns: list[float] = []
    for position, gene in enumerate(space.genes):
        if gene.size == 1:
            continue
        is_active = position in active
        chosen = genome[position] if is_active else -1
        columns += [float(value == chosen) for value in range(gene.size)]
        if gene.ordered:
            columns.append(chosen / (gene.size - 1) if is_active else INACTIVE)
    counts = np.zeros(BINS, dtype=np.float32)
    for layer in space.decode(genome).layers:
        _count(layer.cell, counts)
    return np.concatenate([np.array(columns, dtype=np.float32), counts])


def _count(cell: CellGraph, counts: npt.NDArray[np.float32]) -> None:
    states = [f"state{place}" if place else "x" for place in range(cell.first_node)]
    labels = [*states, *(f"{node.op}{'+' if node.bias else ''}" for node in cell.nodes)]
    for _ in range(ROUNDS + 1):
        for label in labels[cell.first_node :]:
            # Not `hash`, whose values for text differ from process to process.
            counts[zlib.crc32(label.encode()) % BINS] += 1
        read = (sorted(labels[source] for source in node.inputs) for node in cell.nodes)
        deeper = [
            f"{label}({','.join(each)})" for label, each in zip(labels[cell.first_node :], read, strict=True)
        ]
        labels = [*states, *deeper]
