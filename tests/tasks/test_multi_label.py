"""Sequences of sets, and what is wrong with arrays of them."""

from __future__ import annotations

import numpy as np
import pytest

from evo_nas.errors import DataError
from evo_nas.tasks.baselines.fitting import scores
from evo_nas.tasks.multi_label import MultiLabelOptions, MultiLabelTask


def load(**options):
    return MultiLabelTask(MultiLabelOptions.model_validate(options)).read().dataset


def test_the_target_of_each_step_is_the_next_frame(tmp_path) -> None:
    songs = np.random.default_rng(0).integers(0, 2, (20, 6, 3))
    np.savez(tmp_path / "a.npz", train=songs)
    dataset = load(path=tmp_path / "a.npz", split={"by": "time", "test": 4, "duplicates": "keep"})
    assert np.array_equal(dataset.test.inputs, songs[16:, :-1])
    assert np.array_equal(dataset.test.targets, songs[16:, 1:])


def test_arrays_of_their_own_are_parts_as_they_are(tmp_path) -> None:
    rng = np.random.default_rng(0)
    sizes = {"train": 12, "valid": 5, "test": 7}
    np.savez(tmp_path / "a.npz", **{name: rng.integers(0, 2, (count, 6, 9)) for name, count in sizes.items()})
    dataset = load(path=tmp_path / "a.npz", validation="valid", test="test")
    assert [len(part) for part in dataset.parts.values()] == [12, 5, 7]


def test_keys_that_stay_on_are_predicted_by_the_chain_and_not_by_their_frequency(tmp_path) -> None:
    held = np.repeat(np.random.default_rng(0).integers(0, 2, (60, 1, 8)), 5, axis=1)
    np.savez(tmp_path / "a.npz", train=held)
    options = MultiLabelOptions.model_validate(
        {"path": tmp_path / "a.npz", "metric": "frame_accuracy", "split": {"duplicates": "keep"}}
    )
    baselines = scores(MultiLabelTask(options).read().fit_baselines())
    assert baselines["Markov chain per key"] == 1.0
    assert baselines["frequency of keys"] < 0.9


def test_a_table_is_no_file_of_arrays(tmp_path) -> None:
    with pytest.raises(DataError, match="is no file of arrays; must be .npz or .mat"):
        load(path=tmp_path / "a.csv")


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        (np.full((6, 3, 2), 2), "values other than 0 and 1"),
        (np.zeros((6, 1, 2)), "at least 2 frames"),
        (np.full((6, 3, 2), np.nan), "values other than 0 and 1"),
        (np.full((6, 3, 2), 1e300), "values other than 0 and 1"),
        (np.full((6, 3, 2), "on"), "values other than 0 and 1"),
    ],
)
def test_sets_of_keys_are_zero_and_one(frames, message, tmp_path) -> None:
    np.savez(tmp_path / "a.npz", train=frames)
    with pytest.raises(DataError, match=message):
        load(path=tmp_path / "a.npz")


def test_an_array_that_is_not_there_is_named(tmp_path) -> None:
    np.savez(tmp_path / "a.npz", songs=np.zeros((6, 3, 2)))
    with pytest.raises(DataError, match="no array 'train'; it has 'songs'"):
        load(path=tmp_path / "a.npz")


def test_sequences_in_two_parts_are_named_by_their_arrays_and_numbers(tmp_path) -> None:
    songs = np.random.default_rng(0).integers(0, 2, (30, 6, 9))
    np.savez(tmp_path / "a.npz", train=songs, test=songs[[4, 9]])
    with pytest.raises(
        DataError, match=r"a.npz, train, sequence \d+, and .*a.npz, test, sequence \d, are the same"
    ):
        load(path=tmp_path / "a.npz", test="test")
    remarks = load(path=tmp_path / "a.npz", test="test", split={"duplicates": "drop"}).remarks
    assert any(
        "2 examples were dropped" in remark and "train, sequence 5, 10" in remark for remark in remarks
    )


def test_arrays_with_other_keys_are_refused(tmp_path) -> None:
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "a.npz", train=rng.integers(0, 2, (12, 6, 9)), test=rng.integers(0, 2, (12, 6, 8)))
    with pytest.raises(DataError, match="test has 8 keys and train 9; must have the same keys"):
        load(path=tmp_path / "a.npz", test="test")
