"""Truncated back-propagation through time: layers that read long sequences in pieces."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from evo_nas.models.recurrent_layer import States


@dataclass(frozen=True, slots=True)
class Pieces:
    """Layers that read ``(batch, time, features)`` piece by piece, where their states go on and gradients do not.

    Values are those of the whole pass. The gradient of a piece ends at the states before it (Williams and Peng,
    1990). Only these states are kept of a piece, which is run again when its gradient is due, and not at all if that
    is zero, as for all but the last pieces of a network that reads the last step alone.

    Attributes:
        run: Returns the outputs ``(batch, steps, width)`` of a piece and the states after it, given the piece and
            the states before it; these are None at the beginning.
        steps: Steps of a piece, at least 1.
        parameters: The weights that ``run`` uses.
        generator: Draws the masks of dropout in ``run``.
    """

    run: Callable[[Tensor, States | None], tuple[Tensor, States]]
    steps: int
    parameters: Sequence[Tensor]
    generator: torch.Generator

    def outputs(self, values: Tensor) -> Tensor:
        """Returns the outputs ``(batch, time, width)`` for ``values`` ``(batch, time, features)``."""
        outputs: Tensor = _Pieces.apply(self, values, *self.parameters)  # type: ignore[no-untyped-call]
        return outputs


class _Beginning(NamedTuple):
    """What a piece can be run from again: the states before it and that of the generator."""

    states: States | None
    drawn: Tensor


class _Pieces(torch.autograd.Function):
    """`Pieces.outputs` with the gradients of the values and the parameters."""

    @staticmethod
    def forward(ctx: Any, pieces: Pieces, values: Tensor, *parameters: Tensor) -> Tensor:
        """Runs the pieces without gradients, as torch does within such a function."""
        outputs, beginnings, states = [], [], None
        for piece in torch.split(values, pieces.steps, dim=1):
            beginnings.append(_Beginning(states, pieces.generator.get_state()))
            output, states = pieces.run(piece, states)
            outputs.append(output)
        ctx.pieces, ctx.beginnings, ctx.autocast = pieces, beginnings, _autocast(values.device.type)
        ctx.save_for_backward(values, *parameters)
        return torch.cat(outputs, dim=1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_outputs: Tensor) -> tuple[Tensor | None, ...]:
        """Runs one piece after the other again, and back; ``d_outputs`` is ``(batch, time, width)``."""
        values, *parameters = ctx.saved_tensors
        steps = ctx.pieces.steps
        gradients = [torch.zeros_like(tensor) for tensor in (values, *parameters)]
        for index, (piece, d_output) in enumerate(
            zip(torch.split(values, steps, dim=1), torch.split(d_outputs, steps, dim=1), strict=True)
        ):
            if d_output.any():
                with _drawing_from(ctx.pieces.generator, ctx.beginnings[index].drawn), ctx.autocast:
                    found = _gradients(ctx.pieces, piece, ctx.beginnings[index].states, d_output)
                own = gradients[0][:, index * steps : (index + 1) * steps]
                for total, gradient in zip((own, *gradients[1:]), found, strict=True):
                    total.add_(gradient)
        return None, *gradients


def _gradients(pieces: Pieces, piece: Tensor, states: States | None, d_output: Tensor) -> tuple[Tensor, ...]:
    """Returns the gradients of ``piece`` and of each parameter, given that of its outputs."""
    with torch.enable_grad():
        piece = piece.detach().requires_grad_()
        output, _ = pieces.run(piece, states)
        return torch.autograd.grad(output, (piece, *pieces.parameters), d_output, materialize_grads=True)


def _autocast(device: str) -> AbstractContextManager[object]:
    """Returns what brings back the precision of products that is set now: a backward pass runs outside of it."""
    return torch.autocast(
        device, dtype=torch.get_autocast_dtype(device), enabled=torch.is_autocast_enabled(device)
    )


@contextmanager
def _drawing_from(generator: torch.Generator, state: Tensor) -> Iterator[None]:
    """Makes ``generator`` repeat what it drew from ``state`` on, and then go on where it was."""
    now = generator.get_state()
    generator.set_state(state)
    try:
        yield
    finally:
        generator.set_state(now)
