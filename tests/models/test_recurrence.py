"""What the interface promises: passes that go on from given states, new weights, sequences backwards."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from evo_nas.errors import GenomeError
from evo_nas.genome.architecture import Architecture, Layer, Signature
from evo_nas.genome.canonical import canonical
from evo_nas.genome.cell import CellGraph, H, Node, X
from evo_nas.genome.cells import NAMED_CELLS
from evo_nas.genome.ops import Op
from evo_nas.models.backends import BACKENDS, backend_for
from evo_nas.models.bptt import BpttRecurrence
from evo_nas.models.eager import EagerRecurrence
from evo_nas.models.native import NativeRecurrence, native_status, scan
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


def test_a_network_that_reads_backwards_reads_no_pieces() -> None:
    # One unit broadcasts, so that nothing else would notice.
    layers = (Layer(NAMED_CELLS["gru"], 1, bidirectional=True, residual=True), Layer(NAMED_CELLS["gru"], 4))
    network = Network(Architecture(layers, embedding=2), Signature(0, 6, vocabulary=6, per_step=True))
    with pytest.raises(GenomeError, match="a layer is bidirectional; none may be"):
        network.forward_from(torch.zeros(2, 5, dtype=torch.int64))


def test_a_network_goes_on_where_it_stopped() -> None:
    layers = (Layer(NAMED_CELLS["gru"], 4), Layer(NAMED_CELLS["mgu"], 4, skip=0), Layer(WITH_DELAYS, 4))
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
    assert outputs.abs().max() < 10
    assert outputs[:, -1].std() > 1e-3


WITH_DELAYS = CellGraph(
    2,
    (
        Node(Op.LINEAR, (X, H), bias=True),
        Node(Op.DELAY_3, (H,)),
        Node(Op.DELAY_5, (2,)),
        Node(Op.LINEAR, (4, 5)),
        Node(Op.ADD, (3, 6, 4)),
        Node(Op.TANH, (7,)),
        Node(Op.MUL, (5, 8)),
        Node(Op.ADD, (3, 9)),
    ),
    (8, 10),
)
every_backend = pytest.mark.parametrize("backend", BACKENDS, ids=lambda backend: backend.backend_name)


def test_a_delay_is_the_state_of_so_many_steps_ago() -> None:
    cell = CellGraph(1, (Node(Op.LINEAR, (X,)), Node(Op.DELAY_3, (H,)), Node(Op.ADD, (2, 3))), (4,))
    layer = EagerRecurrence(cell, 1, 1)
    nn.init.ones_(layer.weight_0)
    outputs = layer(torch.tensor([1.0, 10.0, 100.0, 1000.0, 0.0, 0.0, 0.0])[None, :, None])
    assert outputs.flatten().tolist() == [1, 10, 100, 1001, 10, 100, 1001]


@every_backend
def test_pieces_of_a_sequence_carry_the_older_states_along(backend) -> None:
    if not backend.supports(WITH_DELAYS):
        pytest.skip("this backend does not run this cell")
    layer = backend(WITH_DELAYS, 3, 5)
    inputs = torch.randn(2, 9, 3)
    states, outputs = layer.zero_states(inputs), []
    assert len(states) == 2 + 2 + 4
    for piece in inputs.split([1, 2, 5, 1], dim=1):
        of_piece, states = layer.forward_from(piece, states)
        outputs.append(of_piece)
    torch.testing.assert_close(torch.cat(outputs, dim=1), layer(inputs), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("backend", [BpttRecurrence, NativeRecurrence], ids=lambda b: b.backend_name)
@pytest.mark.parametrize("steps", [1, 2, 8])
def test_gradients_of_older_states_are_those_of_the_plain_loop(backend, steps) -> None:
    layer, reference = backend(WITH_DELAYS, 3, 5), EagerRecurrence(WITH_DELAYS, 3, 5)
    reference.load_state_dict(layer.state_dict())
    inputs, states = torch.randn(2, steps, 3), torch.randn(8, 2, 5, requires_grad=True)
    seen = []
    for module in (layer, reference):
        outputs, after = module.forward_from(inputs, states)
        total = outputs.square().sum() + (after * torch.linspace(-1, 1, after.numel()).view_as(after)).sum()
        seen.append((after, torch.autograd.grad(total, (states, *module.parameters()))))
    torch.testing.assert_close(seen[0], seen[1], rtol=1e-4, atol=1e-5)


@pytest.mark.skipif(not native_status().available, reason=native_status().explanation)
@pytest.mark.parametrize("reverse", [False, True])
def test_final_states_of_padded_sequences_hold_what_came_before_their_ends(reverse) -> None:
    layer, inputs, initial = NativeRecurrence(WITH_DELAYS, 3, 5), torch.randn(3, 7, 3), torch.randn(8, 3, 5)
    lengths = torch.tensor([3, 7, 0])
    parameters = layer.live_parameters("")
    _, final = scan(layer.bound, inputs, parameters, lengths=lengths, initial=initial, reverse=reverse)
    for row, length in enumerate(lengths.tolist()):
        own = slice(row, row + 1)
        alone = scan(layer.bound, inputs[own, :length], parameters, initial=initial[:, own], reverse=reverse)
        torch.testing.assert_close(final[:, own], alone[1])


def with_weights_a_unit() -> CellGraph:
    """A cell whose nodes 0 to 3 are a scale, a bounded scale, a constant and a bounded constant."""
    weighted = (
        Node(Op.SCALE, (H,)),
        Node(Op.BOUNDED_SCALE, (H,)),
        Node(Op.CONSTANT, ()),
        Node(Op.BOUNDED_CONSTANT, ()),
    )
    return CellGraph(1, (*weighted, Node(Op.LINEAR, (X,)), Node(Op.ADD, (2, 3, 4, 5, 6))), (7,))


def test_weights_a_unit_begin_where_published_networks_have_them() -> None:
    layer = EagerRecurrence(with_weights_a_unit(), 2, 1000)
    scale, decay, constant, rate = (layer.unit_weight(index, "").detach() for index in range(4))
    for bounded in (decay, rate):
        assert 0.9 <= bounded.min() < 0.91
        assert 0.99 < bounded.max() <= 0.999
    assert 0 <= scale.min() < 0.01
    assert 0.99 < scale.max() <= 1
    assert -1 <= constant.min() < -0.98
    assert 0.98 < constant.max() <= 1


@pytest.mark.parametrize("backend", BACKENDS, ids=lambda backend: backend.backend_name)
def test_a_bounded_weight_stays_between_zero_and_one_whatever_it_is_trained_to(backend) -> None:
    if not backend.supports(with_weights_a_unit()):
        pytest.skip("this backend does not run this cell")
    layer = backend(with_weights_a_unit(), 2, 3)
    nn.init.constant_(layer.weight_1, 100.0)
    assert (layer.unit_weight(1, "") == 1).all()
    assert layer(torch.zeros(1, 2, 2)).isfinite().all()


def test_the_reverse_of_padded_sequences_keeps_the_padding_last() -> None:
    steps = torch.arange(1, 5).expand(2, 4)[..., None]
    reversed_steps = reverse(steps, torch.tensor([4, 2]))[..., 0]
    assert reversed_steps.tolist() == [[4, 3, 2, 1], [2, 1, 3, 4]]
