"""What a layer adds to the output of its cell from the steps before: attention or an external memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from evo_nas.genome.blocks import Context
from evo_nas.models.attention import WindowedAttention
from evo_nas.models.external_memory import SlotMemory
from evo_nas.models.recurrence import reverse, valid_steps

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from evo_nas.genome.architecture import Layer
    from evo_nas.models.recurrent_layer import States

CONTEXTS: Mapping[Context, Callable[[int], WindowedAttention | SlotMemory]] = {
    Context.ATTENTION: WindowedAttention,
    Context.MEMORY: SlotMemory,
}
"""Builds each context of one direction from the width of the steps that it reads."""


class LayerContext(nn.Module):
    """One context for each direction of a layer, which sees the steps that its cell has read before.

    Args:
        layer: A layer that has a context.
    """

    def __init__(self, layer: Layer) -> None:
        super().__init__()
        build = CONTEXTS[layer.context]
        self.directions = nn.ModuleList(build(layer.width) for _ in range(1 + layer.bidirectional))

    def forward(self, steps: Tensor, lengths: Tensor | None) -> Tensor:
        """Returns ``steps`` ``(batch, time, width * directions)`` with what is added to them, zero at padded steps.

        Args:
            steps: The outputs of the cells.
            lengths: int64 ``(batch,)``; None if no sequence is padded.
        """
        # Padding comes last, and nothing looks ahead, so that the steps within a sequence never see it.
        first, *rest = steps.chunk(len(self.directions), dim=-1)
        outputs = [self._added(0, first)]
        outputs += [reverse(self._added(1, reverse(part, lengths)), lengths) for part in rest]
        joined = torch.cat(outputs, dim=-1)
        if lengths is None:
            return joined
        return joined.masked_fill(~valid_steps(lengths, steps.shape[1])[..., None], 0.0)

    def forward_from(self, steps: Tensor, states: States) -> tuple[Tensor, States]:
        """Returns `forward` of a piece ``(batch, time, width)`` of one direction, and the states after it."""
        added, after = self._direction(0).forward_from(steps, states)
        return steps + added, after

    def zero_states(self, inputs: Tensor) -> States:
        """Returns the states that a pass over ``inputs`` ``(batch, ...)`` begins with."""
        return self._direction(0).zero_states(inputs)

    def _added(self, index: int, steps: Tensor) -> Tensor:
        added: Tensor = self._direction(index)(steps)
        return steps + added

    def _direction(self, index: int) -> WindowedAttention | SlotMemory:
        direction = self.directions[index]
        assert isinstance(direction, WindowedAttention | SlotMemory)
        return direction
