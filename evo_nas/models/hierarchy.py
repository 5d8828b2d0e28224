"""Layers that update every few steps: their recurrence reads a summary of each chunk of the input."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn import functional

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from evo_nas.models.recurrent_layer import States


class Pace:
    """Runs a recurrence once for each chunk of steps, on the mean of the chunk.

    What it gives for a chunk is the output from the chunk's last step until the next chunk ends, zero before the first
    (clockwork, Koutnik et al., 2014; tiers of SampleRNN, Mehri et al., 2017). A chunk that is not whole is not read. A
    cell that reads backwards gives its output at all steps of the chunk.

    Args:
        period: Steps of a chunk.
        width: Units of the output in each direction.
        bidirectional: Whether a second cell reads backwards.
    """

    def __init__(self, period: int, width: int, *, bidirectional: bool = False) -> None:
        self.period = period
        self.width = width
        self.bidirectional = bidirectional

    def run(
        self, scan: Callable[[Tensor, Tensor | None], Tensor], inputs: Tensor, lengths: Tensor | None
    ) -> Tensor:
        """Returns the output of every step ``(batch, time, width * directions)``.

        Args:
            scan: Gives the outputs ``(batch, chunks, width * directions)`` for inputs and lengths in chunks.
            inputs: ``(batch, time, inputs)``.
            lengths: int64 ``(batch,)``; None if no sequence is padded.
        """
        chunks = self._means(inputs)
        if not chunks.shape[1]:
            return inputs.new_zeros(*inputs.shape[:2], self.width * (1 + self.bidirectional))
        slow = scan(chunks, None if lengths is None else lengths // self.period)
        steps = torch.arange(inputs.shape[1], device=inputs.device)
        held = functional.pad(slow[..., : self.width], (0, 0, 1, 0))[:, (steps + 1) // self.period]
        if not self.bidirectional:
            return held
        ahead = functional.pad(slow[..., self.width :], (0, 0, 0, 1))[:, steps // self.period]
        return torch.cat([held, ahead], dim=-1)

    def run_from(
        self, scan: Callable[[Tensor, States], tuple[Tensor, States]], inputs: Tensor, states: States
    ) -> tuple[Tensor, States]:
        """Returns the outputs ``(batch, time, width)`` of a piece, and the states after it.

        Args:
            scan: Gives the outputs ``(batch, chunks, width)`` for a piece in chunks, and its own states.
            inputs: ``(batch, time, inputs)``, without padding.
            states: Those of ``scan`` and of `zero_states` before the piece.
        """
        # All rows began at the same step, so that one of them tells the position of all.
        position = int(states["position"][0, 0])
        # The sum of the steps that were read stands for them, with zeros: the mean of the chunk stays the same.
        read = functional.pad(states["read"].transpose(0, 1), (0, 0, 0, self.period))[:, :position]
        joined = torch.cat([read, inputs], dim=1)
        chunks, slow, after = self._means(joined), states["held"].transpose(0, 1), dict(states)
        if chunks.shape[1]:
            outputs, after = scan(chunks, states)
            slow = torch.cat([slow, outputs], dim=1)
        steps = torch.arange(position, joined.shape[1], device=inputs.device)
        unread = joined[:, chunks.shape[1] * self.period :]
        return slow[:, (steps + 1) // self.period], {
            **after,
            "read": unread.sum(dim=1)[None],
            "held": slow[:, -1][None],
            "position": torch.full_like(states["position"], unread.shape[1]),
        }

    def step_from(
        self, scan: Callable[[Tensor, States], tuple[Tensor, States]], inputs: Tensor, states: States
    ) -> tuple[Tensor, States]:
        """Returns what `run_from` does of one step, by operations that do not depend on where the chunk ends.

        So the step can be recorded, at the price of an update that is thrown away where none is due.

        Args:
            scan: As for `run_from`.
            inputs: ``(batch, 1, inputs)``.
            states: As for `run_from`.
        """
        read = states["read"] + inputs.transpose(0, 1)
        position = states["position"] + 1.0
        outputs, updated = scan((read / self.period).transpose(0, 1), states)
        is_whole = position >= self.period  # (1, batch)
        is_due = is_whole[..., None]
        held = torch.where(is_due, outputs.transpose(0, 1), states["held"])
        # Chosen, not multiplied by a mask: an update that is not due may overflow.
        after = {
            name: torch.where(is_due if state.dim() == 3 else is_whole, state, states[name])
            for name, state in updated.items()
        }
        return held.transpose(0, 1), {
            **after,
            "read": torch.where(is_due, 0.0, read),
            "held": held,
            "position": torch.where(is_whole, 0.0, position),
        }

    def zero_states(self, inputs: Tensor) -> States:
        """Returns the states that a pass over ``inputs`` ``(batch, time, inputs)`` begins with."""
        rows = len(inputs)
        return {
            "read": inputs.new_zeros(1, rows, inputs.shape[-1]),
            "held": inputs.new_zeros(1, rows, self.width),
            "position": inputs.new_zeros(1, rows),
        }

    def _means(self, inputs: Tensor) -> Tensor:
        """Returns the mean of each whole chunk ``(batch, chunks, inputs)``."""
        chunks = inputs.shape[1] // self.period
        return torch.unflatten(inputs[:, : chunks * self.period], 1, (chunks, self.period)).mean(dim=2)
