"""Forecasts that are decoded in segments, compared with SegRNN as its paper describes it."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from evo_nas.errors import GenomeError
from evo_nas.genome.architecture import Architecture, Head, Layer, Norm, Pooling, Signature
from evo_nas.genome.blocks import Columns, Context
from evo_nas.genome.cell import CellGraph, Node, X
from evo_nas.genome.cells import NAMED_CELLS
from evo_nas.genome.ops import Op
from evo_nas.models.backends import BACKENDS
from evo_nas.models.decoder import SegmentQueries
from evo_nas.models.network import Network

GRU, LSTM, MGU = (NAMED_CELLS[name] for name in ("gru", "lstm", "mgu"))
DELAYED = CellGraph(
    2,
    (
        Node(Op.DELAY_3, (1,)),
        Node(Op.DELAY_4, (2,)),
        Node(Op.LINEAR, (X, 1, 2), bias=True),
        Node(Op.TANH, (5,)),
        Node(Op.ADD, (3, 6)),
        Node(Op.ADD, (4, 6)),
    ),
    (7, 8),
)
FORECAST = Signature(features=3, outputs=7, last_values=(1,), horizon=7)


def decoding(segment: int, *layers: Layer, **head: object) -> Architecture:
    return Architecture(layers, Head(segment=segment, **head))


@pytest.mark.parametrize(("kernel", "cell"), [(nn.GRU, GRU), (nn.LSTM, LSTM)])
def test_a_forecast_equals_that_of_a_plain_segrnn(kernel, cell) -> None:
    targets, horizon, segment, width = 2, 96, 24, 6
    signature = Signature(features=4, outputs=targets * horizon, last_values=(0, 1), horizon=horizon)
    architecture = Architecture((Layer(cell, width),), Head(segment=segment), columns=Columns.APART)
    network = Network(architecture, signature)
    windows = torch.randn(5, 12, 4)

    rnn = as_torch(kernel, network, inputs=3)
    position, channel = network.queries.positions, network.queries.targets
    forecasts = []
    for target in range(targets):
        _, final = rnn(windows[..., [target, 2, 3]])
        steps = []
        for at in range(horizon // segment):
            query = torch.cat([position[at], channel[target]]).expand(5, 1, -1)
            decoded, _ = rnn(query, final)
            steps.append(network.head.output(decoded[:, 0]))
        forecasts.append(torch.cat(steps, dim=1))  # (batch, horizon)

    torch.testing.assert_close(network(windows), torch.stack(forecasts, dim=-1).flatten(1))


def as_torch(kernel: type[nn.RNNBase], network: Network, *, inputs: int) -> nn.RNNBase:
    """Returns torch's layer with the weights of a network's only layer, whose backend may be any."""
    recurrence = network.layers[0].recurrence
    torch_backend = next(backend for backend in BACKENDS if backend.backend_name == "torch")
    twin = torch_backend(recurrence.cell, recurrence.inputs, recurrence.width)
    twin.load_state_dict(recurrence.state_dict())
    rnn = kernel(inputs, recurrence.width, batch_first=True)
    with torch.no_grad():
        for parameter, weight in zip(rnn.parameters(), twin._flat_weights(""), strict=True):
            parameter.copy_(weight)
    return rnn


def test_queries_of_targets_are_next_to_each_other() -> None:
    queries = SegmentQueries(3, 5, targets=2)
    read = queries(4)
    assert read.shape == (4, 3, 5)
    assert torch.equal(read[:2], read[2:])
    assert torch.equal(read[1, 2], torch.cat([queries.positions[2], queries.targets[1]]))


def test_a_single_feature_has_room_for_the_position_only() -> None:
    queries = SegmentQueries(3, 1, targets=2)
    assert queries.targets is None
    assert torch.equal(queries(4), queries.positions.expand(4, 3, 1))


def test_surplus_steps_of_the_last_segment_are_cut() -> None:
    network = Network(decoding(3, Layer(MGU, 4)), FORECAST)
    assert network.head.output.out_features == 3
    assert len(network.queries.positions) == 3
    inputs, whole = torch.randn(2, 5, 3), []
    network.head.output.register_forward_hook(lambda *given: whole.append(given[-1]))
    assert torch.equal(network(inputs), whole[0].flatten(1)[:, :7])


@pytest.mark.parametrize("backend", BACKENDS, ids=lambda backend: backend.backend_name)
@pytest.mark.parametrize("cell", [LSTM, DELAYED], ids=["lstm", "delays"])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_states_after_padded_sequences_are_those_of_their_last_steps(backend, cell, bidirectional) -> None:
    if not backend.supports(cell):
        pytest.skip("it cannot run this cell here")
    recurrence = backend(cell, 3, 4, bidirectional=bidirectional)
    inputs, lengths = torch.randn(3, 6, 3), torch.tensor([6, 2, 4])
    outputs, states = recurrence.encode(inputs, lengths)
    torch.testing.assert_close(outputs, recurrence(inputs, lengths))
    for row, length in enumerate(lengths.tolist()):
        piece = inputs[row : row + 1, :length]
        _, expected = recurrence.forward_from(piece, recurrence.zero_states(piece))
        torch.testing.assert_close(states[:, row : row + 1], expected)


@pytest.mark.parametrize(
    "architecture",
    [
        decoding(2, Layer(GRU, 4), pooling=Pooling.MEAN),
        decoding(2, Layer(GRU, 4), skip=0),
        decoding(2, Layer(GRU, 4, bidirectional=True)),
    ],
    ids=["mean", "skip", "bidirectional"],
)
def test_what_the_last_output_lacks_is_read_beside_what_is_decoded(architecture) -> None:
    network = Network(architecture, FORECAST)
    inputs = torch.randn(2, 5, 3)
    top, queries = network.layers[-1], network.queries(2)
    steps, decoded = top.decode(inputs, None, queries)
    if architecture.head.skip is not None:
        steps = torch.cat([steps, inputs], dim=-1)
    pooled = network.head.pooling(steps, None)
    expected = [network.head.output(torch.cat([decoded[:, at], pooled], dim=-1)) for at in range(4)]
    torch.testing.assert_close(network(inputs), torch.cat(expected, dim=1)[:, :7])


@pytest.mark.parametrize("norm", Norm)
@pytest.mark.parametrize("residual", [False, True])
def test_a_query_is_read_as_one_more_step_of_the_whole_layer(norm, residual) -> None:
    layer = Network(decoding(2, Layer(GRU, 4, norm=norm, residual=residual)), FORECAST).layers[0]
    inputs, queries = torch.randn(2, 5, 3), torch.randn(2, 3, 3)
    steps, decoded = layer.decode(inputs, None, queries)
    torch.testing.assert_close(steps, layer(inputs, None))
    for at in range(3):
        longer = torch.cat([inputs, queries[:, at : at + 1]], dim=1)
        torch.testing.assert_close(decoded[:, at], layer(longer, None)[:, -1])


def test_segments_are_refused_where_nothing_is_forecast() -> None:
    with pytest.raises(GenomeError, match=r"head\.segment is 2; must be 0, since the task is no forecast"):
        Network(decoding(2, Layer(GRU, 4)), Signature(features=3, outputs=4))


def test_a_forecast_in_segments_does_not_read_piece_by_piece() -> None:
    network = Network(decoding(2, Layer(GRU, 4)), FORECAST)
    with pytest.raises(GenomeError, match=r"head\.segment is 2; must be together and 0"):
        network.forward_from(torch.randn(1, 5, 3))


@pytest.mark.parametrize("context", [Context.ATTENTION, Context.MEMORY])
def test_what_a_context_adds_reaches_the_forecast(context) -> None:
    network = Network(decoding(3, Layer(GRU, 8, context=context)), FORECAST)
    network(torch.randn(4, 6, 3)).square().sum().backward()
    gradients = [parameter.grad for parameter in network.layers[0].context.parameters()]
    assert all(gradient is not None and gradient.any() for gradient in gradients)
