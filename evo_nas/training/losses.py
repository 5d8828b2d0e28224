"""The losses of tasks in torch, and what of a padded batch counts for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch.nn import functional

from evo_nas.models.recurrence import valid_steps
from evo_nas.tasks.task import Loss

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch import Tensor

LOSSES: Mapping[Loss, Callable[[Tensor, Tensor], Tensor]] = {
    Loss.CROSS_ENTROPY: functional.cross_entropy,
    Loss.MSE: functional.mse_loss,
}
"""``(outputs (n, outputs), targets) -> mean``; each of the ``n`` is a sequence or a step of one."""


def without_padding(values: Tensor, lengths: Tensor | None, *, per_step: bool) -> Tensor:
    """Returns the rows of outputs or targets that count.

    Args:
        values: ``(batch, ...)``, or ``(batch, time, ...)`` if every step has an output.
        lengths: int64 ``(batch,)``; None if no sequence is padded.
        per_step: Whether every step has an output.

    Returns:
        ``values`` as they are, or ``(valid steps, ...)`` if every step has an output.
    """
    if not per_step:
        return values
    return values.flatten(0, 1) if lengths is None else values[valid_steps(lengths, values.shape[1])]
