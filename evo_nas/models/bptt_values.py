"""What the backend in Python keeps of every step of a sequence, and the gradients that arrive from later steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from evo_nas.models.instruction import Kind, Place

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from evo_nas.models.instruction import Instruction
    from evo_nas.models.program import Program
    from evo_nas.models.weight_layout import WeightLayout


class Values:
    """The value of every place at every step.

    Attributes:
        states: ``(states, history + time + 1, batch, width)``; step ``t`` reads position ``history + t`` and writes
            the next one. Positions below ``history`` are of steps before the first.
        buffers: ``(buffers, time, batch, width)``.
        linears: ``(time, batch, features of all linear nodes)``.
        units: Weights a unit, each ``(width,)``.
    """

    def __init__(
        self, layout: WeightLayout, x: Tensor, initial: Tensor | None, units: Sequence[Tensor]
    ) -> None:
        program, width = layout.program, layout.width
        steps, batch, _ = x.shape
        self._history = program.history
        self._delays = program.delays
        self.states = x.new_zeros(program.states, self._history + steps + 1, batch, width)
        if initial is not None:
            for (state, ago), value in zip(program.carried, initial, strict=True):
                self.states[state, self.position(1 - ago)] = value
        self.buffers = x.new_empty(program.buffers, steps, batch, width)
        self.linears = x.new_empty(steps, batch, len(program.linears) * width)
        self.units = units
        self._width = width
        self._steps: dict[Place, tuple[Tensor, ...]] = {}

    def position(self, step: int) -> int:
        """Returns where the states before a step are; it may be one before the first."""
        return self._history + step

    def of(self, place: Place) -> Tensor:
        """Returns the value of a place at all steps, ``(time, batch, width)``."""
        match place.kind:
            case Kind.BEFORE:
                return self.states[place.index, self._history : -1]
            case Kind.AFTER:
                return self.states[place.index, self._history + 1 :]
            case Kind.PAST:
                state, ago = self._delays[place.index]
                return self.states[state, self.position(1 - ago) : -ago]
            case Kind.LINEAR:
                return self.linears[..., place.index * self._width : (place.index + 1) * self._width]
            case Kind.BUFFER:
                return self.buffers[place.index]
            case Kind.UNIT:
                return self.units[place.index].expand(self.linears.shape[0], self.linears.shape[1], -1)

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


class PastGradients:
    """Gradients of states by what reads them with a delay; nothing where no state is.

    Args:
        program: The cell.
        values: Says where the states of a step are.
        d_final: Gradient of the final states, ``(carried, batch, width)``.
    """

    def __init__(self, program: Program, values: Values, d_final: Tensor) -> None:
        self._program = program
        self._position = values.position
        self._d_states = torch.zeros_like(values.states) if program.history else None
        if self._d_states is not None:
            for (state, ago), gradient in zip(program.carried, d_final, strict=True):
                if ago > 1:
                    self._d_states[state, -ago] = gradient

    def at(self, step: int) -> list[Tensor]:
        """Returns for each delay the gradient, to be added to, of what it reads at a step, ``(batch, width)``."""
        if self._d_states is None:
            return []
        return [self._d_states[state, self._position(step + 1 - ago)] for state, ago in self._program.delays]

    def add_to(self, d_states: Tensor, step: int) -> None:
        """Adds the gradients of the states before a step to ``d_states`` ``(states, batch, width)``."""
        if self._d_states is not None:
            d_states += self._d_states[:, self._position(step)]

    def initial(self, d_states: Tensor) -> Tensor:
        """Returns the gradient of the initial states ``(carried, batch, width)``, given that of those before step 0."""
        if self._d_states is None:
            return d_states
        return torch.stack(
            [
                d_states[state] if ago == 1 else self._d_states[state, self._position(1 - ago)]
                for state, ago in self._program.carried
            ]
        )
