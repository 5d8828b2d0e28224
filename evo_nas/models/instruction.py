"""The instructions that fast backends execute at every step, and the places that they read and write."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from evo_nas.genome.ops import Op


class Kind(IntEnum):
    """Where a value is kept."""

    BEFORE = 0
    """A state before the step."""
    AFTER = 1
    """A state after the step; becomes ``BEFORE`` in the next one."""
    LINEAR = 2
    """The columns of one linear node in a matrix that holds them all."""
    BUFFER = 3
    UNIT = 4
    """A learned vector, the same at every step and for every sequence."""
    PAST = 5
    """A state after an earlier step than the last."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value is kept: the kind of storage and the position there."""

    kind: Kind
    index: int


@dataclass(frozen=True, slots=True)
class Instruction:
    """One operation on ``(batch, width)`` matrices.

    Attributes:
        op: What is computed. ``LINEAR`` adds ``operand @ weights`` to neighbouring linear nodes, all at once; ``ADD``
            is ``scale * operand``; means, identities, scales, constants and delays have no instructions of
            their own.
        target: Place of the result.
        operands: Places of the operands.
        scale: Factor of ``ADD``.
        accumulates: Whether the result is added to the target instead of written over it.
        positions: For the target of ``LINEAR`` and each of the right neighbours that it serves, which of
            the linear node's inputs the operand is.
        gradient_accumulates: For each operand, whether its gradient already holds something when this
            instruction contributes to it in reverse order; those of the states do from the start.
    """

    op: Op
    target: Place
    operands: tuple[Place, ...]
    scale: float = 1.0
    accumulates: bool = False
    positions: tuple[int, ...] = ()
    gradient_accumulates: tuple[bool, ...] = ()

    @property
    def written(self) -> tuple[Place, ...]:
        """The places that the instruction writes to: the target and, for ``LINEAR``, neighbours of it."""
        neighbours = (Place(Kind.LINEAR, self.target.index + n) for n in range(len(self.positions)))
        return tuple(neighbours) or (self.target,)
