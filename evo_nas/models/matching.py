"""Finds which nodes of a cell play the roles of a template's nodes."""

from __future__ import annotations

from itertools import permutations
from typing import TYPE_CHECKING

from evo_nas.genome.ops import COMMUTATIVE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from evo_nas.genome.cell import CellGraph, Node


def match(template: CellGraph, cell: CellGraph) -> dict[int, int] | None:
    """Returns for each live reference of ``template`` its counterpart in ``cell``; None if the cells differ.

    Two cells match if they compute the same states from the same operations, whatever the order of their
    nodes and of the inputs of commutative ones. Biases may differ.
    """
    if template.states != cell.states:
        return None
    return _unify(list(zip(template.outputs, cell.outputs, strict=True)), {}, template=template, cell=cell)


def _unify(
    pairs: list[tuple[int, int]], found: dict[int, int], *, template: CellGraph, cell: CellGraph
) -> dict[int, int] | None:
    if not pairs:
        return found
    (wanted, offered), *rest = pairs
    if wanted in found or offered in found.values():
        return _unify(rest, found, template=template, cell=cell) if found.get(wanted) == offered else None
    found = {**found, wanted: offered}
    if wanted < template.first_node:
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
    """Returns the orders in which the inputs of ``theirs`` may stand for those of ``ours``."""
    if ours.op is not theirs.op or len(ours.inputs) != len(theirs.inputs):
        return ()
    return permutations(theirs.inputs) if ours.op in COMMUTATIVE else (theirs.inputs,)
