"""Sorts the instructions of a step by when they can run: before the loop over the steps, in it, or after it.

What depends on the inputs alone runs for many steps at once before the loop, and what no later step needs runs for many
steps at once after it. Of a linear recurrence (see `genome.linearity`) only elementwise instructions are left in the
loop: all its matrix products take many steps at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from evo_nas.genome.ops import Op
from evo_nas.models.instruction import Kind, Place

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evo_nas.models.instruction import Instruction


@dataclass(frozen=True, slots=True)
class Phases:
    """The instructions of a step by phase; one after the other they are the step.

    Attributes:
        prologue: Those that depend on the inputs alone, also on earlier ones.
        loop: Those that need the step before.
        epilogue: Those that no later step needs.
    """

    prologue: tuple[Instruction, ...]
    loop: tuple[Instruction, ...]
    epilogue: tuple[Instruction, ...]


def in_phases(instructions: Sequence[Instruction], delays: Sequence[tuple[int, int]]) -> Phases:
    """Returns ``instructions`` by phase.

    Args:
        instructions: Those of one step, in order.
        delays: The state and the number of steps of each place of the kind ``PAST``.
    """
    prologue, rest = _without_states(instructions, delays)
    loop, epilogue = _needed_later(rest, delays)
    return Phases(tuple(prologue), tuple(loop), tuple(epilogue))


def _state_read(place: Place, delays: Sequence[tuple[int, int]]) -> int | None:
    """Returns the state of an earlier step that is kept at ``place``; None if it is none."""
    match place.kind:
        case Kind.BEFORE:
            return place.index
        case Kind.PAST:
            return delays[place.index][0]
        case _:
            return None


def _without_states(
    instructions: Sequence[Instruction], delays: Sequence[tuple[int, int]]
) -> tuple[list[Instruction], list[Instruction]]:
    """Returns the instructions that depend on the inputs alone, and the others.

    A state that depends on the inputs alone is known for all steps before the loop, and so is what reads it. Its
    readers come after what writes it: they are found in a later round.
    """
    found: list[Instruction] = []
    rest = list(instructions)
    known: set[int] = set()
    while True:
        earliest, rest = _independent(rest, delays, known)
        found += earliest
        written = _states_written(found) - _states_written(rest)
        if written == known:
            return found, rest
        known = written


def _states_written(instructions: Sequence[Instruction]) -> set[int]:
    return {i.target.index for i in instructions if i.target.kind is Kind.AFTER}


def _independent(
    instructions: Sequence[Instruction], delays: Sequence[tuple[int, int]], known: set[int]
) -> tuple[list[Instruction], list[Instruction]]:
    """Returns the instructions that depend on the inputs and the ``known`` states alone, and the others."""
    varying: set[Place] = set()

    def varies(place: Place) -> bool:
        state = _state_read(place, delays)
        return place in varying or (state is not None and state not in known)

    independent, others = [], []
    for i in instructions:
        # A product adds to sums that nothing has overwritten yet, so it may do so at any time.
        if any(map(varies, i.operands)) or (i.op is not Op.LINEAR and varies(i.target)):
            varying.update(i.written)
            others.append(i)
        else:
            independent.append(i)
    return independent, others


def _needed_later(
    instructions: Sequence[Instruction], delays: Sequence[tuple[int, int]]
) -> tuple[list[Instruction], list[Instruction]]:
    """Returns the instructions that later steps need, and the others."""
    read = {_state_read(place, delays) for i in instructions for place in i.operands}
    needed = {Place(Kind.AFTER, state) for state in read if state is not None}
    loop, epilogue = [], []
    for i in reversed(instructions):
        if needed.isdisjoint(i.written):
            epilogue.append(i)
        else:
            loop.append(i)
            needed.update(i.operands)
    return loop[::-1], epilogue[::-1]
