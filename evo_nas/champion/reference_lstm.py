"""The LSTM that a champion is compared with; it has about the same size and trains for as many epochs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from evo_nas.evaluation import best_first
from evo_nas.genome.canonical import canonical
from evo_nas.genome.cells import NAMED_CELLS
from evo_nas.genome.parameters import count_parameters, count_tables

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evo_nas.evaluation import Evaluation
    from evo_nas.genome.architecture import Architecture, Signature
    from evo_nas.genome.cell import CellGraph
    from evo_nas.genome.space import SearchSpace

LEARNING_RATE_FACTORS = (0.5, 1.0, 2.0)
"""Multiples of the champion's learning rate that are tried for the LSTM; the best on validation counts."""
SEEDS = 3
"""Number of trainings from scratch for each contestant."""
MOST_TRAININGS = 1 + SEEDS * (1 + len(LEARNING_RATE_FACTORS) + 1)
"""Trainings of a verdict: the winner's own, and each contestant with every seed."""
LSTM = canonical(NAMED_CELLS["lstm"])
# After 20 halvings the two ends differ by less than 0.001 %, which is less than one unit of width.
_HALVINGS = 20


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


def fittest_lstm(told: Sequence[Evaluation], space: SearchSpace) -> Architecture | None:
    """Returns the fittest architecture of a run whose cells are all LSTMs; None if there is none."""
    ranked = best_first(told, lambda evaluation: evaluation.standing)
    # Decoded one by one, best first, until an LSTM is found: a long run is rarely decoded as a whole.
    architectures = (space.decode(evaluation.candidate.genome) for evaluation in ranked)
    return next(filter(is_lstm, architectures), None)


def is_lstm(architecture: Architecture) -> bool:
    """Whether every cell of a canonical architecture is an LSTM."""
    return all(layer.cell == LSTM for layer in architecture.layers)


def tuned(lstm: Architecture) -> list[Architecture]:
    """Returns one copy of ``lstm`` for each learning rate that is tried."""
    training = lstm.training
    return [
        replace(lstm, training=replace(training, learning_rate=factor * training.learning_rate))
        for factor in LEARNING_RATE_FACTORS
    ]


def _around(cell: CellGraph, architecture: Architecture, factor: float) -> Architecture:
    layers = tuple(
        replace(layer, cell=cell, width=max(1, round(factor * layer.width))) for layer in architecture.layers
    )
    return replace(architecture, layers=layers)
