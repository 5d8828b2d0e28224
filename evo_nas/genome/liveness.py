"""Checks, before any training, whether a cell can learn from a sequence."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from evo_nas.genome.cell import CellGraph, Node, X

if TYPE_CHECKING:
    from collections.abc import Sequence

_X_BIT = 1 << X


@lru_cache(maxsize=8192)
def is_live(cell: CellGraph) -> bool:
    """Returns whether ``h`` can depend on the input of an earlier step.

    A cell is dead, with any weights, if it never reads ``x``, if it has no memory, or if its memory multiplies
    itself and so stays at zero, where it starts.
    """
    sources = _sources(cell)
    remembers_x = 0
    # Knowledge of x passes through one more state in each round, so as many rounds as states are enough.
    for _ in range(cell.states):
        for state, source in enumerate(sources):
            if source & (remembers_x | _X_BIT):
                remembers_x |= 2 << state
    return bool(sources[0] & remembers_x)


def _sources(cell: CellGraph) -> list[int]:
    """Returns for each new state the bit set of ``x`` and the states that it is computed from."""
    zero = always_zero(cell)
    sources = [0 if is_zero else 1 << reference for reference, is_zero in enumerate(zero[: cell.first_node])]
    for node, is_zero in zip(cell.nodes, zero[cell.first_node :], strict=True):
        source = 0
        for reference in () if is_zero else node.inputs:
            source |= sources[reference]
        sources.append(source)
    return [sources[output] for output in cell.outputs]


def always_zero(cell: CellGraph) -> list[bool]:
    """Returns for each reference whether it is zero at every step if all states start at zero."""
    # Begins with all states zero and frees those that are not; each round frees one or ends.
    stuck = [True] * cell.states
    while True:
        zero = [False, *stuck]
        for node in cell.nodes:
            zero.append(_is_zero(node, [zero[reference] for reference in node.inputs]))
        still_stuck = [before and zero[output] for before, output in zip(stuck, cell.outputs, strict=True)]
        if still_stuck == stuck:
            return zero
        stuck = still_stuck


def _is_zero(node: Node, inputs: Sequence[bool]) -> bool:
    """Returns whether a node is zero with any weights; ``inputs`` says which of its inputs are zero."""
    row = node.op.row
    return (row.cancels and len(set(node.inputs)) == 1) or (not node.bias and row.zero(inputs))
