"""Draws random cells: live ones, stable ones where there are some, and linear recurrences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evo_nas.errors import GenomeError
from evo_nas.genome.canonical import canonical
from evo_nas.genome.linearity import draw_linear, is_linear
from evo_nas.genome.liveness import is_live
from evo_nas.genome.stability import is_stable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

    from evo_nas.genome.cgp import CellCode

MAX_UNSTABLE_DRAWS = 100
"""About 1 in 6 is stable on long sequences, 2 in 3 on short ones."""
MAX_LINEAR_DRAWS = 10_000
"""About 1 in 60 is live."""


def draw_cell(code: CellCode, sizes: Sequence[int], rng: Random, *, steps: int) -> tuple[int, ...]:
    """Returns the genes, of ``sizes``, of a live cell that is stable on sequences of ``steps``."""
    unstable = 0
    # Ends, since the options permit linear nodes and one that reads x and h is a live cell.
    while True:
        spelling = tuple(map(rng.randrange, sizes))
        cell = code.decode(spelling)
        # The cheap check first: most draws are dead, and then their canonical forms are dead, too.
        if not (is_live(cell) and is_live(canonical(cell))):
            continue
        # A space of few ops may have no stable cell.
        if is_stable(cell, steps) or unstable == MAX_UNSTABLE_DRAWS:
            return spelling
        unstable += 1


def draw_linear_cell(code: CellCode, rng: Random) -> tuple[int, ...]:
    """Returns the genes of a live cell that is a linear recurrence.

    Raises:
        GenomeError: No draw within the bound was a linear recurrence.
    """
    for _ in range(MAX_LINEAR_DRAWS):
        spelling = tuple(draw_linear(code, rng))
        cell = code.decode(spelling)
        if is_live(cell) and is_live(canonical(cell)) and is_linear(cell):
            return spelling
    raise GenomeError(
        f"space.linear_only is True and none of {MAX_LINEAR_DRAWS} random cells of {code.nodes} nodes and"
        f" {code.states} states was a linear recurrence that remembers its input; permit blend, or mul and add, in"
        " space.ops, raise space.cell_nodes, or set space.evolve_cell to false"
    )
