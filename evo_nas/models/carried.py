"""Recurrences that go on from given states: what reading a text piece by piece needs."""

from __future__ import annotations

from functools import singledispatch
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from evo_nas.genome.ops import Op
from evo_nas.models.bptt import BpttRecurrence
from evo_nas.models.eager import run_step
from evo_nas.models.fused import TorchRecurrence

if TYPE_CHECKING:
    from evo_nas.models.recurrence import Recurrence


@singledispatch
def read_on(recurrence: Recurrence, inputs: Tensor, states: Tensor) -> tuple[Tensor, Tensor]:
    """Runs the forward direction of a layer from ``states`` on; step by step, where no path knows better.

    Args:
        recurrence: The layer; must not be bidirectional.
        inputs: ``(batch, time, inputs)``, none of them padded.
        states: ``(states, batch, width)``.

    Returns:
        The output of every step ``(batch, time, width)``, and the states after the last.
    """
    cell = recurrence.cell
    linears = {
        index: recurrence.linear(index, "") for index, node in enumerate(cell.nodes) if node.op is Op.LINEAR
    }
    values, outputs = list(states), []
    for x in inputs.unbind(1):
        values = run_step(cell, x, values, linears=linears)
        outputs.append(values[0])
    return torch.stack(outputs, dim=1), torch.stack(values)


@read_on.register
def _(recurrence: TorchRecurrence, inputs: Tensor, states: Tensor) -> tuple[Tensor, Tensor]:
    return recurrence.run(inputs, states, suffix="")


@read_on.register
def _(recurrence: BpttRecurrence, inputs: Tensor, states: Tensor) -> tuple[Tensor, Tensor]:
    return recurrence.run(inputs, states)  # the interpreter's, too


def zero_states(recurrence: Recurrence, inputs: Tensor) -> Tensor:
    """Returns the states before the first step of ``inputs`` ``(batch, time, inputs)``."""
    return inputs.new_zeros(recurrence.cell.states, len(inputs), recurrence.width)
