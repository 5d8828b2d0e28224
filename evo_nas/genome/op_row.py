"""`OpRow`: the properties of an operation, one row of the table of ops."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from evo_nas.genome.formula import Formula

MAX_LINEAR_INPUTS = 3


class UnitWork(NamedTuple):
    """What a node costs for each unit and step, its matrix products and its bias aside.

    Attributes:
        operations: Additions, products and comparisons.
        functions: Divisions, roots, exponentials, logarithms, tanh and sigmoids.
    """

    operations: int = 0
    functions: int = 0


ZeroRule = Callable[[Sequence[bool]], bool]
WorkRule = Callable[[int], UnitWork]
FormulaRule = Callable[[Sequence["Formula"]], "Formula"]
SameAs = Callable[[Sequence[int]], int | None]


class Sign(Enum):
    """When the value of an op is certain not to be negative."""

    ANY = auto()
    NON_NEGATIVE = auto()
    NON_NEGATIVE_IF_INPUTS_ARE = auto()


class UnitWeight(Enum):
    """What an op has one learned weight a unit for."""

    FREE = auto()
    """The weight itself."""
    BOUNDED = auto()
    """The sigmoid of the weight, which is between 0 and 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpRow:
    """The properties of an op.

    Attributes:
        number: Identity of the op. It orders the nodes of canonical cells and is the code of the op's instruction
            in the interpreter. A number that was used must never change or be used again.
        arity: Fewest and most inputs.
        zero: Whether the value is zero with any weights, given which inputs are zero; a bias is not considered.
            There is no default, since a wrong rule would make live cells look dead.
        work: What a node costs for each unit, given how many inputs it has. There is no default, since an op without a
            cost would look free. What depends on weights alone costs nothing, since it is computed once.
        by_default: Whether a search space has the op unless its options say otherwise.
        commutative: Whether the order of the inputs does not matter.
        reads_x: Whether the op may read ``x``, whose width is not that of the cell.
        reads_a_set: Whether a node of a genotype spells up to three different inputs, where repeated ones count
            once; otherwise it spells as many as the op needs at least.
        sign: When the value is certain not to be negative.
        rectifies: Whether the op returns an input that is not negative as it is.
        same_as: The input that the value always equals, if there is one; None if there never is.
        cancels: Whether the value of equal inputs is zero.
        delay: How many steps ago the state was written that the op returns; 0 for an op that computes something.
        unit_weight: What the op has a learned weight a unit for; None if it has none.
        backward_reads_input: Whether the gradient needs the input, which the value must then not overwrite.
        formula: The op in mathematics, given its inputs, then its weight a unit; None for ``name(inputs)``.
    """

    number: int
    arity: tuple[int, int]
    zero: ZeroRule
    work: WorkRule
    by_default: bool = False
    commutative: bool = False
    reads_x: bool = False
    reads_a_set: bool = False
    sign: Sign = Sign.ANY
    rectifies: bool = False
    same_as: SameAs | None = None
    cancels: bool = False
    delay: int = 0
    unit_weight: UnitWeight | None = None
    backward_reads_input: bool = False
    formula: FormulaRule | None = None

    @property
    def genotype_inputs(self) -> int:
        """Number of references that a node of a genotype has."""
        return MAX_LINEAR_INPUTS if self.reads_a_set else self.arity[0]
