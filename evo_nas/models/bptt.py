"""The backend in Python: back-propagation through time by hand, so that autograd sees one operation a sequence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from evo_nas.models.bptt_ops import contributions, operation
from evo_nas.models.bptt_values import PastGradients, Values
from evo_nas.models.eager import run_steps
from evo_nas.models.instruction import Kind, Place
from evo_nas.models.program import assemble
from evo_nas.models.recurrence import Recurrence
from evo_nas.models.weight_layout import StackedWeights, WeightLayout

if TYPE_CHECKING:
    from collections.abc import Iterable

    from evo_nas.genome.cell import CellGraph


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
        return self._apply_program(inputs, valid, None, suffix=suffix)[0]

    def _scan_to_states(self, inputs: Tensor, valid: Tensor | None) -> tuple[Tensor, Tensor]:
        if valid is not None and self.has_delays:
            # Programs repeat the last state through the padding, which shifts out the older ones.
            return run_steps(self, inputs, self.zero_states(inputs), valid)
        return self._apply_program(inputs, valid, None, suffix="")

    def forward_from(self, inputs: Tensor, states: Tensor) -> tuple[Tensor, Tensor]:
        """Runs the forward direction from ``states``, as `Recurrence.forward_from` says."""
        return self._apply_program(inputs, None, states, suffix="")

    def _apply_program(
        self, inputs: Tensor, valid: Tensor | None, initial: Tensor | None, *, suffix: str
    ) -> tuple[Tensor, Tensor]:
        steps = inputs.transpose(0, 1).contiguous()  # (time, batch, inputs)
        ended = None if valid is None else ~valid.T[..., None]  # (time, batch, 1)
        outputs, final = _Bptt.apply(  # type: ignore[no-untyped-call]
            self._layout, steps, ended, initial, *self.live_parameters(suffix)
        )
        return outputs.transpose(0, 1), final

    def live_parameters(self, suffix: str) -> list[Tensor | None]:
        """Returns the weights of the program's linear nodes, then their biases, then the weights a unit.

        They are those of one direction: weights ``(width, total input width)``, biases ``(width,)`` or None, weights a
        unit ``(width,)``. Dead nodes are left out.
        """
        linears = [self.linear(index, suffix) for index in self._program.linears]
        units = [self.unit_weight(index, suffix) for index in self._program.units]
        return [*(linear.weight for linear in linears), *(linear.bias for linear in linears), *units]


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
        """Returns state 0 after each step ``(time, batch, width)``, and the final states ``(carried, batch, width)``.

        Args:
            ctx: Keeps tensors for `backward`.
            layout: The program.
            x: ``(time, batch, inputs)``.
            ended: Where a sequence has ended, bool ``(time, batch, 1)``; None for nowhere.
            initial: The states before the first step, ``(carried, batch, width)``; None for zeros.
            parameters: Weights of the program's linear nodes, then their biases, then the weights a unit.
        """
        weights = StackedWeights(layout, parameters, x)
        values = Values(layout, x, initial, weights.units)
        weights.project(x, values.linears)
        # All views are cut before the loop, so that a step costs only its arithmetic.
        bound = [
            (operation(i, weights), values.targets(layout, i), values.operands(i))
            for i in layout.program.instructions
        ]
        for step in range(len(x)):
            for compute, targets, operands in bound:
                compute(targets[step], *operands[step])
            if ended is not None:
                # A sequence that has ended keeps its states: the last position then holds everyone's final states.
                position = values.position(step)
                before, after = values.states[:, position], values.states[:, position + 1]
                after.copy_(torch.where(ended[step], before, after))
        ctx.layout, ctx.values = layout, values
        ctx.save_for_backward(x, ended, *parameters)
        # Copies, because a caller may change the results in place, and `backward` still reads the states.
        final = torch.stack([values.states[state, -ago] for state, ago in layout.program.carried])
        return values.of(Place(Kind.AFTER, 0)).clone(), final

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_outputs: Tensor, d_final: Tensor) -> tuple[Tensor | None, ...]:
        """Returns the gradients of the inputs, the initial states and the parameters.

        Args:
            ctx: What `forward` kept.
            d_outputs: Gradient of state 0 after each step, ``(time, batch, width)``.
            d_final: Gradient of the final states, ``(carried, batch, width)``.
        """
        layout, values = ctx.layout, ctx.values
        x, ended, *parameters = ctx.saved_tensors
        weights = StackedWeights(layout, parameters, x)
        d_linears = torch.empty_like(values.linears)
        walk = _WalkBack(layout, values, weights)
        d_units = x.new_zeros(len(weights.units), x.shape[1], layout.width)
        d_past = PastGradients(layout.program, values, d_final)
        d_states = d_final[: layout.program.states].clone()
        for step in reversed(range(len(x))):
            d_states[0] += d_outputs[step]
            d_past.add_to(d_states, step + 1)
            if ended is None:
                d_states = walk.step(step, d_states, d_linears[step], [*d_units, *d_past.at(step)])
            else:
                # Rows that have ended copied their states, so their gradient passes the step unchanged.
                going = walk.step(
                    step,
                    d_states.masked_fill(ended[step], 0.0),
                    d_linears[step],
                    [*d_units, *d_past.at(step)],
                )
                d_states = going + d_states.masked_fill(~ended[step], 0.0)
        operands = {i.operands[0]: values.of(i.operands[0]) for i in layout.products}
        d_x = weights.project_back(d_linears) if ctx.needs_input_grad[1] else None
        d_past.add_to(d_states, 0)
        d_initial = d_past.initial(d_states) if ctx.needs_input_grad[3] else None
        return None, d_x, None, d_initial, *weights.gradients(x, operands, d_linears), *d_units.sum(1)


class _WalkBack:
    """The instructions of a program in reverse; gradients of the places of one step are in numbered slots."""

    def __init__(self, layout: WeightLayout, values: Values, weights: StackedWeights) -> None:
        program = layout.program
        self._states = program.states
        self._linears = len(program.linears)
        self._first_summed = self._linears + 2 * program.states + program.buffers
        self._units = len(program.units)
        self.bound = [
            (
                contributions(i, weights),
                [self._slot(place) for place in i.written],
                values.steps(i.target),
                values.operands(i),
                [(self._slot(place), n) for place, n in zip(i.operands, i.gradient_accumulates, strict=True)],
            )
            for i in reversed(program.instructions)
        ]

    def _slot(self, place: Place) -> int:
        """Returns the position of a place: linear nodes, states before and after the step, buffers, units, delays."""
        # In the order of ``Kind``: BEFORE, AFTER, LINEAR, BUFFER, UNIT, PAST.
        states, summed = self._linears, self._first_summed
        first = (states, states + self._states, 0, states + 2 * self._states, summed, summed + self._units)
        return first[place.kind] + place.index

    def step(self, step: int, d_states: Tensor, d_linears: Tensor, d_summed: Iterable[Tensor]) -> Tensor:
        """Goes back over one step.

        Args:
            step: Its number.
            d_states: Gradients of the states after the step, ``(states, batch, width)``.
            d_linears: Filled with the gradients of the linear nodes, ``(batch, features of all linear nodes)``.
            d_summed: Gradients of the weights a unit, then of what each delay reads, ``(batch, width)``; those of this
                step are added to them.

        Returns:
            Gradients of the states before the step, ``(states, batch, width)``.
        """
        before = torch.zeros_like(d_states)
        slots: dict[int, Tensor] = dict(enumerate([*before, *d_states], start=self._linears))
        slots.update(enumerate(d_summed, start=self._first_summed))
        for parts, written, results, operands, read in self.bound:
            gradients = [slots[slot] for slot in written]
            for contribution, (slot, accumulates) in zip(parts, read, strict=True):
                gradient = contribution(gradients, results[step], operands[step])
                if accumulates:
                    slots[slot] += gradient
                else:
                    slots[slot] = gradient
        if self._linears:
            torch.cat([slots[slot] for slot in range(self._linears)], dim=1, out=d_linears)
        return before
