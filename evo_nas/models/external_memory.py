"""An external memory of a few slots, which each step reads and writes."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from evo_nas.genome.blocks import MEMORY_SLOTS, memory_width

if TYPE_CHECKING:
    from evo_nas.models.recurrent_layer import States

CHUNK = 16
"""Steps that are computed at once."""
MOST_WRITTEN = 0.99
"""Largest share of a slot that a step replaces: what is left after a chunk must not be too small to divide by."""


class _Accesses(NamedTuple):
    """What steps do with the memory.

    Attributes:
        queries: What is looked for, ``(batch, chunks, steps, features)``.
        contents: What is written, the key and then the value, ``(batch, chunks, steps, 2 * features)``.
        written: Share of each slot that is replaced, ``(batch, chunks, steps, slots)``.
    """

    queries: Tensor
    contents: Tensor
    written: Tensor


class SlotMemory(nn.Module):
    """A memory of slots with a key and a value each: gated slot attention (Zhang et al., 2024).

    A step writes its key and value into the slots that a softmax over learnt addresses chooses, by as much as a gate
    lets it; then it reads the slots whose keys are similar to its query. Unlike in a Neural Turing Machine (Graves et
    al., 2014), what is written does not depend on what was read, so that chunks of steps are computed at once.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self._width = width
        self._inner = memory_width(width)
        self.project = nn.Linear(width, 3 * self._inner, bias=False)
        self.address = nn.Linear(width, MEMORY_SLOTS)
        self.gate = nn.Linear(width, 1)
        self.merge = nn.Linear(self._inner, width, bias=False)

    def forward(self, steps: Tensor) -> Tensor:
        """Returns what each step reads ``(batch, time, width)``.

        Args:
            steps: ``(batch, time, width)``; padding comes last.
        """
        return self.forward_from(steps, self.zero_states(steps))[0]

    def forward_from(self, steps: Tensor, states: States) -> tuple[Tensor, States]:
        """Returns `forward` of a piece, and the memory after it.

        Args:
            steps: ``(batch, time, width)``, without padding.
            states: The memory before; see `zero_states`.
        """
        accesses = _Accesses(*map(_chunked, self._accesses(steps)))
        found, slots = _access(accesses, states["slots"].transpose(0, 1))
        merged: Tensor = self.merge(found.flatten(1, 2)[:, : steps.shape[1]])
        return merged, {"slots": slots.transpose(0, 1)}

    def _accesses(self, steps: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Returns what steps do with the memory, each ``(batch, time, ...)``; see `_Accesses`."""
        # Outputs of evolved cells have no bound; those of one step are brought to the same scale.
        scaled = functional.layer_norm(steps, (self._width,))
        queries, contents = self.project(scaled).split((self._inner, 2 * self._inner), dim=-1)
        written = torch.sigmoid(self.gate(scaled)) * self.address(scaled).softmax(dim=-1) * MOST_WRITTEN
        return queries * self._inner**-0.5, contents, written

    def zero_states(self, inputs: Tensor) -> States:
        """Returns the empty memory that a pass over ``inputs`` ``(batch, ...)`` begins with."""
        return {"slots": inputs.new_zeros(MEMORY_SLOTS, inputs.shape[0], 2 * self._inner)}


def _chunked(steps: Tensor) -> Tensor:
    """Returns ``steps`` ``(batch, time, features)`` as ``(batch, chunks, steps, features)``, filled up with zeros."""
    time = steps.shape[1]
    size = min(CHUNK, time)
    # Zeros write nothing.
    return torch.unflatten(functional.pad(steps, (0, 0, 0, -time % size)), 1, (-1, size))


def _access(accesses: _Accesses, slots: Tensor) -> tuple[Tensor, Tensor]:
    """Returns what each step reads ``(batch, chunks, steps, features)``, and the slots after the last.

    Args:
        accesses: What the steps do.
        slots: Keys and values of the slots before, ``(batch, slots, 2 * features)``.
    """
    queries, contents, written = accesses
    kept = torch.log1p(-written).cumsum(dim=2)
    left = kept.exp()  # of what a slot held before the chunk, after each step
    # A step's share of what is left: times `left` after a later step, what that step finds of it.
    shares = written * (-kept).exp()
    added = shares.transpose(-1, -2) @ contents  # (batch, chunks, slots, 2 * features)
    before = []
    for chunk in range(written.shape[1]):
        before.append(slots)
        slots = left[:, chunk, -1, :, None] * (slots + added[:, chunk])
    slot_keys, slot_values = torch.stack(before, dim=1).chunk(2, dim=-1)
    keys, values = contents.chunk(2, dim=-1)
    similar = (queries @ keys.transpose(-1, -2)).tril()  # (batch, chunks, steps, steps), to no later step
    scores = left * (
        queries @ slot_keys.transpose(-1, -2) + similar @ shares
    )  # (batch, chunks, steps, slots)
    reads = scores.softmax(dim=-1) * left
    found = reads @ slot_values + (reads @ shares.transpose(-1, -2)).tril() @ values
    return found, slots
