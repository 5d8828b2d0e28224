"""Labels of cells: equal for equal graphs, and the fewer in common, the further round they see."""

from __future__ import annotations

from evo_nas.genome.cell import CellGraph, Node
from evo_nas.genome.cells import NAMED_CELLS
from evo_nas.genome.ops import Op
from evo_nas.strategies.weisfeiler_lehman import ROUNDS, labels_of


def shared(one: CellGraph, other: CellGraph) -> list[int]:
    """Returns how many labels two cells share, after each round."""
    pairs = zip(labels_of(one), labels_of(other), strict=True)
    return [sum((mine & its).values()) for mine, its in pairs]


def cell(*nodes: Node, outputs: tuple[int, ...]) -> CellGraph:
    return CellGraph(len(outputs), nodes, outputs)


def test_every_value_has_a_label_after_each_round() -> None:
    lstm = NAMED_CELLS["lstm"]
    values = 1 + lstm.states + len(lstm.nodes)
    assert [sum(labels.values()) for labels in labels_of(lstm)] == [values] * (1 + ROUNDS)


def test_cells_share_fewer_labels_the_further_these_see() -> None:
    counts = shared(NAMED_CELLS["lstm"], NAMED_CELLS["gru"])
    assert counts == sorted(counts, reverse=True)
    assert counts[0] > counts[-1]


def test_the_order_of_states_and_of_commutative_inputs_is_nothing() -> None:
    product = Node(Op.MUL, (1, 2))
    assert labels_of(cell(product, outputs=(4, 2, 3))) == labels_of(
        cell(Node(Op.MUL, (2, 1)), outputs=(4, 2, 3))
    )
    second, third = cell(product, outputs=(4, 1, 3)), cell(Node(Op.MUL, (1, 3)), outputs=(4, 2, 1))
    assert labels_of(second) == labels_of(third)


def test_what_a_state_becomes_is_part_of_the_graph() -> None:
    nodes = Node(Op.LINEAR, (0, 1)), Node(Op.TANH, (3,))
    assert shared(cell(*nodes, outputs=(4, 3)), cell(*nodes, outputs=(4, 2)))[1] < 5
    assert labels_of(cell(*nodes, outputs=(4, 3)))[0] == labels_of(cell(*nodes, outputs=(4, 2)))[0]
