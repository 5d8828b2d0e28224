"""What is around a recurrence: normalisation before and after, the residual path, dropout of weights."""

from __future__ import annotations

import pytest
import torch

from evo_nas.genome.architecture import Layer, Norm
from evo_nas.genome.cells import NAMED_CELLS
from evo_nas.models.backends import BACKENDS
from evo_nas.models.layers import StateWeightDropout, set_dropout_generator
from evo_nas.models.recurrent_layer import RecurrentLayer

LSTM, MGU = NAMED_CELLS["lstm"], NAMED_CELLS["mgu"]
INPUTS = torch.linspace(-2, 2, 2 * 5 * 4).sin().view(2, 5, 4)


def test_a_residual_adds_the_input_to_the_output() -> None:
    layer = RecurrentLayer(Layer(LSTM, 4, residual=True), 4)
    torch.testing.assert_close(layer(INPUTS, None), layer.recurrence(INPUTS) + INPUTS)


@pytest.mark.parametrize("bidirectional", [False, True])
def test_a_residual_of_another_width_is_projected_without_a_bias(bidirectional) -> None:
    layer = RecurrentLayer(Layer(LSTM, 3, bidirectional=bidirectional, residual=True), 4)
    assert [tuple(p.shape) for p in layer.residual.parameters()] == [(3 * (1 + bidirectional), 4)]
    expected = layer.recurrence(INPUTS) + INPUTS @ layer.residual.weight.T
    torch.testing.assert_close(layer(INPUTS, None), expected)


def test_normalisation_before_is_of_what_the_recurrence_reads_and_leaves_the_residual() -> None:
    layer = RecurrentLayer(Layer(MGU, 4, norm=Norm.BEFORE, residual=True), 4)
    read = (INPUTS - INPUTS.mean(-1, keepdim=True)) / (
        INPUTS.var(-1, unbiased=False, keepdim=True) + 1e-5
    ).sqrt()
    torch.testing.assert_close(layer(INPUTS, None), layer.recurrence(read) + INPUTS)


def test_normalisation_after_is_of_the_sum() -> None:
    layer = RecurrentLayer(Layer(MGU, 4, norm=Norm.LAYER, residual=True), 4)
    torch.testing.assert_close(layer(INPUTS, None).mean(-1), torch.zeros(2, 5), atol=1e-6, rtol=0)


def test_a_single_feature_is_not_normalised() -> None:
    layer = RecurrentLayer(Layer(MGU, 4, norm=Norm.BEFORE), 1)
    values = torch.randn(2, 5, 1)
    torch.testing.assert_close(layer(values, None), layer.recurrence(values))


def test_a_layer_reads_pieces_as_it_reads_the_whole() -> None:
    layer = RecurrentLayer(Layer(MGU, 3, norm=Norm.BEFORE, residual=True, recurrent_dropout=0.5), 4).eval()
    first, states = layer.forward_from(INPUTS[:, :2], None)
    second, _ = layer.forward_from(INPUTS[:, 2:], states)
    torch.testing.assert_close(torch.cat([first, second], dim=1), layer(INPUTS, None))


def test_only_weights_that_multiply_states_are_dropped_and_the_others_scaled() -> None:
    recurrence = RecurrentLayer(Layer(LSTM, 50), 4).recurrence
    dropped = StateWeightDropout(0.25)(recurrence)
    assert set(dropped) == {name for name, _ in recurrence.named_parameters() if name.startswith("weight")}
    for index, name in recurrence.matrices():
        before, after = getattr(recurrence, name), dropped[name]
        of_input, of_state = after.split(recurrence.input_widths(index), dim=1)
        assert torch.equal(of_input, before[:, :4])
        kept = of_state != 0
        torch.testing.assert_close(of_state[kept], before[:, 4:][kept] / 0.75)
        assert 0.2 < 1 - kept.float().mean() < 0.3


def dropping(backend: type, *, seed: int) -> RecurrentLayer:
    """A layer that drops half of its state weights, on a backend, with the same weights for all of them."""
    torch.default_generator.manual_seed(0)
    layer = RecurrentLayer(Layer(LSTM, 4, bidirectional=True, recurrent_dropout=0.5), 4)
    twin = backend(LSTM, 4, 4, bidirectional=True)
    twin.load_state_dict(layer.recurrence.state_dict())
    layer.recurrence = twin
    set_dropout_generator(layer, torch.Generator().manual_seed(seed))
    return layer


@pytest.mark.parametrize("backend", BACKENDS, ids=lambda backend: backend.backend_name)
def test_every_backend_computes_and_learns_with_the_same_dropped_weights(backend) -> None:
    if not backend.supports(LSTM):
        pytest.skip("this machine cannot run it")
    layers = [dropping(BACKENDS[-1], seed=3), dropping(backend, seed=3)]
    outputs = [layer(INPUTS, torch.tensor([5, 3])) for layer in layers]
    torch.testing.assert_close(*outputs)
    for output in outputs:
        output.square().sum().backward()
    for reference, parameter in zip(*(layer.recurrence.parameters() for layer in layers), strict=True):
        torch.testing.assert_close(parameter.grad, reference.grad)
    assert not torch.allclose(outputs[0], dropping(BACKENDS[-1], seed=4)(INPUTS, torch.tensor([5, 3])))


def test_each_pass_draws_its_own_weights_and_evaluation_has_all_of_them() -> None:
    layer = dropping(BACKENDS[-1], seed=3)
    assert not torch.equal(layer(INPUTS, None), layer(INPUTS, None))
    layer.eval()
    assert torch.equal(layer(INPUTS, None), layer.recurrence(INPUTS))


def test_weights_come_back_after_a_pass_that_failed() -> None:
    layer = dropping(BACKENDS[-1], seed=3)
    with pytest.raises(RuntimeError):
        layer(torch.randn(2, 5, 9), None)
    layer.eval()
    weight = layer.recurrence.linear(0, "").weight
    assert weight is layer.recurrence.weight_0
