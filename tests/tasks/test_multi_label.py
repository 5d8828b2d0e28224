"""Sequences of sets, and what is wrong with arrays of them."""

from __future__ import annotations

import numpy as np
import pytest

from evo_nas.errors import DataError
from evo_nas.tasks.multi_label import MultiLabelOptions, MultiLabelTask


def load(**options):
    return MultiLabelTask(MultiLabelOptions.model_validate(options)).read().dataset


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        (np.full((6, 3, 2), 2), "values other than 0 and 1"),
        (np.zeros((6, 1, 2)), "at least 2 frames"),
        (np.full((6, 3, 2), np.nan), "values other than 0 and 1"),
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
