from __future__ import annotations

import numpy as np
import pytest

from evo_nas.data.labels import groups_of, labels_of, step_labels_of
from evo_nas.errors import DataError


@pytest.mark.parametrize(
    "values",
    [
        np.array([1, 0, 2]),
        np.array([[1], [0], [2]]),
        np.array([[1, 0, 2]]),
        np.array([[0, 1, 0], [1, 0, 0], [0, 0, 1]]),
        np.array([[0.0, 1, 0], [1, 0, 0], [0, 0, 1]]),
        np.array([[False, True, False], [True, False, False], [False, False, True]]),
    ],
)
def test_a_class_for_each_sequence_may_be_a_row_a_column_or_one_hot(values) -> None:
    assert labels_of("a.npz: y", values, 3).labels == ["1", "0", "2"]


def test_that_labels_were_one_hot_is_said() -> None:
    assert labels_of("a.npz: y", np.eye(3), 3).remarks == (
        "a.npz: y is one-hot; classes are numbered from 0",
    )


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            np.zeros((3, 4)),
            r"a.npz: y has shape \(3, 4\); a classification needs one class for each sequence, \(3,\)",
        ),
        (np.array([[1, 1], [0, 1], [1, 0]]), r"has shape \(3, 2\)"),
        (np.eye(3)[:, None], r"has shape \(3, 1, 3\)"),
        (np.array(["u", "v"]), "has 2 labels for 3 sequences"),
        (np.array([1.0, np.nan, 2.0]), "a.npz: y, sequence 2: the label is missing"),
        (np.array([np.array([1, 2]), 3, 4], dtype=object), "sequence 1 has 2 values; must have one label"),
    ],
)
def test_another_shape_of_labels_is_refused(values, message) -> None:
    with pytest.raises(DataError, match=message):
        labels_of("a.npz: y", values, 3)


def test_labels_of_steps_may_be_one_hot() -> None:
    labels, remarks = step_labels_of("y", np.eye(2)[[[0, 1], [1, 1]]], [2, 2])
    assert [label.tolist() for label in labels] == [["0", "1"], ["1", "1"]]
    assert remarks


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.zeros((2, 5)), r"sequence 1 of 4 steps has labels of shape \(5,\); must be \(4,\)"),
        (np.zeros(2), r"sequence 1 of 4 steps has labels of shape \(\)"),
        (np.zeros((3, 4)), "has labels for 3 sequences; must have them for 2"),
        (np.full((2, 4), np.nan), "sequence 1 has a missing value"),
    ],
)
def test_labels_that_do_not_fit_the_steps_are_refused(values, message) -> None:
    with pytest.raises(DataError, match=message):
        step_labels_of("a.npz: y", values, [4, 4])


def test_groups_are_one_for_each_sequence() -> None:
    assert groups_of("g", np.array([["a"], ["b"]]), 2) == ["a", "b"]
    with pytest.raises(DataError, match=r"g has shape \(2, 3\); must be \(2,\), a group for each sequence"):
        groups_of("g", np.zeros((2, 3)), 2)
