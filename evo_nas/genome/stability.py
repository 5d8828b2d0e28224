"""Checks, before any training, whether the states of a cell can explode.

A state that is bounded, such as one behind a tanh, cannot. Others grow step after step: at most by what is added where
they pass through gates, as in an LSTM; exponentially where they are multiplied by a matrix or by two, as in
``h' = W x + U h``, which a short sequence and careful training may survive; and without any hope where they are
multiplied by each other, as in ``h' = W x + h * h``.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING

from evo_nas.genome.canonical import canonical
from evo_nas.genome.cell import X
from evo_nas.genome.liveness import always_zero
from evo_nas.genome.ops import Op

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evo_nas.genome.cell import CellGraph, Node

SHORT = 16
"""Steps that a state may grow exponentially."""
TRAINED_GAIN = 2.0
"""By how much matrices multiply states once training has moved their weights: with 1 as much as half of the cells that
pass diverge on the chorales, with 2 none."""
_WITHIN_ONE = frozenset({Op.TANH, Op.SIGMOID, Op.BOUNDED_CONSTANT})
"""Ops whose value is between -1 and 1 whatever they read."""
_BOUNDED = _WITHIN_ONE | {Op.EXP, Op.CONSTANT}
"""Ops whose value is bounded whatever they read; `Op.EXP` is clamped."""
_TRAINED = frozenset({Op.LINEAR, Op.SCALE})
"""Ops that multiply what they read by weights."""
_SUMS = frozenset({Op.ADD, Op.SUBTRACT})
_SQUARINGS = 6
_MOST_GAIN = 1e5
"""Largest gain of ``2 ** _SQUARINGS`` steps that is not exponential: four states that feed each other in a chain reach
4e4."""


@lru_cache(maxsize=8192)
def is_stable(cell: CellGraph, steps: int) -> bool:
    """Returns whether no state of ``cell`` explodes within ``steps``, 0 for any number.

    It errs on the side of refusing: some cells that it calls unstable can be trained with care.
    """
    cell = canonical(cell)
    bounded = _bounded_states(cell)
    if _multiplies_itself(cell, bounded):
        return False
    return 0 < steps <= SHORT or not _amplifies(cell, bounded)


def _bounded_states(cell: CellGraph) -> list[bool]:
    """Returns for each state whether it is bounded, whatever the others are or because its sources are."""
    bounded = always_zero(cell)[X + 1 : cell.first_node]
    for _ in range(cell.states):
        degrees = _degrees(cell, [int(not is_bounded) for is_bounded in bounded])
        bounded = [was or degree == 0 for was, degree in zip(bounded, degrees, strict=True)]
    return bounded


def _multiplies_itself(cell: CellGraph, bounded: Sequence[bool]) -> bool:
    """Returns whether an unbounded state is a factor of its own growth, itself or through other unbounded states."""
    degrees = [int(not is_bounded) for is_bounded in bounded]
    # The degree of each state in what the states were some steps before. It settles within as many steps as there are
    # states, unless a state is in its own product: then it rises for ever.
    for _ in range(cell.states + 1):
        before, found = degrees, _degrees(cell, degrees)
        degrees = [
            0 if is_bounded else max(1, degree) for is_bounded, degree in zip(bounded, found, strict=True)
        ]
        if degrees == before:
            return False
    return True


def _degrees(cell: CellGraph, states: Sequence[int]) -> list[int]:
    """Returns the degree of each new state as a polynomial, where ``states`` have those degrees and inputs 0."""
    degrees = [0, *states]
    for node in cell.nodes:
        degrees.append(_degree(node, [degrees[reference] for reference in node.inputs]))
    return [degrees[output] for output in cell.outputs]


def _degree(node: Node, inputs: Sequence[int]) -> int:
    if node.op in _BOUNDED:
        return 0
    match node.op:
        case Op.MUL:
            return sum(inputs)
        case Op.BLEND:
            gate, if_open, if_shut = inputs
            return gate + max(if_open, if_shut)
        case _:  # `Op.DIVIDE` is guarded, so its divisor adds nothing
            return max(inputs)


def _amplifies(cell: CellGraph, bounded: Sequence[bool]) -> bool:
    """Returns whether unbounded states grow exponentially: the power of the matrix of their gains does."""
    gains = [
        [0.0 if bounded[source] else _gain(cell, source, output, bounded) for source in range(cell.states)]
        for output in cell.outputs
    ]
    for _ in range(_SQUARINGS):
        gains = [
            [sum(map(_product, row, column)) for column in zip(*gains, strict=True)]  # the matrix, squared
            for row in gains
        ]
    return not max(map(max, gains)) <= _MOST_GAIN


def _product(one: float, other: float) -> float:
    return one * other if one and other else 0.0  # 0 times infinity is no path at all


def _gain(cell: CellGraph, source: int, output: int, bounded: Sequence[bool]) -> float:
    """Returns by how much, at most, a change of the unbounded state ``source`` changes the new state ``output``."""
    gains = [0.0, *(float(state == source) for state in range(cell.states))]
    small = [False, *bounded]
    for node in cell.nodes:
        inputs = [gains[reference] for reference in node.inputs]
        gains.append(_node_gain(node, inputs, [small[reference] for reference in node.inputs]))
        small.append(_is_small(node, [small[reference] for reference in node.inputs]))
    return gains[output]


def _is_small(node: Node, inputs: Sequence[bool]) -> bool:
    """Returns whether a node's value is about between -1 and 1, so that it can be a gate."""
    products = node.op in (Op.MUL, Op.MEAN, Op.BLEND, Op.IDENTITY, Op.BOUNDED_SCALE, Op.ONE_MINUS, Op.MAX)
    return node.op in _WITHIN_ONE or (products and all(inputs))


def _node_gain(node: Node, gains: Sequence[float], small: Sequence[bool]) -> float:
    """Returns the gain of a node's value, given those of its inputs and which of them can be gates."""
    if node.op in _BOUNDED or not any(gains):
        return 0.0
    match node.op:
        case Op.MUL:
            is_gated = all(is_small for gain, is_small in zip(gains, small, strict=True) if not gain)
        case Op.BLEND:
            is_gated = small[0]
        case _:
            is_gated = node.op is not Op.DIVIDE
    if not is_gated:
        return math.inf
    if node.op in _SUMS:
        return sum(gains)
    if node.op is Op.MEAN:
        return sum(gains) / len(gains)
    return max(gains) * (TRAINED_GAIN if node.op in _TRAINED else 1.0)
