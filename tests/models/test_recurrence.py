"""What the interface promises: passes that go on from given states, new weights, sequences backwards."""

from __future__ import annotations

import pytest
import torch

from evo_nas.genome.architecture import Architecture, Layer, Signature
from evo_nas.genome.canonical import canonical
from evo_nas.genome.cells import NAMED_CELLS
from evo_nas.models.backends import BACKENDS, backend_for
from evo_nas.models.bptt import BpttRecurrence
from evo_nas.models.eager import EagerRecurrence
from evo_nas.models.native import NativeRecurrence
from evo_nas.models.network import Network
from evo_nas.models.recurrence import reverse


@pytest.mark.parametrize("backend", BACKENDS, ids=lambda backend: backend.backend_name)
@pytest.mark.parametrize("name", ["lstm", "gru", "rnn_tanh", "mgu"])
def test_two_pieces_equal_the_whole(backend, name) -> None:
    if not backend.supports(NAMED_CELLS[name]):
        pytest.skip("this backend does not run this cell")
    layer = backend(NAMED_CELLS[name], 3, 5)
    inputs = torch.randn(2, 7, 3)
    first, states = layer.forward_from(inputs[:, :4], layer.zero_states(inputs))
    second, _ = layer.forward_from(inputs[:, 4:], states)
    torch.testing.assert_close(torch.cat([first, second], dim=1), layer(inputs), rtol=1e-4, atol=1e-6)


def test_gradients_reach_the_parameters_and_the_states_before() -> None:
    for backend in BACKENDS:
        layer = backend(NAMED_CELLS["lstm"], 3, 5)
        states = torch.randn(2, 2, 5, requires_grad=True)
        outputs, after = layer.forward_from(torch.randn(2, 4, 3), states)
        (outputs.sum() + after.sum()).backward()
        assert states.grad is not None
        assert all(parameter.grad is not None for parameter in layer.parameters())


@pytest.mark.parametrize("name", ["lstm", "gru", "mgu", "enas"])
@pytest.mark.parametrize(
    "backend", [BpttRecurrence, NativeRecurrence], ids=lambda backend: backend.backend_name
)
def test_the_backend_in_python_goes_on_as_the_plain_loop_does(backend, name) -> None:
    """In double precision, which the interpreter leaves to it."""
    cell = NAMED_CELLS[name]
    layer, reference = backend(cell, 3, 5).double(), EagerRecurrence(cell, 3, 5).double()
    reference.load_state_dict(layer.state_dict())
    inputs = torch.randn(2, 6, 3, dtype=torch.float64, requires_grad=True)
    states = torch.randn(cell.states, 2, 5, dtype=torch.float64, requires_grad=True)
    seen = []
    for module in (layer, reference):
        outputs, after = module.forward_from(inputs, states)
        total = outputs.square().sum() + (after * torch.linspace(-1, 1, after.numel()).view_as(after)).sum()
        gradients = torch.autograd.grad(total, (inputs, states, *module.parameters()))
        seen.append((outputs, after, gradients))
    torch.testing.assert_close(seen[0], seen[1], rtol=1e-9, atol=1e-11)
    assert seen[0][1].grad_fn.name() == "_BpttBackward"


def test_a_network_goes_on_where_it_stopped() -> None:
    layers = (Layer(NAMED_CELLS["gru"], 4), Layer(NAMED_CELLS["mgu"], 4, skip=0))
    network = Network(Architecture(layers, embedding=3), Signature(0, 6, vocabulary=6, per_step=True)).eval()
    tokens = torch.randint(6, (2, 9))
    first, states = network.forward_from(tokens[:, :5])
    second, _ = network.forward_from(tokens[:, 5:], states)
    torch.testing.assert_close(torch.cat([first, second], dim=1), network(tokens), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", NAMED_CELLS)
@pytest.mark.parametrize("inputs", [1, 16, 512])
def test_no_published_cell_explodes_or_dies_when_it_is_new(name, inputs) -> None:
    cell = canonical(NAMED_CELLS[name])
    outputs = backend_for(cell)(cell, inputs, 16)(torch.randn(4, 100, inputs))
    assert outputs.abs().max() < 3
    assert outputs[:, -1].std() > 1e-3


def test_the_reverse_of_padded_sequences_keeps_the_padding_last() -> None:
    steps = torch.arange(1, 5).expand(2, 4)[..., None]
    reversed_steps = reverse(steps, torch.tensor([4, 2]))[..., 0]
    assert reversed_steps.tolist() == [[4, 3, 2, 1], [2, 1, 3, 4]]
