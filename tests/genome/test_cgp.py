from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evo_nas.errors import GenomeError
from evo_nas.genome.canonical import canonical
from evo_nas.genome.cell import CellGraph, Node
from evo_nas.genome.cells import NAMED_CELLS
from evo_nas.genome.cgp import OP_CHOICES, STEP_OPS, CellCode
from evo_nas.genome.ops import Op

CODE = CellCode(nodes=15, states=2, ops=tuple(OP_CHOICES))
SMALL = CellCode(nodes=2, states=1, ops=("linear", "mean", "tanh", "blend"))


def drawn(code: CellCode, seed: int) -> list[int]:
    rng = Random(seed)
    return [rng.randrange(gene.size) for gene in code.genes()]


@given(seed=st.integers(0, 10**6))
def test_every_vector_spells_a_cell_that_reads_only_earlier_values(seed) -> None:
    cell = CODE.decode(drawn(CODE, seed))
    assert 1 <= len(cell.outputs) == cell.states == CODE.states


@given(seed=st.integers(0, 10**6), other=st.integers(0, 10**6))
def test_genes_that_are_not_active_do_not_change_the_cell(seed, other) -> None:
    values, changed = drawn(CODE, seed), drawn(CODE, other)
    for position in CODE.active(values):
        changed[position] = values[position]
    assert CODE.active(changed) == CODE.active(values)
    assert canonical(CODE.decode(changed)) == canonical(CODE.decode(values))


@pytest.mark.parametrize("name", [name for name in NAMED_CELLS if name not in ("enas", "darts_v2")])
def test_published_cell_that_was_encoded_decodes_to_itself(name) -> None:
    code, cell = CellCode(nodes=32, states=4, ops=STEP_OPS), NAMED_CELLS[name]
    assert canonical(code.decode(code.encode(cell))) == canonical(cell)
    assert code.encode(canonical(cell))


def test_genes_name_the_node_and_the_input_and_offer_earlier_values_only() -> None:
    names = {gene.name: gene.choices for gene in SMALL.genes()}
    assert names["cell.node1.input1"] == (0, 1)
    assert names["cell.node2.input3"] == (0, 1, 2)
    assert names["cell.output1"] == (1, 2, 3)
    assert names["cell.node2.op"] == SMALL.ops


def test_repeated_inputs_of_linear_and_mean_count_once() -> None:
    cell = SMALL.decode([0, 1, 0, 1, 1, 2, 2, 1, 2])
    assert cell.nodes == (Node(Op.LINEAR, (0, 1), bias=True), Node(Op.MEAN, (1, 2)))


def test_op_that_may_not_read_the_input_reads_the_output_before_instead() -> None:
    assert SMALL.decode([2, 0, 0, 0, 0, 0, 0, 0, 1]).nodes == (Node(Op.TANH, (1,)),)


def test_an_op_without_inputs_is_spelled_with_none_that_matter() -> None:
    code = CellCode(nodes=3, states=1, ops=("linear", "constant", "mul"))
    cell = CellGraph(
        1, (Node(Op.LINEAR, (0, 1), bias=True), Node(Op.CONSTANT, ()), Node(Op.MUL, (2, 3))), (4,)
    )
    values = code.encode(cell)
    assert code.decode(values) == cell
    assert {4, 5, 6, 7} & set(code.active(values)) == {4}


def test_a_delay_reads_a_state_whatever_its_gene_refers_to() -> None:
    code = CellCode(nodes=3, states=2, ops=("linear", "delay_4"))
    for reference, state in ((0, 2), (1, 1), (2, 2), (3, 1), (4, 2)):
        values = [0, 0, 1, 2, 0, 0, 1, 2, 1, reference, 0, 0, 4, 2]
        assert code.decode(values).nodes[-1] == Node(Op.DELAY_4, (state,))
        assert canonical(code.decode(code.encode(code.decode(values)))) == canonical(code.decode(values))


def test_active_genes_are_those_that_an_op_reads_and_the_outputs_on_the_way() -> None:
    tanh_of_linear = [0, 0, 1, 1, 2, 2, 0, 0, 2]
    assert SMALL.active(tanh_of_linear) == [0, 1, 2, 3, 4, 5, 8]


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        (NAMED_CELLS["gru"], "the cell has 10 nodes and this space permits 2; raise space.cell_nodes"),
        (CellGraph(2, (), (1, 2)), "the cell has 2 states and this space permits 1; raise space.cell_states"),
        (
            CellGraph(1, (Node(Op.RELU, (1,)),), (2,)),
            "cell.nodes\\[0\\].op is relu; this space permits linear",
        ),
        (CellGraph(1, (Node(Op.MEAN, (1, 1)),), (2,)), "a mean only different ones"),
    ],
)
def test_cell_that_cannot_be_spelled_is_refused_with_its_reason(cell, message) -> None:
    with pytest.raises(GenomeError, match=message):
        SMALL.encode(cell)
