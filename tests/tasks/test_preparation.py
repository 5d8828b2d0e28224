"""A preparation leads from raw sequences to the arrays of a data set, and survives as JSON."""

from __future__ import annotations

import numpy as np
import pytest

from evo_nas.data.splitting import SplitOptions
from evo_nas.errors import DataError
from evo_nas.tasks.arrays import dataset_from_arrays
from evo_nas.tasks.preparation import ClassAnswers, NumberAnswers, NumericInputs, Preparation

RNG = np.random.default_rng(0)
WAVES = RNG.normal(loc=50, scale=9, size=(60, 7, 3))
WAVES[::4, 3, 0] = np.nan
CLASSES = np.where(np.nanmean(WAVES, axis=(1, 2)) > 50, "high", "low")
IN_TIME = SplitOptions(by="time", validation=6, test=12)


@pytest.mark.parametrize("missing", ["mask", "interpolate", "previous"])
def test_raw_sequences_become_the_inputs_of_the_data_set(missing) -> None:
    data = dataset_from_arrays(WAVES, CLASSES, kind="classification", missing=missing, split=IN_TIME)
    preparation = Preparation.from_json(data.preparation.to_json())
    assert preparation == data.preparation
    inputs, lengths = preparation.inputs.padded(WAVES[48:])
    assert np.array_equal(inputs, data.test.inputs)
    assert lengths is None


def test_tokens_stay_ids() -> None:
    ids = RNG.integers(0, 5, (60, 9))
    data = dataset_from_arrays(ids, ids[:, 0] > 2, kind="classification", split=IN_TIME)
    preparation = Preparation.from_json(data.preparation.to_json())
    assert np.array_equal(preparation.inputs.padded(ids[48:])[0], data.test.inputs)
    with pytest.raises(DataError, match="must be ids of tokens from 0 to 4"):
        preparation.inputs.padded([np.array([1, 5])])


def test_outputs_become_classes_and_probabilities() -> None:
    answers = ClassAnswers(("a", "b"))
    logits = np.array([[2.0, 0.0], [0.0, 1000.0]], dtype=np.float32)
    assert answers(logits).tolist() == ["a", "b"]
    assert answers.probabilities(logits) == pytest.approx(np.array([[0.8808, 0.1192], [0.0, 1.0]]), abs=1e-4)


def test_outputs_become_numbers_in_the_units_of_the_targets() -> None:
    targets = 1000 * np.nanmean(WAVES, axis=1)[:, :2]
    data = dataset_from_arrays(WAVES, targets, kind="regression", missing="previous", split=IN_TIME)
    assert data.preparation.answers(data.test.targets) == pytest.approx(targets[48:], rel=1e-5)


def test_a_hole_that_training_never_had_is_refused() -> None:
    data = dataset_from_arrays(WAVES, CLASSES, kind="classification", missing="mask", split=IN_TIME)
    holed = np.where(np.arange(3) == 1, np.nan, 1.0) * np.ones((7, 3))
    with pytest.raises(DataError, match="feature 2 has a missing value, as it never had"):
        data.preparation.inputs.padded([holed])


def test_other_features_are_refused() -> None:
    inputs = NumericInputs((0.0, 0.0), (1.0, 1.0))
    with pytest.raises(DataError, match=r"has shape \(4, 3\); must be \(time, 2\)"):
        inputs.padded([np.ones((4, 3))])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "damaged at its start"),
        ("{}", "damaged at inputs: Field required"),
        (
            Preparation(NumericInputs((0.0,), (1.0,)), NumberAnswers((0.0,), (1.0,)))
            .to_json()
            .replace('"refuse"', '"guess"'),
            "damaged at inputs",
        ),
    ],
)
def test_what_is_no_preparation_is_one_clear_error(text, message) -> None:
    with pytest.raises(DataError, match=message):
        Preparation.from_json(text)
