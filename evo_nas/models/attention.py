"""Causal self-attention over the last steps of a sequence."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from evo_nas.genome.blocks import ATTENTION_BLOCK, ATTENTION_HEADS, ATTENTION_WINDOW, attention_width

if TYPE_CHECKING:
    from evo_nas.models.recurrent_layer import States


class _Past(NamedTuple):
    """Steps before a piece.

    Attributes:
        steps: ``(batch, past, width)``.
        seen: bool ``(batch, past)`` or ``(1, past)``, False where a sequence had not begun.
    """

    steps: Tensor
    seen: Tensor


class WindowedAttention(nn.Module):
    """Attention of each step to itself and the steps of a window before it (Vaswani et al., 2017).

    Scores have a learnt bias for each distance (Raffel et al., 2020), since outputs do not tell their position. A
    sequence is cut into blocks, each of which looks at itself and the window before: memory grows with time x window.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        inner = attention_width(width)
        self._width = width
        self.project = nn.Linear(width, 3 * inner, bias=False)
        self.merge = nn.Linear(inner, width, bias=False)
        self.distances = nn.Parameter(torch.zeros(ATTENTION_HEADS, ATTENTION_WINDOW))

    def forward(self, steps: Tensor) -> Tensor:
        """Returns what the window before each step gives ``(batch, time, width)``.

        Args:
            steps: ``(batch, time, width)``; padding comes last.
        """
        # A sequence that fits into the window is one block with nothing before it.
        past = ATTENTION_WINDOW if steps.shape[1] > ATTENTION_WINDOW else 0
        nothing = steps.new_zeros(len(steps), past, self._width)
        return self._attend(steps, _Past(nothing, nothing.new_zeros(1, past, dtype=torch.bool)))

    def forward_from(self, steps: Tensor, states: States) -> tuple[Tensor, States]:
        """Returns `forward` of a piece, and the states after it.

        Args:
            steps: ``(batch, time, width)``, without padding.
            states: Those after the piece before; see `zero_states`.
        """
        past = _Past(states["past"].transpose(0, 1), states["seen"].T > 0)
        read = torch.cat([past.steps, steps], dim=1)[:, -ATTENTION_WINDOW:]
        seen = functional.pad(states["seen"].T, (0, steps.shape[1]), value=1.0)[:, -ATTENTION_WINDOW:]
        return self._attend(steps, past), {"past": read.transpose(0, 1), "seen": seen.T}

    def zero_states(self, inputs: Tensor) -> States:
        """Returns the states that a pass over ``inputs`` ``(batch, ...)`` begins with."""
        return {
            "past": inputs.new_zeros(ATTENTION_WINDOW, len(inputs), self._width),
            "seen": inputs.new_zeros(ATTENTION_WINDOW, len(inputs)),
        }

    def _attend(self, steps: Tensor, past: _Past) -> Tensor:
        time, before = steps.shape[1], past.steps.shape[1]
        block = min(time, ATTENTION_BLOCK) if before else time
        surplus = -time % block
        # Outputs of evolved cells have no bound; those of one step are brought to the same scale.
        joined = functional.layer_norm(torch.cat([past.steps, steps], dim=1), (self._width,))
        queries, keys, values = self._by_block(joined, before, block, surplus)
        seen = functional.pad(past.seen, (0, time + surplus), value=True).unfold(1, before + block, block)
        biases = self._biases(before, block).where(seen[:, :, None, None], -torch.inf)
        # (batch, blocks, heads, block, before + block)
        scores = (queries * queries.shape[-1] ** -0.5) @ keys.transpose(-1, -2) + biases
        found = scores.softmax(dim=-1) @ values  # (batch, blocks, heads, block, features)
        merged: Tensor = self.merge(found.transpose(2, 3).flatten(3).flatten(1, 2)[:, :time])
        return merged

    def _by_block(self, joined: Tensor, before: int, block: int, surplus: int) -> tuple[Tensor, ...]:
        """Returns queries, keys and values, each ``(batch, blocks, heads, steps, features)``."""
        projected = functional.pad(self.project(joined), (0, 0, 0, surplus))
        queries, keys, values = torch.unflatten(projected, -1, (3, ATTENTION_HEADS, -1)).unbind(2)
        spans = (
            queries[:, before:].unfold(1, block, block),
            *(each.unfold(1, before + block, block) for each in (keys, values)),
        )
        return tuple(span.transpose(-1, -2) for span in spans)

    def _biases(self, before: int, block: int) -> Tensor:
        """Returns what is added to the scores ``(heads, block, before + block)``, -inf outside the window."""
        device = self.distances.device
        distance = (
            before + torch.arange(block, device=device)[:, None] - torch.arange(before + block, device=device)
        )
        biases = self.distances[:, distance.clamp(0, ATTENTION_WINDOW - 1)]
        return biases.masked_fill((distance < 0) | (distance >= ATTENTION_WINDOW), -torch.inf)
