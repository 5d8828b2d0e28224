"""Stacked weights give what the linear nodes give one by one."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from evo_nas.genome.cell import CellGraph, Node, Op, X
from evo_nas.genome.cells import NAMED_CELLS
from evo_nas.models.program import assemble
from evo_nas.models.weight_layout import StackedWeights, WeightLayout

H = 1
INPUTS, WIDTH, STEPS, BATCH = 3, 2, 4, 5
MIXED = CellGraph(
    1,
    (
        Node(Op.LINEAR, (H, X), bias=True),  # h before x: its columns for x come last
        Node(Op.LINEAR, (X,)),
        Node(Op.LINEAR, (H,), bias=True),
        Node(Op.MUL, (2, 3)),
        Node(Op.ADD, (4, 5)),
    ),
    (6,),
)
BLIND = CellGraph(1, (Node(Op.LINEAR, (H,)), Node(Op.TANH, (2,))), (3,))
"""A cell that does not read its input."""
CELLS = {"mixed": MIXED, "blind": BLIND, "lstm": NAMED_CELLS["lstm"], "enas": NAMED_CELLS["enas"]}
every_cell = pytest.mark.parametrize("cell", CELLS.values(), ids=CELLS)


def layout_of(cell: CellGraph) -> WeightLayout:
    return WeightLayout(cell, assemble(cell), inputs=INPUTS, width=WIDTH)


def parameters_of(cell: CellGraph, layout: WeightLayout) -> list[Tensor | None]:
    """Random weights of the program's linear nodes, then biases."""
    nodes = [cell.nodes[index] for index in layout.program.linears]
    weights = [
        torch.randn(WIDTH, sum(INPUTS if source == X else WIDTH for source in node.inputs)) for node in nodes
    ]
    return [*weights, *(torch.randn(WIDTH) if node.bias else None for node in nodes)]


@every_cell
def test_the_columns_of_a_weight_follow_the_inputs_of_its_node(cell) -> None:
    layout = layout_of(cell)
    for index, columns in zip(layout.program.linears, layout.columns, strict=True):
        widths = [part.stop - part.start for part in columns]
        assert widths == [INPUTS if source == X else WIDTH for source in cell.nodes[index].inputs]
        assert [part.start for part in columns] == [0, *(part.stop for part in columns[:-1])]


@every_cell
def test_the_products_of_a_program_serve_every_input_but_x_once(cell) -> None:
    layout = layout_of(cell)
    served = sorted((node, columns.start) for i in layout.products for node, columns in layout.columns_of(i))
    expected = sorted(
        (node, columns.start)
        for node, index in enumerate(layout.program.linears)
        for source, columns in zip(cell.nodes[index].inputs, layout.columns[node], strict=True)
        if source != X
    )
    assert served == expected


@every_cell
def test_projection_is_what_inputs_and_biases_contribute(cell) -> None:
    layout = layout_of(cell)
    parameters, count = parameters_of(cell, layout), len(layout.program.linears)
    x = torch.randn(STEPS, BATCH, INPUTS)
    linears = torch.full((STEPS, BATCH, count * WIDTH), torch.nan)  # nothing may be left as it was
    StackedWeights(layout, parameters, x).project(x, linears)
    for node, index in enumerate(layout.program.linears):
        expected = torch.zeros(STEPS, BATCH, WIDTH)
        if X in cell.nodes[index].inputs:
            expected = x @ parameters[node][:, layout.x_columns[node]].T
        if parameters[count + node] is not None:
            expected = expected + parameters[count + node]
        torch.testing.assert_close(linears[..., node * WIDTH : (node + 1) * WIDTH], expected)


@every_cell
def test_gradients_equal_those_of_autograd(cell) -> None:
    layout = layout_of(cell)
    parameters = [None if p is None else p.requires_grad_() for p in parameters_of(cell, layout)]
    x = torch.randn(STEPS, BATCH, INPUTS, requires_grad=True)
    operands = {i.operands[0]: torch.randn(STEPS, BATCH, WIDTH) for i in layout.products}
    d_linears = torch.randn(STEPS, BATCH, len(layout.program.linears) * WIDTH)

    weights = StackedWeights(layout, parameters, x)
    linears = torch.zeros_like(d_linears)
    linears[..., : len(weights.input)] = x @ weights.input.T
    for node, bias in enumerate(parameters[len(layout.program.linears) :]):
        if bias is not None:
            linears[..., node * WIDTH : (node + 1) * WIDTH] += bias
    for i in layout.products:
        linears[..., layout.features(i)] += operands[i.operands[0]] @ weights.recurrent[i].T
    wanted = [p for p in parameters if p is not None]
    d_x, *expected = torch.autograd.grad((linears * d_linears).sum(), [x, *wanted])

    with torch.no_grad():
        actual = weights.gradients(x, operands, d_linears)
        torch.testing.assert_close(weights.project_back(d_linears), d_x)
    assert [gradient is None for gradient in actual] == [p is None for p in parameters]
    torch.testing.assert_close([g for g in actual if g is not None], expected)
