"""Finds out whether two cells are the same graph, and which nodes correspond."""

from __future__ import annotations

from itertools import permutations
from typing import TYPE_CHECKING

from evo_nas.genome.ops import COMMUTATIVE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from evo_nas.genome.cell import CellGraph, Node


def find_isomorphism(template: CellGraph, cell: CellGraph) -> dict[int, int] | None:
    """Returns for each live reference of ``template`` its counterpart in ``cell``; None if the cells differ.

    Two cells are isomorphic if they compute the same states from the same operations. The order of nodes and of the
    inputs of commutative operations does not matter. Biases may differ.
    """
    if template.states != cell.states:
        return None
    return _unify(list(zip(template.outputs, cell.outputs, strict=True)), {}, template=template, cell=cell)


def _unify(
    pairs: list[tuple[int, int]], found: dict[int, int], *, template: CellGraph, cell: CellGraph
) -> dict[int, int] | None:
    """Extends ``found`` until all ``pairs`` of references correspond; None if that is impossible.

    This is a search with backtracking from the outputs down. In the worst case it tries all orders of the inputs of all
    commutative nodes, which is fast enough for the templates: each has at most 13 nodes.
    """
    if not pairs:
        return found
    (wanted, offered), *rest = pairs
    # A node has one counterpart in both directions, so a second meeting must give the same pair.
    if wanted in found or offered in found.values():
        return _unify(rest, found, template=template, cell=cell) if found.get(wanted) == offered else None
    # A copy, because a branch that fails must leave nothing behind for the next order of inputs.
    found = {**found, wanted: offered}
    if wanted < template.first_node:  # an input or a state corresponds only to itself
        return _unify(rest, found, template=template, cell=cell) if wanted == offered else None
    if offered < cell.first_node:
        return None
    ours, theirs = template.nodes[wanted - template.first_node], cell.nodes[offered - cell.first_node]
    for inputs in _orders(ours, theirs):
        pairs = [*zip(ours.inputs, inputs, strict=True), *rest]
        complete = _unify(pairs, found, template=template, cell=cell)
        if complete is not None:
            return complete
    return None


def _orders(ours: Node, theirs: Node) -> Iterable[tuple[int, ...]]:
    """Returns the orders in which the inputs of ``theirs`` may correspond to those of ``ours``."""
    if ours.op is not theirs.op or len(ours.inputs) != len(theirs.inputs):
        return ()
    return permutations(theirs.inputs) if ours.op in COMMUTATIVE else (theirs.inputs,)
