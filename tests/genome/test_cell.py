from __future__ import annotations

import pytest

from evo_nas.errors import GenomeError
from evo_nas.genome.cell import CellGraph, Node
from evo_nas.genome.ops import Op


@pytest.mark.parametrize(
    ("states", "nodes", "outputs", "message"),
    [
        (0, (), (), "cell.states is 0; must be 1 to 4"),
        (5, (), (1, 2, 3, 4), "cell.states is 5; must be 1 to 4"),
        (1, (Node(Op.TANH, (1,)),) * 257, (1,), "at most 256"),
        (1, (Node(Op.TANH, (2,)),), (1,), "must read an earlier value, 0 to 1"),
        (1, (Node(Op.TANH, (-1,)),), (1,), "must read an earlier value"),
        (1, (Node(Op.TANH, (0,)),), (1,), "reads x; only linear nodes may"),
        (1, (Node(Op.BLEND, (1, 1)),), (1,), "has 2 inputs; must have 3 to 3"),
        (1, (Node(Op.LINEAR, (1, 1)),), (1,), "must be distinct"),
        (1, (Node(Op.TANH, (1,), bias=True),), (1,), "has a bias; only linear nodes may"),
        (2, (Node(Op.TANH, (1,)), Node(Op.DELAY_3, (3,))), (1, 2), "reads 3; must read a state, 1 to 2"),
        (2, (), (1,), "cell.outputs has 1 entries; must be one per state, 2"),
        (1, (), (0,), "cell.outputs refers to 0"),
        (1, (), (2,), "cell.outputs refers to 2"),
    ],
)
def test_meaningless_cell_is_refused_with_its_reason(states, nodes, outputs, message):
    with pytest.raises(GenomeError, match=message):
        CellGraph(states, nodes, outputs)


def test_what_is_carried_is_every_state_and_the_older_values_of_those_that_are_read_with_a_delay():
    nodes = (Node(Op.DELAY_2, (1,)), Node(Op.DELAY_4, (2,)), Node(Op.DELAY_3, (2,)))
    assert CellGraph(2, (), (1, 2)).carried == ((0, 1), (1, 1))
    assert CellGraph(2, nodes, (1, 2)).carried == ((0, 1), (1, 1), (0, 2), (1, 2), (1, 3), (1, 4))
