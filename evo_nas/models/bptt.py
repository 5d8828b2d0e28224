"""Every cell by hand-written back-propagation through time: one operation a sequence, as autograd sees it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from evo_nas.genome.ops import Op
from evo_nas.models.program import Kind, Place, assemble
from evo_nas.models.recurrence import Recurrence
from evo_nas.models.stacked import StackedWeights, Stacking

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evo_nas.genome.cell import CellGraph
    from evo_nas.models.program import Instruction


class BpttRecurrence(Recurrence):
    """Runs every cell, in every precision and on every device."""

    path = "bptt"

    def __init__(self, cell: CellGraph, inputs: int, width: int, *, bidirectional: bool = False) -> None:
        super().__init__(cell, inputs, width, bidirectional=bidirectional)
        self._program = assemble(cell)
        self._stacking = Stacking(cell, self._program, inputs=inputs, width=width)

    @classmethod
    def supports(cls, cell: CellGraph) -> bool:  # noqa: ARG003 - any cell will do
        """Returns True."""
        return True

    def _scan(self, inputs: Tensor, valid: Tensor | None, *, suffix: str) -> Tensor:
        ended = None if valid is None else ~valid.T[..., None]  # (time, batch, 1)
        return self._apply_program(inputs, ended, None, suffix=suffix)[0]

    def run(self, inputs: Tensor, states: Tensor) -> tuple[Tensor, Tensor]:
        """Runs the forward direction from ``states`` ``(states, batch, width)`` on.

        Returns:
            The output of every step ``(batch, time, width)``, and the states after the last.
        """
        return self._apply_program(inputs, None, states, suffix="")

    def _apply_program(
        self, inputs: Tensor, ended: Tensor | None, initial: Tensor | None, *, suffix: str
    ) -> tuple[Tensor, Tensor]:
        steps = inputs.transpose(0, 1).contiguous()  # (time, batch, inputs)
        outputs, final = _Bptt.apply(  # type: ignore[no-untyped-call]
            self._stacking, steps, ended, initial, *self.live_parameters(suffix)
        )
        return outputs.transpose(0, 1), final

    def live_parameters(self, suffix: str) -> list[Tensor | None]:
        """Returns the weights of the program's linear nodes, then their biases."""
        linears = [self.linear(index, suffix) for index in self._program.linears]
        return [linear.weight for linear in linears] + [linear.bias for linear in linears]


class _Values:
    """What every place holds at every step; each tensor is ``(time, batch, features)``."""

    def __init__(self, stacking: Stacking, x: Tensor, initial: Tensor | None) -> None:
        program, width = stacking.program, stacking.width
        steps, batch, _ = x.shape
        self.states = x.new_zeros(program.states, steps + 1, batch, width)
        if initial is not None:
            self.states[:, 0] = initial
        self.buffers = x.new_empty(program.buffers, steps, batch, width)
        self.linears = x.new_empty(steps, batch, len(program.linears) * width)
        self._width = width
        self._steps: dict[Place, tuple[Tensor, ...]] = {}

    def of(self, place: Place) -> Tensor:
        """Returns the value of a place at all steps."""
        match place.kind:
            case Kind.BEFORE:
                return self.states[place.index, :-1]
            case Kind.AFTER:
                return self.states[place.index, 1:]
            case Kind.LINEAR:
                return self.linears[..., place.index * self._width : (place.index + 1) * self._width]
            case Kind.BUFFER:
                return self.buffers[place.index]

    def targets(self, stacking: Stacking, i: Instruction) -> tuple[Tensor, ...]:
        """Returns what an instruction writes to, step by step."""
        if i.positions:
            return self.linears[..., stacking.features(i)].unbind(0)
        return self.steps(i.target)

    def operands(self, i: Instruction) -> list[tuple[Tensor, ...]]:
        """Returns for each step what an instruction reads."""
        return list(zip(*(self.steps(place) for place in i.operands), strict=True))

    def steps(self, place: Place) -> tuple[Tensor, ...]:
        """Returns the value of a place step by step."""
        if place not in self._steps:
            self._steps[place] = self.of(place).unbind(0)
        return self._steps[place]


class _Bptt(torch.autograd.Function):
    """A program over a sequence, and back."""

    @staticmethod
    def forward(
        ctx: Any,
        stacking: Stacking,
        x: Tensor,
        ended: Tensor | None,
        initial: Tensor | None,
        *parameters: Tensor | None,
    ) -> tuple[Tensor, Tensor]:
        """Returns state 0 after each step ``(time, batch, width)`` and all states after the last.

        Args:
            ctx: What is kept for the way back.
            stacking: The program.
            x: ``(time, batch, inputs)``.
            ended: Where a sequence has ended, bool ``(time, batch, 1)``; None for nowhere.
            initial: The states before the first step, ``(states, batch, width)``; None for zeros.
            parameters: Weights of the program's linear nodes, then their biases.
        """
        values = _Values(stacking, x, initial)
        weights = StackedWeights(stacking, parameters, x)
        weights.project(x, values.linears)
        bound = [
            (_operation(i, weights), values.targets(stacking, i), values.operands(i))
            for i in stacking.program.instructions
        ]
        for step in range(len(x)):
            for operation, targets, operands in bound:
                operation(targets[step], *operands[step])
            if ended is not None:
                before, after = values.states[:, step], values.states[:, step + 1]
                after.copy_(torch.where(ended[step], before, after))
        ctx.stacking, ctx.values = stacking, values
        ctx.save_for_backward(x, ended, *parameters)
        return values.states[0, 1:].clone(), values.states[:, -1].clone()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_outputs: Tensor, d_final: Tensor) -> tuple[Tensor | None, ...]:
        """Returns the gradients of the inputs, the initial states and the parameters."""
        stacking, values = ctx.stacking, ctx.values
        x, ended, *parameters = ctx.saved_tensors
        weights = StackedWeights(stacking, parameters, x)
        d_linears = torch.empty_like(values.linears)
        walk = _WalkBack(stacking, values, weights)
        d_states = d_final.clone()
        for step in reversed(range(len(x))):
            d_states[0] += d_outputs[step]
            if ended is None:
                d_states = walk.step(step, d_states, d_linears[step])
            else:
                going = walk.step(step, d_states.masked_fill(ended[step], 0.0), d_linears[step])
                d_states = going + d_states.masked_fill(~ended[step], 0.0)
        operands = {i.operands[0]: values.of(i.operands[0]) for i in stacking.products}
        d_x = weights.project_back(d_linears) if ctx.needs_input_grad[1] else None
        d_initial = d_states if ctx.needs_input_grad[3] else None
        return None, d_x, None, d_initial, *weights.gradients(x, operands, d_linears)


class _WalkBack:
    """The instructions of a program in reverse; gradients of the places of one step are in numbered slots."""

    def __init__(self, stacking: Stacking, values: _Values, weights: StackedWeights) -> None:
        program = stacking.program
        self._states = program.states
        self._linears = len(program.linears)
        self.bound = [
            (
                _contributions(i, weights),
                [self._slot(place) for place in _written(i)],
                values.steps(i.target),
                values.operands(i),
                [(self._slot(place), n) for place, n in zip(i.operands, i.gradient_accumulates, strict=True)],
            )
            for i in reversed(program.instructions)
        ]

    def _slot(self, place: Place) -> int:
        """Returns the position of a place: linear nodes, states before and after the step, buffers."""
        first = (self._linears, self._linears + self._states, 0, self._linears + 2 * self._states)
        return first[place.kind] + place.index

    def step(self, step: int, d_states: Tensor, d_linears: Tensor) -> Tensor:
        """Fills ``d_linears`` and returns the gradients of the states before the step from those after it."""
        before = torch.zeros_like(d_states)
        slots: dict[int, Tensor] = dict(enumerate([*before, *d_states], start=self._linears))
        for contributions, written, results, operands, read in self.bound:
            gradients = [slots[slot] for slot in written]
            for contribution, (slot, accumulates) in zip(contributions, read, strict=True):
                gradient = contribution(gradients, results[step], operands[step])
                if accumulates:
                    slots[slot] += gradient
                else:
                    slots[slot] = gradient
        if self._linears:
            torch.cat([slots[slot] for slot in range(self._linears)], dim=1, out=d_linears)
        return before


def _written(i: Instruction) -> list[Place]:
    """Returns the places that an instruction writes to."""
    neighbours = range(i.target.index, i.target.index + len(i.positions))
    return [Place(Kind.LINEAR, index) for index in neighbours] or [i.target]


Operation = Callable[..., object]
Contribution = Callable[[Sequence[Tensor], Tensor, Sequence[Tensor]], Tensor]


def _operation(i: Instruction, weights: StackedWeights) -> Operation:
    """Returns what an instruction does, called with where the result goes and the operands."""
    if i.op is Op.LINEAR:
        transposed = weights.recurrent[i].T
        return lambda target, a: target.addmm_(a, transposed)
    if i.op is Op.ADD:
        scale = i.scale
        if i.accumulates:
            return lambda target, a: target.add_(a, alpha=scale)
        return lambda target, a: torch.mul(a, scale, out=target)
    return _OPERATIONS[i.op]


_OPERATIONS: Mapping[Op, Operation] = {
    Op.MUL: lambda target, a, b: torch.mul(a, b, out=target),
    Op.BLEND: lambda target, z, a, b: torch.lerp(b, a, z, out=target),
    Op.TANH: lambda target, a: torch.tanh(a, out=target),
    Op.SIGMOID: lambda target, a: torch.sigmoid(a, out=target),
    Op.RELU: lambda target, a: torch.clamp_min(a, 0.0, out=target),
    Op.LEAKY_RELU: lambda target, a: torch.maximum(a, 0.01 * a, out=target),
}


def _contributions(i: Instruction, weights: StackedWeights) -> tuple[Contribution, ...]:
    """Returns for each operand its gradient from the gradients of what is written, the result and the operands."""
    if i.op is Op.LINEAR:
        weight = weights.recurrent[i]
        if len(i.positions) == 1:
            return (lambda d, *_: d[0] @ weight,)
        return (lambda d, *_: torch.cat(d, dim=1) @ weight,)
    if i.op is Op.ADD:
        scale = i.scale
        return (lambda d, *_: d[0] * scale,)
    return _CONTRIBUTIONS[i.op]


_CONTRIBUTIONS: Mapping[Op, tuple[Contribution, ...]] = {
    Op.MUL: (lambda d, _, a: d[0] * a[1], lambda d, _, a: d[0] * a[0]),
    Op.BLEND: (
        lambda d, _, a: d[0] * (a[1] - a[2]),
        lambda d, _, a: d[0] * a[0],
        lambda d, _, a: torch.addcmul(d[0], d[0], a[0], value=-1.0),
    ),
    Op.TANH: (lambda d, y, _: torch.ops.aten.tanh_backward(d[0], y),),
    Op.SIGMOID: (lambda d, y, _: torch.ops.aten.sigmoid_backward(d[0], y),),
    Op.RELU: (lambda d, y, _: torch.ops.aten.threshold_backward(d[0], y, 0.0),),
    Op.LEAKY_RELU: (lambda d, y, _: torch.where(y > 0, d[0], 0.01 * d[0]),),
}
