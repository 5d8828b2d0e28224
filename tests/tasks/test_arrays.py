"""From arrays in memory to a data set."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from evo_nas.data.splitting import SplitOptions
from evo_nas.errors import DataError
from evo_nas.tasks.arrays import dataset_from_arrays
from evo_nas.tasks.dataset import Objective

RNG = np.random.default_rng(0)
WAVES = RNG.normal(loc=50, scale=9, size=(60, 7, 3))
CLASSES = np.where(WAVES.mean(axis=(1, 2)) > 50, "high", "low")
IN_TIME = SplitOptions(by="time", validation=6, test=12)


def test_a_class_for_each_sequence() -> None:
    dataset = dataset_from_arrays(WAVES, CLASSES, kind="classification")
    assert (dataset.signature.features, dataset.signature.outputs) == (3, 2)
    assert dataset.classes == ("high", "low")
    assert [len(part) for part in dataset.parts.values()] == [42, 6, 12]
    assert dataset.objective is Objective.CROSS_ENTROPY
    assert dataset.metric.name == "accuracy"


def test_inputs_are_standardised_with_the_training_part() -> None:
    changed = WAVES.copy()
    changed[-1] = 1e9
    before, after = (
        dataset_from_arrays(inputs, CLASSES, kind="classification", split=IN_TIME)
        for inputs in (WAVES, changed)
    )
    assert before.train.inputs.mean() == pytest.approx(0, abs=1e-5)
    assert np.array_equal(before.train.inputs, after.train.inputs)


def test_a_matrix_of_numbers_has_one_feature() -> None:
    assert dataset_from_arrays(WAVES[..., 0], CLASSES, kind="classification").train.inputs.shape[1:] == (7, 1)


def test_sequences_may_differ_in_length() -> None:
    items = [WAVES[n, : 2 + n % 5] for n in range(60)]
    test = dataset_from_arrays(items, CLASSES, kind="classification", split=IN_TIME).test
    assert test.lengths.tolist() == [2 + n % 5 for n in range(48, 60)]
    assert not test.inputs[2, test.lengths[2] :].any()


def test_integers_are_tokens() -> None:
    ids = RNG.integers(0, 5, (60, 9))
    dataset = dataset_from_arrays(ids, ids[:, 0] > 2, kind="classification", split=IN_TIME)
    assert dataset.signature.vocabulary == len(dataset.vocabulary) == 5
    assert np.array_equal(dataset.test.inputs, ids[48:])
    assert dataset.classes == ("False", "True")


def test_a_class_for_each_step() -> None:
    dataset = dataset_from_arrays(WAVES, WAVES[..., 0] > 50, kind="labelling", split=IN_TIME)
    assert dataset.signature.per_step
    assert np.array_equal(dataset.test.targets, WAVES[48:, :, 0] > 50)


def test_numbers_are_scored_in_their_own_units() -> None:
    targets = 1000 * WAVES[:, -1, :2]
    dataset = dataset_from_arrays(WAVES, targets, kind="regression", metric="mae", split=IN_TIME)
    assert dataset.signature.outputs == 2
    mean = np.zeros((12, 2), dtype=np.float32)
    wanted = np.abs(targets[48:] - targets[:42].mean(axis=0)).mean()
    assert dataset.metric.score(mean, dataset.test.targets) == pytest.approx(wanted, rel=1e-5)


@pytest.mark.parametrize("kind", ["classification", "regression"])
def test_parts_that_are_given_stay_as_they_are(kind) -> None:
    targets = CLASSES if kind == "classification" else WAVES[:, -1, 0]
    parts = {
        "validation": (WAVES[40:50], targets[40:50]),
        "test": (WAVES[50:], targets[50:]),
    }
    dataset = dataset_from_arrays(WAVES[:40], targets[:40], kind=kind, **parts)
    assert [len(part) for part in dataset.parts.values()] == [40, 10, 10]


def test_sequences_of_two_parts_are_dropped_from_the_earlier_one_and_counted() -> None:
    doubled = np.concatenate([WAVES, WAVES[-3:]])
    labels = np.concatenate([CLASSES, CLASSES[-3:]])
    split = SplitOptions(by="time", validation=6, test=3, duplicates="drop")
    dataset = dataset_from_arrays(doubled, labels, kind="classification", split=split)
    assert any(
        remark.startswith("3 examples were dropped, since a part that is used later has the same: train")
        for remark in dataset.remarks
    )
    assert [len(part) for part in dataset.parts.values()] == [54, 3, 3]


@pytest.mark.parametrize(
    ("inputs", "targets", "options", "message"),
    [
        (
            WAVES,
            CLASSES,
            {"kind": "forecast"},
            "kind is 'forecast'; must be one of classification, labelling",
        ),
        (
            WAVES,
            CLASSES,
            {"metric": "mse"},
            "metric is 'mse'; must be one of accuracy, macro_f1, mcc, nll for",
        ),
        (WAVES, CLASSES[:-1], {}, "train has 60 inputs and 59 targets; must have the same number of both"),
        ([], [], {}, "train has 0 inputs and 0 targets"),
        (3, CLASSES, {}, "train inputs is 3; must be an array, a list or a frame"),
        (
            WAVES,
            CLASSES,
            {"validation": WAVES},
            "validation is a ndarray; must be a pair of inputs and",
        ),
        (
            [[[1, 2], [3]]] * 60,
            CLASSES,
            {},
            "input 1 is no array; every step must have the same number of values",
        ),
        (WAVES[..., None], CLASSES, {}, r"train, input 1 has shape \(7, 3, 1\); must be \(time, features\)"),
        ([["a", "b"]] * 60, CLASSES, {}, "train, input 1 is no array of numbers"),
        (np.where(WAVES > 80, np.nan, np.nan), CLASSES, {}, "input 1 has a missing or infinite value"),
        (np.full((60, 4), -1), CLASSES, {}, r"train, input 1 is \[-1, -1, -1, -1\]; must be at least one id"),
        (
            [*WAVES[:-1], WAVES[-1, :, :2]],
            CLASSES,
            {},
            r"train, input 60 has shape \(7, 2\), the first of train",
        ),
        (WAVES, CLASSES[:, None], {}, r"train, target 1 has shape \(1,\); must be one class"),
        (
            WAVES,
            CLASSES,
            {"kind": "labelling"},
            r"train, target 1 has shape \(\); must be \(7,\), a class for",
        ),
        (WAVES, CLASSES, {"kind": "regression"}, "train, target 1 is .*; must be a number"),
        (
            WAVES,
            [np.nan] * 60,
            {"kind": "regression"},
            r"train, target 1 is \[nan\]; must be a finite number",
        ),
        (WAVES, [[1.0]] * 59 + [[1.0, 2.0]], {"kind": "regression"}, r"train, target 60 has shape \(2,\)"),
        (WAVES, ["up"] * 60, {}, "one class only, 'up'"),
        (WAVES, CLASSES, {"test": (WAVES[:3, :, :1], CLASSES[:3])}, r"test, input 1 has shape \(7, 1\)"),
    ],
)
def test_arrays_that_do_not_fit_are_one_clear_error(inputs, targets, options, message) -> None:
    with pytest.raises(DataError, match=message):
        dataset_from_arrays(inputs, targets, **{"kind": "classification", **options})


PERSONS = np.arange(60) // 5
NUMBERED = (CLASSES == "high").astype(int)


@pytest.mark.parametrize("kind", ["classification", "regression", "labelling"])
def test_groups_of_arrays_stay_together(kind) -> None:
    targets = {
        "classification": CLASSES,
        "regression": np.arange(60.0),
        "labelling": np.repeat(NUMBERED[:, None], WAVES.shape[1], axis=1),
    }
    dataset = dataset_from_arrays(WAVES, targets[kind], kind=kind, groups=PERSONS)
    persons = [set(names) for names in dataset.groups.values()]
    assert sum(map(len, persons)) == len(set.union(*persons)) == 12
    assert [len(part) / 5 for part in dataset.parts.values()] == list(map(len, persons))
    chosen = SplitOptions(test_groups=["7"], duplicates="drop")
    assert dataset_from_arrays(WAVES, targets[kind], kind=kind, groups=PERSONS, split=chosen).groups[
        "test"
    ] == ("7",)


@pytest.mark.parametrize("kind", ["classification", "regression"])
@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"groups": PERSONS[:-1]}, r"train groups have shape \(59,\); must be \(60,\)"),
        ({"groups": PERSONS, "split": SplitOptions(by="time")}, "split.by is time, but `group` is given"),
        ({"groups": PERSONS, "test": (WAVES[:5] + 1, NUMBERED[:5])}, "only one of them has groups"),
        (
            {"groups": PERSONS, "test": (WAVES[:5] + 1, NUMBERED[:5], [99, 98, 97, 0, 96])},
            "group '0' is in the",
        ),
        ({"split": SplitOptions(test_groups=["1"])}, "test_groups is given, but no group"),
    ],
)
def test_groups_that_cannot_be_kept_together_are_refused(kind, changed, message) -> None:
    with pytest.raises(DataError, match=message):
        dataset_from_arrays(WAVES, NUMBERED, kind=kind, **changed)


def test_a_step_with_a_padding_label_of_arrays_is_not_scored() -> None:
    labels = np.repeat(NUMBERED[:, None], WAVES.shape[1], axis=1)
    labels[:, -1] = -100
    dataset = dataset_from_arrays(WAVES, labels, kind="labelling")
    assert dataset.classes == ("0", "1")
    assert not dataset.train.scored[:, -1].any()
    assert dataset.train.scored[:, :-1].all()


def holed() -> np.ndarray:
    inputs = WAVES.copy()
    inputs[::3, 2, 1] = np.nan
    return inputs


def test_a_hole_of_arrays_becomes_a_mask() -> None:
    dataset = dataset_from_arrays(holed(), CLASSES, kind="classification", missing="mask", split=IN_TIME)
    assert dataset.signature.features == 5
    is_hole = np.isnan(holed()[48:, :, 1])
    assert np.array_equal(dataset.test.inputs[..., 3] == 0, is_hole)
    assert (dataset.test.inputs[..., 1][is_hole] == 0).all()


@pytest.mark.parametrize("missing", ["interpolate", "previous"])
def test_a_hole_of_arrays_is_filled_in(missing) -> None:
    dataset = dataset_from_arrays(holed(), CLASSES, kind="classification", missing=missing, split=IN_TIME)
    assert dataset.signature.features == 3
    assert np.isfinite(dataset.train.inputs).all()


def test_a_target_of_several_may_be_unknown() -> None:
    targets = WAVES[:, -1, :2].copy()
    targets[1::2, 0] = np.nan
    with pytest.raises(DataError, match=r"train, target 2 is \[nan"):
        dataset_from_arrays(WAVES, targets, kind="regression")
    dataset = dataset_from_arrays(WAVES, targets, kind="regression", missing="mask", split=IN_TIME)
    assert dataset.has_target_holes
    assert np.isnan(dataset.test.targets[1::2, 0]).all()


def test_an_unknown_way_with_holes_is_refused() -> None:
    with pytest.raises(DataError, match="missing is 'drop'; must be one of refuse, mask, interpolate"):
        dataset_from_arrays(WAVES, CLASSES, kind="classification", missing="drop")


def test_a_long_frame_is_a_data_set() -> None:
    steps = pd.DataFrame(WAVES.reshape(-1, 3), columns=["x", "y", "z"])
    frame = steps.assign(id=np.repeat(np.arange(60), 7), label=np.repeat(CLASSES, 7))
    test = frame[frame["id"] >= 48][["label", "z", "y", "x", "id"]]
    dataset = dataset_from_arrays(
        frame[frame["id"] < 48],
        "label",
        kind="classification",
        sequence="id",
        test=(test, "label"),
    )
    plain = dataset_from_arrays(
        WAVES[:48], CLASSES[:48], kind="classification", test=(WAVES[48:], CLASSES[48:])
    )
    assert np.array_equal(dataset.test.inputs, plain.test.inputs)
    assert dataset.preparation.inputs.columns == ("x", "y", "z")


@pytest.mark.parametrize("kind", ["classification", "regression"])
def test_a_constant_feature_is_said_and_constant_inputs_are_refused(kind) -> None:
    targets = CLASSES if kind == "classification" else WAVES[:, -1, 0]
    constant = np.where(np.arange(3) == 1, 7.0, WAVES)
    remarks = dataset_from_arrays(constant, targets, kind=kind).remarks
    assert "value 2: constant in the training part; nothing is learnt from it" in remarks
    with pytest.raises(DataError, match="every value that is read is constant in the training part"):
        dataset_from_arrays([np.full((2 + n, 2), 7.0) for n in range(60)], targets, kind=kind)


def test_a_value_far_from_those_of_training_is_named_in_every_part() -> None:
    waves = WAVES.copy()
    waves[59, 3, 1] = -3e38
    with pytest.raises(DataError, match=r"train, input 60, step 4, feature 2 is -3e\+38, more than"):
        dataset_from_arrays(waves, CLASSES, kind="classification", split=IN_TIME)
