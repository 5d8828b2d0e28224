"""One step of a training, from a batch to new weights."""

from __future__ import annotations

import math
from contextlib import nullcontext
from typing import TYPE_CHECKING, NamedTuple

import torch

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractContextManager

    from torch import Tensor

    from evo_nas.config.schema import Precision
    from evo_nas.training.batches import Batch
    from evo_nas.training.flat_optimizer import FlatOptimizer
    from evo_nas.training.forward import StatefulForward
    from evo_nas.training.losses import TrainingLoss

AUTOCAST_TYPES: Mapping[Precision, torch.dtype | None] = {"float32": None, "bfloat16": torch.bfloat16}
"""The type in which torch multiplies matrices where it has a choice; None for the type of the matrices."""


class Maxima(NamedTuple):
    """The largest loss and gradient norm of some steps; NaN if one of the steps had NaN."""

    loss: float
    gradient_norm: float


class RunningLoss:
    """The mean loss of the steps since the last `clear`, and the largest loss and gradient norm among them."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forgets all steps."""
        self._loss = self._weight = 0.0
        self._maxima = Maxima(0.0, 0.0)

    def add(self, loss: Tensor, norm: Tensor, weight: int | Tensor) -> None:
        """Counts a step with its mean loss ``()``, the norm ``()`` of its gradient, and how much that mean weighs."""
        self._loss += float(weight) * loss.item()
        self._weight += float(weight)
        self._maxima = Maxima(
            _larger(self._maxima.loss, loss.item()), _larger(self._maxima.gradient_norm, norm.item())
        )

    def maxima(self) -> Maxima:
        """Returns the largest values of the steps."""
        return self._maxima

    def mean(self) -> float:
        """Returns the weighted mean loss of the steps."""
        return self._loss / self._weight


def _larger(one: float, other: float) -> float:
    """Returns the larger number; unlike `max`, NaN if either is NaN."""
    return one if one >= other or math.isnan(one) else other


class DeviceRunningLoss(RunningLoss):
    """A running loss that is kept on the device, so that only reading it waits for the steps."""

    def __init__(self, device: torch.device) -> None:
        # In double precision, as the sums on the host are; one tensor, so that one copy reads everything.
        self._figures = torch.zeros(4, dtype=torch.float64, device=device)
        self._losses, self._weights, self._largest_loss, self._largest_norm = self._figures.unbind()
        super().__init__()

    def clear(self) -> None:
        """Forgets all steps."""
        self._figures.zero_()

    def add(self, loss: Tensor, norm: Tensor, weight: int | Tensor) -> None:
        """Counts a step as `RunningLoss.add` does."""
        self._losses.add_(loss * weight)
        self._weights.add_(weight)
        torch.maximum(self._largest_loss, loss, out=self._largest_loss)
        torch.maximum(self._largest_norm, norm, out=self._largest_norm)

    def maxima(self) -> Maxima:
        """Waits for the steps and returns their largest values."""
        *_, loss, norm = self._figures.tolist()
        return Maxima(loss, norm)

    def mean(self) -> float:
        """Waits for the steps and returns their weighted mean loss."""
        losses, weights, *_ = self._figures.tolist()
        return float(losses / weights)


class TrainStep:
    """Forward, loss, backward, clipping and update; always the same operations for batches of the same shape.

    Args:
        forward: The network on the training split.
        optimizer: The optimizer of that network.
        loss: The loss that is minimised.
        precision: ``bfloat16`` multiplies matrices in that format where torch may choose; weights stay in float32.
        capturable: Whether a CUDA graph may record the step. Then nothing in it waits for the device.

    Attributes:
        running: The losses of all steps.
    """

    def __init__(
        self,
        forward: StatefulForward,
        optimizer: FlatOptimizer,
        loss: TrainingLoss,
        *,
        precision: Precision = "float32",
        capturable: bool = False,
    ) -> None:
        self._forward = forward
        self._optimizer = optimizer
        self._loss = loss
        self._lowered = AUTOCAST_TYPES[precision]
        self._capturable = capturable
        self._device = optimizer.weights.device
        self.running = DeviceRunningLoss(self._device) if capturable else RunningLoss()

    def __call__(self, batch: Batch) -> None:
        """Trains on ``batch``."""
        self._optimizer.gradient.zero_()
        with self._autocast():
            predictions = self._forward(batch)
            # A graph needs shapes that do not depend on values, so there the loss masks the rows that do not count;
            # leaving them out is faster where the host may wait.
            if not self._capturable:
                predictions = predictions.counted()
            loss = self._loss(predictions)
        torch.autograd.backward(loss)
        self._forward.advance()
        norm = self._optimizer.step()
        self.running.add(loss.detach(), norm, self._loss.weight(predictions))

    def _autocast(self) -> AbstractContextManager[object]:
        if self._lowered is None:
            return nullcontext()
        return torch.autocast(self._device.type, dtype=self._lowered)
