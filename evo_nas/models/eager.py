"""The reference backend: any cell, step by step, with one torch operation for each node."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from evo_nas.genome.ops import Op
from evo_nas.models.recurrence import Linear, Recurrence

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from torch import Tensor

    from evo_nas.genome.cell import CellGraph


def _blend(operands: Sequence[Tensor]) -> Tensor:
    gate, one, other = operands
    return torch.lerp(other, one, gate)


def _add(operands: Sequence[Tensor]) -> Tensor:
    return reduce(torch.add, operands)


OPERATIONS: Mapping[Op, Callable[[Sequence[Tensor]], Tensor]] = {
    Op.BLEND: _blend,
    Op.ADD: _add,
    Op.MUL: lambda operands: reduce(torch.mul, operands),
    Op.MEAN: lambda operands: _add(operands) / len(operands),
    Op.TANH: lambda operands: torch.tanh(operands[0]),
    Op.SIGMOID: lambda operands: torch.sigmoid(operands[0]),
    Op.RELU: lambda operands: torch.relu(operands[0]),
    Op.LEAKY_RELU: lambda operands: functional.leaky_relu(operands[0], 0.01),
    Op.IDENTITY: lambda operands: operands[0],
}
"""Every op but ``LINEAR``, which needs parameters; operands and results are ``(batch, width)``."""


class EagerRecurrence(Recurrence):
    """Runs every cell in every precision; it is slow, and the other backends are tested against it."""

    backend_name = "eager"

    @classmethod
    def supports(cls, cell: CellGraph, *, device: str = "cpu") -> bool:  # noqa: ARG003 - any will do
        """Returns True."""
        return True

    def forward_from(self, inputs: Tensor, states: Tensor) -> tuple[Tensor, Tensor]:
        """Runs the forward direction from ``states``, as `Recurrence.forward_from` says."""
        outputs, after = self._loop(inputs, list(states), None, suffix="")
        return outputs, torch.stack(after)

    def _scan(self, inputs: Tensor, valid: Tensor | None, *, suffix: str) -> Tensor:
        return self._loop(inputs, list(self.zero_states(inputs)), valid, suffix=suffix)[0]

    def _loop(
        self, inputs: Tensor, states: list[Tensor], valid: Tensor | None, *, suffix: str
    ) -> tuple[Tensor, list[Tensor]]:
        """Returns the outputs ``(batch, time, width)`` and the final states, each ``(batch, width)``."""
        linears = {
            index: self.linear(index, suffix)
            for index, node in enumerate(self.cell.nodes)
            if node.op is Op.LINEAR
        }
        outputs = []
        for step, x in enumerate(inputs.unbind(1)):
            following = run_step(self.cell, x, states, linears=linears)
            if valid is not None:
                # Chosen, not multiplied by a mask: a padded step may overflow, and zero times infinity is NaN.
                keep = valid[:, step, None]
                following = [torch.where(keep, new, old) for new, old in zip(following, states, strict=True)]
            states = following
            outputs.append(states[0])
        return torch.stack(outputs, dim=1), states


def run_step(
    cell: CellGraph, x: Tensor, states: list[Tensor], *, linears: Mapping[int, Linear]
) -> list[Tensor]:
    """Returns the states after one step, each ``(batch, width)``.

    Args:
        cell: The equations.
        x: ``(batch, inputs)``.
        states: Each ``(batch, width)``.
        linears: Parameters of the cell's linear nodes.
    """
    values = [x, *states]
    for index, node in enumerate(cell.nodes):
        operands = [values[reference] for reference in node.inputs]
        if node.op is Op.LINEAR:
            joined = torch.cat(operands, dim=-1) if len(operands) > 1 else operands[0]
            value = functional.linear(joined, linears[index].weight, linears[index].bias)
            values.append(value.to(joined.dtype))  # autocast lowers the product; states stay as precise
        else:
            values.append(OPERATIONS[node.op](operands))
    return [values[reference] for reference in cell.outputs]
