"""Dropout that draws from a generator of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn

if TYPE_CHECKING:
    import torch
    from torch import Tensor


class Dropout(nn.Module):
    """Zeroes values at random in training and scales the others up, so that their mean stays.

    Attributes:
        generator: What it draws from, on the device of its inputs; None is torch's own.
    """

    generator: torch.Generator | None = None

    def __init__(self, rate: float) -> None:
        super().__init__()
        self._rate = rate

    def forward(self, values: Tensor) -> Tensor:
        """Returns ``values`` times a mask."""
        if not self.training or self._rate == 0.0:
            return values
        kept = 1.0 - self._rate
        mask = values.new_empty(self._mask_shape(values)).bernoulli_(kept, generator=self.generator)
        return values * mask.div_(kept)

    def _mask_shape(self, values: Tensor) -> torch.Size:
        return values.shape


class SequenceDropout(Dropout):
    """Zeroes the same features of ``(batch, time, features)`` at all steps (Gal and Ghahramani, 2016)."""

    def _mask_shape(self, values: Tensor) -> torch.Size:
        return values[:, :1].shape


def set_generator(network: nn.Module, generator: torch.Generator | None) -> None:
    """Lets all dropout of ``network`` draw from ``generator``; None is torch's own."""
    for module in network.modules():
        if isinstance(module, Dropout):
            module.generator = generator
