"""Rules for the rows of the table of ops: when a value is zero, what it costs, what it equals, how it is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evo_nas.genome.op_row import UnitWork

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evo_nas.genome.op_row import WorkRule


def never_zero(inputs: Sequence[bool]) -> bool:  # noqa: ARG001 - the same whatever is read
    """Returns False: whatever is read, the value may be another than zero."""
    return False


def blend_is_zero(inputs: Sequence[bool]) -> bool:
    """Returns whether a blend of ``(gate, if_open, if_shut)`` is zero."""
    gate, if_open, if_shut = inputs
    return if_shut and (gate or if_open)


def dividend_is_zero(inputs: Sequence[bool]) -> bool:
    """Returns whether the first input is zero."""
    return inputs[0]


def costs(operations: int = 0, functions: int = 0) -> WorkRule:
    """Returns the rule of an op that costs the same for any number of inputs."""
    return lambda _: UnitWork(operations, functions)


def one_between_inputs(inputs: int) -> UnitWork:
    """Returns the cost of a sum or a product of all inputs."""
    return UnitWork(operations=inputs - 1)


def one_an_input(inputs: int) -> UnitWork:
    """Returns the cost of a mean: a sum, and a product with the share of each."""
    return UnitWork(operations=inputs)


def only_input(inputs: Sequence[int]) -> int | None:
    """Returns the input that all inputs are; None if they differ."""
    return inputs[0] if len(set(inputs)) == 1 else None


def both_sides(inputs: Sequence[int]) -> int | None:
    """Returns the value that a blend has with any gate; None if its sides differ."""
    return inputs[1] if inputs[1] == inputs[2] else None
