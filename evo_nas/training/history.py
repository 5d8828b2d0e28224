"""`TrainingHistory`: the scores of a training's epochs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from evo_nas.evaluation import VALIDATION_LOSS
from evo_nas.training.forward import Scores

if TYPE_CHECKING:
    from torch import Tensor

    from evo_nas.tasks.metrics import Metric


@dataclass(frozen=True, slots=True)
class Epoch:
    """The mean loss of an epoch's batches, and the validation scores after the epoch."""

    train_loss: float
    scores: Scores


class TrainingHistory:
    """The epochs so far and the best of them.

    Args:
        metric: The metric of the validation scores.
    """

    def __init__(self, metric: Metric) -> None:
        self._metric = metric
        self._epochs: list[Epoch] = []
        self._best: Epoch | None = None

    def __len__(self) -> int:
        return len(self._epochs)

    def add(self, epoch: Epoch) -> bool:
        """Adds an epoch and returns whether it is the best so far."""
        self._epochs.append(epoch)
        improved = self._best is None or self._merit(epoch) > self._merit(self._best)
        if improved:
            self._best = epoch
        return improved

    @property
    def curve(self) -> tuple[float, ...]:
        """The validation metric after each epoch."""
        return tuple(epoch.scores.metric for epoch in self._epochs)

    @property
    def fitness(self) -> float | None:
        """The best fitness so far; None before the first epoch."""
        return None if self._best is None else self._metric.fitness(self._best.scores.metric)

    def metrics(self) -> dict[str, float]:
        """Returns the scores of the best epoch by name; empty before the first one."""
        if self._best is None:
            return {}
        return {
            "train_loss": self._best.train_loss,
            VALIDATION_LOSS: self._best.scores.loss,
            f"validation_{self._metric.name}": self._best.scores.metric,
        }

    def to_tensor(self) -> Tensor:
        """Returns mean training loss, validation loss and metric of each epoch, float64 ``(epochs, 3)``."""
        rows = [(epoch.train_loss, epoch.scores.loss, epoch.scores.metric) for epoch in self._epochs]
        return torch.tensor(rows, dtype=torch.float64)

    @staticmethod
    def epochs_of(scores: Tensor) -> list[Epoch]:
        """Returns the epochs of ``scores``, which `to_tensor` gave."""
        return [Epoch(train_loss, Scores(loss, metric)) for train_loss, loss, metric in scores.tolist()]

    def _merit(self, epoch: Epoch) -> tuple[float, float]:
        """Returns what ranks an epoch: the metric; among equals the lower loss, then the earlier one."""
        return self._metric.fitness(epoch.scores.metric), -epoch.scores.loss
