"""Raw inputs give in onnxruntime the answers that a champion gives for them."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from evo_nas.champion.champion import Champion
from evo_nas.genome.architecture import Architecture, Head, Layer, Pooling, Signature
from evo_nas.genome.cells import NAMED_CELLS
from evo_nas.models.ensemble import Link
from evo_nas.models.network import Network
from evo_nas.tasks.answers import ClassAnswers, NumberAnswers
from evo_nas.tasks.preparation import Preparation
from evo_nas.tasks.raw_inputs import NumericInputs, TokenInputs
from evo_nas.tasks.raw_windows import WindowInputs
from tests.champion.exporters.onnx.running import Running

from evo_nas.champion.exporters.onnx.whole import whole_model  # isort: skip - where onnx is absent, nothing is left

MEAN, SCALE = (1000.0, -3.0, 0.1), (20.0, 0.5, 3.0)
CLASSES = ClassAnswers(("low", "high", "neither, nor"))
HOLES = ("mask", "interpolate", "previous")
LENGTHS = [7, 1, 5]


def champion(inputs, answers, *, outputs, per_step=False, horizon=0) -> Champion:
    torch.manual_seed(0)
    layer = Layer(NAMED_CELLS["gru"], 4)
    tokens = len(inputs.vocabulary) if isinstance(inputs, TokenInputs) else 0
    signature = Signature(inputs.features, outputs, tokens, per_step=per_step, horizon=horizon)
    architecture = Architecture((layer,), Head(Pooling.MEAN), embedding=3 if tokens else None)
    return Champion(Network(architecture, signature).eval(), Preparation(inputs, answers))


def running(champion: Champion) -> Running:
    return Running(whole_model(champion.model, champion.preparation, link=Link.CLASSES))


def series(lengths=LENGTHS, *, missing: bool = False) -> list[np.ndarray]:
    rng = np.random.default_rng(3)
    found = [
        (np.array(MEAN) + np.array(SCALE) * rng.standard_normal((length, 3))).astype(np.float32)
        for length in lengths
    ]
    if missing:
        for values in found:
            values[rng.random(values.shape) < 0.4] = np.nan
        found[0][:, 1] = np.nan  # nothing is known
        found[-1][[0, 1, -1], 2] = np.nan  # neither the first nor the last value is
    return found


def padded(sequences):
    longest = max(map(len, sequences))
    # What stands in the padding means nothing.
    return np.stack(
        [np.concatenate([each, np.full((longest - len(each), 3), np.nan, np.float32)]) for each in sequences]
    )


@pytest.mark.parametrize("window", [None, 3])
def test_raw_sequences_get_the_classes_and_probabilities_of_the_champion(window) -> None:
    known = champion(NumericInputs(MEAN, SCALE, window=window), CLASSES, outputs=3)
    found = running(known)(inputs=padded(series()), lengths=LENGTHS)
    np.testing.assert_allclose(found["probabilities"], known.predict_proba(series()), atol=1e-5)
    assert found["label"].tolist() == known.predict(series()).tolist()


@pytest.mark.parametrize("missing", HOLES)
def test_holes_are_filled_as_in_training(missing) -> None:
    known = champion(
        NumericInputs(MEAN, SCALE, missing=missing, masked=(0, 1, 2)[: 3 * (missing == "mask")]),
        CLASSES,
        outputs=3,
    )
    raw = series(missing=True)
    found = running(known)(inputs=padded(raw), lengths=LENGTHS)
    np.testing.assert_allclose(found["probabilities"], known.predict_proba(raw), atol=1e-5)


@pytest.mark.parametrize("missing", ["refuse", "mask"])
def test_a_hole_that_training_never_had_has_no_answer(missing) -> None:
    known = champion(
        NumericInputs(MEAN, SCALE, missing=missing, masked=(0,)[: missing == "mask"]), CLASSES, outputs=3
    )
    raw = series([4, 4])
    raw[1][2, 1] = np.nan
    found = running(known)(inputs=np.stack(raw))
    assert np.isnan(found["probabilities"]).all(axis=1).tolist() == [False, True]
    assert found["label"][0] in CLASSES.classes
    assert found["label"][1] == ""


def test_every_step_has_a_label_in_a_labelling() -> None:
    known = champion(NumericInputs(MEAN, SCALE), CLASSES, outputs=3, per_step=True)
    found = running(known)(inputs=padded(series()), lengths=LENGTHS)
    for label, length, wanted in zip(found["label"], LENGTHS, known.predict(series()), strict=True):
        assert label[:length].tolist() == wanted.tolist()


def test_texts_are_cut_where_training_cut_them() -> None:
    known = champion(TokenInputs(("?", "a", "b", "c"), max_length=4), CLASSES, outputs=3)
    texts = [np.array([1, 2, 3, 0, 3, 3]), np.array([2, 2])]
    ids = np.stack([np.pad(text, (0, 6 - len(text))) for text in texts])
    found = running(known)(inputs=ids, lengths=[6, 2])
    np.testing.assert_allclose(found["probabilities"], known.predict_proba(texts), atol=1e-5)


@pytest.mark.parametrize("missing", ["refuse", *HOLES])
def test_a_forecast_is_of_the_last_rows_in_the_units_of_the_targets_with_ordered_quantiles(missing) -> None:
    values = NumericInputs(MEAN, SCALE, missing=missing, masked=(0, 1, 2)[: 3 * (missing == "mask")])
    answers = NumberAnswers((1e6, -4.0), (3.0, 0.1), ("x", "y"), horizon=2, quantiles=(0.1, 0.5, 0.9))
    known = champion(WindowInputs(4, values, 2), answers, outputs=12, horizon=2)
    lengths = [9, 4, 6]
    raw = series(lengths, missing=missing != "refuse")
    found = running(known)(inputs=padded(raw), lengths=lengths)
    np.testing.assert_allclose(found["quantiles"], known.forecast(raw, every_level=True), atol=1e-5)
    np.testing.assert_allclose(found["numbers"], known.forecast(raw), atol=1e-5)
    assert (np.diff(found["quantiles"], axis=-1) >= 0).all()


def test_a_series_shorter_than_the_window_has_no_forecast() -> None:
    answers = NumberAnswers((0.0,), (1.0,), horizon=1)
    known = champion(WindowInputs(4, NumericInputs(MEAN, SCALE), 1), answers, outputs=1, horizon=1)
    assert np.isnan(running(known)(inputs=series([3])[0][None])["numbers"]).all()


def test_what_a_program_must_know_is_in_the_metadata() -> None:
    answers = NumberAnswers((0.0,), (1.0,), ("load",), horizon=1, quantiles=(0.1, 0.9))
    raw = WindowInputs(4, NumericInputs(MEAN, SCALE, ("a", "b", "c")), 1)
    facts = running(champion(raw, answers, outputs=2, horizon=1)).session.get_modelmeta().custom_metadata_map
    assert {key: json.loads(value) for key, value in facts.items()} == {
        "columns": ["a", "b", "c"],
        "window": 4,
        "targets": ["load"],
        "horizon": 1,
        "quantiles": [0.1, 0.9],
    }
