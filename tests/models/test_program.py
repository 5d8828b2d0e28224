from __future__ import annotations

from evo_nas.genome.cell import CellGraph, H, Node, X
from evo_nas.genome.cells import NAMED_CELLS
from evo_nas.genome.ops import Op
from evo_nas.models.instruction import Kind, Place
from evo_nas.models.program import assemble

SEEN = Node(Op.LINEAR, (X, H), bias=True)


def ops(cell: CellGraph) -> list[Op]:
    return [instruction.op for instruction in assemble(cell).instructions]


def test_program_of_a_tanh_rnn_is_a_product_and_an_activation() -> None:
    program = assemble(NAMED_CELLS["rnn_tanh"])
    product, activation = program.instructions
    assert (product.op, product.target, product.operands) == (
        Op.LINEAR,
        Place(Kind.LINEAR, 0),
        (Place(Kind.BEFORE, 0),),
    )
    assert (activation.op, activation.target) == (Op.TANH, Place(Kind.AFTER, 0))
    assert (program.states, program.buffers, program.reads_x, program.has_bias) == (1, 0, 1, 1)


def test_one_product_serves_all_gates_that_read_the_same_state() -> None:
    [product] = [i for i in assemble(NAMED_CELLS["lstm"]).instructions if i.op is Op.LINEAR]
    assert len(product.positions) == 4


def test_linear_nodes_are_ordered_by_input_then_bias() -> None:
    nodes = (
        Node(Op.LINEAR, (H,)),
        Node(Op.LINEAR, (H,), bias=True),
        Node(Op.LINEAR, (X,)),
        Node(Op.ADD, (2, 3, 4)),
    )
    program = assemble(CellGraph(1, nodes, (5,)))
    assert program.linears == (2, 1, 0)
    assert (program.reads_x, program.has_bias) == (1, 2)


def test_identities_cost_no_instruction() -> None:
    plain = CellGraph(1, (SEEN, Node(Op.TANH, (2,))), (3,))
    longer = CellGraph(1, (SEEN, Node(Op.IDENTITY, (2,)), Node(Op.TANH, (3,))), (4,))
    assert ops(longer) == ops(plain)


def test_dead_nodes_cost_no_instruction() -> None:
    plain = CellGraph(1, (SEEN, Node(Op.TANH, (2,))), (3,))
    longer = CellGraph(1, (SEEN, Node(Op.TANH, (2,)), Node(Op.SIGMOID, (2,))), (3,))
    assert assemble(longer) == assemble(plain)


def test_product_of_many_is_a_chain_of_products_of_two() -> None:
    cell = CellGraph(1, (SEEN, Node(Op.MUL, (2, 1, 2, 1))), (3,))
    assert ops(cell).count(Op.MUL) == 3


def test_mean_is_a_sum_with_a_factor() -> None:
    first, second = [
        i for i in assemble(CellGraph(1, (SEEN, Node(Op.MEAN, (1, 2))), (3,))).instructions if i.op is Op.ADD
    ]
    assert (first.scale, first.accumulates) == (0.5, False)
    assert (second.scale, second.accumulates) == (0.5, True)


def test_activation_overwrites_a_linear_node_that_nothing_else_reads() -> None:
    alone = CellGraph(1, (SEEN, Node(Op.TANH, (2,)), Node(Op.MUL, (3, 1))), (4,))
    shared = CellGraph(1, (SEEN, Node(Op.TANH, (2,)), Node(Op.MUL, (3, 2))), (4,))
    assert assemble(alone).buffers == 0
    assert assemble(shared).buffers == 1


def test_activation_whose_gradient_needs_its_input_overwrites_nothing() -> None:
    cell = CellGraph(1, (SEEN, Node(Op.SILU, (2,)), Node(Op.MUL, (3, 1))), (4,))
    assert assemble(cell).buffers == 1


def test_a_scale_is_a_product_with_its_weight() -> None:
    program = assemble(CellGraph(1, (SEEN, Node(Op.SCALE, (H,)), Node(Op.ADD, (2, 3))), (4,)))
    [product] = [i for i in program.instructions if i.op is Op.MUL]
    assert program.units == (1,)
    assert product.operands == (Place(Kind.BEFORE, 0), Place(Kind.UNIT, 0))
    assert product.gradient_accumulates == (True, True)


def test_a_constant_costs_no_instruction_unless_it_becomes_a_state() -> None:
    read = CellGraph(1, (SEEN, Node(Op.CONSTANT, ()), Node(Op.MUL, (2, 3))), (4,))
    stored = CellGraph(2, (Node(Op.LINEAR, (X, H)), Node(Op.CONSTANT, ())), (3, 4))
    assert ops(read) == [Op.LINEAR, Op.MUL]
    copies = [i for i in assemble(stored).instructions if i.op is Op.ADD]
    assert (Place(Kind.UNIT, 0),) in [copy.operands for copy in copies]


def test_state_that_copies_another_is_a_sum_of_one() -> None:
    program = assemble(CellGraph(2, (Node(Op.LINEAR, (X, 2)), Node(Op.TANH, (3,))), (4, 1)))
    copy = program.instructions[-1]
    assert (copy.op, copy.target, copy.operands) == (
        Op.ADD,
        Place(Kind.AFTER, 1),
        (Place(Kind.BEFORE, 0),),
    )


def test_gradients_accumulate_from_the_second_reader_on_in_reverse_order() -> None:
    program = assemble(CellGraph(1, (SEEN, Node(Op.TANH, (2,)), Node(Op.MUL, (3, 2))), (4,)))
    first_written = [i.gradient_accumulates for i in program.instructions if i.op in (Op.TANH, Op.MUL)]
    assert first_written == [(True,), (False, False)]
