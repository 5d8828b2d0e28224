"""Reading in pieces gives what reading at once does, on every path."""

from __future__ import annotations

import pytest
import torch

from evo_nas.genome.architecture import Architecture, Layer, Signature
from evo_nas.genome.cells import NAMED_CELLS
from evo_nas.models.bptt import BpttRecurrence
from evo_nas.models.carried import read_on, zero_states
from evo_nas.models.eager import EagerRecurrence
from evo_nas.models.native import NativeRecurrence
from evo_nas.models.network import Network
from evo_nas.models.paths import PATHS


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.path)
@pytest.mark.parametrize("name", ["lstm", "gru", "rnn_tanh", "mgu"])
def test_two_pieces_equal_the_whole(path, name) -> None:
    if not path.supports(NAMED_CELLS[name]):
        pytest.skip("this path does not run this cell")
    layer = path(NAMED_CELLS[name], 3, 5)
    inputs = torch.randn(2, 7, 3)
    first, states = read_on(layer, inputs[:, :4], zero_states(layer, inputs))
    second, _ = read_on(layer, inputs[:, 4:], states)
    torch.testing.assert_close(torch.cat([first, second], dim=1), layer(inputs), rtol=1e-4, atol=1e-6)


def test_gradients_reach_the_parameters_and_the_states_before() -> None:
    for path in PATHS:
        layer = path(NAMED_CELLS["lstm"], 3, 5)
        states = torch.randn(2, 2, 5, requires_grad=True)
        outputs, after = read_on(layer, torch.randn(2, 4, 3), states)
        (outputs.sum() + after.sum()).backward()
        assert states.grad is not None
        assert all(parameter.grad is not None for parameter in layer.parameters())


@pytest.mark.parametrize("name", ["lstm", "gru", "mgu", "enas"])
@pytest.mark.parametrize("path", [BpttRecurrence, NativeRecurrence], ids=lambda path: path.path)
def test_the_path_in_python_goes_on_as_the_plain_loop_does(path, name) -> None:
    """In double precision, which the interpreter leaves to it."""
    cell = NAMED_CELLS[name]
    layer, reference = path(cell, 3, 5).double(), EagerRecurrence(cell, 3, 5).double()
    reference.load_state_dict(layer.state_dict())
    inputs = torch.randn(2, 6, 3, dtype=torch.float64, requires_grad=True)
    states = torch.randn(cell.states, 2, 5, dtype=torch.float64, requires_grad=True)
    seen = []
    for module in (layer, reference):
        outputs, after = read_on(module, inputs, states)
        total = outputs.square().sum() + (after * torch.linspace(-1, 1, after.numel()).view_as(after)).sum()
        gradients = torch.autograd.grad(total, (inputs, states, *module.parameters()))
        seen.append((outputs, after, gradients))
    torch.testing.assert_close(seen[0], seen[1], rtol=1e-9, atol=1e-11)
    assert seen[0][1].grad_fn.name() == "_BpttBackward"


def test_a_network_goes_on_where_it_stopped() -> None:
    layers = (Layer(NAMED_CELLS["gru"], 4), Layer(NAMED_CELLS["mgu"], 4, skip=0))
    network = Network(Architecture(layers, embedding=3), Signature(0, 6, vocabulary=6, per_step=True)).eval()
    tokens = torch.randint(6, (2, 9))
    first, states = network.read_on(tokens[:, :5])
    second, _ = network.read_on(tokens[:, 5:], states)
    torch.testing.assert_close(torch.cat([first, second], dim=1), network(tokens), rtol=1e-4, atol=1e-6)
