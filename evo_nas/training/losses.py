"""The losses of tasks in torch; they leave out the padding of batches."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from torch.nn import functional

from evo_nas.models.recurrence import valid_steps
from evo_nas.tasks.dataset import Objective

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Self

    from torch import Tensor

    from evo_nas.training.batches import Batch


_IGNORED = -100
"""The class of rows that do not count; torch's cross-entropy leaves it out."""


class Predictions(NamedTuple):
    """Outputs with their targets: one row for each sequence, or for each step if every step has an output.

    Attributes:
        outputs: ``(rows, outputs)``.
        targets: int64 classes ``(rows,)``, or float32 ``(rows, outputs)``; see `tasks.dataset.Objective`.
        counts: Which rows count, bool ``(rows,)``; None for all.
    """

    outputs: Tensor
    targets: Tensor
    counts: Tensor | None = None

    @classmethod
    def of(cls, outputs: Tensor, batch: Batch, *, per_step: bool) -> Self:
        """Returns all rows of a batch, whether they count or not.

        Args:
            outputs: ``(batch, outputs)``, or ``(batch, time, outputs)`` if every step has an output.
            batch: The batch that the network has read.
            per_step: Whether every step has an output.
        """
        if not per_step:
            return cls(outputs, batch.targets)
        counts = batch.scored
        if counts is None and batch.lengths is not None:
            counts = valid_steps(batch.lengths, outputs.shape[1])
        return cls(
            outputs.flatten(0, 1), batch.targets.flatten(0, 1), None if counts is None else counts.flatten()
        )

    def counted(self) -> Self:
        """Keeps only the rows that count; waits for the device to know how many."""
        if self.counts is None:
            return self
        return self._replace(
            outputs=self.outputs[self.counts], targets=self.targets[self.counts], counts=None
        )


def binary_cross_entropy(outputs: Tensor, targets: Tensor) -> Tensor:
    """Returns the binary cross-entropy ``()``, summed over the outputs and averaged over the rows.

    Args:
        outputs: Logits ``(rows, outputs)``.
        targets: float32 0 or 1, ``(rows, outputs)``.
    """
    total = functional.binary_cross_entropy_with_logits(outputs, targets, reduction="sum")
    return total / len(outputs)


LOSSES: Mapping[Objective, Callable[[Tensor, Tensor], Tensor]] = {
    Objective.CROSS_ENTROPY: functional.cross_entropy,
    Objective.BINARY_CROSS_ENTROPY: binary_cross_entropy,
    Objective.MSE: functional.mse_loss,
}
"""``(outputs (rows, outputs), targets (rows, ...)) -> mean ()``; a row is a sequence or a step of one."""
_ROWS: Mapping[Objective, Callable[[Tensor, Tensor], Tensor]] = {
    Objective.BINARY_CROSS_ENTROPY: lambda outputs, targets: functional.binary_cross_entropy_with_logits(
        outputs, targets, reduction="none"
    ).sum(-1),
    Objective.MSE: lambda outputs, targets: functional.mse_loss(outputs, targets, reduction="none").mean(-1),
}
"""The loss of each row ``(rows,)``, where rows must be masked; cross-entropy masks them itself."""


class TrainingLoss:
    """The loss that training minimises; class weights scale the cross-entropy of each sequence or step.

    Args:
        loss: The objective.
        class_weights: float32 ``(classes,)``; None if all classes weigh the same.
    """

    def __init__(self, loss: Objective, class_weights: Tensor | None) -> None:
        self._loss = loss
        self._class_weights = class_weights

    def __call__(self, predictions: Predictions) -> Tensor:
        """Returns the mean ``()`` over the rows that count; waits for nothing, so that a graph can record it."""
        outputs, targets, counts = predictions
        if self._loss is Objective.CROSS_ENTROPY:
            if counts is not None:
                targets = targets.masked_fill(~counts, _IGNORED)
            return functional.cross_entropy(
                outputs, targets, weight=self._class_weights, ignore_index=_IGNORED
            )
        if counts is None:
            return LOSSES[self._loss](outputs, targets)
        return (_ROWS[self._loss](outputs, targets) * counts).sum() / counts.sum()
