"""What the backend in Python computes for each op, forward and backward."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional

from evo_nas.genome.ops import GUARD, LARGEST_EXPONENT, Op
from evo_nas.models.eager import away_from_zero

if TYPE_CHECKING:
    from evo_nas.models.instruction import Instruction
    from evo_nas.models.weight_layout import StackedWeights

Operation = Callable[..., object]
Contribution = Callable[[Sequence[Tensor], Tensor, Sequence[Tensor]], Tensor]


def operation(i: Instruction, weights: StackedWeights) -> Operation:
    """Returns the function of an instruction, which takes the target and the operands, each ``(batch, width)``."""
    if i.op is Op.LINEAR:
        transposed = weights.recurrent[i].T
        return lambda target, a: target.addmm_(a, transposed)
    if i.op is Op.ADD:
        scale = i.scale
        if i.accumulates:
            return lambda target, a: target.add_(a, alpha=scale)
        return lambda target, a: torch.mul(a, scale, out=target)
    return OPERATIONS[i.op]


OPERATIONS: Mapping[Op, Operation] = {
    Op.MUL: lambda target, a, b: torch.mul(a, b, out=target),
    # lerp(b, a, z) is z * a + (1 - z) * b in one pass.
    Op.BLEND: lambda target, z, a, b: torch.lerp(b, a, z, out=target),
    Op.TANH: lambda target, a: torch.tanh(a, out=target),
    Op.SIGMOID: lambda target, a: torch.sigmoid(a, out=target),
    Op.RELU: lambda target, a: torch.clamp_min(a, 0.0, out=target),
    Op.LEAKY_RELU: lambda target, a: torch.maximum(a, 0.01 * a, out=target),
    Op.EXP: lambda target, a: torch.exp(a.clamp(max=LARGEST_EXPONENT), out=target),
    Op.SOFTPLUS: lambda target, a: target.copy_(functional.softplus(a)),
    Op.SUBTRACT: lambda target, a, b: torch.sub(a, b, out=target),
    Op.ONE_MINUS: lambda target, a: torch.sub(1.0, a, out=target),
    Op.SILU: lambda target, a: target.copy_(functional.silu(a)),
    Op.MAX: lambda target, a, b: torch.maximum(a, b, out=target),
    Op.DIVIDE: lambda target, a, b: torch.div(a, away_from_zero(b), out=target),
    Op.SQRT: lambda target, a: torch.sqrt(a.clamp(min=GUARD), out=target),
}


def contributions(i: Instruction, weights: StackedWeights) -> tuple[Contribution, ...]:
    """Returns for each operand its gradient from the gradients of what is written, the result and the operands."""
    if i.op is Op.LINEAR:
        weight = weights.recurrent[i]
        if len(i.positions) == 1:
            return (lambda d, *_: d[0] @ weight,)
        return (lambda d, *_: torch.cat(d, dim=1) @ weight,)
    if i.op is Op.ADD:
        scale = i.scale
        return (lambda d, *_: d[0] * scale,)
    return CONTRIBUTIONS[i.op]


CONTRIBUTIONS: Mapping[Op, tuple[Contribution, ...]] = {
    Op.MUL: (lambda d, _, a: d[0] * a[1], lambda d, _, a: d[0] * a[0]),
    Op.BLEND: (
        lambda d, _, a: d[0] * (a[1] - a[2]),
        lambda d, _, a: d[0] * a[0],
        lambda d, _, a: torch.addcmul(d[0], d[0], a[0], value=-1.0),
    ),
    # From the result and not the operand: an activation may have overwritten its operand.
    Op.TANH: (lambda d, y, _: torch.ops.aten.tanh_backward(d[0], y),),
    Op.SIGMOID: (lambda d, y, _: torch.ops.aten.sigmoid_backward(d[0], y),),
    Op.RELU: (lambda d, y, _: torch.ops.aten.threshold_backward(d[0], y, 0.0),),
    Op.LEAKY_RELU: (lambda d, y, _: torch.where(y > 0, d[0], 0.01 * d[0]),),
    # From the operand, too: the row of each of these ops says so, and it is then not overwritten.
    Op.EXP: (lambda d, y, a: torch.where(a[0] <= LARGEST_EXPONENT, d[0] * y, 0.0),),
    Op.SOFTPLUS: (lambda d, _, a: torch.ops.aten.softplus_backward(d[0], a[0], 1.0, 20.0),),
    Op.SUBTRACT: (lambda d, *_: d[0].clone(), lambda d, *_: -d[0]),
    Op.ONE_MINUS: (lambda d, *_: -d[0],),
    Op.SILU: (lambda d, _, a: torch.ops.aten.silu_backward(d[0], a[0]),),
    # Equal operands get half each, as in torch.
    Op.MAX: (
        lambda d, _, a: d[0] * _share_of_maximum(a[0], a[1]),
        lambda d, _, a: d[0] * _share_of_maximum(a[1], a[0]),
    ),
    Op.DIVIDE: (
        lambda d, _, a: d[0] / away_from_zero(a[1]),
        lambda d, y, a: torch.where(a[1].abs() < GUARD, 0.0, -d[0] * y / away_from_zero(a[1])),
    ),
    Op.SQRT: (lambda d, y, a: torch.where(a[0] < GUARD, 0.0, 0.5 * d[0] / y),),
}


def _share_of_maximum(mine: Tensor, other: Tensor) -> Tensor:
    return (mine > other) + 0.5 * (mine == other)
