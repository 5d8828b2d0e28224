"""Which published cell a cell is closest to, and how it differs."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evo_nas.genome.canonical import canonical
from evo_nas.genome.cells import NAMED_CELLS, spoken_name
from evo_nas.genome.equations import gates_of
from evo_nas.strategies.weisfeiler_lehman import labels_of

if TYPE_CHECKING:
    from evo_nas.genome.cell import CellGraph


@dataclass(frozen=True, slots=True)
class Kin:
    """The published cell that is closest to a cell.

    Attributes:
        name: Its name, as people write it.
        likeness: Cosine of the counts of Weisfeiler-Lehman labels of both graphs (Shervashidze et al., 2011): 1 for the
            same cell, 0 for nothing in common.
        differences: How the cell differs from it, a phrase each; none if it is the same.
    """

    name: str
    likeness: float
    differences: tuple[str, ...]


def closest_published(cell: CellGraph) -> Kin:
    """Returns the published cell whose graph shares most with that of ``cell``."""
    form = canonical(cell)
    known = [canonical(each) for each in NAMED_CELLS.values()]
    likeness = {each: _likeness(form, each) for each in known}
    best = max(likeness, key=likeness.__getitem__)
    return Kin(spoken_name(best) or "", likeness[best], tuple(_differences(form, best)))


def _likeness(one: CellGraph, other: CellGraph) -> float:
    pairs = list(zip(labels_of(one), labels_of(other), strict=True))
    shared = sum(count * theirs.get(label, 0) for ours, theirs in pairs for label, count in ours.items())
    sizes = [
        sum(count**2 for counts in labels_of(each) for count in counts.values()) for each in (one, other)
    ]
    return shared / math.sqrt(sizes[0] * sizes[1])


def _differences(cell: CellGraph, other: CellGraph) -> list[str]:
    if cell == other:
        return []
    found = []
    if cell.states != other.states:
        found.append(f"{cell.states} states instead of {other.states}")
    ours, theirs = (sorted(gates_of(each)) for each in (cell, other))
    if ours != theirs:
        found.append(f"gates {' '.join(ours) or 'none'} instead of {' '.join(theirs) or 'none'}")
    counts = [Counter(node.op for node in each.nodes) for each in (cell, other)]
    for sign, more in (("more", counts[0] - counts[1]), ("fewer", counts[1] - counts[0])):
        if more:
            named = ", ".join(f"{count} {op}" for op, count in sorted(more.items()))
            found.append(f"{sign} ops: {named}")
    return found or ["the same ops, connected differently"]
