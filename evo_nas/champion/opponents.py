"""The networks that a champion is compared with: the same network around published cells, of about the same size."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from evo_nas.genome.canonical import canonical
from evo_nas.genome.cells import NAMED_CELLS
from evo_nas.genome.parameters import count_parameters, count_tables

if TYPE_CHECKING:
    from evo_nas.genome.architecture import Architecture, Signature
    from evo_nas.genome.cell import CellGraph

OPPONENTS = ("lstm", "gru", "mingru", "rnn_tanh", "rnn_sigmoid")
"""Names in `NAMED_CELLS` of the cells that a champion is compared with, the first ones in every verdict."""
RANDOM = "random"
"""The opponent that is no cell: the best network of a search at random with the same budget."""
TO_BEAT = ("gru", "lstm")
"""Those that the cell of the best finalist has to beat before it becomes the champion."""
LSTM = canonical(NAMED_CELLS["lstm"])
# After 20 halvings the two ends differ by less than 0.001 %, which is less than one unit of width.
_HALVINGS = 20


def opponent(name: str, champion: Architecture, signature: Signature) -> Architecture:
    """Returns the network of ``champion`` around the published cell ``name``, with the size of ``champion``.

    Args:
        name: A name in `NAMED_CELLS`.
        champion: The architecture that is compared.
        signature: Shapes of the task.
    """
    return equal_around(canonical(NAMED_CELLS[name]), champion, champion, signature)


def equal_lstm(model: Architecture, champion: Architecture, signature: Signature) -> Architecture:
    """Returns ``model`` with LSTM cells and the size of ``champion``; see `equal_around`."""
    return equal_around(LSTM, model, champion, signature)


def equal_around(
    cell: CellGraph, model: Architecture, champion: Architecture, signature: Signature
) -> Architecture:
    """Returns ``model`` around ``cell``, with widths scaled so that its size comes closest to that of ``champion``.

    All else stays, its shortcut included. Parameters in tables of n-grams do not count as size, since a table compares
    with no matrix: it neither makes a network wider nor stands for its weights.

    Args:
        cell: The canonical cell of every layer.
        model: Any architecture.
        champion: The architecture whose size is wanted.
        signature: Shapes of the task.
    """

    def size(architecture: Architecture) -> int:
        return count_parameters(architecture, signature) - count_tables(architecture, signature)

    wanted = size(champion)
    # Bisected on a logarithmic scale, since the factors span three orders of magnitude.
    narrow, wide = 1 / 64, 16.0
    for _ in range(_HALVINGS):
        middle = (narrow * wide) ** 0.5
        if size(_around(cell, model, middle)) < wanted:
            narrow = middle
        else:
            wide = middle
    # Widths are whole numbers, so no factor may hit the size exactly: the closer side wins.
    return min(
        (_around(cell, model, factor) for factor in (narrow, wide)),
        key=lambda network: abs(size(network) - wanted),
    )


def is_lstm(architecture: Architecture) -> bool:
    """Whether every cell of a canonical architecture is an LSTM."""
    return all(layer.cell == LSTM for layer in architecture.layers)


def _around(cell: CellGraph, architecture: Architecture, factor: float) -> Architecture:
    layers = tuple(
        replace(layer, cell=cell, width=max(1, round(factor * layer.width))) for layer in architecture.layers
    )
    return replace(architecture, layers=layers)
