"""The parts of a search space in which the same genes matter: one depth, with or without the evolved cell."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evo_nas.genome.layout import EVOLVED

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from evo_nas.genome.cgp import CellCode
    from evo_nas.genome.gene import Gene
    from evo_nas.genome.layout import Layout


@dataclass(frozen=True, slots=True)
class Subspace:
    """The genomes that differ only in some genes, of which each is free to have any of its values.

    Attributes:
        values: The values of each gene, by position; a single one where it does not matter.
        factors: How many architectures there are at most, as factors by the key of ``space`` that decides them.
    """

    values: tuple[tuple[int, ...], ...]
    factors: Mapping[str, int]

    @property
    def most(self) -> int:
        """How many architectures there are at most: some may be too large, or spelled in several ways."""
        return math.prod(self.factors.values())


def subspaces(layout: Layout, fixed: Collection[int]) -> Iterator[Subspace]:
    """Yields the parts of a space; together they have every architecture.

    Args:
        layout: The genes of the space.
        fixed: Positions of genes that keep their default.
    """
    choices = layout.layers[0].cell.choices
    for depth_value in range(len(layout.depth.choices)):
        if choices != (EVOLVED,):
            yield _subspace(layout, depth_value, fixed, evolved=None)
        if layout.cell_code is not None:
            yield _subspace(layout, depth_value, fixed, evolved=layout.cell_code)


def _subspace(
    layout: Layout, depth_value: int, fixed: Collection[int], *, evolved: CellCode | None
) -> Subspace:
    depth = layout.depth.choices[depth_value]
    used = set(range(layout.layers[0].cell.position))
    used.update(*(layer.positions for layer in layout.layers[:depth]))
    if evolved is not None:
        used.update(range(layout.cell_start, len(layout.genes)))
    cells = {layer.cell.position for layer in layout.layers[:depth]}
    values: list[tuple[int, ...]] = []
    for position, gene in enumerate(layout.genes):
        if position not in used:
            values.append((0,))
        elif position == layout.depth.position:
            values.append((depth_value,))
        elif position in fixed:
            values.append((gene.default,))
        elif position in cells and evolved is None:
            values.append(tuple(at for at, cell in enumerate(gene.choices) if cell != EVOLVED))
        else:
            values.append(_distinct(gene, depth))
    factors: defaultdict[str, int] = defaultdict(lambda: 1)
    for position in sorted(used - cells - set(range(layout.cell_start, len(layout.genes)))):
        factors[layout.genes[position].option] *= len(values[position])
    named = sum(cell != EVOLVED for cell in layout.layers[0].cell.choices)
    factors["cells"] = named**depth if evolved is None else (named + 1) ** depth - named**depth
    if evolved is not None:
        factors["evolve_cell"] = evolved.most_cells
    return Subspace(tuple(values), dict(factors))


def _distinct(gene: Gene, depth: int) -> tuple[int, ...]:
    """Returns the values that mean different things in a network of ``depth`` layers."""
    if gene.name != "head.skip":
        return tuple(range(gene.size))
    # The head has no skip from layers that are not there, nor from the top one, which it reads anyway.
    return tuple(
        at
        for at, source in enumerate(gene.choices)
        if source is None or (isinstance(source, int) and source < depth)
    )
