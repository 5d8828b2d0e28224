"""Cells that saturate: finite, and with the gradients of the reference in double precision, on every backend."""

from __future__ import annotations

import pytest
import torch

from evo_nas.genome.cells import NAMED_CELLS
from evo_nas.models.backends import BACKENDS
from evo_nas.models.eager import EagerRecurrence
from evo_nas.models.native import native_status
from evo_nas.models.recurrence import Recurrence

NAMES = ("lstm", "gru", "mgu", "ugrnn", "rnn_tanh", "rnn_sigmoid", "enas")
SUPPORTED = [
    (backend, name)
    for backend in BACKENDS
    for name in NAMES
    if backend.supports(NAMED_CELLS[name]) and (backend.backend_name != "native" or native_status().available)
]
BOUNDED = [
    (backend, name) for backend, name in SUPPORTED if name != "enas"
]  # whose relu such a training makes infinite


def each(cases: list[tuple[type[Recurrence], str]]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(
        ("backend", "name"), cases, ids=[f"{backend.backend_name}-{name}" for backend, name in cases]
    )


def assert_trains_like_the_reference(recurrence: Recurrence, inputs: torch.Tensor, *, atol: float) -> None:
    """Outputs and all gradients are finite and equal those of the plain loop in double precision."""
    reference = EagerRecurrence(recurrence.cell, recurrence.inputs, recurrence.width).double()
    reference.load_state_dict(recurrence.state_dict())
    seen = []
    for module, dtype in ((recurrence, torch.float32), (reference, torch.float64)):
        module_inputs = inputs.to(dtype).detach().requires_grad_()
        outputs = module(module_inputs)
        gradients = torch.autograd.grad(
            outputs.square().sum(), [module_inputs, *module.parameters()], allow_unused=True
        )
        seen.append([outputs.detach().double(), *(g.double() for g in gradients if g is not None)])
    for actual, expected in zip(*seen, strict=True):
        assert actual.isfinite().all()
        torch.testing.assert_close(actual, expected, rtol=1e-4, atol=atol)


@each(SUPPORTED)
@pytest.mark.parametrize("scale", [1e2, 1e4])
def test_large_inputs(backend, name, scale) -> None:
    inputs = scale * torch.randn(4, 7, 5).sign()
    assert_trains_like_the_reference(backend(NAMED_CELLS[name], 5, 20), inputs, atol=1e-4 * scale)


@each(SUPPORTED)
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_large_preactivations(backend, name, sign) -> None:
    recurrence = backend(NAMED_CELLS[name], 5, 20)
    with torch.no_grad():
        for parameter in recurrence.parameters():
            if parameter.dim() == 1:
                parameter.fill_(sign * 1e4)
    assert_trains_like_the_reference(recurrence, torch.randn(4, 7, 5), atol=1e-4)


@each(BOUNDED)
def test_a_training_that_is_driven_into_saturation(backend, name) -> None:
    recurrence, inputs = backend(NAMED_CELLS[name], 5, 20), 100 * torch.randn(8, 9, 5)
    before = [parameter.detach().clone() for parameter in recurrence.parameters()]
    for _ in range(4):
        (recurrence(inputs) - 2).square().mean().backward()
        with torch.no_grad():
            for parameter in recurrence.parameters():
                parameter.sub_(parameter.grad, alpha=1e3)
                parameter.grad = None
    moved = [(p - old).abs().max() for p, old in zip(recurrence.parameters(), before, strict=True)]
    assert max(moved) > 10
    assert_trains_like_the_reference(recurrence, inputs, atol=1e-2)
