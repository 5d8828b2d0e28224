"""One step after the other gives in onnxruntime what the whole sequence gives in torch."""

from __future__ import annotations

import json
from dataclasses import replace
from random import Random

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from evo_nas.champion.champion import Champion
from evo_nas.errors import ChampionError
from evo_nas.genome.architecture import Architecture, Forecast, Head, Layer, Pooling, Signature
from evo_nas.genome.blocks import Context, Front, Shortcut
from evo_nas.genome.cells import NAMED_CELLS
from evo_nas.genome.streaming import can_stream
from evo_nas.models.ensemble import Link, model_of
from evo_nas.models.network import Network
from evo_nas.models.streaming import StreamingModel
from evo_nas.tasks.raw_inputs import NumericInputs
from evo_nas.tasks.raw_windows import WindowInputs
from tests.champion.exporters.onnx.running import Running
from tests.champion.exporters.onnx.test_preparation import CLASSES, MEAN, SCALE, champion, series
from tests.models.test_any_architecture import SPACES, inputs_for
from tests.models.test_streaming import with_weights

from evo_nas.champion.exporters.onnx.streaming import step_model  # isort: skip - where onnx is absent, nothing is left

GRU = NAMED_CELLS["gru"]
SERIES = Signature(features=3, outputs=2, steps=6)
FORECAST = Signature(features=3, outputs=4, horizon=2, steps=6, last_values=(2, 0))
TEXT = Signature(features=0, vocabulary=7, outputs=3, steps=6)


class Stepping:
    """A graph of one step that hands its states on."""

    def __init__(self, model, preparation=None, *, batch: int) -> None:
        self.running = Running(step_model(model, preparation))
        kinds = {
            each.name: np.int64 if "int64" in each.type else np.float32
            for each in self.running.session.get_inputs()
        }
        told = json.loads(self.running.session.get_modelmeta().custom_metadata_map["states"])
        self.states = {
            state["name"]: np.full(
                [batch if size == "batch" else size for size in state["shape"]],
                state["initial"],
                kinds[state["name"]],
            )
            for state in told
        }

    def __call__(self, step):
        outputs = self.running(inputs=step, **self.states)
        self.states = {name: outputs.pop(f"next.{name}") for name in self.states}
        return outputs


def assert_streams(model, *, batch=2, time=9) -> None:
    inputs = inputs_for(model.signature, batch, time)
    stepping = Stepping(model, batch=batch)
    states = StreamingModel(model).zero_states(batch)
    assert list(stepping.states) == list(states)
    for end in range(1, time + 1):
        found = stepping(inputs[:, end - 1].numpy())["outputs"]
        with torch.no_grad():
            whole = model(inputs[:, :end]).numpy()
        np.testing.assert_allclose(found, whole[:, -1] if whole.ndim == 3 else whole, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", SPACES)
@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_random_architectures_stream_the_outputs_for_the_sequence_so_far(kind, seed) -> None:
    space = SPACES[kind]
    architecture = space.decode(space.random(Random(seed)))
    layers = tuple(replace(layer, bidirectional=False) for layer in architecture.layers)
    architecture = replace(architecture, layers=layers)
    if architecture.forecast is Forecast.RELATIVE:
        architecture = replace(architecture, forecast=Forecast.CHANGE)
    if can_stream(architecture):
        assert_streams(with_weights(Network(architecture, space.signature)))


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
            (Architecture((Layer(GRU, 4),), shortcut=Shortcut.of(each), forecast=Forecast.CHANGE), FORECAST)
            for each in ("shared", "full")
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
def test_each_block_streams(architecture, signature) -> None:
    assert_streams(with_weights(Network(architecture, signature)))


def test_the_members_of_an_ensemble_stream_together() -> None:
    members = [with_weights(Network(Architecture((Layer(GRU, 4),)), SERIES)) for _ in range(2)]
    assert_streams(model_of(members, link=Link.CLASSES, shares=(1, 2)))


def test_attention_forgets_what_lies_before_its_window() -> None:
    network = with_weights(Network(Architecture((Layer(GRU, 4, context=Context.ATTENTION),)), SERIES))
    assert_streams(network, batch=1, time=70)


def assert_answers_stream(known: Champion, raw, answers) -> None:
    stepping = Stepping(known.model, known.preparation, batch=1)
    for end in range(1, len(raw) + 1):
        found = stepping(raw[end - 1 : end])
    np.testing.assert_allclose(found[answers], known.predict_proba([raw]), atol=1e-5)


@pytest.mark.parametrize("missing", ["refuse", "mask"])
def test_raw_steps_give_the_probabilities_of_the_raw_sequence(missing) -> None:
    inputs = NumericInputs(MEAN, SCALE, missing=missing, masked=(0, 1, 2)[: 3 * (missing == "mask")])
    known = champion(inputs, CLASSES, outputs=3)
    assert_answers_stream(known, series([7], missing=missing == "mask")[0], "probabilities")


@pytest.mark.parametrize("missing", ["mask", "previous"])
def test_the_holes_of_a_series_are_filled_with_its_last_known_value(missing) -> None:
    values = NumericInputs(MEAN, SCALE, missing=missing, masked=(0, 1, 2)[: 3 * (missing == "mask")])
    known = champion(WindowInputs(7, values, 1), CLASSES, outputs=3)
    assert_answers_stream(known, series([7], missing=True)[0], "probabilities")


def test_a_hole_that_is_filled_with_what_comes_later_is_refused() -> None:
    known = champion(NumericInputs(MEAN, SCALE, missing="interpolate"), CLASSES, outputs=3)
    with pytest.raises(ChampionError, match="no streaming form: missing is interpolate"):
        step_model(known.model, known.preparation)


def test_a_part_that_needs_the_whole_sequence_is_refused_by_name() -> None:
    network = Network(Architecture((Layer(GRU, 4, bidirectional=True),)), SERIES)
    with pytest.raises(ChampionError, match=r"no streaming form: .*layers\[0\] is bidirectional"):
        step_model(network)
