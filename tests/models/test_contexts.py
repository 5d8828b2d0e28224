"""Attention, memory and pace: what a layer sees, and that pieces of a sequence give what the whole gives."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from evo_nas.genome.architecture import Architecture, Layer, Signature
from evo_nas.genome.blocks import ATTENTION_WINDOW, MEMORY_SLOTS, Context
from evo_nas.genome.cells import NAMED_CELLS
from evo_nas.genome.parameters import count_parameters
from evo_nas.models.attention import WindowedAttention
from evo_nas.models.external_memory import CHUNK, MOST_WRITTEN, SlotMemory
from evo_nas.models.network import Network
from evo_nas.models.recurrent_layer import RecurrentLayer

GRU = NAMED_CELLS["gru"]
PLAIN = Layer(GRU, 8)
LAYERS = {
    "attention": replace(PLAIN, context=Context.ATTENTION),
    "memory": replace(PLAIN, context=Context.MEMORY),
    "a period": replace(PLAIN, period=3),
    "attention at a period": replace(PLAIN, context=Context.ATTENTION, period=2),
    "memory at a period": replace(PLAIN, context=Context.MEMORY, period=4),
}
LONG = 2 * ATTENTION_WINDOW + 7


def built(layer: Layer) -> RecurrentLayer:
    torch.manual_seed(0)
    return RecurrentLayer(layer, 3).eval()


@pytest.mark.parametrize("kind", LAYERS)
@pytest.mark.parametrize("pieces", [(1,) * 9, (4, 1, 2, 2), (70, 5, 64, 2)], ids=str)
def test_pieces_give_what_the_whole_sequence_gives(kind, pieces) -> None:
    layer, inputs, states = built(LAYERS[kind]), torch.randn(2, sum(pieces), 3), None
    outputs = []
    for piece in torch.split(inputs, pieces, dim=1):
        output, states = layer.forward_from(piece, states)
        outputs.append(output)
    torch.testing.assert_close(torch.cat(outputs, dim=1), layer(inputs, None))


def test_a_network_of_several_paces_and_contexts_reads_a_text_piece_by_piece() -> None:
    signature = Signature(features=0, outputs=7, vocabulary=7, per_step=True, predicts_inputs=True)
    layers = (LAYERS["attention"], LAYERS["memory at a period"], replace(PLAIN, skip=1))
    network, tokens, states = (
        Network(Architecture(layers, embedding=4), signature).eval(),
        torch.randint(7, (2, 30)),
        None,
    )
    outputs = []
    for piece in torch.split(tokens, 7, dim=1):
        output, states = network.forward_from(piece, states)
        outputs.append(output)
    torch.testing.assert_close(torch.cat(outputs, dim=1), network(tokens))


@pytest.mark.parametrize("kind", LAYERS)
def test_a_layer_runs_in_bfloat16(kind) -> None:
    layer, inputs = built(LAYERS[kind]), torch.randn(2, 20, 3)
    with torch.autocast("cpu", torch.bfloat16):
        outputs = layer(inputs, None)
        states = layer.forward_from(inputs, None)[1]
        layer.forward_from(inputs, states)[0].sum().backward()
    torch.testing.assert_close(outputs.float(), layer(inputs, None), atol=0.05, rtol=0.05)


@pytest.mark.parametrize("kind", LAYERS)
def test_states_keep_their_names_and_shapes_and_begin_as_zeros(kind) -> None:
    layer, inputs = built(LAYERS[kind]), torch.randn(2, 5, 3)
    after = layer.forward_from(inputs, None)[1]
    again = layer.forward_from(inputs[:, :1], after)[1]
    assert {name: state.shape for name, state in again.items()} == {
        name: state.shape for name, state in after.items()
    }
    zeros = {name: torch.zeros_like(state) for name, state in after.items()}
    torch.testing.assert_close(layer.forward_from(inputs, zeros)[0], layer.forward_from(inputs, None)[0])


@pytest.mark.parametrize("kind", LAYERS)
def test_no_step_sees_a_later_one(kind) -> None:
    layer, inputs = built(LAYERS[kind]), torch.randn(2, LONG, 3)
    other = torch.cat([inputs[:, :50], torch.randn(2, LONG - 50, 3)], dim=1)
    torch.testing.assert_close(layer(inputs, None)[:, :50], layer(other, None)[:, :50])


@pytest.mark.parametrize("kind", LAYERS)
@pytest.mark.parametrize("bidirectional", [False, True])
def test_padding_changes_no_step_of_a_sequence(kind, bidirectional) -> None:
    layer = built(replace(LAYERS[kind], bidirectional=bidirectional))
    inputs, lengths = torch.randn(3, LONG, 3), torch.tensor([LONG, 70, 1])
    padded = layer(inputs, lengths)
    assert padded.isfinite().all()
    for row, length in enumerate(lengths.tolist()):
        alone = layer(inputs[row : row + 1, :length], None)
        torch.testing.assert_close(padded[row, :length], alone[0])


@pytest.mark.parametrize("kind", LAYERS)
def test_a_bidirectional_layer_treats_both_directions_alike(kind) -> None:
    layer, inputs = built(replace(LAYERS[kind], bidirectional=True, period=1)), torch.randn(2, 12, 3)
    mirrored = RecurrentLayer(replace(LAYERS[kind], bidirectional=True, period=1), 3)
    mirrored.load_state_dict(
        {name: layer.state_dict()[_other_direction(name)].clone() for name in layer.state_dict()}
    )
    forward, backward = layer(inputs, None).chunk(2, dim=-1)
    expected = torch.cat([backward, forward], dim=-1).flip(1)
    torch.testing.assert_close(mirrored(inputs.flip(1), None), expected)


def _other_direction(name: str) -> str:
    if name.startswith("recurrence"):
        return name.removesuffix("_reverse") if name.endswith("_reverse") else f"{name}_reverse"
    other = {"0": "1", "1": "0"}
    return ".".join(other.get(part, part) for part in name.split("."))


@pytest.mark.parametrize("kind", LAYERS)
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("width", [1, 6, 16])
def test_parameters_are_counted_as_the_network_has_them(kind, bidirectional, width) -> None:
    layer = replace(LAYERS[kind], bidirectional=bidirectional, width=width)
    architecture, signature = Architecture((layer,)), Signature(features=3, outputs=2)
    network = Network(architecture, signature)
    assert sum(p.numel() for p in network.parameters()) == count_parameters(architecture, signature)


@pytest.mark.parametrize("kind", LAYERS)
def test_gradients_reach_every_parameter(kind) -> None:
    layer = built(LAYERS[kind])
    layer(torch.randn(2, LONG, 3), None).square().sum().backward()
    assert all(parameter.grad.abs().sum() > 0 for parameter in layer.parameters())


def attended(attention: WindowedAttention, steps: torch.Tensor) -> torch.Tensor:
    """The same by one softmax for each head and step, with loops."""
    scaled = torch.nn.functional.layer_norm(steps, steps.shape[1:])
    heads = len(attention.distances)
    queries, keys, values = (
        part.unflatten(-1, (heads, -1)) for part in attention.project(scaled).chunk(3, dim=-1)
    )
    found = torch.zeros_like(queries)
    for step in range(len(steps)):
        window = slice(max(0, step - ATTENTION_WINDOW + 1), step + 1)
        distances = step - torch.arange(len(steps))[window]
        for head in range(heads):
            scores = keys[window, head] @ queries[step, head] * queries.shape[-1] ** -0.5
            weights = (scores + attention.distances[head, distances]).softmax(dim=0)
            found[step, head] = weights @ values[window, head]
    return attention.merge(found.flatten(1))


@pytest.mark.parametrize("time", [1, 10, ATTENTION_WINDOW, LONG])
def test_attention_is_the_softmax_over_a_window(time) -> None:
    attention = WindowedAttention(8)
    torch.nn.init.normal_(attention.distances)
    steps = torch.randn(2, time, 8)
    expected = torch.stack([attended(attention, sequence) for sequence in steps])
    torch.testing.assert_close(attention(steps), expected)


def test_memory_is_read_and_written_step_by_step() -> None:
    memory, steps = SlotMemory(6), torch.randn(2, 2 * CHUNK + 3, 6)
    scaled = torch.nn.functional.layer_norm(steps, (6,))
    queries, keys, values = memory.project(scaled).chunk(3, dim=-1)
    written = MOST_WRITTEN * memory.gate(scaled).sigmoid() * memory.address(scaled).softmax(dim=-1)
    slot_keys, slot_values, found = torch.zeros(2, MEMORY_SLOTS, 3), torch.zeros(2, MEMORY_SLOTS, 3), []
    for step in range(steps.shape[1]):
        share = written[:, step, :, None]
        slot_keys = (1 - share) * slot_keys + share * keys[:, step, None]
        slot_values = (1 - share) * slot_values + share * values[:, step, None]
        scores = (slot_keys @ queries[:, step, :, None]).squeeze(-1) * 3**-0.5
        found.append((scores.softmax(dim=-1)[:, None] @ slot_values).squeeze(1))
    torch.testing.assert_close(memory(steps), memory.merge(torch.stack(found, dim=1)))


def test_memory_that_replaces_slots_stays_finite() -> None:
    memory, steps = SlotMemory(6), torch.randn(2, 40, 6)
    with torch.no_grad():
        memory.gate.bias.fill_(1e4)
        memory.address.weight.mul_(1e4)
    memory(steps).sum().backward()
    assert all(parameter.grad.isfinite().all() for parameter in memory.parameters())


def test_a_slow_layer_holds_what_its_cell_gives_for_the_means_of_whole_chunks() -> None:
    layer, inputs = built(replace(PLAIN, period=3)), torch.randn(2, 8, 3)
    slow = layer.recurrence(torch.stack([inputs[:, :3].mean(1), inputs[:, 3:6].mean(1)], dim=1))
    outputs = layer(inputs, None)
    assert not outputs[:, :2].any()
    for step, chunk in ((2, 0), (4, 0), (5, 1), (7, 1)):
        torch.testing.assert_close(outputs[:, step], slow[:, chunk])


def test_a_slow_backward_cell_gives_its_output_at_all_steps_of_a_chunk() -> None:
    layer, inputs = built(replace(PLAIN, period=3, bidirectional=True)), torch.randn(2, 8, 3)
    slow = layer.recurrence(torch.stack([inputs[:, :3].mean(1), inputs[:, 3:6].mean(1)], dim=1))
    backward = layer(inputs, None)[..., 8:]
    for step, chunk in ((0, 0), (2, 0), (3, 1), (5, 1)):
        torch.testing.assert_close(backward[:, step], slow[:, chunk, 8:])
    assert not backward[:, 6:].any()


@pytest.mark.parametrize("bidirectional", [False, True])
def test_a_sequence_shorter_than_the_period_gives_zeros(bidirectional) -> None:
    layer = built(replace(PLAIN, period=5, bidirectional=bidirectional))
    assert layer(torch.ones(2, 4, 3), None).shape == (2, 4, 8 * (1 + bidirectional))
    assert not layer(torch.ones(2, 4, 3), None).any()
