"""The small layers by themselves; `test_network` shows what they do inside a network."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from evo_nas.errors import GenomeError
from evo_nas.genome.architecture import Forecast, Signature
from evo_nas.models.layers import (
    Dropout,
    LastValueResidual,
    SequenceDropout,
    TiedEmbedding,
    TiedOutput,
    TokenDropout,
    last_step,
    set_dropout_generator,
)

TWO_STEPS_OF_TWO_TARGETS = Signature(features=3, outputs=4, last_values=(2, 0))


def test_the_last_step_lies_within_the_length_of_each_sequence() -> None:
    sequences = torch.arange(6.0).reshape(2, 3, 1)
    assert last_step(sequences, None).flatten().tolist() == [2.0, 5.0]
    assert last_step(sequences, torch.tensor([1, 3])).flatten().tolist() == [0.0, 5.0]


def test_a_residual_adds_the_last_value_of_each_target_at_every_forecast_step() -> None:
    residual = LastValueResidual(Forecast.CHANGE, TWO_STEPS_OF_TWO_TARGETS)
    last = torch.tensor([[10.0, 20.0, 30.0]])
    assert residual.leave(torch.zeros(1, 4), last).tolist() == [[30.0, 10.0, 30.0, 10.0]]


@pytest.mark.parametrize(("forecast", "first"), [(Forecast.CHANGE, 7.0), (Forecast.RELATIVE, -3.0)])
def test_only_a_relative_forecast_subtracts_the_last_step_from_its_inputs(forecast, first) -> None:
    residual = LastValueResidual(forecast, TWO_STEPS_OF_TWO_TARGETS)
    assert (residual.enter(torch.full((1, 2, 3), 7.0), torch.full((1, 3), 10.0)) == first).all()


@pytest.mark.parametrize(
    "signature",
    [
        Signature(features=3, outputs=4),
        Signature(features=3, outputs=3, last_values=(0, 1)),
    ],
    ids=["no last values", "outputs that are no multiple"],
)
def test_a_residual_without_known_last_values_is_refused(signature) -> None:
    with pytest.raises(GenomeError, match=r"architecture\.forecast is change; must be value"):
        LastValueResidual(Forecast.CHANGE, signature)


def test_the_columns_of_a_residual_are_not_stored_with_the_weights() -> None:
    assert not LastValueResidual(Forecast.CHANGE, TWO_STEPS_OF_TWO_TARGETS).state_dict()


def test_a_tied_output_projects_features_of_another_width() -> None:
    embedding = TiedEmbedding(7, 5)
    assert isinstance(TiedOutput(5, embedding, outputs=7).projection, nn.Identity)
    output = TiedOutput(3, embedding, outputs=7)
    assert output(torch.randn(2, 4, 3)).shape == (2, 4, 7)
    assert {name for name, _ in output.named_parameters()} == {"bias", "projection.weight"}


def test_a_tied_output_follows_its_embedding() -> None:
    embedding = TiedEmbedding(7, 5)
    output = TiedOutput(5, embedding, outputs=7)
    with torch.no_grad():
        embedding.weight.zero_()
    assert not output(torch.randn(2, 5)).any()


def test_dropout_keeps_the_mean_of_its_values() -> None:
    dropped = Dropout(0.25)(torch.ones(20_000))
    assert dropped.unique().tolist() == [0.0, pytest.approx(1 / 0.75)]
    assert dropped.mean() == pytest.approx(1.0, abs=0.02)


@pytest.mark.parametrize("layer", [Dropout(0.0), Dropout(0.5).eval()], ids=["rate 0", "evaluation"])
def test_dropout_that_drops_nothing_returns_its_values(layer) -> None:
    values = torch.randn(3)
    assert layer(values) is values


def test_sequence_dropout_zeroes_the_same_features_at_all_steps() -> None:
    dropped = SequenceDropout(0.5)(torch.ones(8, 5, 4))
    assert (dropped == dropped[:, :1]).all()
    assert 0 < dropped.count_nonzero() < dropped.numel()


def test_token_dropout_zeroes_a_token_wherever_it_occurs() -> None:
    dropout, tokens = TokenDropout(0.5, vocabulary=40), torch.arange(40).repeat(3, 2)
    dropped = dropout(torch.ones(3, 80, 6), tokens)
    assert set(dropped.unique().tolist()) == {0.0, 2.0}
    assert (dropped == dropped[:1, :1, :1]).sum() not in (0, dropped.numel())
    assert (dropped[:, :40] == dropped[:1, 40:, :1]).all()
    vectors = torch.ones(3, 80, 6)
    assert dropout.eval()(vectors, tokens) is vectors


def test_every_dropout_of_a_network_draws_from_the_generator_it_is_given() -> None:
    network, values = nn.Sequential(Dropout(0.5), nn.Sequential(SequenceDropout(0.5))), torch.ones(4, 5, 6)
    before = torch.get_rng_state()
    drawn = []
    for _ in range(2):
        set_dropout_generator(network, torch.Generator().manual_seed(3))
        drawn.append(network(values))
    assert torch.equal(*drawn)
    assert torch.equal(torch.get_rng_state(), before)
    set_dropout_generator(network, None)
    network(values)
    assert not torch.equal(torch.get_rng_state(), before)
