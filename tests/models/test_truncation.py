"""Gradients that are cut between the pieces of long sequences, while states go on."""

from __future__ import annotations

import weakref
from random import Random
from unittest.mock import Mock

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from evo_nas.errors import GenomeError
from evo_nas.genome.architecture import Architecture, Head, Layer, Norm, Pooling, Signature
from evo_nas.genome.blocks import Context
from evo_nas.genome.cells import NAMED_CELLS
from evo_nas.genome.space import SearchSpace, SpaceOptions
from evo_nas.models import recurrent_layer
from evo_nas.models.eager import EagerRecurrence
from evo_nas.models.layers import set_dropout_generator
from evo_nas.models.network import Network

SERIES = Signature(features=3, outputs=2)
LABELS = Signature(features=3, outputs=2, per_step=True)
TIME = 10
ONE_WAY = SpaceOptions(
    layers={"min": 1, "max": 3},
    widths=(2, 5),
    cells=tuple(NAMED_CELLS),
    periods=(1, 2),
    contexts=tuple(Context),
    norms=tuple(Norm),
    residuals=(False, True),
)
SPACES = {
    "series": SearchSpace(ONE_WAY.model_copy(update={"fronts": ("none", "convolution 3")}), SERIES, 50),
    "tokens": SearchSpace(ONE_WAY, Signature(features=0, vocabulary=7, outputs=4), 50),
    "a label a step": SearchSpace(ONE_WAY, LABELS, 50),
}
DROPPING = Layer(NAMED_CELLS["gru"], 4, dropout=0.3, recurrent_dropout=0.3)
POOLINGS = pytest.mark.parametrize("pooling", Pooling)


def inputs_of(signature: Signature, rows: int = 3, time: int = TIME) -> Tensor:
    if signature.vocabulary:
        return torch.randint(signature.vocabulary, (rows, time))
    return torch.randn(rows, time, signature.features)


def network_of(signature: Signature, *layers: Layer, pooling: Pooling = Pooling.LAST) -> Network:
    torch.manual_seed(0)
    layers = layers or (Layer(NAMED_CELLS["gru"], 4), Layer(NAMED_CELLS["lstm"], 3))
    return Network(Architecture(layers, Head(pooling=pooling)), signature)


def gradients(network: Network, loss: Tensor) -> list[Tensor]:
    return list(torch.autograd.grad(loss, list(network.parameters()), materialize_grads=True))


def loss_of(network: Network, inputs: Tensor, lengths: Tensor | None = None, **how: int | None) -> Tensor:
    return network(inputs, lengths, **how).square().sum()


def generated(network: Network, seed: int) -> Network:
    """Makes ``network`` draw its dropout from a generator with this seed."""
    set_dropout_generator(network, torch.Generator().manual_seed(seed))
    return network


@pytest.mark.parametrize("kind", SPACES)
@given(seed=st.integers(0, 2**32), truncation=st.integers(1, TIME - 1))
def test_pieces_give_the_outputs_of_the_whole_pass(kind, seed, truncation) -> None:
    space = SPACES[kind]
    network = Network(space.decode(space.random(Random(seed))), space.signature).eval()
    inputs, lengths = inputs_of(space.signature), torch.tensor([TIME, 2, 7])

    whole, cut = network(inputs, lengths), network(inputs, lengths, truncation=truncation)

    if space.signature.per_step:
        valid = torch.arange(TIME) < lengths[:, None]
        whole, cut = whole[valid], cut[valid]
    torch.testing.assert_close(cut, whole, equal_nan=True)


@POOLINGS
@pytest.mark.parametrize("truncation", [TIME, TIME + 5])
def test_a_piece_as_long_as_the_sequence_has_the_whole_gradient(pooling, truncation) -> None:
    network, inputs = network_of(SERIES, pooling=pooling), inputs_of(SERIES)
    whole = gradients(network, loss_of(network, inputs))
    cut = gradients(network, loss_of(network, inputs, truncation=truncation))
    assert all(map(torch.equal, cut, whole))


@POOLINGS
def test_shorter_pieces_have_another_gradient_which_is_finite(pooling) -> None:
    network, inputs = network_of(SERIES, pooling=pooling), inputs_of(SERIES)
    whole = gradients(network, loss_of(network, inputs))
    cut = gradients(network, loss_of(network, inputs, truncation=4))
    assert all(torch.isfinite(gradient).all() for gradient in cut)
    assert not all(map(torch.allclose, cut, whole))


@pytest.mark.parametrize("layers", [(), (DROPPING,)], ids=["without dropout", "with dropout"])
def test_the_gradient_is_the_sum_of_those_of_the_pieces_losses(layers) -> None:
    network, inputs = generated(network_of(LABELS, *layers), 1), inputs_of(LABELS)
    cut = gradients(network, loss_of(network, inputs, truncation=4))

    generated(network, 1)
    states, total = None, [torch.zeros_like(weights) for weights in network.parameters()]
    for piece in inputs.split(4, dim=1):
        outputs, after = network.forward_from(piece, states)
        found = gradients(network, outputs.square().sum())
        total = [one + other for one, other in zip(total, found, strict=True)]
        states = {name: state.detach() for name, state in after.items()}

    for one, other in zip(cut, total, strict=True):
        torch.testing.assert_close(one, other)


def test_a_network_that_reads_the_last_step_learns_from_the_last_piece() -> None:
    network, inputs = network_of(SERIES), inputs_of(SERIES)
    cut = gradients(network, loss_of(network, inputs, truncation=4))

    with torch.no_grad():
        _, states = network.forward_from(inputs[:, :8])
    outputs, _ = network.forward_from(inputs[:, 8:], states)
    for one, other in zip(cut, gradients(network, outputs.square().sum()), strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize(
    ("pooling", "runs"), [(Pooling.LAST, 3 + 1), (Pooling.MEAN, 3 + 3)], ids=["last", "mean"]
)
def test_only_pieces_with_a_gradient_are_run_again(pooling, runs, monkeypatch) -> None:
    network, inputs = network_of(SERIES, pooling=pooling), inputs_of(SERIES)
    spy = Mock(wraps=network.layers[0].forward_from)
    monkeypatch.setattr(network.layers[0], "forward_from", spy)
    gradients(network, loss_of(network, inputs, truncation=4))
    assert spy.call_count == runs


@POOLINGS
@pytest.mark.parametrize("signature", [SERIES, LABELS], ids=["a sequence", "each step"])
def test_padding_does_not_change_gradients(pooling, signature) -> None:
    network, inputs = network_of(signature, pooling=pooling), inputs_of(signature)
    lengths = torch.tensor([TIME, 2, 7])
    counts = torch.arange(TIME) < lengths[:, None] if signature.per_step else torch.ones(3, dtype=torch.bool)

    outputs = network(inputs, lengths, truncation=4)[counts]

    alone = [
        network(row[None, :length], truncation=4).square().sum()
        for row, length in zip(inputs, lengths.tolist(), strict=True)
    ]
    expected = gradients(network, torch.stack(alone).sum())
    for one, other in zip(gradients(network, outputs.square().sum()), expected, strict=True):
        torch.testing.assert_close(one, other)


def test_embeddings_below_the_pieces_learn() -> None:
    signature = Signature(features=0, vocabulary=7, outputs=4)
    network = Network(Architecture((DROPPING,), Head(pooling=Pooling.MEAN), embedding=3), signature)
    loss_of(network, inputs_of(signature), truncation=4).backward()
    assert network.front.embedding.weight.grad.abs().sum() > 0


def test_dropout_goes_on_after_the_way_back_as_if_nothing_had_been_run_again() -> None:
    network, inputs = generated(network_of(SERIES, DROPPING), 1), inputs_of(SERIES)
    loss = loss_of(network, inputs, truncation=4)
    before = network.layers[0].dropout.generator.get_state()
    loss.backward()
    assert torch.equal(network.layers[0].dropout.generator.get_state(), before)


def test_pieces_are_run_again_in_the_precision_of_the_first_time(monkeypatch) -> None:
    network, inputs, lowered = network_of(LABELS), inputs_of(LABELS), []
    run = network.layers[0].forward_from

    def spy(*given: Tensor) -> object:
        lowered.append(torch.is_autocast_enabled("cpu"))
        return run(*given)

    monkeypatch.setattr(network.layers[0], "forward_from", spy)
    with torch.autocast("cpu", torch.bfloat16):
        loss = loss_of(network, inputs, truncation=5)
    loss.backward()
    assert lowered == [True] * 4


class SavedBytes:
    """Counts the bytes that are saved for the way back, and the most at one time."""

    def __init__(self) -> None:
        self.now = self.most = 0

    def save(self, tensor: Tensor) -> Tensor:
        kept = tensor.detach().view_as(tensor)  # an object of its own for each time that it is saved
        size = tensor.numel() * tensor.element_size()
        self._add(size)
        weakref.finalize(kept, self._add, -size)
        return kept

    def _add(self, size: int) -> None:
        self.now += size
        self.most = max(self.most, self.now)


def most_saved(network: Network, time: int, truncation: int | None) -> int:
    inputs, saved = inputs_of(SERIES, time=time), SavedBytes()
    with torch.autograd.graph.saved_tensors_hooks(saved.save, lambda kept: kept):
        loss_of(network, inputs, truncation=truncation).backward()
    return saved.most


def test_memory_for_the_way_back_is_that_of_a_piece(monkeypatch) -> None:
    monkeypatch.setattr(recurrent_layer, "backend_for", lambda *_, **__: EagerRecurrence)
    network = network_of(SERIES, Layer(NAMED_CELLS["gru"], 8), pooling=Pooling.MEAN)
    piece = most_saved(network, 10, None)
    assert most_saved(network, 200, None) > 15 * piece
    assert most_saved(network, 200, 10) < 3 * piece


def test_a_layer_that_reads_backwards_cannot_be_cut() -> None:
    network = network_of(SERIES, Layer(NAMED_CELLS["gru"], 4, bidirectional=True))
    with pytest.raises(GenomeError, match="a layer is bidirectional"):
        network(inputs_of(SERIES), truncation=4)
