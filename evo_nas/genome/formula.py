"""`Formula`: mathematics as a small tree, which `notation` writes as text, LaTeX and MathML."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


class Role(Enum):
    """What a symbol stands for."""

    INPUT = auto()
    STATE = auto()
    """A state before the step, or of an earlier one."""
    NEW_STATE = auto()
    """A state after the step."""
    VALUE = auto()
    """A value within the step, such as a gate."""
    MATRIX = auto()
    VECTOR = auto()
    """A learned vector, such as a bias."""


@dataclass(frozen=True, slots=True)
class Symbol:
    """A letter with an index.

    Attributes:
        letter: Such as ``h`` or ``W``.
        index: Such as ``f`` in ``W_f``, or a number; empty for none.
        role: What it stands for.
        ago: For a state, the steps since it was written.
    """

    letter: str
    index: str = ""
    role: Role = Role.VALUE
    ago: int = 1


@dataclass(frozen=True, slots=True)
class Number:
    """A whole number."""

    value: int


@dataclass(frozen=True, slots=True)
class Call:
    """A function, applied unit by unit."""

    function: str
    operands: tuple[Formula, ...]


@dataclass(frozen=True, slots=True)
class Sum:
    """A sum; each term has a sign, 1 or -1."""

    terms: tuple[tuple[int, Formula], ...]


@dataclass(frozen=True, slots=True)
class Product:
    """A product unit by unit."""

    factors: tuple[Formula, ...]


@dataclass(frozen=True, slots=True)
class Fraction:
    """A division unit by unit."""

    dividend: Formula
    divisor: Formula


@dataclass(frozen=True, slots=True)
class Linear:
    """A sum of matrix products, and perhaps a bias.

    Attributes:
        products: A matrix, and what it multiplies.
        bias: None if there is none.
    """

    products: tuple[tuple[Symbol, Formula], ...]
    bias: Symbol | None


Formula = Symbol | Number | Call | Sum | Product | Fraction | Linear


@dataclass(frozen=True, slots=True)
class Equation:
    """One line: a name and what it stands for."""

    name: Symbol
    formula: Formula


def total(operands: Sequence[Formula]) -> Formula:
    """Returns ``a + b + ...``."""
    return Sum(tuple((1, operand) for operand in operands))


def product(operands: Sequence[Formula]) -> Formula:
    """Returns ``a * b * ...``."""
    return Product(tuple(operands))


def mean(operands: Sequence[Formula]) -> Formula:
    """Returns the mean of one or more operands."""
    return operands[0] if len(operands) == 1 else Fraction(total(operands), Number(len(operands)))


def difference(operands: Sequence[Formula]) -> Formula:
    """Returns ``a - b``."""
    minuend, subtrahend = operands
    return Sum(((1, minuend), (-1, subtrahend)))


def one_minus(operands: Sequence[Formula]) -> Formula:
    """Returns ``1 - a``."""
    return difference([Number(1), operands[0]])


def blend(operands: Sequence[Formula]) -> Formula:
    """Returns ``z * a + (1 - z) * b`` of ``(z, a, b)``."""
    gate, if_open, if_shut = operands
    return Sum(((1, Product((gate, if_open))), (1, Product((one_minus([gate]), if_shut)))))


def scaled(operands: Sequence[Formula]) -> Formula:
    """Returns the product of a value and its weight a unit, the weight first."""
    value, weight = operands
    return Product((weight, value))


def quotient(operands: Sequence[Formula]) -> Formula:
    """Returns ``a / b``."""
    return Fraction(*operands)


def itself(operands: Sequence[Formula]) -> Formula:
    """Returns the only operand."""
    return operands[0]


def delayed(operands: Sequence[Formula], steps: int) -> Formula:
    """Returns a state of so many steps ago."""
    state = operands[0]
    assert isinstance(state, Symbol), "`CellGraph` has checked that delays read states"
    return replace(state, ago=steps)


def operands_of(formula: Formula) -> tuple[Formula, ...]:
    """Returns the formulas that ``formula`` is directly made of; its matrices and bias are none of them."""
    match formula:
        case Call(_, operands):
            return operands
        case Sum(terms):
            return tuple(term for _, term in terms)
        case Product(factors):
            return factors
        case Fraction(dividend, divisor):
            return (dividend, divisor)
        case Linear(products, _):
            return tuple(operand for _, operand in products)
        case _:
            return ()
