"""The operations of a cell: one row each, from which every other table of the genome follows.

A new operation is a row here, a line in `models.eager`, two in `models.bptt` and two in the interpreter. Until it
has them, leave ``by_default`` false: it is then in a search space only if the configuration asks for it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum, StrEnum, auto

MAX_NODES = 256
"""Largest number of nodes of a cell, and so of the inputs of one node."""
MAX_LINEAR_INPUTS = 3

ZeroRule = Callable[[Sequence[bool]], bool]
Formula = Callable[[Sequence[str]], str]
SameAs = Callable[[Sequence[int]], int | None]


class Sign(Enum):
    """When the value of an op is certain not to be negative."""

    ANY = auto()
    NON_NEGATIVE = auto()
    NON_NEGATIVE_IF_INPUTS_ARE = auto()


def _never_zero(inputs: Sequence[bool]) -> bool:  # noqa: ARG001 - the same whatever is read
    return False


def _blend_is_zero(inputs: Sequence[bool]) -> bool:
    gate, if_open, if_shut = inputs
    return if_shut and (gate or if_open)


def _only_input(inputs: Sequence[int]) -> int | None:
    return inputs[0] if len(set(inputs)) == 1 else None


def _both_sides(inputs: Sequence[int]) -> int | None:
    return inputs[1] if inputs[1] == inputs[2] else None


def _blend_formula(inputs: Sequence[str]) -> str:
    gate, if_open, if_shut = inputs
    return f"{gate} * {if_open} + (1 - {gate}) * {if_shut}"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpRow:
    """The properties of an op.

    Attributes:
        number: Identity of the op. It orders the nodes of canonical cells and is the code of the op's instruction
            in the interpreter. A number that was used must never change or be used again.
        arity: Fewest and most inputs.
        zero: Whether the value is zero with any weights, given which inputs are zero; a bias is not considered.
            There is no default, since a wrong rule would make live cells look dead.
        by_default: Whether a search space has the op unless its options say otherwise.
        commutative: Whether the order of the inputs does not matter.
        reads_x: Whether the op may read ``x``, whose width is not that of the cell.
        reads_a_set: Whether a node of a genotype spells up to three different inputs, where repeated ones count
            once; otherwise it spells as many as the op needs at least.
        sign: When the value is certain not to be negative.
        rectifies: Whether the op returns an input that is not negative as it is.
        same_as: The input that the value always equals, if there is one; None if there never is.
        formula: How the op is written, given its inputs in words; None for ``name(inputs)``.
        is_sum: Whether the formula needs parentheses where it is a factor.
        is_product: Whether inputs that are sums need parentheses in the formula.
    """

    number: int
    arity: tuple[int, int]
    zero: ZeroRule
    by_default: bool = False
    commutative: bool = False
    reads_x: bool = False
    reads_a_set: bool = False
    sign: Sign = Sign.ANY
    rectifies: bool = False
    same_as: SameAs | None = None
    formula: Formula | None = None
    is_sum: bool = False
    is_product: bool = False

    @property
    def genotype_inputs(self) -> int:
        """Number of references that a node of a genotype has."""
        return MAX_LINEAR_INPUTS if self.reads_a_set else self.arity[0]


class Op(StrEnum):
    """What a node computes from its inputs, elementwise except for ``LINEAR``.

    Attributes:
        row: The properties of the op.
    """

    row: OpRow

    def __new__(cls, name: str, row: OpRow) -> Op:
        """Returns the member that is written ``name`` and carries ``row``."""
        member = str.__new__(cls, name)
        member._value_ = name
        member.row = row
        return member

    # ``sum_k W_k @ in_k + b`` of distinct inputs; the only op that has weights.
    LINEAR = (
        "linear",
        OpRow(
            number=0,
            arity=(1, MAX_LINEAR_INPUTS),
            zero=all,
            by_default=True,
            commutative=True,
            reads_x=True,
            reads_a_set=True,
        ),
    )
    # ``z * a + (1 - z) * b`` of inputs ``(z, a, b)``.
    BLEND = (
        "blend",
        OpRow(
            number=1,
            arity=(3, 3),
            zero=_blend_is_zero,
            by_default=True,
            same_as=_both_sides,
            formula=_blend_formula,
            is_sum=True,
            is_product=True,
        ),
    )
    ADD = (
        "add",
        OpRow(
            number=2,
            arity=(2, MAX_NODES),
            zero=all,
            by_default=True,
            commutative=True,
            sign=Sign.NON_NEGATIVE_IF_INPUTS_ARE,
            formula=" + ".join,
            is_sum=True,
        ),
    )
    MUL = (
        "mul",
        OpRow(
            number=3,
            arity=(2, MAX_NODES),
            zero=any,
            by_default=True,
            commutative=True,
            sign=Sign.NON_NEGATIVE_IF_INPUTS_ARE,
            formula=" * ".join,
            is_product=True,
        ),
    )
    MEAN = (
        "mean",
        OpRow(
            number=4,
            arity=(1, MAX_NODES),
            zero=all,
            by_default=True,
            commutative=True,
            reads_a_set=True,
            sign=Sign.NON_NEGATIVE_IF_INPUTS_ARE,
            same_as=_only_input,
        ),
    )
    TANH = "tanh", OpRow(number=5, arity=(1, 1), zero=all, by_default=True)
    SIGMOID = (
        "sigmoid",
        OpRow(number=6, arity=(1, 1), zero=_never_zero, by_default=True, sign=Sign.NON_NEGATIVE),
    )
    RELU = (
        "relu",
        OpRow(number=7, arity=(1, 1), zero=all, by_default=True, sign=Sign.NON_NEGATIVE, rectifies=True),
    )
    # Slope 0.01 below zero.
    LEAKY_RELU = "leaky_relu", OpRow(number=8, arity=(1, 1), zero=all, by_default=True, rectifies=True)
    # Not by default: a mutation to it only makes two spellings of one cell.
    IDENTITY = "identity", OpRow(number=9, arity=(1, 1), zero=all, same_as=_only_input)


COMMUTATIVE = frozenset(op for op in Op if op.row.commutative)
