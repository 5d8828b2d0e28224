"""Episodes over classes that no two parts share."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from evo_nas.errors import DataError
from evo_nas.tasks import family
from evo_nas.tasks.baselines.fitting import scores
from evo_nas.tasks.few_shot import FewShotOptions, FewShotTask

LABELS = np.repeat(np.arange(8), 12)


def task(path, **options) -> FewShotTask:
    return FewShotTask(FewShotOptions.model_validate({"path": path, **options}))


def load(path, **options):
    return task(path, **options).read().dataset


@pytest.fixture
def levels(tmp_path):
    """Twelve sequences of each class, all of whose values are the class's number."""
    np.savez(tmp_path / "a.npz", x=np.broadcast_to(LABELS[:, None], (96, 4)) * 1.0, y=LABELS)
    return tmp_path / "a.npz"


def test_parts_of_few_shots_share_no_class(levels) -> None:
    dataset = load(levels, episodes=200)
    seen = [
        set(np.unique(part.inputs[..., 0]).tolist())
        for part in (dataset.train, dataset.validation, dataset.test)
    ]
    assert sum(map(len, seen)) == len(set.union(*seen)) == 8


def test_the_label_of_an_example_is_given_only_one_step_later(levels) -> None:
    part = load(levels, ways=2, shots=3, queries=4).train
    given = part.inputs[..., -2:]
    assert not given[:, 0].any()
    assert np.array_equal(given[:, 1:7].argmax(axis=-1), part.targets[:, :6])
    assert not given[:, 7:].any()
    assert part.scored.sum(axis=1).tolist() == [4] * len(part)


def test_episodes_are_the_same_problems_as_the_data_set(levels) -> None:
    few = task(levels, episodes=8)
    first = few.episodes()["train"][0]
    part = few.read().dataset.train
    steps = np.concatenate([first.support.inputs, first.query.inputs]).reshape(10, -1)
    assert np.array_equal(part.inputs[0, :, :4], steps)
    assert part.targets[0].tolist() == [*first.support.targets, *first.query.targets]


def test_more_episodes_of_training_change_no_training_episode_before_them(levels) -> None:
    few, many = (task(levels, episodes=count).episodes() for count in (8, 40))
    for part in ("train", "validation", "test"):
        assert np.array_equal(few[part][0].query.inputs, many[part][0].query.inputs)


def test_the_nearest_example_knows_classes_that_are_levels(levels) -> None:
    baselines = scores(task(levels, episodes=40).read().fit_baselines())
    assert baselines["nearest neighbour"] == 1.0
    assert baselines["majority"] < 0.8


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"ways": 3}, "has 8 classes; three parts of 3 ways need 9: lower ways"),
        ({"queries": 10}, "has fewer than 13 examples; shots and queries need them"),
    ],
)
def test_too_few_classes_or_examples_are_refused(levels, options, message) -> None:
    with pytest.raises(DataError, match=message):
        task(levels, **options).read()


def test_sequences_of_different_lengths_are_refused(tmp_path) -> None:
    np.savez(tmp_path / "a.npz", x=np.ones((96, 4)), y=LABELS, lengths=[3, *[4] * 95])
    with pytest.raises(DataError, match="few_shot needs sequences of one length; these differ"):
        task(tmp_path / "a.npz").read()


@pytest.mark.parametrize(
    "options",
    [
        {"split": {"by": "time"}},
        {"split": {"test": 0.5}},
        {"split": {"folds": 5}},
        {"split": {"duplicates": "drop"}},
        {"test_path": "b.npz"},
        {"validation_path": "b.npz"},
    ],
)
def test_what_few_shot_does_not_heed_is_refused(options) -> None:
    with pytest.raises(ValidationError, match=r"is given, but few_shot draws whole classes"):
        task("a.npz", **options)
    task("a.npz", split={"seed": 5})


def test_a_group_with_classes_in_two_parts_is_refused(tmp_path) -> None:
    values = np.random.default_rng(0).normal(size=(96, 4))
    np.savez(tmp_path / "a.npz", x=values, y=LABELS, who=np.arange(96) % 12, own=LABELS)
    with pytest.raises(DataError, match="has classes in the .* and in the .* part; few_shot draws classes"):
        load(tmp_path / "a.npz", group="who")
    assert load(tmp_path / "a.npz", group="own", episodes=8).train.inputs.shape[0] == 8


def test_what_was_guessed_and_which_classes_are_where_is_said(tmp_path) -> None:
    values = np.random.default_rng(0).normal(size=(96, 4))
    np.savez(tmp_path / "a.npz", x=values, y=LABELS)
    remarks = load(tmp_path / "a.npz", episodes=8).remarks
    assert "array x holds the sequences, y the labels" in remarks
    named = [
        remark.rpartition(" are ")[2].split(", ") for remark in remarks if remark.startswith("the classes of")
    ]
    assert sorted(name for names in named for name in names) == [str(number) for number in range(8)]


def test_holes_are_filled_and_said(tmp_path) -> None:
    values = np.random.default_rng(0).normal(size=(96, 5, 2))
    values[3, 2, 1] = np.nan
    np.savez(tmp_path / "a.npz", x=values, y=np.repeat(np.arange(8), 12))
    options = FewShotOptions(path=(tmp_path / "a.npz",), episodes=8, missing="mask")
    dataset = FewShotTask(options).read().dataset
    assert np.isfinite(dataset.train.inputs).all()
    assert any(remark.startswith("1 missing values (value 2 1)") for remark in dataset.remarks)


def test_episodes_that_do_not_fit_into_memory_are_refused(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(family, "MOST_VALUES", 1000)
    with pytest.raises(DataError, match=r"task.episodes is 40, which are 4,000 values .* lower episodes"):
        FewShotTask.sample(tmp_path).read()
