"""`Bilevel`: the two steps of a super-network, one for the weights and one for the architecture.

Liu, Simonyan and Yang, "DARTS: Differentiable Architecture Search", ICLR 2019.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from evo_nas.models.mixed import MixedRecurrence, SingleCell
    from evo_nas.models.relaxation import Mixture, Relaxation
    from evo_nas.training.batches import Batch
    from evo_nas.training.flat_optimizer import FlatOptimizer
    from evo_nas.training.forward import StatefulForward
    from evo_nas.training.losses import TrainingLoss

PERTURBATION = 0.01
"""Length of the step of weights over which a difference of gradients is taken, as in the paper."""


@dataclass(frozen=True, slots=True)
class Bilevel:
    """Trains weights on one half of the data and the architecture on the other.

    Attributes:
        relaxation: The architecture.
        recurrences: What runs the cells, one for each layer.
        weights: Optimizer of the weights.
        architecture: Optimizer of the relaxation.
        learnt: The network on the half from which weights learn.
        held_out: The network on the half on which the architecture is judged.
        loss: The loss of both.
        rate: Learning rate of the weights, by which order 2 looks ahead.
    """

    relaxation: Relaxation
    recurrences: Sequence[MixedRecurrence]
    weights: FlatOptimizer
    architecture: FlatOptimizer
    learnt: StatefulForward
    held_out: StatefulForward
    loss: TrainingLoss
    rate: float

    def choose(self, chosen: Mixture | SingleCell) -> None:
        """Lets all layers run ``chosen``."""
        for recurrence in self.recurrences:
            recurrence.choose(chosen)

    def weight_step(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Trains the weights of the mixture on a batch.

        Returns:
            The loss ``()`` and the norm ``()`` of the gradient.
        """
        with torch.no_grad():
            mixture = self.relaxation.mixture()
        loss = self._gradient(batch, mixture)
        self.learnt.advance()
        return loss, self.weights.step()

    def single_step(self, batch: Batch, single: SingleCell) -> bool:
        """Trains those weights on a batch that a single cell has, and returns whether that was possible.

        It begins with zero states, since those of a mixture mean nothing to it, and leaves none. A random cell may
        explode, with any weights: its step is left out, since the others need not suffer for it.
        """
        loss = self._gradient(batch, single, self.learnt.anew())
        if not (loss.isfinite() and self.weights.gradient.norm().isfinite()):
            return False
        self.weights.step()
        return True

    def architecture_step(self, batch: Batch, learnt: Batch, *, order: int) -> tuple[Tensor, Tensor]:
        """Trains the architecture on a batch of the half that is held out.

        Args:
            batch: That batch.
            learnt: The batch on which the weights are trained next, by which order 2 looks ahead.
            order: 1 or 2; see `SupernetSettings`.

        Returns:
            The loss ``()`` and the norm ``()`` of the gradient.
        """
        if order == 1:
            loss, gradient = self._of_architecture(self.held_out, batch)
        else:
            loss, gradient = self._looking_ahead(batch, learnt)
        self.held_out.advance()
        self.architecture.gradient.copy_(gradient)
        return loss, self.architecture.step()

    def _looking_ahead(self, batch: Batch, learnt: Batch) -> tuple[Tensor, Tensor]:
        """Returns the loss after a step of the weights, and its gradient ``(choices,)`` through that step."""
        weights, before = self.weights.weights, self.weights.weights.clone()
        with torch.no_grad():
            mixture = self.relaxation.mixture()
        self._gradient(learnt, mixture)
        weights.sub_(self.weights.gradient, alpha=self.rate)
        # Both still hold gradients of earlier passes, to which this one would be added.
        self.weights.gradient.zero_()
        self.architecture.gradient.zero_()
        self.choose(self.relaxation.mixture())
        loss = self.loss(self.held_out(batch).counted())
        torch.autograd.backward(loss)
        direct, direction = self.architecture.gradient.clone(), self.weights.gradient.clone()
        step = PERTURBATION / direction.norm().clamp(min=1e-12)
        ends = []
        for sign in (1.0, -1.0):
            weights.copy_(before + sign * step * direction)
            ends.append(self._of_architecture(self.learnt, learnt)[1])
        weights.copy_(before)
        return loss.detach(), direct - self.rate * (ends[0] - ends[1]) / (2.0 * step)

    def _gradient(
        self, batch: Batch, chosen: Mixture | SingleCell, forward: StatefulForward | None = None
    ) -> Tensor:
        """Sets the gradient of the weights and returns the loss ``()``."""
        self.weights.gradient.zero_()
        self.choose(chosen)
        loss = self.loss((forward or self.learnt)(batch).counted())
        torch.autograd.backward(loss)
        return loss.detach()

    def _of_architecture(self, forward: StatefulForward, batch: Batch) -> tuple[Tensor, Tensor]:
        """Returns the loss ``()`` of the mixture and the gradient of its logits ``(choices,)``."""
        self.choose(self.relaxation.mixture())
        loss = self.loss(forward(batch).counted())
        (gradient,) = torch.autograd.grad(loss, [self.relaxation.logits])
        return loss.detach(), gradient
