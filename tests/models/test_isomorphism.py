from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import pytest

from evo_nas.genome.cell import CellGraph, Node, X
from evo_nas.genome.cells import NAMED_CELLS
from evo_nas.genome.ops import Op
from evo_nas.models.isomorphism import find_isomorphism
from evo_nas.models.torch_kernels import GRU, KERNELS, LSTM

H, C = 1, 2


def lstm_with_gates_in_order(order: tuple[int, ...]) -> CellGraph:
    """Writes LSTM down with its gates' nodes in another order, and ``h`` before ``x``."""
    gates = [Node(Op.TANH if gate == 2 else Op.SIGMOID, (3 + place,)) for place, gate in enumerate(order)]
    i, f, g, o = (7 + order.index(gate) for gate in range(4))
    return CellGraph(
        states=2,
        nodes=(
            *[Node(Op.LINEAR, (H, X), bias=True)] * 4,
            *gates,
            Node(Op.MUL, (g, i)),
            Node(Op.MUL, (f, C)),
            Node(Op.ADD, (11, 12)),
            Node(Op.TANH, (13,)),
            Node(Op.MUL, (14, o)),
        ),
        outputs=(15, 13),
    )


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_gates_are_recognised_in_any_order(order) -> None:
    roles = find_isomorphism(LSTM.template, lstm_with_gates_in_order(order))
    assert roles is not None
    assert [roles[reference] - 3 for reference, _ in LSTM.gates] == [order.index(gate) for gate in range(4)]


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_cell_matches_itself(kernel) -> None:
    assert find_isomorphism(kernel.template, kernel.template) is not None


def test_two_gates_that_are_one_node_do_not_match() -> None:
    nodes = list(GRU.template.nodes)
    nodes[5] = Node(Op.SIGMOID, (2,))  # the update gate reads the reset gate's linear node
    assert find_isomorphism(GRU.template, replace(GRU.template, nodes=tuple(nodes))) is None


def test_a_swapped_blend_does_not_match() -> None:
    nodes = list(GRU.template.nodes)
    z, h, n = nodes[-1].inputs
    nodes[-1] = Node(Op.BLEND, (z, n, h))
    assert find_isomorphism(GRU.template, replace(GRU.template, nodes=tuple(nodes))) is None


def test_another_number_of_states_does_not_match() -> None:
    assert find_isomorphism(LSTM.template, NAMED_CELLS["gru"]) is None
