"""Weisfeiler-Lehman labels of cells: what a graph kernel compares them by.

Shervashidze et al., "Weisfeiler-Lehman Graph Kernels", JMLR 12, 2011; for architectures: Ru, Wan, Dong and Osborne,
"Interpretable Neural Architecture Search via Bayesian Optimisation with Weisfeiler-Lehman Kernels", ICLR 2021.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from functools import lru_cache
from typing import TYPE_CHECKING

from evo_nas.genome.cell import X
from evo_nas.genome.ops import COMMUTATIVE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from evo_nas.genome.cell import CellGraph

ROUNDS = 2
"""How far around a node a label sees; labels that see further are nearly all unique, so that no cells share them."""


@lru_cache(maxsize=8192)
def labels_of(cell: CellGraph) -> tuple[Mapping[int, int], ...]:
    """Returns how often ``cell`` has each label, after no round and after each of `ROUNDS`.

    A label after no round is what a value is: the input, ``h``, another state, an op. Each round adds the labels of
    what it is computed from, in order where order matters, and of what is computed from it. A state is computed from
    its new value one step earlier, so that the recurrence is part of the graph.

    Args:
        cell: A cell in canonical form, so that all spellings of it have the same labels.
    """
    reads = _reads(cell)
    users: list[list[int]] = [[] for _ in reads]
    for reference, inputs in enumerate(reads):
        for source in inputs:
            users[source].append(reference)
    labels = [_first(cell, reference) for reference in range(len(reads))]
    counts = [Counter(labels)]
    for _ in range(ROUNDS):
        labels = [
            _digest(
                labels[at], _inputs(cell, at, labels, reads[at]), sorted(labels[user] for user in users[at])
            )
            for at in range(len(reads))
        ]
        counts.append(Counter(labels))
    return tuple(counts)


def _reads(cell: CellGraph) -> list[Sequence[int]]:
    """Returns what each value is computed from, by reference: the input, the states, the nodes."""
    return [(), *((output,) for output in cell.outputs), *(node.inputs for node in cell.nodes)]


def _first(cell: CellGraph, reference: int) -> int:
    if reference < cell.first_node:
        return _digest(("x", "h", "state")[min(reference - X, 2)])
    node = cell.nodes[reference - cell.first_node]
    return _digest(str(node.op), node.bias)


def _inputs(cell: CellGraph, reference: int, labels: Sequence[int], inputs: Sequence[int]) -> list[int]:
    found = [labels[source] for source in inputs]
    is_node = reference >= cell.first_node
    return sorted(found) if is_node and cell.nodes[reference - cell.first_node].op in COMMUTATIVE else found


def _digest(*parts: object) -> int:
    # Without it a label would double with each round. Not `hash`, which differs from process to process.
    return int.from_bytes(hashlib.blake2b(repr(parts).encode(), digest_size=8).digest(), "big")
