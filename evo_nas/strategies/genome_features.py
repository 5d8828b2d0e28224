"""What a genome looks like to a regression: one number for each choice, and counts of what its cells compute.

The counts are the Weisfeiler-Lehman labels of the canonical cells, hashed: they do not depend on how the genome
spells a cell.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from evo_nas.strategies.weisfeiler_lehman import labels_of

if TYPE_CHECKING:
    import numpy.typing as npt

    from evo_nas.genome.space import Genome, SearchSpace

BINS = 64
"""Labels are hashed to so many features, about a tenth of all, so that the cell does not drown the other genes."""
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
    for cell in space.cells(genome):
        for labels in labels_of(cell):
            for label, count in labels.items():
                counts[label % BINS] += count
    return np.concatenate([np.array(columns, dtype=np.float32), counts])
