"""The backend in Python: back-propagation through time by hand, so that autograd sees one operation a sequence."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from evo_nas.genome.ops import Op
from evo_nas.models.program import Kind, Place, assemble
from evo_nas.models.recurrence import Recurrence
from evo_nas.models.weight_layout import StackedWeights, WeightLayout

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evo_nas.genome.cell import CellGraph
    from evo_nas.models.program import Instruction


class BpttRecurrence(Recurrence):
    """Runs every cell in every precision and on every device."""

    backend_name = "bptt"

    def __init__(self, cell: CellGraph, inputs: int, width: int, *, bidirectional: bool = False) -> None:
        super().__init__(cell, inputs, width, bidirectional=bidirectional)
        self._program = assemble(cell)
        self._layout = WeightLayout(cell, self._program, inputs=inputs, width=width)

    @classmethod
    def supports(cls, cell: CellGraph, *, device: str = "cpu") -> bool:  # noqa: ARG003 - any will do
        """Returns True."""
        return True

    def _scan(self, inputs: Tensor, valid: Tensor | None, *, suffix: str) -> Tensor:
        ended = None if valid is None else ~valid.T[..., None]  # (time, batch, 1)
        return self._apply_program(inputs, ended, None, suffix=suffix)[0]

    def forward_from(self, inputs: Tensor, states: Tensor) -> tuple[Tensor, Tensor]:
        """Runs the forward direction from ``states``, as `Recurrence.forward_from` says."""
        return self._apply_program(inputs, None, states, suffix="")

    def _apply_program(
        self, inputs: Tensor, ended: Tensor | None, initial: Tensor | None, *, suffix: str
    ) -> tuple[Tensor, Tensor]:
        steps = inputs.transpose(0, 1).contiguous()  # (time, batch, inputs)
        outputs, final = _Bptt.apply(  # type: ignore[no-untyped-call]
            self._layout, steps, ended, initial, *self.live_parameters(suffix)
        )
        return outputs.transpose(0, 1), final

    def live_parameters(self, suffix: str) -> list[Tensor | None]:
        """Returns the weights of the program's linear nodes, then their biases, of one direction.

        Weights are ``(width, total input width)``, biases ``(width,)`` or None. Dead nodes are left out.
        """
        linears = [self.linear(index, suffix) for index in self._program.linears]
        return [linear.weight for linear in linears] + [linear.bias for linear in linears]


class _Values:
    """The value of every place at every step.

    Attributes:
        states: ``(states, time + 1, batch, width)``; step ``t`` reads position ``t`` and writes position ``t + 1``.
        buffers: ``(buffers, time, batch, width)``.
        linears: ``(time, batch, features of all linear nodes)``.
    """

    def __init__(self, layout: WeightLayout, x: Tensor, initial: Tensor | None) -> None:
        program, width = layout.program, layout.width
        steps, batch, _ = x.shape
        self.states = x.new_zeros(program.states, steps + 1, batch, width)
        if initial is not None:
            self.states[:, 0] = initial
        self.buffers = x.new_empty(program.buffers, steps, batch, width)
        self.linears = x.new_empty(steps, batch, len(program.linears) * width)
        self._width = width
        self._steps: dict[Place, tuple[Tensor, ...]] = {}

    def of(self, place: Place) -> Tensor:
        """Returns the value of a place at all steps, ``(time, batch, width)``."""
        match place.kind:
            case Kind.BEFORE:
                return self.states[place.index, :-1]
            case Kind.AFTER:
                return self.states[place.index, 1:]
            case Kind.LINEAR:
                return self.linears[..., place.index * self._width : (place.index + 1) * self._width]
            case Kind.BUFFER:
                return self.buffers[place.index]

    def targets(self, layout: WeightLayout, i: Instruction) -> tuple[Tensor, ...]:
        """Returns for each step what an instruction writes to, ``(batch, width)``; a product ``(batch, features)``."""
        if i.positions:
            return self.linears[..., layout.features(i)].unbind(0)
        return self.steps(i.target)

    def operands(self, i: Instruction) -> list[tuple[Tensor, ...]]:
        """Returns for each step the operands of an instruction, each ``(batch, width)``."""
        return list(zip(*(self.steps(place) for place in i.operands), strict=True))

    def steps(self, place: Place) -> tuple[Tensor, ...]:
        """Returns the value of a place at each step, ``(batch, width)``."""
        # Kept, because several instructions read the same place, and cutting views costs more than the arithmetic.
        if place not in self._steps:
            self._steps[place] = self.of(place).unbind(0)
        return self._steps[place]


class _Bptt(torch.autograd.Function):
    """Runs a program over a batch of sequences, forward and backward."""

    @staticmethod
    def forward(
        ctx: Any,
        layout: WeightLayout,
        x: Tensor,
        ended: Tensor | None,
        initial: Tensor | None,
        *parameters: Tensor | None,
    ) -> tuple[Tensor, Tensor]:
        """Returns state 0 after each step ``(time, batch, width)``, and the final states ``(states, batch, width)``.

        Args:
            ctx: Keeps tensors for `backward`.
            layout: The program.
            x: ``(time, batch, inputs)``.
            ended: Where a sequence has ended, bool ``(time, batch, 1)``; None for nowhere.
            initial: The states before the first step, ``(states, batch, width)``; None for zeros.
            parameters: Weights of the program's linear nodes, then their biases.
        """
        values = _Values(layout, x, initial)
        weights = StackedWeights(layout, parameters, x)
        weights.project(x, values.linears)
        # All views are cut before the loop, so that a step costs only its arithmetic.
        bound = [
            (_operation(i, weights), values.targets(layout, i), values.operands(i))
            for i in layout.program.instructions
        ]
        for step in range(len(x)):
            for operation, targets, operands in bound:
                operation(targets[step], *operands[step])
            if ended is not None:
                # A sequence that has ended keeps its states: the last position then holds everyone's final states.
                before, after = values.states[:, step], values.states[:, step + 1]
                after.copy_(torch.where(ended[step], before, after))
        ctx.layout, ctx.values = layout, values
        ctx.save_for_backward(x, ended, *parameters)
        # Copies, because a caller may change the results in place, and `backward` still reads the states.
        return values.states[0, 1:].clone(), values.states[:, -1].clone()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_outputs: Tensor, d_final: Tensor) -> tuple[Tensor | None, ...]:
        """Returns the gradients of the inputs, the initial states and the parameters.

        Args:
            ctx: What `forward` kept.
            d_outputs: Gradient of state 0 after each step, ``(time, batch, width)``.
            d_final: Gradient of all states after the last step, ``(states, batch, width)``.
        """
        layout, values = ctx.layout, ctx.values
        x, ended, *parameters = ctx.saved_tensors
        weights = StackedWeights(layout, parameters, x)
        d_linears = torch.empty_like(values.linears)
        walk = _WalkBack(layout, values, weights)
        d_states = d_final.clone()
        for step in reversed(range(len(x))):
            d_states[0] += d_outputs[step]
            if ended is None:
                d_states = walk.step(step, d_states, d_linears[step])
            else:
                # Rows that have ended copied their states, so their gradient passes the step unchanged.
                going = walk.step(step, d_states.masked_fill(ended[step], 0.0), d_linears[step])
                d_states = going + d_states.masked_fill(~ended[step], 0.0)
        operands = {i.operands[0]: values.of(i.operands[0]) for i in layout.products}
        d_x = weights.project_back(d_linears) if ctx.needs_input_grad[1] else None
        d_initial = d_states if ctx.needs_input_grad[3] else None
        return None, d_x, None, d_initial, *weights.gradients(x, operands, d_linears)


class _WalkBack:
    """The instructions of a program in reverse; gradients of the places of one step are in numbered slots."""

    def __init__(self, layout: WeightLayout, values: _Values, weights: StackedWeights) -> None:
        program = layout.program
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
        # In the order of ``Kind``: BEFORE, AFTER, LINEAR, BUFFER.
        first = (self._linears, self._linears + self._states, 0, self._linears + 2 * self._states)
        return first[place.kind] + place.index

    def step(self, step: int, d_states: Tensor, d_linears: Tensor) -> Tensor:
        """Goes back over one step.

        Args:
            step: Its number.
            d_states: Gradients of the states after the step, ``(states, batch, width)``.
            d_linears: Filled with the gradients of the linear nodes, ``(batch, features of all linear nodes)``.

        Returns:
            Gradients of the states before the step, ``(states, batch, width)``.
        """
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
    """Returns the function of an instruction, which takes the target and the operands, each ``(batch, width)``."""
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
    # lerp(b, a, z) is z * a + (1 - z) * b in one pass.
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
    # From the result and not the operand: an activation may have overwritten its operand.
    Op.TANH: (lambda d, y, _: torch.ops.aten.tanh_backward(d[0], y),),
    Op.SIGMOID: (lambda d, y, _: torch.ops.aten.sigmoid_backward(d[0], y),),
    Op.RELU: (lambda d, y, _: torch.ops.aten.threshold_backward(d[0], y, 0.0),),
    Op.LEAKY_RELU: (lambda d, y, _: torch.where(y > 0, d[0], 0.01 * d[0]),),
}
