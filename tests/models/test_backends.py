"""What holds for every backend."""

from __future__ import annotations

from random import Random

import pytest
import torch

from evo_nas.genome.architecture import Signature
from evo_nas.genome.canonical import canonical
from evo_nas.genome.cells import NAMED_CELLS
from evo_nas.genome.space import SearchSpace, SpaceOptions
from evo_nas.models.backends import BACKENDS, backend_for
from evo_nas.models.eager import EagerRecurrence
from evo_nas.models.native import NativeRecurrence
from evo_nas.models.recurrence import Recurrence, reverse

CELLS = {name: canonical(cell) for name, cell in NAMED_CELLS.items()}
SPACE = SearchSpace(SpaceOptions(cells=()), Signature(features=3, outputs=1), 1)
CELLS |= {f"random {seed}": SPACE.decode(SPACE.random(Random(seed))).layers[0].cell for seed in range(12)}
SUPPORTED = [
    (backend, name) for backend in BACKENDS for name, cell in CELLS.items() if backend.supports(cell)
]
every_backend_and_cell = pytest.mark.parametrize(
    ("backend", "name"), SUPPORTED, ids=[f"{backend.backend_name}-{name}" for backend, name in SUPPORTED]
)
LENGTHS = torch.tensor([5, 1, 3])


def build(backend: type[Recurrence], name: str, *, bidirectional: bool = True) -> Recurrence:
    return backend(CELLS[name], 3, 4, bidirectional=bidirectional).double()


def batch() -> torch.Tensor:
    return torch.randn(3, 5, 3, dtype=torch.float64)


@every_backend_and_cell
@pytest.mark.parametrize("lengths", [None, LENGTHS], ids=["full", "padded"])
def test_every_backend_equals_the_reference_in_outputs_and_gradients(backend, name, lengths) -> None:
    recurrence, reference = build(backend, name), build(EagerRecurrence, name)
    reference.load_state_dict(recurrence.state_dict())
    inputs = batch()
    seen = []
    for module in (recurrence, reference):
        module_inputs = inputs.clone().requires_grad_()
        outputs = module(module_inputs, lengths)
        (outputs * torch.linspace(-1, 1, outputs.numel()).view_as(outputs)).sum().backward()
        gradients = {key: parameter.grad for key, parameter in module.named_parameters()}
        seen.append((outputs, module_inputs.grad, gradients))

    torch.testing.assert_close(seen[0], seen[1], rtol=1e-9, atol=1e-11)


@every_backend_and_cell
def test_padding_changes_nothing(backend, name) -> None:
    recurrence, inputs = build(backend, name), batch()
    padded = recurrence(inputs, LENGTHS)
    for row, length in enumerate(LENGTHS.tolist()):
        alone = recurrence(inputs[row : row + 1, :length])
        torch.testing.assert_close(padded[row, :length], alone[0])
        assert not padded[row, length:].any()


@every_backend_and_cell
def test_the_backward_cell_reads_each_sequence_from_its_own_end(backend, name) -> None:
    both = build(backend, name)
    forward = build(backend, name, bidirectional=False)
    inputs = batch()
    for suffix, columns in (("", slice(0, 4)), ("_reverse", slice(4, 8))):
        forward.load_state_dict(
            {key: both.get_parameter(f"{key}{suffix}") for key, _ in forward.named_parameters()}
        )
        read = inputs if not suffix else reverse(inputs, LENGTHS)
        alone = forward(read, LENGTHS)
        expected = alone if not suffix else reverse(alone, LENGTHS)
        torch.testing.assert_close(both(inputs, LENGTHS)[..., columns], expected)


@pytest.mark.parametrize("backend", BACKENDS, ids=lambda backend: backend.backend_name)
@pytest.mark.parametrize("name", ["lstm", "gru", "enas"])
def test_lowered_products_leave_states_in_single_precision(backend, name) -> None:
    if not backend.supports(CELLS[name]):
        pytest.skip("not one of its cells")
    recurrence, inputs = backend(CELLS[name], 3, 4, bidirectional=True), torch.randn(3, 5, 3)
    expected = recurrence(inputs, LENGTHS)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        lowered = recurrence(inputs, LENGTHS)
    lowered.sum().backward()
    assert lowered.dtype == torch.float32
    torch.testing.assert_close(lowered, expected, rtol=0.02, atol=0.02)
    assert all(parameter.grad.dtype == torch.float32 for parameter in recurrence.parameters())


def test_a_layer_gets_the_first_backend_that_supports_its_cell_on_its_device(monkeypatch) -> None:
    lstm, mgu = NAMED_CELLS["lstm"], NAMED_CELLS["mgu"]
    monkeypatch.setattr(NativeRecurrence, "supports", lambda cell, device: device == "cpu")
    assert [backend_for(cell).backend_name for cell in (lstm, mgu)] == ["native", "native"]
    assert [backend_for(cell, device="cuda").backend_name for cell in (lstm, mgu)] == ["torch", "bptt"]


def test_the_interpreter_is_not_built_for_a_gpu(monkeypatch) -> None:
    def fail() -> None:
        raise AssertionError("looked for the interpreter")

    monkeypatch.setattr("evo_nas.models.native.recurrence.native_status", fail)
    assert not NativeRecurrence.supports(NAMED_CELLS["mgu"], device="cuda")


def test_the_last_backend_supports_every_cell_on_every_device() -> None:
    assert all(
        BACKENDS[-1].supports(cell, device=device) for cell in CELLS.values() for device in ("cpu", "cuda")
    )


def test_every_backend_has_a_name_of_its_own() -> None:
    assert len({backend.backend_name for backend in BACKENDS}) == len(BACKENDS)
