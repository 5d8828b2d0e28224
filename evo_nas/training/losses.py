"""The losses of tasks in torch; they leave out the padding of batches and targets that are not known."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch.nn import functional

from evo_nas.models.ensemble import Link
from evo_nas.models.recurrence import valid_steps
from evo_nas.tasks.dataset import Objective

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Self

    from torch import Tensor

    from evo_nas.training.batches import Batch


LINKS: Mapping[Objective, Link] = {
    Objective.CROSS_ENTROPY: Link.CLASSES,
    Objective.BINARY_CROSS_ENTROPY: Link.LABELS,
    Objective.MSE: Link.VALUES,
    Objective.QUANTILE: Link.VALUES,
}
"""The scale on which networks with this objective are averaged."""
_IGNORED = -100
"""The class of rows that do not count; torch's cross-entropy leaves it out."""


class Predictions(NamedTuple):
    """Outputs with their targets: one row for each sequence, or for each step if every step has an output.

    Attributes:
        outputs: ``(rows, outputs)``.
        targets: int64 classes ``(rows,)``, or float32 ``(rows, targets)``; see `tasks.dataset.Objective`.
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


def pinball(outputs: Tensor, targets: Tensor, levels: Tensor) -> Tensor:
    """Returns the pinball loss of each target, averaged over the levels, ``(rows, targets)``.

    A level's loss is least in expectation at that quantile of the target (Koenker and Bassett, 1978).

    Args:
        outputs: Quantiles ``(rows, targets * levels)``.
        targets: float32 ``(rows, targets)``.
        levels: float32 ``(levels,)``, each between 0 and 1.
    """
    errors = targets[..., None] - outputs.reshape(len(outputs), -1, len(levels))
    return torch.maximum(levels * errors, (levels - 1.0) * errors).mean(-1)


def mean_pinball(outputs: Tensor, targets: Tensor, levels: Tensor) -> Tensor:
    """Returns the mean of `pinball` over rows, targets and levels, ``()``."""
    return pinball(outputs, targets, levels).mean()


_MEANS: Mapping[Objective, Callable[[Tensor, Tensor], Tensor]] = {
    Objective.BINARY_CROSS_ENTROPY: binary_cross_entropy,
    Objective.MSE: functional.mse_loss,
}
"""``(outputs (rows, outputs), targets (rows, targets)) -> mean ()``; a row is a sequence or a step of one."""
_VALUES: Mapping[Objective, Callable[[Tensor, Tensor], Tensor]] = {
    Objective.BINARY_CROSS_ENTROPY: partial(functional.binary_cross_entropy_with_logits, reduction="none"),
    Objective.MSE: partial(functional.mse_loss, reduction="none"),
}
"""The loss of each target ``(rows, targets)``, where some must be masked; cross-entropy masks rows itself."""


class TrainingLoss:
    """The mean loss over all that counts; class weights scale the cross-entropy of each sequence or step.

    Args:
        loss: The objective.
        class_weights: float32 ``(classes,)``; None if all classes weigh the same.
        levels: Levels of the quantiles, float32 ``(levels,)``, for `Objective.QUANTILE`.
        has_holes: Whether targets that are NaN must not count; `Objective.MSE` and `Objective.QUANTILE` permit it.
    """

    def __init__(
        self,
        loss: Objective,
        class_weights: Tensor | None = None,
        *,
        levels: Tensor | None = None,
        has_holes: bool = False,
    ) -> None:
        self._loss = loss
        self._class_weights = class_weights
        self._has_holes = has_holes
        if loss is Objective.QUANTILE:
            assert levels is not None
            self._values: Callable[[Tensor, Tensor], Tensor] = partial(pinball, levels=levels)
            self._mean: Callable[[Tensor, Tensor], Tensor] = partial(mean_pinball, levels=levels)
        elif loss is not Objective.CROSS_ENTROPY:
            self._values, self._mean = _VALUES[loss], _MEANS[loss]

    def __call__(self, predictions: Predictions) -> Tensor:
        """Returns the mean ``()`` over what counts; waits for nothing, so that a graph can record it."""
        outputs, targets, counts = predictions
        if self._loss is Objective.CROSS_ENTROPY:
            if counts is not None:
                targets = targets.masked_fill(~counts, _IGNORED)
            return functional.cross_entropy(
                outputs, targets, weight=self._class_weights, ignore_index=_IGNORED
            )
        if self._has_holes:
            # Filled before the loss is computed: a NaN that is masked afterwards still spoils the gradient.
            values = self._values(outputs, targets.nan_to_num(0.0))
            known = self._known(predictions)
            # Where nothing is known, both sums are 0, and so is the loss.
            return torch.where(known, values, 0.0).sum() / known.sum().clamp(min=1)
        if counts is None:
            return self._mean(outputs, targets)
        return (self._rows(predictions) * counts).sum() / counts.sum()

    def weight(self, predictions: Predictions) -> int | Tensor:
        """Returns how much the mean of ``predictions`` weighs among those of others: rows, or values that are known."""
        if self._has_holes:
            return self._known(predictions).sum()
        return len(predictions.outputs) if predictions.counts is None else predictions.counts.sum()

    def _rows(self, predictions: Predictions) -> Tensor:
        """Returns the loss of each row ``(rows,)``."""
        values = self._values(predictions.outputs, predictions.targets)
        return values.sum(-1) if self._loss is Objective.BINARY_CROSS_ENTROPY else values.mean(-1)

    @staticmethod
    def _known(predictions: Predictions) -> Tensor:
        """Returns which targets count, bool ``(rows, targets)``."""
        known = ~predictions.targets.isnan()
        return known if predictions.counts is None else known & predictions.counts[:, None]
