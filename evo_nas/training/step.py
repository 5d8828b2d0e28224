"""One step of a training, from a batch to new weights."""

from __future__ import annotations

import math
from contextlib import nullcontext
from typing import TYPE_CHECKING, Literal, NamedTuple

import torch

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from torch import Tensor

    from evo_nas.training.batches import Batch
    from evo_nas.training.flat_optimizer import FlatOptimizer
    from evo_nas.training.losses import TrainingLoss
    from evo_nas.training.reading import Reading

Precision = Literal["float32", "bfloat16"]


class Worst(NamedTuple):
    """The largest loss and norm of a gradient among some steps; not a number if any was that."""

    loss: float
    norm: float


class Tally:
    """What came of the steps since it was cleared."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forgets all steps."""
        self._loss = self._rows = 0.0
        self._worst = Worst(0.0, 0.0)

    def add(self, loss: Tensor, norm: Tensor, rows: int | Tensor) -> None:
        """Counts a step with the mean loss ``()`` of ``rows`` rows and the norm ``()`` of its gradient."""
        self._loss += float(rows) * loss.item()
        self._rows += float(rows)
        self._worst = Worst(_larger(self._worst.loss, loss.item()), _larger(self._worst.norm, norm.item()))

    def worst(self) -> Worst:
        """Returns the worst of the steps."""
        return self._worst

    def mean_loss(self) -> float:
        """Returns the mean loss of all rows."""
        return self._loss / self._rows


def _larger(one: float, other: float) -> float:
    return one if one >= other or math.isnan(one) else other


class DeviceTally(Tally):
    """A tally that is kept on the device, so that only reading it waits for the steps."""

    def __init__(self, device: torch.device) -> None:
        self._figures = torch.zeros(4, dtype=torch.float64, device=device)
        self._losses, self._count, self._worst_loss, self._worst_norm = self._figures.unbind()
        super().__init__()

    def clear(self) -> None:
        """Forgets all steps."""
        self._figures.zero_()

    def add(self, loss: Tensor, norm: Tensor, rows: int | Tensor) -> None:
        """Counts a step as `Tally.add` does."""
        self._losses.add_(loss * rows)
        self._count.add_(rows)
        torch.maximum(self._worst_loss, loss, out=self._worst_loss)
        torch.maximum(self._worst_norm, norm, out=self._worst_norm)

    def worst(self) -> Worst:
        """Waits for the steps and returns the worst of them."""
        *_, loss, norm = self._figures.tolist()
        return Worst(loss, norm)

    def mean_loss(self) -> float:
        """Waits for the steps and returns the mean loss of all their rows."""
        losses, count, *_ = self._figures.tolist()
        return float(losses / count)


class TrainStep:
    """Forward, loss, backward, clipping and update; always the same operations for batches of the same shape.

    Args:
        reading: Of the training split.
        optimizer: Of the network that reads.
        loss: What is descended.
        precision: ``bfloat16`` multiplies matrices in that, where torch does so by itself; weights stay in float32.
        capturable: Whether it may be captured in a CUDA graph, for which nothing in it waits for the device.

    Attributes:
        tally: Of all steps.
    """

    def __init__(
        self,
        reading: Reading,
        optimizer: FlatOptimizer,
        loss: TrainingLoss,
        *,
        precision: Precision = "float32",
        capturable: bool = False,
    ) -> None:
        self._reading = reading
        self._optimizer = optimizer
        self._loss = loss
        self._precision = precision
        self._capturable = capturable
        self._device = optimizer.weights.device
        self.tally = DeviceTally(self._device) if capturable else Tally()

    def __call__(self, batch: Batch) -> None:
        """Trains on ``batch``."""
        self._optimizer.gradient.zero_()
        with self._autocast():
            answers = self._reading(batch)
            if not self._capturable:
                answers = answers.counting()
            loss = self._loss(answers)
        torch.autograd.backward(loss)
        self._reading.advance()
        norm = self._optimizer.step()
        rows = len(answers.outputs) if answers.counts is None else answers.counts.sum()
        self.tally.add(loss.detach(), norm, rows)

    def _autocast(self) -> AbstractContextManager[object]:
        if self._precision == "float32":
            return nullcontext()
        return torch.autocast(self._device.type, dtype=torch.bfloat16)
