"""An external memory of a few slots, which each step reads and writes."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from evo_nas.genome.blocks import MEMORY_SLOTS, memory_width

if TYPE_CHECKING:
    from evo_nas.models.recurrent_layer import States

CHUNK = 8
"""Steps that are computed at once."""
MOST_WRITTEN = 0.999
"""Largest share of a slot that a step replaces; the logarithm of what is kept must be finite."""


class _Accesses(NamedTuple):
    """What some steps do with the memory.

    Attributes:
        queries: What is looked for, ``(batch, steps, features)``.
        keys: What is written to the keys of slots, ``(batch, steps, features)``.
        values: What is written to their values, ``(batch, steps, features)``.
        written: Share of each slot that is replaced, ``(batch, steps, slots)``.
    """

    queries: Tensor
    keys: Tensor
    values: Tensor
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
        # Outputs of evolved cells have no bound; those of one step are brought to the same scale.
        scaled = functional.layer_norm(steps, (self._width,))
        queries, keys, values = self.project(scaled).chunk(3, dim=-1)
        written = torch.sigmoid(self.gate(scaled)) * self.address(scaled).softmax(dim=-1) * MOST_WRITTEN
        accesses = (queries * self._inner**-0.5, keys, values, written)
        slots, found = (states["keys"].transpose(0, 1), states["values"].transpose(0, 1)), []
        for chunk in zip(*(torch.split(each, CHUNK, dim=1) for each in accesses), strict=True):
            read, slots = _access(_Accesses(*chunk), slots)
            found.append(read)
        merged: Tensor = self.merge(torch.cat(found, dim=1))
        return merged, {"keys": slots[0].transpose(0, 1), "values": slots[1].transpose(0, 1)}

    def zero_states(self, inputs: Tensor) -> States:
        """Returns the empty memory that a pass over ``inputs`` ``(batch, ...)`` begins with."""
        return {name: inputs.new_zeros(MEMORY_SLOTS, len(inputs), self._inner) for name in ("keys", "values")}


def _access(chunk: _Accesses, slots: tuple[Tensor, Tensor]) -> tuple[Tensor, tuple[Tensor, Tensor]]:
    """Returns what each step of a chunk reads ``(batch, steps, features)``, and the slots after the chunk.

    Args:
        chunk: What the steps do.
        slots: Keys and values of the slots before, each ``(batch, slots, features)``.
    """
    keys, values = slots
    steps = chunk.written.shape[1]
    # Logarithms, since quotients of products of many shares would be 0 / 0.
    kept = torch.log1p(-chunk.written).cumsum(dim=1)  # (batch, steps, slots): since the chunk began
    later = torch.ones(steps, steps, dtype=torch.bool, device=kept.device).triu(1)[..., None]
    since = (kept[:, :, None] - kept[:, None]).masked_fill(later, -torch.inf)
    # What each slot holds after a step (second) of what an earlier step (third) wrote.
    held = since.exp() * chunk.written[:, None]  # (batch, steps, steps, slots)
    kept = kept.exp()
    similar = torch.einsum("bti,bsi->bts", chunk.queries, chunk.keys)
    scores = kept * torch.einsum("bti,bni->btn", chunk.queries, keys) + torch.einsum(
        "bts,btsn->btn", similar, held
    )
    reads = scores.softmax(dim=-1)  # (batch, steps, slots)
    found = (reads * kept) @ values + torch.einsum("btn,btsn->bts", reads, held) @ chunk.values
    last = held[:, -1].transpose(1, 2)  # (batch, slots, steps)
    left = kept[:, -1][..., None]
    return found, (left * keys + last @ chunk.keys, left * values + last @ chunk.values)
