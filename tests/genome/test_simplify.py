from __future__ import annotations

import pytest
from hypothesis import given

from evo_nas.genome.cell import CellGraph, Node
from evo_nas.genome.ops import Op
from evo_nas.genome.simplify import Values, simplify


def values(*first: tuple[Op, tuple[int, ...]]) -> Values:
    made = Values(states=2)
    for op, inputs in first:
        made.add(op, inputs)
    return made


def test_value_that_was_computed_before_is_not_computed_again() -> None:
    made = values()
    assert made.add(Op.ADD, (1, 2)) == made.add(Op.ADD, (2, 1)) == 3
    assert made.add(Op.BLEND, (1, 2, 3)) != made.add(Op.BLEND, (1, 3, 2))


def test_linear_nodes_are_never_one_value_since_each_has_weights() -> None:
    made = values()
    assert made.add(Op.LINEAR, (0, 1)) != made.add(Op.LINEAR, (0, 1))


@pytest.mark.parametrize(
    ("op", "inputs", "same_as"),
    [
        (Op.IDENTITY, (2,), 2),
        (Op.MEAN, (2, 2), 2),
        (Op.BLEND, (1, 2, 2), 2),
        (Op.RELU, (3,), 3),
        (Op.LEAKY_RELU, (3,), 3),
    ],
)
def test_value_that_equals_one_of_its_inputs_is_that_input(op, inputs, same_as) -> None:
    assert values((Op.SIGMOID, (1,))).add(op, inputs) == same_as


@pytest.mark.parametrize("op", [Op.ADD, Op.MUL, Op.MEAN])
def test_sums_and_products_of_values_that_are_not_negative_need_no_rectifier(op) -> None:
    made = values((Op.SIGMOID, (1,)), (Op.RELU, (2,)))
    assert made.add(Op.RELU, (made.add(op, (3, 4)),)) == 5
    assert made.add(Op.RELU, (made.add(op, (3, 1)),)) == 7


def test_rectifier_reads_through_a_leaky_one() -> None:
    made = values((Op.LEAKY_RELU, (1,)))
    assert made.nodes[made.add(Op.RELU, (3,)) - 3].inputs == (1,)


def test_states_with_the_same_new_value_are_read_as_one() -> None:
    twins = CellGraph(2, (Node(Op.LINEAR, (0, 1)), Node(Op.LINEAR, (0, 2)), Node(Op.ADD, (3, 4))), (5, 5))
    assert [node.inputs for node in simplify(twins).cell.nodes] == [(0, 1), (0, 1), (3, 4)]


def test_states_that_become_equal_by_equal_states_are_found_in_a_further_round() -> None:
    chain = CellGraph(3, (Node(Op.TANH, (1,)), Node(Op.TANH, (2,)), Node(Op.LINEAR, (0, 3))), (6, 6, 4))
    simplified = simplify(chain).cell
    assert simplified.outputs[0] == simplified.outputs[1]
    assert len([node for node in simplified.nodes if node.op is Op.TANH]) == 1


@given(...)
def test_every_reference_of_a_cell_has_one_in_the_simplified_cell(cell: CellGraph) -> None:
    simplified = simplify(cell)
    assert len(simplified.references) == cell.first_node + len(cell.nodes)
    assert max(simplified.references) < simplified.cell.first_node + len(simplified.cell.nodes)
    assert len(simplified.cell.nodes) <= len(cell.nodes)
