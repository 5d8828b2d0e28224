"""Examples in three parts, and the classes that training knows."""

from __future__ import annotations

from dataclasses import replace

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
    assert [len(some) for some in parts.by_name.values()] == [14, 2, 4]


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


def test_a_label_is_any_word() -> None:
    names = [
        "NA",
        "None",
        "nan",
        "②",
        "--1",
        "-",
        "²",
        "-²",
        "٣",
        "[b]",
        "1e5",
        "1_0",
        "9" * 400,
        "10",
        "9",
        "-100",
    ]
    parts = split_examples({"train": examples(names * 10)}, IN_TIME)
    assert set(parts.classes) == set(names)
    assert parts.classes[:3] == ("-100", "9", "10")


@pytest.mark.parametrize("padding", ["-100", "-100.0", ""])
def test_a_step_with_a_padding_label_is_read_but_not_scored(padding) -> None:
    steps = [np.array(["x", "y", padding]), np.array(["y", padding, padding])] * 10
    parts = split_examples({"train": Examples("file", [str(n) for n in range(20)], steps)}, IN_TIME)
    assert parts.classes == ("x", "y")
    assert [each.tolist() for each in parts.is_scored(parts.test)][:2] == [
        [True, True, False],
        [True, False, False],
    ]
    scored = parts.scored(parts.test)
    assert scored is not None
    assert scored.shape == (4, 3)
    assert "30 steps were not scored, since their label is -100 or empty" in parts.train.remarks
    weights = parts.balanced_weights(per_step=True)
    assert weights * [7, 14] == pytest.approx([10.5, 10.5])


def test_a_sequence_without_any_class_is_no_example() -> None:
    steps = [np.array(["x", "y"]), np.array(["-100", ""])] * 10
    parts = split_examples({"train": Examples("file", [str(n) for n in range(20)], steps)}, IN_TIME)
    assert len(parts.train) + len(parts.validation) + len(parts.test) == 10
    assert "10 sequences were left out" in parts.train.remarks[0]
    assert parts.scored(parts.train) is None


def test_groups_of_each_part_are_known() -> None:
    groups = [str(n // 4) for n in range(40)]
    parts = split_examples(
        {"train": examples(["a", "b"] * 20, groups=groups)}, SplitOptions(test_groups=["9", "3"])
    )
    assert parts.groups["test"] == ("3", "9")
    assert sum(map(len, parts.groups.values())) == 10


def test_an_example_keeps_its_place_and_files_their_remarks() -> None:
    first = examples(["a", "b"] * 10, remarks=("every line is a text",))
    second = examples(["b", "a"], start=50, remarks=("every line is a text", "one more"))
    parts = split_examples({"train": first, "test": replace(second, source="other")}, IN_TIME)
    assert parts.test.where[1] == "other, example 2"
    assert parts.train.remarks[:2] == ("every line is a text", "one more")
