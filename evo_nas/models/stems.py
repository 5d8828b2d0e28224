"""Stems: what turns steps of numbers, or embeddings of tokens, into what the first layer reads."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

if TYPE_CHECKING:
    from evo_nas.models.recurrent_layer import States


class Steps(NamedTuple):
    """Sequences of vectors.

    Attributes:
        values: ``(batch, time, features)``.
        lengths: int64 ``(batch,)``; None if no sequence is padded.
        tokens: What the vectors embed, int64 ``(batch, time)``; None if they embed nothing.
    """

    values: Tensor
    lengths: Tensor | None
    tokens: Tensor | None = None


class Stem(nn.Module, ABC):
    """Makes the steps of the first layer out of the steps of the input.

    Attributes:
        width: Features of each step of the output.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width

    @abstractmethod
    def forward(self, steps: Steps) -> Steps:
        """Returns what the first layer reads."""

    def forward_from(self, steps: Steps, states: States | None) -> tuple[Tensor, States]:  # noqa: ARG002
        """Returns what the first layer reads of the next piece of long sequences, and the states after it.

        A stem that reads earlier steps has its own.

        Args:
            steps: The piece, without padding.
            states: What the call for the piece before returned; None at the beginning.
        """
        return self(steps).values, {}


class Plain(Stem):
    """Passes steps on as they are."""

    def forward(self, steps: Steps) -> Steps:
        """Returns ``steps``."""
        return steps


class Differences(Stem):
    """Joins each step to its difference from the step before, which is zero at the first step."""

    def __init__(self, features: int) -> None:
        super().__init__(2 * features)

    def forward(self, steps: Steps) -> Steps:
        """Returns the steps with their differences."""
        return Steps(self._joined(steps.values, steps.values[:, :1]), steps.lengths)

    def forward_from(self, steps: Steps, states: States | None) -> tuple[Tensor, States]:
        """Returns the steps of a piece with their differences; see `Stem.forward_from`."""
        values = steps.values
        before, last = values[:, :1], values[:, -1]
        if states is not None:
            # States are zeros at the beginning, where no step lies before the first.
            before = torch.where(states["begun"][0, :, None] > 0, states["last"][0, :, None], before)
        return self._joined(values, before), {"last": last[None], "begun": torch.ones_like(last[None, :, :1])}

    def _joined(self, values: Tensor, before: Tensor) -> Tensor:
        return torch.cat([values, values.diff(dim=1, prepend=before)], dim=-1)


class Convolution(Stem):
    """A causal convolution and ReLU: each output reads the ``size`` steps up to its own, zeros before the first.

    The last output is at the last step, whatever the stride. With a stride of ``size`` the outputs embed segments
    (SegRNN; Lin et al., 2023).
    """

    def __init__(self, features: int, width: int, *, size: int, stride: int) -> None:
        super().__init__(width)
        self._size = size
        self._stride = stride
        # One product over all places: for few channels twice as fast as torch's convolutions on a CPU.
        self.kernel = nn.Linear(features * size, width)

    def forward(self, steps: Steps) -> Steps:
        """Returns a step for each place of the convolution."""
        values, lengths, _ = _aligned(steps, self._stride)
        padded = functional.pad(values, (0, 0, self._size - self._stride, 0))
        return Steps(self._convolved(padded), lengths)

    def forward_from(self, steps: Steps, states: States | None) -> tuple[Tensor, States]:
        """Returns a step for each step of a piece, of a convolution without stride; see `Stem.forward_from`."""
        values, reach = steps.values, self._size - 1
        if states is None:
            before = values.new_zeros(len(values), reach, values.shape[2])
        else:
            before = states["steps"].transpose(0, 1)
        joined = torch.cat([before, values], dim=1)
        return self._convolved(joined), {"steps": joined[:, -reach:].transpose(0, 1)}

    def _convolved(self, values: Tensor) -> Tensor:
        places = values.unfold(1, self._size, self._stride).flatten(2)  # (batch, places, features * size)
        # Autocast lowers the product; layers read steps as precise as their weights.
        return torch.relu(self.kernel(places)).to(values.dtype)


def _aligned(steps: Steps, multiple: int) -> Steps:
    """Returns sequences that are filled up with zeros in front to a multiple of steps, and their lengths in multiples.

    Each sequence moves by itself, so that it does not depend on the batch that it is in.
    """
    values, lengths, _ = steps
    time = values.shape[1]
    after = -(-time // multiple) * multiple
    if lengths is None or multiple == 1:
        return Steps(functional.pad(values, (0, 0, after - time, 0)), lengths)
    source = torch.arange(after, device=values.device) - (-lengths % multiple)[:, None]  # (batch, after)
    moved = values.gather(1, source.clamp(0, time - 1)[..., None].expand(-1, -1, values.shape[2]))
    return Steps(moved.masked_fill((source < 0)[..., None], 0.0), (lengths + multiple - 1) // multiple)
