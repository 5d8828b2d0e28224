"""The operations of a cell: one row each, from which every other table of the genome follows.

A new operation is a row here, a line in `models.eager`, two in `models.bptt`, two in the interpreter and two in
the kernel of packed cells. Until it has them, leave ``by_default`` false: it is then in a search space only if the
configuration asks for it.

Four ops have a learned weight a unit. It is a vector that does not change while a sequence is read, so no backend has
arithmetic of their own for them: a scale is a product with the vector, a constant is the vector.
"""

from __future__ import annotations

from enum import StrEnum
from functools import partial
from types import MappingProxyType

from evo_nas.genome.formula import (
    blend,
    delayed,
    difference,
    itself,
    mean,
    one_minus,
    product,
    quotient,
    scaled,
    total,
)
from evo_nas.genome.op_row import MAX_LINEAR_INPUTS, OpRow, Sign, UnitWeight
from evo_nas.genome.op_rules import (
    blend_is_zero,
    both_sides,
    costs,
    dividend_is_zero,
    never_zero,
    one_an_input,
    one_between_inputs,
    only_input,
)

MAX_NODES = 256
"""Largest number of nodes of a cell, and so of the inputs of one node."""
LARGEST_EXPONENT = 30.0
"""``exp`` takes larger inputs for this one: its value stays below 1.1e13, far from the largest float32."""
MIN_DELAY, MAX_DELAY = 2, 16
"""Fewest and most steps ago whose state a node may read with a delay; without one it reads that of one step ago."""
GUARD = 1e-6
"""``divide`` takes divisors that are nearer to zero for this far from it, and ``sqrt`` smaller inputs for this one."""


def _delay(steps: int) -> OpRow:
    return OpRow(
        number=20 + steps,
        arity=(1, 1),
        zero=all,
        work=costs(),
        delay=steps,
        formula=partial(delayed, steps=steps),
    )


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

    # ``sum_k W_k @ in_k + b`` of distinct inputs; the only op that has matrices.
    LINEAR = (
        "linear",
        OpRow(
            number=0,
            arity=(1, MAX_LINEAR_INPUTS),
            zero=all,
            work=costs(),
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
            zero=blend_is_zero,
            work=costs(3),
            by_default=True,
            same_as=both_sides,
            formula=blend,
        ),
    )
    ADD = (
        "add",
        OpRow(
            number=2,
            arity=(2, MAX_NODES),
            zero=all,
            work=one_between_inputs,
            by_default=True,
            commutative=True,
            sign=Sign.NON_NEGATIVE_IF_INPUTS_ARE,
            formula=total,
        ),
    )
    MUL = (
        "mul",
        OpRow(
            number=3,
            arity=(2, MAX_NODES),
            zero=any,
            work=one_between_inputs,
            by_default=True,
            commutative=True,
            sign=Sign.NON_NEGATIVE_IF_INPUTS_ARE,
            formula=product,
        ),
    )
    MEAN = (
        "mean",
        OpRow(
            number=4,
            arity=(1, MAX_NODES),
            zero=all,
            work=one_an_input,
            by_default=True,
            commutative=True,
            reads_a_set=True,
            sign=Sign.NON_NEGATIVE_IF_INPUTS_ARE,
            same_as=only_input,
            formula=mean,
        ),
    )
    TANH = "tanh", OpRow(number=5, arity=(1, 1), zero=all, work=costs(functions=1), by_default=True)
    SIGMOID = (
        "sigmoid",
        OpRow(
            number=6,
            arity=(1, 1),
            zero=never_zero,
            work=costs(functions=1),
            by_default=True,
            sign=Sign.NON_NEGATIVE,
        ),
    )
    RELU = (
        "relu",
        OpRow(
            number=7,
            arity=(1, 1),
            zero=all,
            work=costs(1),
            by_default=True,
            sign=Sign.NON_NEGATIVE,
            rectifies=True,
        ),
    )
    # Slope 0.01 below zero.
    LEAKY_RELU = (
        "leaky_relu",
        OpRow(number=8, arity=(1, 1), zero=all, work=costs(2), by_default=True, rectifies=True),
    )
    # Not by default: a mutation to it only makes two spellings of one cell.
    IDENTITY = (
        "identity",
        OpRow(number=9, arity=(1, 1), zero=all, work=costs(), same_as=only_input, formula=itself),
    )
    # ``w * a`` with a learned vector ``w`` (the recurrent weight of IndRNN, Li et al. 2018).
    SCALE = (
        "scale",
        OpRow(
            number=10,
            arity=(1, 1),
            zero=all,
            work=costs(1),
            unit_weight=UnitWeight.FREE,
            formula=scaled,
        ),
    )
    # ``sigmoid(w) * a``: a memory that decays, as in LRU (Orvieto et al. 2023).
    BOUNDED_SCALE = (
        "bounded_scale",
        OpRow(
            number=11,
            arity=(1, 1),
            zero=all,
            work=costs(1),
            unit_weight=UnitWeight.BOUNDED,
            sign=Sign.NON_NEGATIVE_IF_INPUTS_ARE,
            formula=scaled,
        ),
    )
    CONSTANT = (
        "constant",
        OpRow(
            number=12,
            arity=(0, 0),
            zero=never_zero,
            work=costs(),
            unit_weight=UnitWeight.FREE,
            formula=itself,
        ),
    )
    BOUNDED_CONSTANT = (
        "bounded_constant",
        OpRow(
            number=13,
            arity=(0, 0),
            zero=never_zero,
            work=costs(),
            unit_weight=UnitWeight.BOUNDED,
            sign=Sign.NON_NEGATIVE,
            formula=itself,
        ),
    )
    # Of at most `LARGEST_EXPONENT`.
    EXP = (
        "exp",
        OpRow(
            number=14,
            arity=(1, 1),
            zero=never_zero,
            work=costs(1, 1),
            sign=Sign.NON_NEGATIVE,
            backward_reads_input=True,
        ),
    )
    SOFTPLUS = (
        "softplus",
        OpRow(
            number=15,
            arity=(1, 1),
            zero=never_zero,
            work=costs(1, 2),
            sign=Sign.NON_NEGATIVE,
            backward_reads_input=True,
        ),
    )
    SUBTRACT = (
        "subtract",
        OpRow(
            number=16,
            arity=(2, 2),
            zero=all,
            work=costs(1),
            cancels=True,
            formula=difference,
        ),
    )
    ONE_MINUS = (
        "one_minus",
        OpRow(
            number=17,
            arity=(1, 1),
            zero=never_zero,
            work=costs(1),
            formula=one_minus,
        ),
    )
    SILU = "silu", OpRow(number=18, arity=(1, 1), zero=all, work=costs(1, 1), backward_reads_input=True)
    MAX = (
        "max",
        OpRow(
            number=19,
            arity=(2, 2),
            zero=all,
            work=costs(1),
            commutative=True,
            sign=Sign.NON_NEGATIVE_IF_INPUTS_ARE,
            same_as=only_input,
        ),
    )
    # ``a / b`` of inputs ``(a, b)``, where ``b`` is at least `GUARD` away from zero.
    DIVIDE = (
        "divide",
        OpRow(
            number=20,
            arity=(2, 2),
            zero=dividend_is_zero,
            work=costs(1, 1),
            sign=Sign.NON_NEGATIVE_IF_INPUTS_ARE,
            formula=quotient,
        ),
    )
    # Of at least `GUARD`, so that the gradient is bounded (by 500), as RG-LRU (De et al. 2024) needs.
    SQRT = (
        "sqrt",
        OpRow(
            number=21,
            arity=(1, 1),
            zero=never_zero,
            work=costs(1, 1),
            sign=Sign.NON_NEGATIVE,
            backward_reads_input=True,
        ),
    )
    # The value that a state had after the step so many steps ago; a state itself is that of one step ago. Each delay is
    # an op, so that a gene chooses it by name and the JSON of a node needs no further field.
    DELAY_2 = "delay_2", _delay(2)
    DELAY_3 = "delay_3", _delay(3)
    DELAY_4 = "delay_4", _delay(4)
    DELAY_5 = "delay_5", _delay(5)
    DELAY_6 = "delay_6", _delay(6)
    DELAY_7 = "delay_7", _delay(7)
    DELAY_8 = "delay_8", _delay(8)
    DELAY_9 = "delay_9", _delay(9)
    DELAY_10 = "delay_10", _delay(10)
    DELAY_11 = "delay_11", _delay(11)
    DELAY_12 = "delay_12", _delay(12)
    DELAY_13 = "delay_13", _delay(13)
    DELAY_14 = "delay_14", _delay(14)
    DELAY_15 = "delay_15", _delay(15)
    DELAY_16 = "delay_16", _delay(16)


COMMUTATIVE = frozenset(op for op in Op if op.row.commutative)
WITH_WEIGHTS = frozenset(op for op in Op if op is Op.LINEAR or op.row.unit_weight is not None)
"""Ops that own parameters, so that two nodes of them are never one value."""
DELAYS = MappingProxyType({op.row.delay: op for op in Op if op.row.delay})
"""The op of each number of steps, ascending."""
