"""`Work`: arithmetic that is counted, not done; that of a cell and of what networks are made of.

Counted is what the equations ask for, not what a backend makes of them: no padding, no masked scores, no copies. What
depends on weights alone is computed once and costs nothing; integers, such as hashes of n-grams, are not counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from evo_nas.genome.cell import X
from evo_nas.genome.ops import Op
from evo_nas.genome.parameters import count_cell_parameters

if TYPE_CHECKING:
    from evo_nas.genome.cell import CellGraph


@dataclass(frozen=True, slots=True)
class Work:
    """Arithmetic on float numbers, and the numbers that it fetches.

    Attributes:
        macs: Multiply-accumulates of products of vectors and matrices.
        operations: Additions, products and comparisons besides.
        functions: Divisions, roots, exponentials, logarithms, tanh and sigmoids.
        words: Weights, states and inputs that are read from memory or written to it; values between the nodes of a
            cell are not among them.
    """

    macs: int = 0
    operations: int = 0
    functions: int = 0
    words: int = 0

    @property
    def flops(self) -> int:
        """Floating-point operations, two for each multiply-accumulate."""
        return 2 * self.macs + self.operations + self.functions

    def __add__(self, other: Work) -> Work:
        """Returns both together."""
        return Work(
            self.macs + other.macs,
            self.operations + other.operations,
            self.functions + other.functions,
            self.words + other.words,
        )

    def times(self, count: int) -> Work:
        """Returns as much ``count`` times."""
        return Work(count * self.macs, count * self.operations, count * self.functions, count * self.words)


def cell_work(cell: CellGraph, input_width: int, width: int) -> Work:
    """Returns the work of one step of one direction of a layer with ``cell``."""
    macs = operations = functions = delays = 0
    for node in cell.nodes:
        if node.op is Op.LINEAR:
            macs += width * sum(input_width if source == X else width for source in node.inputs)
            operations += width * node.bias
        unit = node.op.row.work(len(node.inputs))
        operations += width * unit.operations
        functions += width * unit.functions
        delays += bool(node.op.row.delay)
    # Each state is read and written, and each delay reads an older value.
    moved = input_width + width * (2 * cell.states + delays)
    return Work(macs, operations, functions, count_cell_parameters(cell, input_width, width) + moved)


def layer_norm(width: int, *, is_scaled: bool = True) -> Work:
    """Returns the work of normalising one vector: mean, variance, a reciprocal root, and weights if it has some."""
    # Sums for mean and variance, deviations, squares, the guard of the root, products; two divisions and the root.
    return Work(operations=5 * width - 1 + 2 * width * is_scaled, functions=3, words=2 * width * is_scaled)


def softmax(width: int) -> Work:
    """Returns the work of one softmax: maximum, differences, exponentials, their sum, its reciprocal, products."""
    return Work(operations=4 * width - 2, functions=width + 1)


def affine(inputs: int, outputs: int, *, has_bias: bool = True) -> Work:
    """Returns the work of one product of a matrix and a vector, which is read from memory like the matrix."""
    return Work(
        macs=inputs * outputs,
        operations=outputs * has_bias,
        words=inputs * outputs + outputs * has_bias + inputs,
    )
