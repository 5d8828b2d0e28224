"""What the output of a cell holds besides its state."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812


class WindowAttention(nn.Module):
    """Adds to each step what attention finds in itself and the steps before it.

    Args:
        width: Units of the steps.
        inner: Features of queries, keys and values, of all heads together.
        heads: Heads.
        window: Steps that are seen.
    """

    def __init__(self, width: int, inner: int, heads: int, window: int) -> None:
        super().__init__()
        self.project = nn.Linear(width, 3 * inner, bias=False)
        self.merge = nn.Linear(inner, width, bias=False)
        self.distances = nn.Parameter(torch.zeros(heads, window))

    def forward(self, steps: Tensor) -> Tensor:
        """Returns `(batch, time, width)` for `steps` of that shape."""
        heads, window = self.distances.shape
        scaled = F.layer_norm(steps, steps.shape[-1:])
        projected = self.project(scaled).unflatten(-1, (3, heads, -1))
        queries, keys, values = projected.unbind(2)  # (batch, time, heads, features)
        queries = queries * queries.shape[-1] ** -0.5
        found = torch.zeros_like(values)
        for time in range(steps.shape[1]):
            seen = slice(max(0, time - window + 1), time + 1)
            scores = torch.einsum("bhf,bthf->bht", queries[:, time], keys[:, seen])
            # A learnt bias for each distance; that of the step itself comes last.
            scores = scores + self.distances[:, : scores.shape[-1]].flip(-1)
            shares = scores.softmax(dim=-1)
            found[:, time] = torch.einsum("bht,bthf->bhf", shares, values[:, seen])
        added: Tensor = self.merge(found.flatten(2))
        return steps + added


class SlotMemory(nn.Module):
    """Adds to each step what it reads from a memory of slots with a key and a value.

    A step writes its key and value into the slots that a softmax over learnt addresses
    chooses, by as much as a gate lets it; then it reads those that its query is like.

    Args:
        width: Units of the steps.
        inner: Features of a key, and of a value.
        slots: Slots of the memory.
        most_written: Largest share of a slot that a step replaces.
    """

    def __init__(self, width: int, inner: int, slots: int, most_written: float) -> None:
        super().__init__()
        self.project = nn.Linear(width, 3 * inner, bias=False)
        self.address = nn.Linear(width, slots)
        self.gate = nn.Linear(width, 1)
        self.merge = nn.Linear(inner, width, bias=False)
        self.most_written = most_written

    def forward(self, steps: Tensor) -> Tensor:
        """Returns `(batch, time, width)` for `steps` of that shape."""
        scaled = F.layer_norm(steps, steps.shape[-1:])
        queries, keys, values = self.project(scaled).chunk(3, dim=-1)
        queries = queries * queries.shape[-1] ** -0.5
        written = torch.sigmoid(self.gate(scaled)) * self.address(scaled).softmax(-1)
        written = written * self.most_written  # (batch, time, slots)
        slot_keys = keys.new_zeros(len(keys), written.shape[-1], keys.shape[-1])
        slot_values = torch.zeros_like(slot_keys)
        found = torch.zeros_like(values)
        for time in range(steps.shape[1]):
            share = written[:, time, :, None]
            slot_keys = (1 - share) * slot_keys + share * keys[:, time, None]
            slot_values = (1 - share) * slot_values + share * values[:, time, None]
            scores = torch.einsum("bf,bsf->bs", queries[:, time], slot_keys)
            found[:, time] = torch.einsum("bs,bsf->bf", scores.softmax(-1), slot_values)
        added: Tensor = self.merge(found)
        return steps + added
