"""The LSTM that a champion is compared with: of about the same size, trained as long."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from evo_nas.genome.canonical import canonical
from evo_nas.genome.cells import NAMED_CELLS
from evo_nas.genome.parameters import count_parameters

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evo_nas.evaluation import Evaluation
    from evo_nas.genome.architecture import Architecture, Signature
    from evo_nas.genome.space import SearchSpace

LEARNING_RATE_FACTORS = (0.5, 1.0, 2.0)
"""The LSTM is tuned as well: it gets the best of these multiples of the champion's learning rate on validation."""
LSTM = canonical(NAMED_CELLS["lstm"])
_HALVINGS = 20


def equal_lstm(model: Architecture, wanted: int, signature: Signature) -> Architecture:
    """Returns ``model`` with LSTM cells, its widths scaled to come closest to ``wanted`` parameters."""

    def distance(architecture: Architecture) -> int:
        return abs(count_parameters(architecture, signature) - wanted)

    narrow, wide = 1 / 64, 16.0
    for _ in range(_HALVINGS):
        middle = (narrow * wide) ** 0.5
        if count_parameters(_scaled(model, middle), signature) < wanted:
            narrow = middle
        else:
            wide = middle
    return min(_scaled(model, narrow), _scaled(model, wide), key=distance)


def fittest_lstm(told: Sequence[Evaluation], space: SearchSpace) -> Architecture | None:
    """Returns the fittest architecture of a run that is made of LSTM cells alone; None if there is none."""
    ranked = sorted(
        (evaluation for evaluation in told if evaluation.is_complete),
        key=lambda evaluation: evaluation.fitness or 0.0,
        reverse=True,
    )
    architectures = (space.decode(evaluation.candidate.genome) for evaluation in ranked)
    return next(filter(is_lstm, architectures), None)


def is_lstm(architecture: Architecture) -> bool:
    """Whether every cell of a canonical architecture is an LSTM."""
    return all(layer.cell == LSTM for layer in architecture.layers)


def tuned(lstm: Architecture) -> list[Architecture]:
    """Returns ``lstm`` with each of the learning rates that it may choose from."""
    training = lstm.training
    return [
        replace(lstm, training=replace(training, learning_rate=factor * training.learning_rate))
        for factor in LEARNING_RATE_FACTORS
    ]


def _scaled(architecture: Architecture, factor: float) -> Architecture:
    layers = tuple(
        replace(layer, cell=LSTM, width=max(1, round(factor * layer.width))) for layer in architecture.layers
    )
    return replace(architecture, layers=layers)
