"""The plain reference: the equations of cells, written out once more by hand."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from evo_nas.genome.cell import CellGraph, Node, X
from evo_nas.genome.cells import NAMED_CELLS
from evo_nas.genome.ops import Op
from evo_nas.models.eager import EagerRecurrence

H = 1


def one_step(op: Op, operands: Tensor) -> Tensor:
    """Runs ``op`` on ``operands`` ``(count, width)`` by a cell whose linear nodes pick them out of ``x``."""
    count, width = operands.shape
    picks = tuple(Node(Op.LINEAR, (X,)) for _ in range(count))
    cell = CellGraph(1, (*picks, Node(op, tuple(range(2, 2 + count)))), (2 + count,))
    recurrence = EagerRecurrence(cell, count * width, width).double()
    with torch.no_grad():
        for index in range(count):
            block = torch.zeros(width, count * width, dtype=torch.float64)
            block[:, index * width : (index + 1) * width] = torch.eye(width)
            recurrence.get_parameter(f"weight_{index}").copy_(block)
        return recurrence(operands.reshape(1, 1, -1))[0, 0]


@pytest.mark.parametrize(
    ("op", "count", "expected"),
    [
        (Op.BLEND, 3, lambda v: v[0] * v[1] + (1 - v[0]) * v[2]),
        (Op.ADD, 3, lambda v: v.sum(0)),
        (Op.MUL, 3, lambda v: v.prod(0)),
        (Op.MEAN, 4, lambda v: v.mean(0)),
        (Op.TANH, 1, lambda v: v[0].tanh()),
        (Op.SIGMOID, 1, lambda v: 1 / (1 + (-v[0]).exp())),
        (Op.RELU, 1, lambda v: v[0].clamp(min=0)),
        (Op.LEAKY_RELU, 1, lambda v: torch.where(v[0] > 0, v[0], 0.01 * v[0])),
        (Op.IDENTITY, 1, lambda v: v[0]),
        (Op.EXP, 1, lambda v: v[0].exp()),
        (Op.SOFTPLUS, 1, lambda v: (1 + v[0].exp()).log()),
        (Op.SUBTRACT, 2, lambda v: v[0] - v[1]),
        (Op.ONE_MINUS, 1, lambda v: 1 - v[0]),
        (Op.SILU, 1, lambda v: v[0] / (1 + (-v[0]).exp())),
        (Op.MAX, 2, lambda v: torch.where(v[0] > v[1], v[0], v[1])),
        (Op.DIVIDE, 2, lambda v: v[0] / v[1]),
        (Op.SQRT, 1, lambda v: torch.where(v[0] > 1e-6, v[0].abs().sqrt(), 1e-3)),
    ],
)
def test_every_operation_computes_its_definition(op, count, expected) -> None:
    operands = torch.randn(count, 5, dtype=torch.float64)
    torch.testing.assert_close(one_step(op, operands), expected(operands))


def test_a_linear_node_multiplies_its_inputs_in_the_order_they_are_named() -> None:
    cell = CellGraph(1, (Node(Op.LINEAR, (H, X), bias=True), Node(Op.TANH, (2,))), (3,))
    recurrence = EagerRecurrence(cell, 3, 2)
    inputs = torch.randn(4, 2, 3)
    weight, bias = recurrence.weight_0, recurrence.bias_0
    assert weight.shape == (2, 2 + 3)

    first = torch.tanh(inputs[:, 0] @ weight[:, 2:].T + bias)
    second = torch.tanh(first @ weight[:, :2].T + inputs[:, 1] @ weight[:, 2:].T + bias)

    torch.testing.assert_close(recurrence(inputs), torch.stack([first, second], dim=1))


def test_minimal_gated_unit_follows_its_paper() -> None:
    cell = NAMED_CELLS["mgu"]
    recurrence = EagerRecurrence(cell, 3, 4)
    gate, proposal = (index for index, node in enumerate(cell.nodes) if node.op is Op.LINEAR)
    inputs = torch.randn(2, 5, 3)

    hidden = torch.zeros(2, 4)
    for x in inputs.unbind(1):
        forget = torch.sigmoid(_affine(recurrence, gate, torch.cat([x, hidden], 1)))
        proposed = torch.tanh(_affine(recurrence, proposal, torch.cat([x, forget * hidden], 1)))
        hidden = (1 - forget) * hidden + forget * proposed

    torch.testing.assert_close(recurrence(inputs)[:, -1], hidden)


def _affine(recurrence: EagerRecurrence, index: int, values: Tensor) -> Tensor:
    parameters = recurrence.linear(index, "")
    return functional.linear(values, parameters.weight, parameters.bias)


@pytest.mark.parametrize("name", NAMED_CELLS)
def test_gradients_agree_with_finite_differences(name) -> None:
    recurrence = EagerRecurrence(NAMED_CELLS[name], 2, 3, bidirectional=True).double()
    inputs = torch.randn(2, 3, 2, dtype=torch.float64, requires_grad=True)
    names, parameters = zip(*recurrence.named_parameters(), strict=True)
    lengths = torch.tensor([3, 2])

    def run(inputs: Tensor, *weights: Tensor) -> Tensor:
        named = dict(zip(names, weights, strict=True))
        return torch.func.functional_call(recurrence, named, (inputs, lengths))

    # Random projections of the Jacobian, since it has thousands of entries.
    assert torch.autograd.gradcheck(run, (inputs, *parameters), fast_mode=True)


def test_a_padded_tail_that_would_explode_leaves_gradients_finite() -> None:
    # h' = h * h + W x + b doubles its exponent each step once it is above 1.
    cell = CellGraph(1, (Node(Op.LINEAR, (X,), bias=True), Node(Op.MUL, (H, H)), Node(Op.ADD, (2, 3))), (4,))
    recurrence = EagerRecurrence(cell, 1, 1)
    torch.nn.init.constant_(recurrence.bias_0, 2.0)
    inputs = torch.zeros(1, 30, 1, requires_grad=True)

    recurrence(inputs, torch.tensor([3])).sum().backward()

    assert torch.isfinite(inputs.grad).all()
    assert torch.isfinite(recurrence.bias_0.grad).all()
