"""`CellGraph`: the equations of one recurrent cell as a small directed acyclic graph."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from evo_nas.errors import GenomeError

MAX_STATES = 3
MAX_NODES = 256
MAX_LINEAR_INPUTS = 3


class Op(StrEnum):
    """What a node computes from its inputs, elementwise but for ``LINEAR``."""

    LINEAR = "linear"
    """``sum_k W_k @ in_k + b``; 1 to 3 distinct inputs; the only op that may read ``x``."""
    BLEND = "blend"
    """``z * a + (1 - z) * b`` of inputs ``(z, a, b)``."""
    ADD = "add"
    MUL = "mul"
    MEAN = "mean"
    TANH = "tanh"
    SIGMOID = "sigmoid"
    RELU = "relu"
    LEAKY_RELU = "leaky_relu"
    """Slope 0.01 below zero."""
    IDENTITY = "identity"


ARITY = {
    Op.LINEAR: (1, MAX_LINEAR_INPUTS),
    Op.BLEND: (3, 3),
    Op.ADD: (2, MAX_NODES),
    Op.MUL: (2, MAX_NODES),
    Op.MEAN: (1, MAX_NODES),
    Op.TANH: (1, 1),
    Op.SIGMOID: (1, 1),
    Op.RELU: (1, 1),
    Op.LEAKY_RELU: (1, 1),
    Op.IDENTITY: (1, 1),
}
COMMUTATIVE = frozenset({Op.LINEAR, Op.ADD, Op.MUL, Op.MEAN})
X = 0
"""Reference to the cell's input; states follow as 1, 2, 3, then the nodes in order."""


@dataclass(frozen=True, slots=True)
class Node:
    """One operation: what it computes and which earlier values it reads.

    Attributes:
        op: The operation.
        inputs: References: 0 is ``x``, ``1..states`` the previous states, then nodes in order.
        bias: Whether a linear node adds a bias; False for every other op.
    """

    op: Op
    inputs: tuple[int, ...]
    bias: bool = False


@dataclass(frozen=True, slots=True)
class CellGraph:
    """The equations of one step: ``(x, states) -> new states``; state 0 is the output ``h``.

    Attributes:
        states: Number of states carried from step to step, 1 to 3: ``h``, then LSTM's ``c``, ...
        nodes: In topological order; node ``i`` has reference ``1 + states + i``.
        outputs: For each state the reference of its new value: a node or a previous state.

    Raises:
        GenomeError: A reference is out of range or points ahead, an op has a wrong number of inputs, or
            something other than a linear node reads ``x`` (whose width is not the cell's).
    """

    states: int
    nodes: tuple[Node, ...]
    outputs: tuple[int, ...]

    def __post_init__(self) -> None:
        if not 1 <= self.states <= MAX_STATES:
            raise GenomeError(f"cell.states is {self.states}; must be 1 to {MAX_STATES}")
        if len(self.nodes) > MAX_NODES:
            raise GenomeError(f"cell.nodes has {len(self.nodes)} entries; at most {MAX_NODES} are allowed")
        for index, node in enumerate(self.nodes):
            _check_node(node, index, self.first_node + index)
        if len(self.outputs) != self.states:
            raise GenomeError(
                f"cell.outputs has {len(self.outputs)} entries; must be one per state, {self.states}"
            )
        for output in self.outputs:
            if not 1 <= output < self.first_node + len(self.nodes):
                raise GenomeError(f"cell.outputs refers to {output}; must be a state or a node of the cell")

    @property
    def first_node(self) -> int:
        """Reference of the first node."""
        return 1 + self.states


def _check_node(node: Node, index: int, own_reference: int) -> None:
    fewest, most = ARITY[node.op]
    where = f"cell.nodes[{index}] ({node.op})"
    if not fewest <= len(node.inputs) <= most:
        raise GenomeError(f"{where} has {len(node.inputs)} inputs; must have {fewest} to {most}")
    for reference in node.inputs:
        if not 0 <= reference < own_reference:
            raise GenomeError(
                f"{where} reads {reference}; must read an earlier value, 0 to {own_reference - 1}"
            )
        if reference == X and node.op is not Op.LINEAR:
            raise GenomeError(f"{where} reads x; only linear nodes may, since x has another width")
    if node.op is Op.LINEAR and len(set(node.inputs)) != len(node.inputs):
        raise GenomeError(f"{where} reads {node.inputs}; inputs of a linear node must be distinct")
    if node.bias and node.op is not Op.LINEAR:
        raise GenomeError(f"{where} has a bias; only linear nodes may")
