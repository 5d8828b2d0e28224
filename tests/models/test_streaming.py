from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from evo_nas.errors import GenomeError
from evo_nas.genome.architecture import Architecture, Forecast, Head, Layer, Pooling, Signature
from evo_nas.genome.blocks import Columns, Context, Front, Shortcut
from evo_nas.genome.cells import NAMED_CELLS
from evo_nas.genome.streaming import can_stream
from evo_nas.models.ensemble import Link, Model, model_of
from evo_nas.models.hashing import NO_NGRAM
from evo_nas.models.network import Network
from evo_nas.models.shortcuts import NgramTable
from evo_nas.models.streaming import StreamingModel
from tests.models.test_any_architecture import SPACES, inputs_for

GRU = NAMED_CELLS["gru"]
SERIES = Signature(features=3, outputs=2, steps=6)
FORECAST = Signature(features=3, outputs=4, horizon=2, steps=6, last_values=(2, 0))
TEXT = Signature(features=0, vocabulary=7, outputs=3, steps=6)
LONGEST = 9  # longer than in training


def with_weights(network: Network) -> Network:
    """The network with weights in every part: shortcuts and tables begin at zero."""
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.normal_(std=0.4)
        if isinstance(network.shortcut, NgramTable):
            network.shortcut.table[NO_NGRAM] = 0.0  # as training leaves it
    return network.eval()


def assert_streams(model: Model, *, records: bool) -> None:
    """The outputs after each step are those for the sequence so far, whatever its length."""
    inputs = inputs_for(model.signature, batch=2, time=LONGEST)
    streaming = StreamingModel(model, records=records)
    states = streaming.zero_states(2)
    shapes = {name: state.shape for name, state in states.items()}
    for time in range(1, LONGEST + 1):
        with torch.no_grad():
            outputs, states = streaming(inputs[:, time - 1], states)
            whole: Tensor = model(inputs[:, :time])
        expected = whole[:, -1] if model.signature.per_step else whole
        torch.testing.assert_close(outputs, expected, rtol=1e-4, atol=1e-5)
        assert {name: state.shape for name, state in states.items()} == shapes


@pytest.mark.parametrize("kind", SPACES)
@settings(max_examples=12)
@given(seed=st.integers(0, 2**32), records=st.booleans())
def test_any_architecture_streams_the_outputs_for_the_sequence_so_far(kind, seed, records) -> None:
    space = SPACES[kind]
    architecture = space.decode(space.random(Random(seed)))
    layers = tuple(replace(layer, bidirectional=False) for layer in architecture.layers)
    architecture = replace(architecture, layers=layers)
    if architecture.forecast is Forecast.RELATIVE:
        architecture = replace(architecture, forecast=Forecast.CHANGE)
    if can_stream(architecture):
        assert_streams(with_weights(Network(architecture, space.signature)), records=records)


@pytest.mark.parametrize(
    ("architecture", "signature"),
    [
        *((Architecture((Layer(GRU, 4),), Head(pooling)), SERIES) for pooling in Pooling),
        *((Architecture((Layer(GRU, 4), Layer(GRU, 3, context=each, period=2))), SERIES) for each in Context),
        *(
            (Architecture((Layer(GRU, 4),), shortcut=Shortcut.of(each)), SERIES)
            for each in ("flat", "pooled")
        ),
        *(
            (Architecture((Layer(GRU, 4),), shortcut=Shortcut.of(each), forecast=forecast), FORECAST)
            for each in ("none", "shared", "full")
            for forecast in (Forecast.VALUE, Forecast.CHANGE)
        ),
        *(
            (
                Architecture(
                    (Layer(GRU, 4),), embedding=4, front=Front.of(front), shortcut=Shortcut.of(shortcut)
                ),
                TEXT,
            )
            for front, shortcut in [
                ("ngrams 1-3 x 9", "none"),
                ("subwords 1-2 x 9", "ngrams 1-1 x 9"),
                ("convolution 3", "ngrams 2-4 x 9"),
            ]
        ),
    ],
    ids=str,
)
@pytest.mark.parametrize("members", [1, 2])
def test_each_block_streams_alone_and_in_an_ensemble(architecture, signature, members) -> None:
    networks = [with_weights(Network(architecture, signature)) for _ in range(members)]
    assert_streams(model_of(networks, link=Link.CLASSES, shares=range(1, members + 1)), records=True)


@pytest.mark.parametrize(
    ("architecture", "signature", "part"),
    [
        (Architecture((Layer(GRU, 4, bidirectional=True),)), SERIES, r"layers\[0\] is bidirectional"),
        (Architecture((Layer(GRU, 4),), front=Front.of("segments 2")), SERIES, "front is segments 2"),
        (Architecture((Layer(GRU, 4),), forecast=Forecast.RELATIVE), FORECAST, "forecast is relative"),
        (Architecture((Layer(GRU, 4),), Head(segment=1)), FORECAST, "head.segment is 1"),
        (Architecture((Layer(GRU, 4),), columns=Columns.APART), FORECAST, "columns is apart"),
    ],
    ids=str,
)
def test_what_needs_the_whole_sequence_is_refused_by_name(architecture, signature, part) -> None:
    with pytest.raises(GenomeError, match=f"architecture.{part}.*give it whole sequences"):
        StreamingModel(Network(architecture, signature))


@pytest.mark.slow
@pytest.mark.parametrize("signature", [SERIES, TEXT], ids=["numbers", "tokens"])
def test_a_recorded_step_serves_every_batch_and_step(signature) -> None:
    layers = (Layer(GRU, 4, context=Context.ATTENTION), Layer(GRU, 3, context=Context.MEMORY, period=2))
    embedding, front = (4, Front.of("subwords 1-2 x 9")) if signature.vocabulary else (None, Front())
    head = Head(Pooling.ATTENTION)
    network = with_weights(Network(Architecture(layers, head, embedding=embedding, front=front), signature))
    streaming = StreamingModel(network)
    steps = inputs_for(signature, batch=3, time=5)
    states = streaming.zero_states(3)
    batch = torch.export.Dim("batch", min=1)
    recorded = torch.export.export(
        streaming, (steps[:, 0], states), dynamic_shapes=({0: batch}, {name: {1: batch} for name in states})
    ).module()
    for rows in (1, 2):
        states = streaming.zero_states(rows)
        for time in range(5):
            outputs, states = recorded(steps[:rows, time], states)
        torch.testing.assert_close(outputs, network(steps[:rows]), rtol=1e-4, atol=1e-5)
