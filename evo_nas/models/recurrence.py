"""`Recurrence`: the interface of all backends, which run a cell graph over sequences with shared parameters."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor, nn

from evo_nas.genome.cell import X
from evo_nas.genome.op_row import UnitWeight
from evo_nas.genome.ops import Op

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from evo_nas.genome.cell import CellGraph

SLOWEST, FASTEST = 0.999, 0.9
"""Bounded weights begin between these: memories of ten to a thousand steps (the ring of LRU, Orvieto et al. 2023)."""


@dataclass(frozen=True, slots=True)
class Linear:
    """Parameters of one linear node: weight ``(width, total input width)``, bias ``(width,)`` or None."""

    weight: Tensor
    bias: Tensor | None


class Recurrence(nn.Module, ABC):
    """Runs a cell over batches of sequences, from zero states, in one direction or both.

    A subclass is a backend. The parameters are those of the graph's nodes and have the same names and shapes
    in every backend, so that a state dict moves between them: ``weight_3`` and ``bias_3`` belong to
    ``cell.nodes[3]``, ``weight_3_reverse`` to the same node of the cell that reads backwards. The weight of a linear
    node is a matrix, whose columns follow the order of the node's inputs; that of a scale or a constant is a vector.

    Attributes:
        backend_name: Name of the backend, for records and displays.
    """

    backend_name: ClassVar[str]

    def __init__(self, cell: CellGraph, inputs: int, width: int, *, bidirectional: bool = False) -> None:
        super().__init__()
        self.cell = cell
        self.inputs = inputs
        self.width = width
        self.bidirectional = bidirectional
        self._replaced: Mapping[str, Tensor] = {}
        for suffix in ("", "_reverse") if bidirectional else ("",):
            for index, node in enumerate(cell.nodes):
                if node.op is Op.LINEAR:
                    weight = torch.empty(width, sum(self.input_widths(index)))
                    bias = torch.empty(width) if node.bias else None
                    self.register_parameter(f"weight_{index}{suffix}", nn.Parameter(weight))
                    self.register_parameter(
                        f"bias_{index}{suffix}", None if bias is None else nn.Parameter(bias)
                    )
                elif node.op.row.unit_weight is not None:
                    self.register_parameter(f"weight_{index}{suffix}", nn.Parameter(torch.empty(width)))
        self.reset_parameters()

    @classmethod
    @abstractmethod
    def supports(cls, cell: CellGraph, *, device: str = "cpu") -> bool:
        """Returns whether this backend can run ``cell`` on a type of device, such as ``cpu`` or ``cuda``."""

    @abstractmethod
    def _scan(self, inputs: Tensor, valid: Tensor | None, *, suffix: str) -> Tensor:
        """Runs one direction from the first step to the last.

        Args:
            inputs: ``(batch, time, inputs)``.
            valid: bool ``(batch, time)``, False at padded steps, which come last; None if there are none.
            suffix: Which direction's parameters to use: empty for forward, ``_reverse`` for backward.

        Returns:
            State 0 after each step, ``(batch, time, width)``; padded steps may hold anything finite.
        """

    @abstractmethod
    def _scan_to_states(self, inputs: Tensor, valid: Tensor | None) -> tuple[Tensor, Tensor]:
        """Runs the forward direction as `_scan` does.

        Returns:
            The outputs, and the states after the last valid step of each sequence, ``(carried, batch, width)``.
        """

    @abstractmethod
    def forward_from(self, inputs: Tensor, states: Tensor) -> tuple[Tensor, Tensor]:
        """Runs the forward direction from given states, as reading a text piece by piece needs.

        The layer must not be bidirectional: a backward cell would need the pieces that come later.

        Args:
            inputs: ``(batch, time, inputs)``, no step of them padded.
            states: States before the first step, ``(carried, batch, width)``; see `zero_states`.

        Returns:
            The output of every step ``(batch, time, width)``, and the states after the last
            ``(carried, batch, width)``.
        """

    def zero_states(self, inputs: Tensor) -> Tensor:
        """Returns the states ``(carried, batch, width)`` that a pass over ``inputs`` ``(batch, ...)`` begins with.

        They are the values that `CellGraph.carried` lists: the states, and older ones of those with delays.
        """
        return inputs.new_zeros(len(self.cell.carried), inputs.shape[0], self.width)

    @property
    def has_delays(self) -> bool:
        """Whether states of earlier steps than the last one are carried on."""
        return len(self.cell.carried) > self.cell.states

    def forward(self, inputs: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Returns the output of every step.

        Args:
            inputs: ``(batch, time, inputs)``.
            lengths: int64 ``(batch,)``; None if no sequence is padded.

        Returns:
            ``(batch, time, width * directions)``, zero at padded steps.
        """
        valid = None if lengths is None else valid_steps(lengths, inputs.shape[1])
        outputs = self._with_backward(self._scan(inputs, valid, suffix=""), inputs, lengths)
        return outputs if valid is None else outputs.masked_fill(~valid[..., None], 0.0)

    def encode(self, inputs: Tensor, lengths: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Returns what `forward` does, and all states of the forward direction after each sequence's last step.

        Args:
            inputs: ``(batch, time, inputs)``.
            lengths: int64 ``(batch,)``; None if no sequence is padded.

        Returns:
            ``(batch, time, width * directions)``, and ``(carried, batch, width)`` as in `forward_from`.
        """
        valid = None if lengths is None else valid_steps(lengths, inputs.shape[1])
        outputs, states = self._scan_to_states(inputs, valid)
        outputs = self._with_backward(outputs, inputs, lengths)
        return outputs if valid is None else outputs.masked_fill(~valid[..., None], 0.0), states

    def continued(self, inputs: Tensor, states: Tensor) -> Tensor:
        """Returns the outputs ``(batch, time, width * directions)`` of a piece without padding.

        The forward direction begins with ``states``, as in `forward_from`, and the other one at the piece's end.
        """
        return self._with_backward(self.forward_from(inputs, states)[0], inputs, None)

    def _with_backward(self, outputs: Tensor, inputs: Tensor, lengths: Tensor | None) -> Tensor:
        """Returns the outputs of the forward direction, joined with those of the other one if there is one."""
        if not self.bidirectional:
            return outputs
        # Each sequence is reversed within its length: padding stays last, as `_scan` expects it.
        valid = None if lengths is None else valid_steps(lengths, inputs.shape[1])
        backward = self._scan(reverse(inputs, lengths), valid, suffix="_reverse")
        return torch.cat([outputs, reverse(backward, lengths)], dim=-1)

    def input_widths(self, index: int) -> list[int]:
        """Returns the width of each input of the linear node ``index``, in its weight's column order."""
        return [self.inputs if reference == X else self.width for reference in self.cell.nodes[index].inputs]

    def linear(self, index: int, suffix: str) -> Linear:
        """Returns the parameters of the linear node ``index`` in one direction."""
        name = f"weight_{index}{suffix}"
        return Linear(self._replaced.get(name, getattr(self, name)), getattr(self, f"bias_{index}{suffix}"))

    def matrices(self) -> list[tuple[int, str]]:
        """Returns for each matrix of weights its linear node and its name."""
        suffixes = ("", "_reverse") if self.bidirectional else ("",)
        linears = [index for index, node in enumerate(self.cell.nodes) if node.op is Op.LINEAR]
        return [(index, f"weight_{index}{suffix}") for suffix in suffixes for index in linears]

    @contextmanager
    def with_weights(self, weights: Mapping[str, Tensor]) -> Iterator[None]:
        """Computes with other weights of the same shapes in the meantime, given by their names."""
        self._replaced = weights
        try:
            yield
        finally:
            self._replaced = {}

    def unit_weight(self, index: int, suffix: str) -> Tensor:
        """Returns what the node ``index`` scales by or is, ``(width,)``: its weight, or the sigmoid of it."""
        weight: Tensor = getattr(self, f"weight_{index}{suffix}")
        bounded = self.cell.nodes[index].op.row.unit_weight is UnitWeight.BOUNDED
        return torch.sigmoid(weight) if bounded else weight

    def reset_parameters(self) -> None:
        """Draws every parameter of the linear nodes from a uniform distribution, and of the others from their own.

        The bound is ``1 / sqrt(width)``, as in torch's recurrent layers. Nodes with more than ``2 * width`` input units
        get ``1 / sqrt(input units / 2)``, so that the gain of a linear node is at most ``sqrt(2 / 3)``, however
        wide the input is and however many states the node reads.
        """
        for name, parameter in self.named_parameters():
            op = self.cell.nodes[int(name.split("_")[1])].op
            if op is Op.LINEAR:
                units = parameter.shape[-1] if parameter.dim() == 2 else 0
                bound = max(self.width, units / 2) ** -0.5
                nn.init.uniform_(parameter, -bound, bound)
            else:
                draw_unit_weight(parameter, op)


def draw_unit_weight(weight: Tensor, op: Op) -> None:
    """Draws the initial weight ``(width,)`` of a node whose ``op`` has one a unit."""
    if op.row.unit_weight is UnitWeight.BOUNDED:
        # Even in the square, as eigenvalues that are even in a ring have their absolute values.
        nn.init.uniform_(weight, FASTEST**2, SLOWEST**2)
        with torch.no_grad():
            weight.sqrt_().logit_()
    elif op is Op.SCALE:
        nn.init.uniform_(weight, 0.0, 1.0)  # as in IndRNN (Li et al. 2018)
    else:
        nn.init.uniform_(weight, -1.0, 1.0)


def valid_steps(lengths: Tensor, time: int) -> Tensor:
    """Returns whether each step lies within its sequence, bool ``(batch, time)``, for ``lengths`` ``(batch,)``."""
    return torch.arange(time, device=lengths.device) < lengths[:, None]


def reverse(sequences: Tensor, lengths: Tensor | None) -> Tensor:
    """Returns ``sequences`` ``(batch, time, features)`` backwards in time; padding stays at the end."""
    if lengths is None:
        return sequences.flip(1)
    steps = torch.arange(sequences.shape[1], device=sequences.device)
    source = torch.where(steps < lengths[:, None], lengths[:, None] - 1 - steps, steps)
    return sequences.gather(1, source[..., None].expand_as(sequences))
