"""Gradients of every operation against finite differences, on the backends that run in double precision."""

from __future__ import annotations

import copy
import pickle

import pytest
import torch

from evo_nas.genome.cell import CellGraph, Node, X
from evo_nas.genome.ops import Op
from evo_nas.models.bptt import BpttRecurrence
from evo_nas.models.eager import EagerRecurrence

H = 1
LENGTHS = torch.tensor([4, 2])


def cell_with(op: Op) -> CellGraph:
    """A cell whose output is ``op`` of affine functions of ``x`` and ``h``, and reads one of them elsewhere too."""
    count = min(3, op.row.arity[1])
    affine = tuple(Node(Op.LINEAR, (X, H), bias=True) for _ in range(count))
    operands = (H,) if op.row.delay else tuple(range(2, 2 + count))
    result = Node(op, operands, bias=op is Op.LINEAR)
    squashed, other = Node(Op.TANH, (2 + count,)), Node(Op.LINEAR, (X, H))
    return CellGraph(
        1, (*affine, result, squashed, other, Node(Op.ADD, (2, 3 + count, 4 + count))), (5 + count,)
    )


@pytest.mark.parametrize(
    "backend", [EagerRecurrence, BpttRecurrence], ids=lambda backend: backend.backend_name
)
@pytest.mark.parametrize("op", [op for op in Op if op.row.delay < 4])
def test_gradients_of_every_operation_agree_with_finite_differences(backend, op) -> None:
    recurrence = backend(cell_with(op), 2, 3, bidirectional=True).double()
    inputs = torch.randn(2, 4, 2, dtype=torch.float64, requires_grad=True)
    names, parameters = zip(*recurrence.named_parameters(), strict=True)

    def outputs(inputs, *values):
        return torch.func.functional_call(
            recurrence, dict(zip(names, values, strict=True)), (inputs, LENGTHS)
        )

    # Random projections of the Jacobian, since it has thousands of entries.
    assert torch.autograd.gradcheck(outputs, (inputs, *parameters), fast_mode=True)


def test_gradients_can_be_asked_for_twice() -> None:
    recurrence = BpttRecurrence(cell_with(Op.BLEND), 2, 3)
    outputs = recurrence(torch.randn(2, 4, 2)).sum()
    first = torch.autograd.grad(outputs, list(recurrence.parameters()), retain_graph=True)
    second = torch.autograd.grad(outputs, list(recurrence.parameters()))
    torch.testing.assert_close(first, second, rtol=0, atol=0)


def test_parameters_of_a_dead_node_get_no_gradient() -> None:
    cell = CellGraph(1, (Node(Op.LINEAR, (X, H)), Node(Op.LINEAR, (X,)), Node(Op.TANH, (2,))), (4,))
    recurrence = BpttRecurrence(cell, 2, 3)
    recurrence(torch.randn(2, 4, 2)).sum().backward()
    assert recurrence.weight_0.grad is not None
    assert recurrence.weight_1.grad is None


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda module: pickle.loads(pickle.dumps(module))])
def test_a_copy_runs_with_its_own_weights(copied) -> None:
    recurrence, inputs = BpttRecurrence(cell_with(Op.MUL), 2, 3), torch.randn(2, 4, 2)
    twin = copied(recurrence)
    torch.testing.assert_close(twin(inputs), recurrence(inputs))
    with torch.no_grad():
        twin.weight_0.zero_()
    assert not torch.equal(twin(inputs), recurrence(inputs))
