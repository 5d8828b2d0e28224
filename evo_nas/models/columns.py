"""Forecasts of several targets by one network that sees them one at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from evo_nas.genome.columns import targets_of

if TYPE_CHECKING:
    from evo_nas.genome.architecture import Signature


class ColumnsApart(nn.Module):
    """Turns a batch of sequences with several targets into one with a sequence for each target, and back.

    The network in between has the same weights for all targets (channel independence; Nie et al., 2023). A sequence
    holds the target's own feature first, then all features that belong to no target.

    Attributes:
        count: Number of targets.
    """

    targets: Tensor
    """The feature of each target, int64 ``(targets,)``."""
    others: Tensor
    """The features that belong to no target, int64 ``(others,)``."""

    def __init__(self, signature: Signature) -> None:
        super().__init__()
        targets = targets_of(signature)
        others = [feature for feature in range(signature.features) if feature not in targets]
        self.count = len(targets)
        self._horizon = signature.horizon
        self.register_buffer("targets", torch.tensor(targets), persistent=False)
        self.register_buffer("others", torch.tensor(others, dtype=torch.int64), persistent=False)

    def enter(self, inputs: Tensor, lengths: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """Returns a sequence ``(batch * targets, time, 1 + others)`` for each target, and their lengths.

        Args:
            inputs: ``(batch, time, features)``.
            lengths: int64 ``(batch,)``; None if no sequence is padded.
        """
        own = inputs[..., self.targets].transpose(1, 2)[..., None]  # (batch, targets, time, 1)
        shared = inputs[:, None, :, self.others].expand(-1, self.count, -1, -1)
        if lengths is not None:
            lengths = lengths[:, None].expand(-1, self.count).flatten()
        return torch.cat([own, shared], dim=-1).flatten(0, 1), lengths

    def leave(self, outputs: Tensor) -> Tensor:
        """Returns the outputs ``(batch, outputs)``, ordered by step, then by target, then by level.

        Args:
            outputs: For each target its forecast, ordered by step, ``(batch * targets, outputs / targets)``.
        """
        by_target = outputs.view(-1, self.count, self._horizon, outputs.shape[1] // self._horizon)
        return by_target.transpose(1, 2).flatten(1)
