"""The losses of tasks in torch, and what of a padded batch counts for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch.nn import functional

from evo_nas.models.recurrence import valid_steps
from evo_nas.tasks.task import Loss

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch import Tensor

    from evo_nas.training.batches import Batch


def binary_cross_entropy(outputs: Tensor, targets: Tensor) -> Tensor:
    """Returns the mean over rows of the binary cross-entropy that is summed over the outputs."""
    total = functional.binary_cross_entropy_with_logits(outputs, targets, reduction="sum")
    return total / len(outputs)


LOSSES: Mapping[Loss, Callable[[Tensor, Tensor], Tensor]] = {
    Loss.CROSS_ENTROPY: functional.cross_entropy,
    Loss.BINARY_CROSS_ENTROPY: binary_cross_entropy,
    Loss.MSE: functional.mse_loss,
}
"""``(outputs (n, outputs), targets) -> mean``; each of the ``n`` is a sequence or a step of one."""


def training_loss(loss: Loss, class_weights: Tensor | None) -> Callable[[Tensor, Tensor], Tensor]:
    """Returns the loss to descend; class weights scale the cross-entropy of each sequence or step."""
    if class_weights is None:
        return LOSSES[loss]
    return lambda outputs, targets: functional.cross_entropy(outputs, targets, weight=class_weights)


def counting_rows(values: Tensor, batch: Batch, *, per_step: bool) -> Tensor:
    """Returns the rows of outputs or targets of ``batch`` that count.

    Args:
        values: ``(batch, ...)``, or ``(batch, time, ...)`` if every step has an output.
        batch: What they are of.
        per_step: Whether every step has an output.

    Returns:
        ``values`` as they are, or ``(counting steps, ...)`` if every step has an output.
    """
    if not per_step:
        return values
    if batch.scored is not None:
        return values[batch.scored]
    if batch.lengths is not None:
        return values[valid_steps(batch.lengths, values.shape[1])]
    return values.flatten(0, 1)
