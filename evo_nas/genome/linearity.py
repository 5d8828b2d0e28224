"""Tells linear recurrences from others.

A cell is a linear recurrence if each state that it reads is, after the step, an affine function of the states before
it, unit by unit, with coefficients that depend on the inputs alone: ``s' = A(x) s + b(x)`` with a diagonal matrix for
each pair of states, where a delayed state is one more. So no matrix multiplies a state, no two values that depend on
states are multiplied, and no activation takes such a value. minGRU is one; LSTM and GRU are not.

Two kinds of states are free of this rule. A state that nothing reads is a readout, such as an output behind a gate: it
may be any function of the others, because nothing feeds it back. A state that follows from ``x`` and from such states
alone is a window of the latest inputs, as in the convolutions of QRNN; it counts as input.

Linear recurrences need no matrix product from one step to the next, can be computed in parallel over time, and keep or
forget at a rate that training controls (Martin and Cundy 2018, Orvieto et al. 2023). They cannot count without bound or
track parity as others can (Merrill et al. 2024).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum, auto
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING

from evo_nas.errors import GenomeError
from evo_nas.genome.canonical import canonical
from evo_nas.genome.cell import X
from evo_nas.genome.cgp import GENES_PER_NODE
from evo_nas.genome.ops import DELAYS, Op

if TYPE_CHECKING:
    from collections.abc import Mapping
    from random import Random

    from evo_nas.genome.cell import CellGraph, Node
    from evo_nas.genome.cgp import CellCode

MAX_NODE_DRAWS = 1000
AffineRule = Callable[[Sequence[bool]], bool]


class StateUse(Enum):
    """How a value depends on the states before the step."""

    NONE = auto()
    AFFINE = auto()
    """Unit by unit, with coefficients that do not depend on the states."""
    OTHER = auto()


def _always(inputs: Sequence[bool]) -> bool:  # noqa: ARG001 - whichever depend on states
    return True


def _one_factor(inputs: Sequence[bool]) -> bool:
    return sum(inputs) == 1


def _only_dividend(inputs: Sequence[bool]) -> bool:
    _, divisor = inputs
    return not divisor


def _gate_or_sides(inputs: Sequence[bool]) -> bool:
    gate, if_open, if_shut = inputs
    return not (gate and (if_open or if_shut))


_AFFINE: Mapping[Op, AffineRule] = MappingProxyType(
    {
        Op.ADD: _always,
        Op.MEAN: _always,
        Op.IDENTITY: _always,
        **dict.fromkeys(DELAYS.values(), _always),
        Op.MUL: _one_factor,
        Op.BLEND: _gate_or_sides,
        Op.SCALE: _always,
        Op.BOUNDED_SCALE: _always,
        Op.SUBTRACT: _always,
        Op.ONE_MINUS: _always,
        Op.DIVIDE: _only_dividend,
    }
)
"""Whether a node is affine in its inputs, given which of them depend on states; an op without a rule never is."""


@lru_cache(maxsize=8192)
def is_linear(cell: CellGraph) -> bool:
    """Returns whether ``cell``, without its dead parts, is a linear recurrence."""
    cell = canonical(cell)
    remembered = _remembered(cell)
    uses = [
        StateUse.AFFINE if reference in remembered else StateUse.NONE for reference in range(cell.first_node)
    ]
    for node in cell.nodes:
        uses.append(state_use(node, uses))
    return all(uses[cell.outputs[state - 1]] is not StateUse.OTHER for state in remembered)


def state_use(node: Node, uses: Sequence[StateUse]) -> StateUse:
    """Returns how the value of ``node`` depends on the states, given how each earlier reference does."""
    inputs = [uses[reference] for reference in node.inputs]
    varying = [use is not StateUse.NONE for use in inputs]
    if not any(varying):
        return StateUse.NONE
    rule = _AFFINE.get(node.op)
    is_affine = StateUse.OTHER not in inputs and rule is not None and rule(varying)
    return StateUse.AFFINE if is_affine else StateUse.OTHER


def draw_linear(code: CellCode, rng: Random) -> list[int]:
    """Returns random genes in which every node is at most affine in the states.

    Nodes are drawn in order, each again until it is one: uniformly random cells with several nodes hardly ever are.

    Raises:
        GenomeError: No draw of a node was one; the ops of the space leave none.
    """
    uses = [StateUse.NONE, *[StateUse.AFFINE] * code.states]
    genes = [gene.size for gene in code.genes()]
    values: list[int] = []
    for index in range(code.nodes):
        sizes = genes[len(values) : len(values) + GENES_PER_NODE]
        for _ in range(MAX_NODE_DRAWS):
            drawn = [*values, *map(rng.randrange, sizes)]
            use = state_use(code.node(drawn, index), uses)
            if use is not StateUse.OTHER:
                break
        else:
            raise GenomeError(
                f"space.linear_only is True and space.ops is {', '.join(code.ops)}: no node of them can be part of a"
                f" linear recurrence; permit some of {', '.join(op for op in Op if op in _AFFINE)}"
            )
        values = drawn
        uses.append(use)
    return [*values, *map(rng.randrange, genes[len(values) :])]


def windows(cell: CellGraph) -> set[int]:
    """Returns the references of the states that follow from the latest inputs alone."""
    sources: list[frozenset[int]] = [frozenset({reference} - {X}) for reference in range(cell.first_node)]
    for node in cell.nodes:
        sources.append(frozenset().union(*(sources[reference] for reference in node.inputs)))
    found: set[int] = set()
    # Each round finds the states whose sources were found before, so as many rounds as states are enough.
    for _ in range(cell.states):
        found = {state for state, output in enumerate(cell.outputs, start=1) if sources[output] <= found}
    return found


def _remembered(cell: CellGraph) -> set[int]:
    """Returns the states that are read and are no windows of the latest inputs."""
    read = {reference for node in cell.nodes for reference in node.inputs} | set(cell.outputs)
    return {state for state in range(1, cell.first_node) if state in read} - windows(cell)
