"""A data set that a Python program holds is a task like any other."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from evo_nas.errors import DataError
from evo_nas.genome.architecture import Signature
from evo_nas.tasks.arrays import dataset_from_arrays
from evo_nas.tasks.dataset import Dataset, EpisodeSize, Objective, Sequences
from evo_nas.tasks.in_memory import InMemoryOptions, InMemoryTask
from evo_nas.tasks.metrics import MCC, MSE, error_metric
from evo_nas.tasks.quantiles import wql

RNG = np.random.default_rng(0)
WAVES = RNG.normal(size=(60, 5, 2))
DATA = dataset_from_arrays(WAVES, WAVES.sum(axis=(1, 2)) > 0, kind="classification")


def test_the_data_set_is_used_as_it_is() -> None:
    prepared = InMemoryTask.of(DATA).read()
    assert prepared.dataset is DATA
    assert {"majority", "reservoir + ridge"} < set(prepared.baselines)


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
        replace(DATA, episodes=EpisodeSize(2, 1)),
    ],
)
def test_whatever_decides_a_search_changes_the_fingerprint(other) -> None:
    assert InMemoryTask.of(other).fingerprint() != InMemoryTask.of(DATA).fingerprint()


def test_a_fingerprint_stays_what_it_was_so_that_older_runs_can_be_resumed() -> None:
    part = Sequences(np.ones((4, 3, 2), dtype=np.float32), np.ones((4, 1), dtype=np.float32))
    data = Dataset(
        name="ones",
        train=part,
        validation=part,
        test=part,
        signature=Signature(features=2, outputs=1),
        objective=Objective.MSE,
        metric=MSE,
    )
    facts = InMemoryTask.of(data).fingerprint()["facts"]
    assert facts == "1b11f4ff02c2e4825a406475ce59b26b5be9f372f1a92a7b86bdcfb1530def44"


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


NUMBERS = dataset_from_arrays(WAVES, WAVES[:, -1], kind="regression")


def holes(targets: np.ndarray) -> Dataset:
    return replace(NUMBERS, test=replace(NUMBERS.test, targets=targets), has_target_holes=True)


def test_targets_that_are_not_known_may_be_marked() -> None:
    targets = NUMBERS.test.targets.astype(np.float32)
    targets[::2, 0] = np.nan
    assert InMemoryTask.of(holes(targets)).read().dataset.has_target_holes


@pytest.mark.parametrize(("place", "value"), [((0, 0), np.inf), (0, np.nan)])
def test_an_infinite_target_or_a_sequence_without_any_is_refused(place, value) -> None:
    targets = NUMBERS.test.targets.astype(np.float32)
    targets[place] = value
    with pytest.raises(DataError, match="a sequence needs at least one known target"):
        InMemoryTask.of(holes(targets)).read()


def test_quantiles_have_several_outputs_for_each_target() -> None:
    levels = (0.1, 0.5, 0.9)
    dataset = replace(
        NUMBERS,
        objective=Objective.QUANTILE,
        quantiles=levels,
        metric=wql(levels),
        signature=replace(NUMBERS.signature, outputs=6),
    )
    assert InMemoryTask.of(dataset).read().dataset is dataset
    with pytest.raises(DataError, match=r"must be float32 \(42, 3\)"):
        InMemoryTask.of(replace(dataset, signature=replace(NUMBERS.signature, outputs=9))).read()


def test_groups_change_the_fingerprint_since_they_decide_the_cuts() -> None:
    inputs, targets = np.arange(240.0).reshape(60, 4, 1), np.tile(["a", "b"], 30)
    # The first two groups are validated on and tested in both; the others differ.
    groups = [np.repeat(np.arange(10), 6), np.where(np.arange(60) < 59, np.repeat(np.arange(10), 6), 10)]
    found = [
        InMemoryTask.of(dataset_from_arrays(inputs, targets, kind="classification", groups=names))
        for names in groups
    ]
    assert all("resampling" in task.fingerprint() for task in found)
    assert found[0].fingerprint()["resampling"] != found[1].fingerprint()["resampling"]
    plain = InMemoryTask.of(dataset_from_arrays(inputs, targets, kind="classification"))
    assert "resampling" not in plain.fingerprint()
