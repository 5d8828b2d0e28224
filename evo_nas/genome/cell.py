"""`CellGraph`: the equations of one recurrent cell as a small directed acyclic graph."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import FailFast, Field

from evo_nas.errors import GenomeError
from evo_nas.genome.json_text import UNTRUSTED
from evo_nas.genome.ops import MAX_NODES, Op

MAX_STATES = 4
X = 0
"""Reference to the cell's input; states follow as 1, 2, 3, then the nodes in order."""
H = 1
"""Reference to state 0, the previous output."""


@dataclass(frozen=True, slots=True)
class Node:
    """One operation: what it computes and which earlier values it reads.

    Attributes:
        op: The operation.
        inputs: References: 0 is ``x``, ``1..states`` the previous states, then nodes in order.
        bias: Whether a linear node adds a bias; False for every other op.
    """

    __pydantic_config__ = UNTRUSTED

    op: Op
    inputs: Annotated[tuple[int, ...], Field(max_length=MAX_NODES), FailFast()]
    bias: bool = False


@dataclass(frozen=True, slots=True)
class CellGraph:
    """The equations of one step: ``(x, states) -> new states``; state 0 is the output ``h``.

    Attributes:
        states: Number of states carried from step to step, 1 to 4: ``h``, then LSTM's ``c``, ...
        nodes: In topological order; node ``i`` has reference ``1 + states + i``.
        outputs: For each state the reference of its new value: a node or a previous state.

    Raises:
        GenomeError: A reference is out of range or points ahead, an op has a wrong number of inputs,
            something other than a linear node reads ``x`` (whose width is not the cell's), or a delay reads
            something other than a state.
    """

    __pydantic_config__ = UNTRUSTED

    states: int
    nodes: Annotated[tuple[Node, ...], Field(max_length=MAX_NODES), FailFast()]
    outputs: Annotated[tuple[int, ...], Field(max_length=MAX_STATES), FailFast()]

    def __post_init__(self) -> None:
        if not 1 <= self.states <= MAX_STATES:
            raise GenomeError(f"cell.states is {self.states}; must be 1 to {MAX_STATES}")
        if len(self.nodes) > MAX_NODES:
            raise GenomeError(f"cell.nodes has {len(self.nodes)} entries; at most {MAX_NODES} are allowed")
        for index, node in enumerate(self.nodes):
            _check_node(node, index, self.first_node + index, states=self.states)
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

    @property
    def carried(self) -> tuple[tuple[int, int], ...]:
        """The values that are carried from step to step, each a state and how many steps ago it was written.

        All states of one step ago come first, then older values of the states that are read with a delay.
        """
        longest = [1] * self.states
        for node in self.nodes:
            if node.op.row.delay:
                state = node.inputs[0] - 1
                longest[state] = max(longest[state], node.op.row.delay)
        older = ((state, ago) for state, most in enumerate(longest) for ago in range(2, most + 1))
        return (*((state, 1) for state in range(self.states)), *older)


def _check_node(node: Node, index: int, own_reference: int, *, states: int) -> None:
    fewest, most = node.op.row.arity
    where = f"cell.nodes[{index}] ({node.op})"
    if not fewest <= len(node.inputs) <= most:
        raise GenomeError(f"{where} has {len(node.inputs)} inputs; must have {fewest} to {most}")
    for reference in node.inputs:
        if not 0 <= reference < own_reference:
            raise GenomeError(
                f"{where} reads {reference}; must read an earlier value, 0 to {own_reference - 1}"
            )
        if reference == X and not node.op.row.reads_x:
            raise GenomeError(f"{where} reads x; only linear nodes may, since x has another width")
        if node.op.row.delay and reference > states:
            raise GenomeError(
                f"{where} reads {reference}; must read a state, 1 to {states}, since only states are kept:"
                " let the value become a state"
            )
    if node.op is Op.LINEAR and len(set(node.inputs)) != len(node.inputs):
        raise GenomeError(f"{where} reads {node.inputs}; inputs of a linear node must be distinct")
    if node.bias and node.op is not Op.LINEAR:
        raise GenomeError(f"{where} has a bias; only linear nodes may")
