from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from evo_nas.errors import GenomeError
from evo_nas.genome.architecture import (
    Architecture,
    Forecast,
    Head,
    Layer,
    Norm,
    Pooling,
    Signature,
)
from evo_nas.genome.cells import NAMED_CELLS
from evo_nas.models.layers import set_dropout_generator
from evo_nas.models.native import NativeRecurrence
from evo_nas.models.network import Network

SERIES = Signature(features=3, outputs=2)
LSTM, MGU = NAMED_CELLS["lstm"], NAMED_CELLS["mgu"]


def test_skips_concatenate_the_named_source() -> None:
    architecture = Architecture(
        layers=(Layer(MGU, 2), Layer(MGU, 4), Layer(MGU, 8, skip=1)), head=Head(skip=0)
    )
    network = Network(architecture, SERIES)
    assert [layer.recurrence.inputs for layer in network.layers] == [3, 2, 4 + 2]
    assert network.head.output.in_features == 8 + 3


def test_a_skip_carries_the_value_itself() -> None:
    architecture = Architecture(layers=(Layer(MGU, 2),), head=Head(pooling=Pooling.MEAN, skip=0))
    network = Network(architecture, SERIES)
    inputs = torch.randn(5, 4, 3)
    below = network.layers[0](inputs, None)
    expected = network.head.output(torch.cat([below, inputs], dim=-1).mean(dim=1))
    torch.testing.assert_close(network(inputs), expected)


def test_backends_are_recorded_layer_by_layer(monkeypatch) -> None:
    monkeypatch.setattr(NativeRecurrence, "supports", lambda cell, device: False)
    network = Network(Architecture(layers=(Layer(LSTM, 2), Layer(MGU, 2))), SERIES)
    assert network.backends == ("torch", "bptt")


def test_dropout_zeroes_the_same_features_at_every_step_of_a_sequence() -> None:
    layer = Network(Architecture(layers=(Layer(MGU, 2, dropout=0.5),)), SERIES).layers[0]
    seen = []
    layer.recurrence.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    layer(torch.ones(64, 6, 3), None)

    assert set(seen[0].unique().tolist()) == {0.0, 2.0}
    assert (seen[0] == seen[0][:, :1]).all()
    assert (seen[0][0] != seen[0]).any()


def test_dropout_before_the_outputs_acts_and_draws_from_the_generator_it_is_given() -> None:
    network = Network(Architecture(layers=(Layer(MGU, 2),), head=Head(dropout=0.5)), SERIES)
    inputs, generator = torch.randn(8, 4, 3), torch.Generator()
    set_dropout_generator(network, generator)
    first, second = network(inputs), network(inputs)
    assert not torch.equal(first, second)
    generator.manual_seed(torch.Generator().initial_seed())
    assert torch.equal(network(inputs), first)


def test_dropout_is_off_in_evaluation() -> None:
    layers, head = (Layer(MGU, 2, dropout=0.5),), Head(dropout=0.5)
    network = Network(Architecture(layers=layers, head=head), SERIES).eval()
    inputs = torch.randn(2, 4, 3)
    assert torch.equal(network(inputs), network(inputs))


def test_layer_normalisation_is_on_the_outputs() -> None:
    layer = Network(Architecture(layers=(Layer(LSTM, 8, norm=Norm.LAYER),)), SERIES).layers[0]
    outputs = layer(torch.randn(2, 4, 3), None)
    torch.testing.assert_close(outputs.mean(dim=-1), torch.zeros(2, 4), atol=1e-6, rtol=0)


def test_tokens_without_an_embedding_are_refused() -> None:
    with pytest.raises(GenomeError, match="embedding is None"):
        Network(Architecture(layers=(Layer(MGU, 2),)), Signature(features=0, vocabulary=5, outputs=1))


def twins(first: Architecture, second: Architecture, signature: Signature) -> tuple[Network, Network]:
    """Two networks with the same weights."""
    networks = Network(first, signature), Network(second, signature)
    networks[1].load_state_dict(networks[0].state_dict())
    return networks


def test_a_forecast_of_the_change_adds_the_last_values_of_its_targets() -> None:
    signature = Signature(features=3, outputs=4, last_values=(2, 0))
    plain = Architecture(layers=(Layer(LSTM, 4),))
    value, change = twins(plain, replace(plain, forecast=Forecast.CHANGE), signature)
    inputs, lengths = torch.randn(3, 5, 3), torch.tensor([5, 2, 4])
    last = torch.stack([inputs[0, 4], inputs[1, 1], inputs[2, 3]])[:, [2, 0, 2, 0]]
    torch.testing.assert_close(change(inputs, lengths), value(inputs, lengths) + last)
    torch.testing.assert_close(change(inputs), value(inputs) + inputs[:, -1, [2, 0, 2, 0]])


def test_a_relative_forecast_moves_with_the_level_of_its_inputs() -> None:
    signature = Signature(features=3, outputs=4, last_values=(2, 0))
    network = Network(Architecture(layers=(Layer(LSTM, 4),), forecast=Forecast.RELATIVE), signature)
    inputs, level = torch.randn(3, 5, 3), torch.tensor([7.0, -2.0, 30.0])
    torch.testing.assert_close(network(inputs + level), network(inputs) + level[[2, 0, 2, 0]])


def test_a_forecast_of_changes_needs_to_know_the_last_values() -> None:
    with pytest.raises(GenomeError, match="forecast is change; must be value for 2 outputs"):
        Network(Architecture(layers=(Layer(LSTM, 4),), forecast=Forecast.CHANGE), SERIES)


def test_embedding_dropout_drops_tokens_while_training_only() -> None:
    tokens = Signature(features=0, vocabulary=50, outputs=2)
    network = Network(Architecture(layers=(Layer(MGU, 3),), embedding=4, embedding_dropout=0.5), tokens)
    read = network.front(torch.arange(50)[None], None).values[0]
    assert 5 < (read == 0).all(dim=-1).sum() < 45
    assert torch.equal(
        network.eval().front(torch.arange(50)[None], None).values[0], network.front.embedding.weight
    )


def test_tied_outputs_are_scores_by_the_embedding_itself() -> None:
    signature = Signature(features=0, vocabulary=7, outputs=7, per_step=True, predicts_inputs=True)
    network = Network(Architecture(layers=(Layer(MGU, 5),), embedding=5, tied=True), signature)
    assert "head.output.weight" not in network.state_dict()
    tokens = torch.randint(7, (2, 3))
    network(tokens)[..., 4].sum().backward()
    assert network.front.embedding.weight.grad[4].abs().sum() > 0
    with torch.no_grad():
        network.front.embedding.weight[4] = 0.0
    torch.testing.assert_close(network(tokens)[..., 4], torch.zeros(2, 3))


def test_a_tied_embedding_is_read_at_the_scale_of_one_that_is_not() -> None:
    signature = Signature(features=0, vocabulary=400, outputs=400, per_step=True, predicts_inputs=True)
    network = Network(Architecture(layers=(Layer(MGU, 5),), embedding=100, tied=True), signature)
    read = network.front.embedding(torch.arange(400))
    torch.testing.assert_close(read, 10 * network.front.embedding.weight)
    assert 0.95 < read.detach().std().item() < 1.05


def test_outputs_cannot_be_tied_to_an_embedding_of_other_tokens() -> None:
    signature = Signature(features=0, vocabulary=7, outputs=5, per_step=True)
    with pytest.raises(GenomeError, match="tied is True; must be False for 5 outputs and a vocabulary of 7"):
        Network(Architecture(layers=(Layer(MGU, 5),), embedding=5, tied=True), signature)
