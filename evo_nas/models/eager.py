"""The reference backend: any cell, step by step, with one torch operation for each node."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import reduce
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional

from evo_nas.genome.ops import DELAYS, GUARD, LARGEST_EXPONENT, Op
from evo_nas.models.recurrence import Linear, Recurrence

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evo_nas.genome.cell import CellGraph

Step = Callable[[int, list[Tensor], Mapping[int, Tensor]], list[Tensor]]
"""Returns the states after a step, each ``(batch, width)``, given its number, the states before it, and for each
delay of the cell, by its node, what it returns."""


def _blend(operands: Sequence[Tensor]) -> Tensor:
    gate, one, other = operands
    return torch.lerp(other, one, gate)


def _add(operands: Sequence[Tensor]) -> Tensor:
    return reduce(torch.add, operands)


def _multiply(operands: Sequence[Tensor]) -> Tensor:
    return reduce(torch.mul, operands)


def away_from_zero(divisor: Tensor) -> Tensor:
    """Returns ``divisor``, or `GUARD` with its sign where it is nearer to zero."""
    guard = torch.where(divisor < 0, -GUARD, GUARD).to(divisor.dtype)
    return torch.where(divisor.abs() < GUARD, guard, divisor)


OPERATIONS: Mapping[Op, Callable[[Sequence[Tensor]], Tensor]] = {
    Op.BLEND: _blend,
    Op.ADD: _add,
    Op.MUL: _multiply,
    Op.MEAN: lambda operands: _add(operands) / len(operands),
    Op.TANH: lambda operands: torch.tanh(operands[0]),
    Op.SIGMOID: lambda operands: torch.sigmoid(operands[0]),
    Op.RELU: lambda operands: torch.relu(operands[0]),
    Op.LEAKY_RELU: lambda operands: functional.leaky_relu(operands[0], 0.01),
    Op.IDENTITY: lambda operands: operands[0],
    Op.SCALE: _multiply,
    Op.BOUNDED_SCALE: _multiply,
    Op.CONSTANT: lambda operands: operands[0],
    Op.BOUNDED_CONSTANT: lambda operands: operands[0],
    Op.EXP: lambda operands: torch.exp(operands[0].clamp(max=LARGEST_EXPONENT)),
    Op.SOFTPLUS: lambda operands: functional.softplus(operands[0]),
    Op.SUBTRACT: lambda operands: operands[0] - operands[1],
    Op.ONE_MINUS: lambda operands: 1 - operands[0],
    Op.SILU: lambda operands: functional.silu(operands[0]),
    Op.MAX: lambda operands: torch.maximum(operands[0], operands[1]),
    Op.DIVIDE: lambda operands: operands[0] / away_from_zero(operands[1]),
    Op.SQRT: lambda operands: torch.sqrt(operands[0].clamp(min=GUARD)),
    **dict.fromkeys(DELAYS.values(), lambda operands: operands[0]),
}
"""Every op but ``LINEAR``, which has matrices; operands and results are ``(batch, width)``.

The last operand of an op with a weight a unit is that weight, and that of a delay is the older value of the state.
"""


class EagerRecurrence(Recurrence):
    """Runs every cell in every precision; it is slow, and the other backends are tested against it."""

    backend_name = "eager"

    @classmethod
    def supports(cls, cell: CellGraph, *, device: str = "cpu") -> bool:  # noqa: ARG003 - any will do
        """Returns True."""
        return True

    def forward_from(self, inputs: Tensor, states: Tensor) -> tuple[Tensor, Tensor]:
        """Runs the forward direction from ``states``, as `Recurrence.forward_from` says."""
        return run_steps(self, inputs, states, None)

    def _scan(self, inputs: Tensor, valid: Tensor | None, *, suffix: str) -> Tensor:
        return run_steps(self, inputs, self.zero_states(inputs), valid, suffix=suffix)[0]

    def _scan_to_states(self, inputs: Tensor, valid: Tensor | None) -> tuple[Tensor, Tensor]:
        return run_steps(self, inputs, self.zero_states(inputs), valid)


def run_steps(
    recurrence: Recurrence, inputs: Tensor, carried: Tensor, valid: Tensor | None, *, suffix: str = ""
) -> tuple[Tensor, Tensor]:
    """Returns the outputs ``(batch, time, width)`` of one direction, and what is carried on from the last valid steps.

    Args:
        recurrence: The cell and its parameters.
        inputs: ``(batch, time, inputs)``.
        carried: What `CellGraph.carried` lists before the first step, ``(carried, batch, width)``.
        valid: bool ``(batch, time)``, False at padded steps, which come last; None if there are none.
        suffix: Which direction's parameters to use.
    """
    cell, xs = recurrence.cell, inputs.unbind(1)
    nodes = list(enumerate(cell.nodes))
    linears = {index: recurrence.linear(index, suffix) for index, node in nodes if node.op is Op.LINEAR}
    units = {
        index: recurrence.unit_weight(index, suffix).expand(carried.shape[1:])
        for index, node in nodes
        if node.op.row.unit_weight is not None
    }

    def step(time: int, states: list[Tensor], delayed: Mapping[int, Tensor]) -> list[Tensor]:
        return run_step(cell, xs[time], states, linears=linears, given={**units, **delayed})

    return unrolled(cell, step, carried, valid, steps=len(xs))


def unrolled(
    cell: CellGraph, step: Step, carried: Tensor, valid: Tensor | None, *, steps: int
) -> tuple[Tensor, Tensor]:
    """Returns the outputs ``(batch, time, width)`` of so many steps, and what is carried on from the last valid ones.

    Args:
        cell: Says what is carried from step to step.
        step: Computes one step.
        carried: As for `run_steps`.
        valid: As for `run_steps`.
        steps: How many there are.
    """
    delays = [
        (index, node.inputs[0] - 1, node.op.row.delay)
        for index, node in enumerate(cell.nodes)
        if node.op.row.delay
    ]
    # For each state its values, the oldest first, of which the last so many are ever read.
    values: list[list[Tensor]] = [[] for _ in range(cell.states)]
    for (state, _), value in reversed(list(zip(cell.carried, carried, strict=True))):
        values[state].append(value)
    outputs = []
    for time in range(steps):
        states = [of_state[-1] for of_state in values]
        delayed = {index: values[state][-ago] for index, state, ago in delays}
        following = step(time, states, delayed)
        if valid is not None:
            # Chosen, not multiplied by a mask: a padded step may overflow, and zero times infinity is NaN.
            keep = valid[:, time, None]
            following = [torch.where(keep, new, old) for new, old in zip(following, states, strict=True)]
        for of_state, new in zip(values, following, strict=True):
            of_state.append(new)
        outputs.append(following[0])
    return torch.stack(outputs, dim=1), _carried_on(cell, values, valid)


def _carried_on(cell: CellGraph, values: list[list[Tensor]], valid: Tensor | None) -> Tensor:
    """Returns what each sequence carries on ``(carried, batch, width)`` from the values of each state, oldest first."""
    if valid is None:
        return torch.stack([values[state][-ago] for state, ago in cell.carried])
    padding = valid.shape[1] - valid.sum(1)  # what lies that far back is of the last valid step
    rows = torch.arange(len(padding), device=padding.device)
    every = [torch.stack(of_state) for of_state in values]  # (values, batch, width)
    return torch.stack([every[state][len(every[state]) - ago - padding, rows] for state, ago in cell.carried])


def run_step(
    cell: CellGraph,
    x: Tensor,
    states: list[Tensor],
    *,
    linears: Mapping[int, Linear],
    given: Mapping[int, Tensor],
) -> list[Tensor]:
    """Returns the states after one step, each ``(batch, width)``.

    Args:
        cell: The equations.
        x: ``(batch, inputs)``.
        states: Each ``(batch, width)``.
        linears: Parameters of the cell's linear nodes.
        given: For each node with a weight a unit that weight, and for each delay what it returns, ``(batch, width)``.
    """
    values = step_values(cell, x, states, linears=linears, given=given)
    return [values[reference] for reference in cell.outputs]


def step_values(
    cell: CellGraph,
    x: Tensor,
    states: list[Tensor],
    *,
    linears: Mapping[int, Linear],
    given: Mapping[int, Tensor],
) -> list[Tensor]:
    """Returns all values of one step by their references; arguments are those of `run_step`."""
    values = [x, *states]
    for index, node in enumerate(cell.nodes):
        operands = [values[reference] for reference in node.inputs]
        if node.op is Op.LINEAR:
            joined = torch.cat(operands, dim=-1) if len(operands) > 1 else operands[0]
            value = functional.linear(joined, linears[index].weight, linears[index].bias)
            values.append(value.to(joined.dtype))  # autocast lowers the product; states stay as precise
        else:
            if node.op.row.delay:
                operands = []
            if index in given:
                operands.append(given[index])
            values.append(OPERATIONS[node.op](operands))
    return values
