"""What holds for every way of running a cell."""

from __future__ import annotations

from random import Random

import pytest
import torch

from evo_nas.genome.architecture import Signature
from evo_nas.genome.canonical import canonical
from evo_nas.genome.cells import NAMED_CELLS
from evo_nas.genome.space import SearchSpace, SpaceOptions
from evo_nas.models.eager import EagerRecurrence
from evo_nas.models.paths import PATHS, path_for
from evo_nas.models.recurrence import Recurrence, reverse

CELLS = {name: canonical(cell) for name, cell in NAMED_CELLS.items()}
SPACE = SearchSpace(SpaceOptions(cells=()), Signature(features=3, outputs=1), 1)
CELLS |= {f"random {seed}": SPACE.decode(SPACE.random(Random(seed))).layers[0].cell for seed in range(12)}
SUPPORTED = [(path, name) for path in PATHS for name, cell in CELLS.items() if path.supports(cell)]
every_path_and_cell = pytest.mark.parametrize(
    ("path", "name"), SUPPORTED, ids=[f"{path.path}-{name}" for path, name in SUPPORTED]
)
LENGTHS = torch.tensor([5, 1, 3])


def build(path: type[Recurrence], name: str, *, bidirectional: bool = True) -> Recurrence:
    return path(CELLS[name], 3, 4, bidirectional=bidirectional).double()


def batch() -> torch.Tensor:
    return torch.randn(3, 5, 3, dtype=torch.float64)


@every_path_and_cell
@pytest.mark.parametrize("lengths", [None, LENGTHS], ids=["full", "padded"])
def test_every_path_equals_the_reference_in_outputs_and_gradients(path, name, lengths) -> None:
    recurrence, reference = build(path, name), build(EagerRecurrence, name)
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


@every_path_and_cell
def test_padding_changes_nothing(path, name) -> None:
    recurrence, inputs = build(path, name), batch()
    padded = recurrence(inputs, LENGTHS)
    for row, length in enumerate(LENGTHS.tolist()):
        alone = recurrence(inputs[row : row + 1, :length])
        torch.testing.assert_close(padded[row, :length], alone[0])
        assert not padded[row, length:].any()


@every_path_and_cell
def test_the_backward_cell_reads_each_sequence_from_its_own_end(path, name) -> None:
    both = build(path, name)
    forward = build(path, name, bidirectional=False)
    inputs = batch()
    for suffix, columns in (("", slice(0, 4)), ("_reverse", slice(4, 8))):
        forward.load_state_dict(
            {key: both.get_parameter(f"{key}{suffix}") for key, _ in forward.named_parameters()}
        )
        read = inputs if not suffix else reverse(inputs, LENGTHS)
        alone = forward(read, LENGTHS)
        expected = alone if not suffix else reverse(alone, LENGTHS)
        torch.testing.assert_close(both(inputs, LENGTHS)[..., columns], expected)


@pytest.mark.parametrize("name", NAMED_CELLS)
@pytest.mark.parametrize("inputs", [1, 16, 512])
def test_no_published_cell_explodes_or_dies_when_it_is_new(name, inputs) -> None:
    outputs = path_for(CELLS[name])(CELLS[name], inputs, 16)(torch.randn(4, 100, inputs))
    assert outputs.abs().max() < 3
    assert outputs[:, -1].std() > 1e-3


def test_the_reverse_of_padded_sequences_keeps_the_padding_last() -> None:
    steps = torch.arange(1, 5).expand(2, 4)[..., None]
    reversed_steps = reverse(steps, torch.tensor([4, 2]))[..., 0]
    assert reversed_steps.tolist() == [[4, 3, 2, 1], [2, 1, 3, 4]]


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.path)
@pytest.mark.parametrize("name", ["lstm", "gru", "enas"])
def test_lowered_products_leave_states_in_single_precision(path, name) -> None:
    if not path.supports(CELLS[name]):
        pytest.skip("not one of its cells")
    recurrence, inputs = path(CELLS[name], 3, 4, bidirectional=True), torch.randn(3, 5, 3)
    expected = recurrence(inputs, LENGTHS)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        lowered = recurrence(inputs, LENGTHS)
    lowered.sum().backward()
    assert lowered.dtype == torch.float32
    torch.testing.assert_close(lowered, expected, rtol=0.02, atol=0.02)
    assert all(parameter.grad.dtype == torch.float32 for parameter in recurrence.parameters())
