"""Fronts: what the first layer reads, with padding, piece by piece, and from stored weights."""

from __future__ import annotations

import pytest
import torch

from evo_nas.errors import GenomeError
from evo_nas.genome.architecture import Architecture, Forecast, Head, Layer, Pooling, Signature
from evo_nas.genome.blocks import NGRAM_WIDTH, Front
from evo_nas.genome.cells import NAMED_CELLS
from evo_nas.genome.parameters import count_parameters, count_spellings, front_width
from evo_nas.models.fronts import FrontEnd
from evo_nas.models.hashing import NO_NGRAM
from evo_nas.models.network import Network
from evo_nas.models.seeded_init import SeededInit

SERIES = Signature(features=3, outputs=2)
STEPS = Signature(features=3, outputs=2, per_step=True)
TEXT = Signature(features=0, outputs=2, vocabulary=9)
LANGUAGE = Signature(features=0, outputs=9, vocabulary=9, per_step=True, predicts_inputs=True)
WORDS = ("", "flow", "flows", "of", "river", "rivers", "the", "a", "an")
NUMERIC = ("none", "differences", "segments 3", "convolution 4", "convolution 3/3", "convolution 5/2")
TOKENS = ("none", "convolution 3", "convolution 3/2", "ngrams 1-3 x 50", "subwords 2-4 x 60")
CASES = [(text, SERIES) for text in NUMERIC] + [(text, TEXT) for text in TOKENS]


def architecture_with(front: str, signature: Signature, **changes: object) -> Architecture:
    embedding = 5 if signature.vocabulary else None
    return Architecture(
        (Layer(NAMED_CELLS["gru"], 4),), embedding=embedding, front=Front.of(front), **changes
    )


def network_with(front: str, signature: Signature, **changes: object) -> Network:
    """A network in which no weight is zero, and which knows how tokens are spelt."""
    network = Network(architecture_with(front, signature, **changes), signature).eval()
    network.front.read_spellings(WORDS)
    with torch.no_grad():
        for weights in network.parameters():
            weights.add_(torch.randn(weights.shape), alpha=0.3)
    return network


def inputs_for(signature: Signature, batch: int, time: int) -> torch.Tensor:
    if signature.vocabulary:
        return torch.randint(signature.vocabulary, (batch, time))
    return torch.randn(batch, time, signature.features)


@pytest.mark.parametrize(("front", "signature"), CASES)
def test_parameters_and_width_are_those_that_are_counted(front, signature) -> None:
    architecture = architecture_with(front, signature)
    network = Network(architecture, signature)
    parameters = sum(weights.numel() for weights in network.parameters())
    assert parameters == count_parameters(architecture, signature)
    assert network.front.width == front_width(architecture, signature)
    stored = sum(tensor.numel() for tensor in network.state_dict().values())
    assert stored == parameters + count_spellings(architecture, signature)


@pytest.mark.parametrize("pooling", Pooling)
@pytest.mark.parametrize(("front", "signature"), CASES)
def test_sequence_does_not_depend_on_the_padding_of_its_batch(front, signature, pooling) -> None:
    network = network_with(front, signature, head=Head(pooling=pooling, skip=0))
    inputs = inputs_for(signature, 7, 8)
    lengths = torch.arange(2, 9)
    outputs = network(inputs, lengths)
    for sequence, length, output in zip(inputs, lengths.tolist(), outputs, strict=True):
        torch.testing.assert_close(network(sequence[None, :length])[0], output)
        torch.testing.assert_close(network(sequence[None], torch.tensor([length]))[0], output)


@pytest.mark.parametrize(("front", "signature"), CASES)
def test_same_seed_gives_the_same_weights(front, signature) -> None:
    states, before = [], torch.get_rng_state()
    for _ in range(2):
        with SeededInit(torch.Generator().manual_seed(3)):
            states.append(Network(architecture_with(front, signature), signature).state_dict())
    assert all(torch.equal(weights, states[1][name]) for name, weights in states[0].items())
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    ("front", "signature"),
    [
        *((front, STEPS) for front in ("none", "differences", "convolution 4")),
        *((front, LANGUAGE) for front in TOKENS if "/" not in front),
        ("ngrams 1-1 x 50", LANGUAGE),
    ],
)
@pytest.mark.parametrize("piece", [1, 2, 5])
def test_pieces_give_the_outputs_of_the_whole(front, signature, piece) -> None:
    network, inputs = network_with(front, signature), inputs_for(signature, 3, 11)
    states, outputs = None, []
    for part in torch.split(inputs, piece, dim=1):
        output, states = network.forward_from(part, states)
        outputs.append(output)
    torch.testing.assert_close(torch.cat(outputs, dim=1), network(inputs))
    # Where a pass begins, states are zeros in the memory of the pass before.
    begun = {name: torch.zeros_like(state) for name, state in states.items()}
    torch.testing.assert_close(network.forward_from(inputs[:, :2], begun)[0], network(inputs[:, :2]))


@pytest.mark.parametrize("front", ["differences", "convolution 4"])
def test_front_with_an_output_a_step_never_looks_ahead(front) -> None:
    network, inputs = network_with(front, STEPS), torch.randn(1, 6, 3)
    later = inputs.clone()
    later[:, 4:] += 1.0
    outputs, others = network(inputs), network(later)
    assert torch.equal(outputs[:, :4], others[:, :4])
    assert not torch.equal(outputs[:, 4:], others[:, 4:])


@pytest.mark.parametrize(("front", "signature"), CASES)
def test_fronts_can_multiply_in_lower_precision(front, signature) -> None:
    network, inputs = network_with(front, signature), inputs_for(signature, 3, 7)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        lowered = network(inputs)
        assert network.front(inputs, None).values.dtype == torch.float32
    lowered.float().sum().backward()
    torch.testing.assert_close(lowered.float(), network(inputs), atol=0.1, rtol=0.1)


def test_differences_are_zero_at_the_first_step() -> None:
    front = FrontEnd(architecture_with("differences", SERIES), SERIES)
    inputs = torch.randn(2, 5, 3)
    values, lengths = front(inputs, None)[:2]
    assert lengths is None
    assert torch.equal(values[..., :3], inputs)
    assert not values[:, 0, 3:].any()
    assert torch.equal(values[:, 1:, 3:], inputs[:, 1:] - inputs[:, :-1])


def test_last_segment_ends_at_the_last_step_and_the_first_is_filled_up_with_zeros() -> None:
    front = FrontEnd(architecture_with("segments 3", SERIES), SERIES)
    inputs = torch.randn(1, 7, 3)
    values = front(inputs, None).values
    filled = torch.cat([torch.zeros(1, 2, 3), inputs], dim=1)
    segments = filled.view(3, 3, 3).transpose(1, 2).reshape(3, 9)  # each feature's steps side by side
    torch.testing.assert_close(values[0], torch.relu(front.stem.kernel(segments)))


def test_sequences_have_a_step_for_each_begun_segment() -> None:
    front = FrontEnd(architecture_with("segments 3", SERIES), SERIES)
    steps = front(torch.randn(4, 7, 3), torch.tensor([7, 6, 4, 1]))
    assert steps.values.shape[1] == 3
    assert steps.lengths.tolist() == [3, 2, 2, 1]


def test_last_place_of_a_convolution_is_at_the_last_step() -> None:
    front = FrontEnd(architecture_with("convolution 4/3", SERIES), SERIES)
    inputs = torch.randn(1, 8, 3)
    values = front(inputs, None).values
    assert values.shape == (1, 3, 4)
    kernel = front.stem.kernel
    convolved = torch.nn.functional.conv1d(
        inputs[:, 1:].transpose(1, 2), kernel.weight.view(4, 3, 4), kernel.bias, stride=3
    )
    torch.testing.assert_close(values[0, 1:], torch.relu(convolved[0].T))


def test_segments_read_what_a_relative_forecast_subtracts_the_last_step_from() -> None:
    signature = Signature(features=2, outputs=4, last_values=(0, 1), horizon=2, steps=6)
    network = network_with("segments 4", signature, forecast=Forecast.RELATIVE)
    inputs, level = torch.randn(3, 6, 2), torch.tensor([5.0, -3.0])
    torch.testing.assert_close(network(inputs + level), network(inputs) + level.repeat(2))


@pytest.mark.parametrize("front", ["ngrams 2-3 x 5000", "subwords 2-4 x 5000"])
def test_ngrams_that_were_never_seen_add_nothing(front) -> None:
    trained = Network(architecture_with(front, TEXT), TEXT).front
    trained.read_spellings(WORDS)
    before = trained(torch.tensor([[1, 7, 8]]), None).values
    trained(torch.tensor([[4, 5, 4]]), None).values.sum().backward()
    with torch.no_grad():
        trained.stem.vectors.weight -= trained.stem.vectors.weight.grad
    assert torch.equal(trained(torch.tensor([[1, 7, 8]]), None).values, before)


def test_ngrams_are_joined_to_the_embedding_of_the_token_at_which_they_end() -> None:
    network = network_with("ngrams 2-2 x 5000", TEXT)
    values = network.front(torch.tensor([[3, 4, 2, 3, 4]]), None).values[0]
    assert values.shape == (5, 5 + NGRAM_WIDTH)
    assert torch.equal(values[1], values[4])
    assert torch.equal(values[0, :5], values[3, :5])
    assert not values[0, 5:].any()
    assert values[3, 5:].all()


def test_what_a_spelling_adds_is_the_mean_of_the_vectors_of_its_ngrams() -> None:
    front = network_with("subwords 3-3 x 5000", TEXT).front
    added = front(torch.arange(9)[None], None).values[0] - front.embedding.weight
    rows = [set(spelling.tolist()) - {NO_NGRAM} for spelling in front.stem.spellings]
    river, rivers = rows[4], rows[5]
    assert len(river & rivers) == 4  # <ri riv ive ver
    torch.testing.assert_close(added[4], front.stem.vectors.weight[list(river)].mean(dim=0))
    torch.testing.assert_close(added[0], torch.zeros(5))  # <> is too short


@pytest.mark.parametrize("time", [2, 40])
def test_spellings_add_the_same_in_batches_of_any_size(time) -> None:
    front = network_with("subwords 2-4 x 60", TEXT).front
    tokens = torch.randint(9, (2, time))
    alone = torch.stack([front(token[None, None], None).values[0, 0] for token in tokens.flatten()])
    torch.testing.assert_close(front(tokens, None).values.flatten(0, 1), alone)


def test_spellings_are_stored_with_the_weights() -> None:
    trained = network_with("subwords 2-4 x 60", TEXT)
    fresh = Network(architecture_with("subwords 2-4 x 60", TEXT), TEXT).eval()
    tokens = torch.randint(9, (2, 6))
    assert not torch.equal(fresh(tokens), trained(tokens))
    fresh.load_state_dict(trained.state_dict())
    assert torch.equal(fresh(tokens), trained(tokens))


def test_spelling_beyond_what_is_read_is_left_out() -> None:
    signature = Signature(features=0, outputs=2, vocabulary=2)
    network = Network(architecture_with("subwords 2-4 x 60", signature), signature)
    network.front.read_spellings(("x" * 30, "x" * 10_000))
    assert torch.equal(*network.front.stem.spellings)


def test_front_that_reads_spellings_needs_one_for_each_token() -> None:
    network = Network(architecture_with("subwords 2-4 x 60", TEXT), TEXT)
    with pytest.raises(GenomeError, match="reads the spelling of 9 tokens, and the data set has 0 of them"):
        network.front.read_spellings(())


@pytest.mark.parametrize(
    ("front", "signature", "message"),
    [
        ("ngrams 1-2 x 50", SERIES, "the inputs are numbers"),
        ("differences", TEXT, "the inputs are tokens"),
        ("segments 2", STEPS, "every step has an output"),
    ],
)
def test_front_that_does_not_fit_the_input_is_refused(front, signature, message) -> None:
    with pytest.raises(GenomeError, match=message):
        Network(architecture_with(front, signature), signature)


@pytest.mark.parametrize("front", ["segments 3", "convolution 3/2"])
def test_front_that_has_fewer_steps_is_not_read_piece_by_piece(front) -> None:
    network = Network(architecture_with(front, SERIES), SERIES)
    with pytest.raises(GenomeError, match=f"front is {front}; for a text that is read piece by piece"):
        network.forward_from(torch.randn(1, 6, 3))
