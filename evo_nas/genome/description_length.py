"""Description length: how many bits it takes to write an architecture down in a prefix code.

A choice among ``k`` takes ``log2 k`` bits; a whole number takes the bits of its Elias gamma code (Elias, 1975). Inputs
whose order does not matter are chosen as a set or a multiset. A cell is written once, and later layers refer to it.
Settings of training, dropout among them, are no part of the network; weights are counted as parameters.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from evo_nas.genome.architecture import Forecast, Norm, Pooling
from evo_nas.genome.blocks import Columns, Context, FrontKind, ShortcutKind
from evo_nas.genome.cell import MAX_STATES, X
from evo_nas.genome.ops import COMMUTATIVE, Op

if TYPE_CHECKING:
    from enum import Enum

    from evo_nas.genome.architecture import Architecture, Head, Layer
    from evo_nas.genome.blocks import Front, Ngrams, Shortcut
    from evo_nas.genome.cell import CellGraph, Node


def description_bits(architecture: Architecture) -> float:
    """Returns the bits of a code that tells ``architecture``, which should be canonical, from all others."""
    bits = _number(len(architecture.layers))
    cells: list[CellGraph] = []
    for position, layer in enumerate(architecture.layers):
        # One more choice than there are cells so far: a new one.
        bits += _choice(len(cells) + 1)
        if layer.cell not in cells:
            cells.append(layer.cell)
            bits += cell_bits(layer.cell)
        bits += _layer_bits(layer, position)
    bits += _head_bits(architecture.head, len(architecture.layers))
    bits += _number(1 + (architecture.embedding or 0)) + _choice(2)  # and whether outputs are tied to it
    bits += _member(Forecast) + _member(Columns)
    return bits + _front_bits(architecture.front) + _shortcut_bits(architecture.shortcut)


def cell_bits(cell: CellGraph) -> float:
    """Returns the bits of the equations of a cell: its states, its nodes, and what becomes the states."""
    bits = _choice(MAX_STATES) + _number(1 + len(cell.nodes))
    for index, node in enumerate(cell.nodes):
        bits += _node_bits(node, earlier=cell.first_node + index, states=cell.states)
    references = cell.states + len(cell.nodes)
    return bits + cell.states * _choice(references)


def _node_bits(node: Node, *, earlier: int, states: int) -> float:
    """Returns the bits of one node, which may read ``earlier`` values, the first of them ``x``."""
    fewest, most = node.op.row.arity
    bits = _member(Op)
    inputs = len(node.inputs)
    if most > fewest:
        bits += _number(1 + inputs - fewest)
    readable = states if node.op.row.delay else earlier - (X == 0 and not node.op.row.reads_x)
    if node.op is Op.LINEAR:
        return bits + _choice(2) + math.log2(math.comb(readable, inputs))
    if node.op in COMMUTATIVE:
        return bits + math.log2(math.comb(readable + inputs - 1, inputs))
    return bits + inputs * _choice(readable)


def _layer_bits(layer: Layer, position: int) -> float:
    switches = 2 * _choice(2)  # bidirectional, residual
    members = _member(Norm) + _member(Context)
    return _number(layer.width) + switches + members + _number(layer.period) + _skip(position)


def _head_bits(head: Head, layers: int) -> float:
    return _member(Pooling) + _number(1 + head.hidden) + _number(1 + head.segment) + _skip(layers)


def _front_bits(front: Front) -> float:
    bits = _member(FrontKind)
    if front.size:
        bits += _number(front.size) + _number(front.stride)
    return bits + _ngram_bits(front.ngrams)


def _shortcut_bits(shortcut: Shortcut) -> float:
    return _member(ShortcutKind) + _ngram_bits(shortcut.ngrams)


def _ngram_bits(ngrams: Ngrams | None) -> float:
    if ngrams is None:
        return 0.0
    return _number(ngrams.shortest) + _number(ngrams.orders) + _number(ngrams.rows)


def _skip(sources: int) -> float:
    return _choice(1 + sources)


def _member(kinds: type[Enum]) -> float:
    return _choice(len(kinds))


def _choice(count: int) -> float:
    return math.log2(count)


def _number(value: int) -> float:
    """Returns the length of the Elias gamma code of a whole number from 1."""
    return 2 * (value.bit_length() - 1) + 1
