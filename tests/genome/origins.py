"""Which weights of a cell become those of its canonical form: what lets tests compare what both compute."""

from __future__ import annotations

from dataclasses import dataclass

from evo_nas.genome.canonical import _labels
from evo_nas.genome.cell import CellGraph, X
from evo_nas.genome.ops import WITH_WEIGHTS
from evo_nas.genome.simplify import simplify


@dataclass(frozen=True)
class Origin:
    """Where the weights of a canonical node come from.

    Attributes:
        node: Index of the node in the original cell.
        blocks: For each canonical input the positions of the original inputs whose weight matrices sum to its
            own; more than one where the original read one value several times.
    """

    node: int
    blocks: tuple[tuple[int, ...], ...]


def origins_of_weights(cell: CellGraph) -> dict[int, Origin]:
    """For each node with weights of the canonical form of ``cell``, by index, the origin of its weights."""
    simplified = simplify(cell)
    labels = _labels(simplified.cell)
    live_states = sum(X < reference <= cell.states for reference in labels)
    origins = {}
    for index, node in enumerate(cell.nodes):
        label = labels.get(simplified.references[cell.first_node + index])
        if node.op not in WITH_WEIGHTS or label is None:
            continue
        blocks: dict[int, list[int]] = {}
        for position, reference in enumerate(node.inputs):
            blocks.setdefault(labels[simplified.references[reference]], []).append(position)
        ordered = tuple(tuple(blocks[key]) for key in sorted(blocks))
        origins[label - 1 - live_states] = Origin(index, ordered)
    return origins
