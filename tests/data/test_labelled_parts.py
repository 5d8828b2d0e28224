"""Examples in three parts, and the classes that training knows."""

from __future__ import annotations

import numpy as np
import pytest

from evo_nas.data.examples import Examples
from evo_nas.data.labelled_parts import split_examples
from evo_nas.data.splitting import SplitOptions
from evo_nas.errors import DataError

IN_TIME = SplitOptions(by="time", validation=0.1, test=0.2)


def examples(labels: list[str], start: int = 0, **more) -> Examples[str]:
    return Examples("file", [f"text {start + n}" for n in range(len(labels))], labels, **more)


def test_numbers_are_sorted_by_value_and_before_words() -> None:
    parts = split_examples({"train": examples(["10", "9", "b", "a", "-1"] * 10)}, IN_TIME)
    assert parts.classes == ("-1", "9", "10", "a", "b")


def test_targets_are_places_in_the_classes() -> None:
    parts = split_examples({"train": examples(["b", "a"] * 10)}, IN_TIME)
    assert parts.targets(parts.train).tolist() == [1, 0] * 7
    assert len(parts.learnt) == 16


def test_every_step_may_have_a_class() -> None:
    steps = [np.array(["x", "y"]), np.array(["y"])] * 10
    parts = split_examples({"train": Examples("file", [str(n) for n in range(20)], steps)}, IN_TIME)
    assert [each.tolist() for each in parts.step_targets(parts.test)][:2] == [[0, 1], [1]]


def test_balanced_weights_make_every_class_weigh_the_same() -> None:
    parts = split_examples({"train": examples(["a", "a", "a", "b"] * 10)}, SplitOptions())
    weights = parts.balanced_weights(per_step=False)
    counts = np.bincount(parts.targets(parts.train))
    assert weights * counts == pytest.approx([counts.sum() / 2] * 2)


def test_files_of_their_own_are_parts_as_they_are() -> None:
    files = {"train": examples(["a", "b"] * 10), "test": examples(["b", "a"], start=50)}
    assert split_examples(files, IN_TIME).test.items == ["text 50", "text 51"]


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (["a"] * 20, "one class only, 'a'; there is nothing to tell apart"),
        ([*["a", "b"] * 9, "c", "c"], "class 'c' is in the test part, but not in the training part"),
        ([str(n) for n in range(20_000)], "has 14,000 classes; at most 10,000: is the label column right"),
    ],
)
def test_classes_that_cannot_be_learnt_are_refused(labels, message) -> None:
    with pytest.raises(DataError, match=message):
        split_examples({"train": examples(labels)}, IN_TIME)


def test_groups_are_given_in_all_files_or_in_none() -> None:
    files = {"train": examples(["a", "b"] * 10), "test": examples(["a"], start=50, groups=["anna"])}
    with pytest.raises(DataError, match="only one of them has groups; give both or none"):
        split_examples(files, IN_TIME)
