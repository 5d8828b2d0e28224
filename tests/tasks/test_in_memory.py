"""A data set that a Python program holds is a task like any other."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from evo_nas.errors import DataError
from evo_nas.genome.architecture import Signature
from evo_nas.tasks.arrays import dataset_from_arrays
from evo_nas.tasks.dataset import Dataset, Objective, Sequences
from evo_nas.tasks.in_memory import InMemoryOptions, InMemoryTask
from evo_nas.tasks.metrics import MCC, error_metric

RNG = np.random.default_rng(0)
WAVES = RNG.normal(size=(60, 5, 2))
DATA = dataset_from_arrays(WAVES, WAVES.sum(axis=(1, 2)) > 0, kind="classification")


def test_the_data_set_is_used_as_it_is() -> None:
    prepared = InMemoryTask.of(DATA).read()
    assert prepared.dataset is DATA
    assert set(prepared.fit_baselines()) == {"majority", "nearest neighbour", "logistic regression"}


def test_equal_arrays_have_equal_fingerprints() -> None:
    again = dataset_from_arrays(WAVES, WAVES.sum(axis=(1, 2)) > 0, kind="classification")
    assert InMemoryTask.of(again).fingerprint() == InMemoryTask.of(DATA).fingerprint()


@pytest.mark.parametrize(
    "other",
    [
        replace(DATA, train=replace(DATA.train, inputs=DATA.train.inputs + 1)),
        replace(DATA, test=replace(DATA.test, targets=1 - DATA.test.targets)),
        replace(DATA, metric=MCC),
        replace(DATA, class_weights=np.ones(2, dtype=np.float32)),
        replace(DATA, causal=True),
    ],
)
def test_whatever_decides_a_search_changes_the_fingerprint(other) -> None:
    assert InMemoryTask.of(other).fingerprint() != InMemoryTask.of(DATA).fingerprint()


def test_names_and_remarks_are_for_people() -> None:
    other = replace(DATA, name="waves", remarks=("made up",))
    assert InMemoryTask.of(other).fingerprint() == InMemoryTask.of(DATA).fingerprint()


def test_the_same_metric_is_no_change_although_it_was_made_anew() -> None:
    first, second = (replace(DATA, metric=error_metric("mae", (2.0,))) for _ in range(2))
    assert InMemoryTask.of(first).fingerprint() == InMemoryTask.of(second).fingerprint()


@pytest.mark.parametrize("use", [InMemoryTask.read, InMemoryTask.fingerprint])
def test_a_configuration_alone_has_no_data(use) -> None:
    with pytest.raises(DataError, match=r"its data are in no file; search or resume from Python"):
        use(InMemoryTask(InMemoryOptions()))


def changed(part: str, **arrays) -> Dataset:
    return replace(DATA, **{part: replace(getattr(DATA, part), **arrays)})


@pytest.mark.parametrize(
    ("dataset", "message"),
    [
        ((WAVES, WAVES), "dataset is a tuple; must be a Dataset"),
        (
            changed("train", inputs=WAVES),
            r"train.inputs is float64 \(60, 5, 2\); must be float32 \(n, time, 2\)",
        ),
        (changed("test", inputs=WAVES[:12, 0].astype(np.float32)), r"test.inputs is float32 \(12, 2\)"),
        (
            changed("test", inputs=np.full((12, 5, 2), np.nan, dtype=np.float32)),
            "test.inputs has a missing or infinite value",
        ),
        (
            changed("validation", targets=np.full(6, 2)),
            r"validation.targets is int64 \(6,\); must be int64 \(6,\) of classes from 0 to 1",
        ),
        (changed("test", targets=np.zeros(12)), r"test.targets is float64 \(12,\); must be int64 \(12,\)"),
        (
            replace(DATA, objective=Objective.MSE),
            r"train.targets is int64 \(42,\); must be float32 \(42, 2\)",
        ),
        (
            replace(DATA, signature=Signature(0, 2, vocabulary=4)),
            r"train.inputs is float32 \(42, 5, 2\); must be int64 \(n, time\) of ids from 0 to 3",
        ),
        (
            replace(DATA, test=Sequences(DATA.test.inputs[:0], DATA.test.targets[:0])),
            "test is empty; must hold at least one example",
        ),
    ],
)
def test_a_data_set_of_other_types_or_shapes_is_one_clear_error(dataset, message) -> None:
    with pytest.raises(DataError, match=message):
        InMemoryTask.of(dataset).read()
