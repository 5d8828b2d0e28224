"""`Sketch`: writes a cell down node by node."""

from __future__ import annotations

from evo_nas.genome.cell import CellGraph, Node
from evo_nas.genome.ops import Op


class Sketch:
    """Collects nodes in the order in which they are written; each call returns the reference of its result."""

    def __init__(self, states: int = 1) -> None:
        self._states = states
        self._nodes: list[Node] = []

    def __call__(self, op: Op, *inputs: int) -> int:
        """Adds a node without a bias."""
        self._nodes.append(Node(op, inputs, bias=False))
        return self._states + len(self._nodes)

    def affine(self, *inputs: int) -> int:
        """Adds a linear node with a bias."""
        self._nodes.append(Node(Op.LINEAR, inputs, bias=True))
        return self._states + len(self._nodes)

    def gate(self, *inputs: int) -> int:
        """Adds ``sigmoid(affine(inputs))``."""
        return self(Op.SIGMOID, self.affine(*inputs))

    def cell(self, *outputs: int) -> CellGraph:
        """Returns the cell whose states become ``outputs``."""
        return CellGraph(self._states, tuple(self._nodes), outputs)
