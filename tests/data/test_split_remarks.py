"""What people should know of a split is said."""

from __future__ import annotations

import numpy as np
import pytest

from evo_nas.data.examples import Places
from evo_nas.data.split_remarks import natural, remarks_on_split, remarks_on_time, remarks_on_validation
from evo_nas.data.splitting import Rows, SplitOptions, split_rows


def remarks(rows: Rows, **options) -> str:
    return "\n".join(remarks_on_split(rows, split_rows(rows, SplitOptions(**options))))


def test_the_groups_of_every_part_are_named_and_counted_as_people_count() -> None:
    groups = [str(row // 10) for row in range(1000)]
    said = remarks(Rows("file", range(1000), groups=groups), test_groups=["9", "10"], validation_groups=["3"])
    assert "the test part has 20 examples of 2 groups: 9, 10" in said
    assert "the validation part has 10 examples of 1 group: 3" in said
    assert "the train part has 970 examples of 97 groups: 0, 1, 2, 4, 5, 6, 7, 8, 11, 12 and 87 more" in said


def test_dropped_duplicates_are_counted_and_named_by_their_file_and_row() -> None:
    places = Places(["a.csv, row"] * 500 + ["b.csv, line"] * 500, [*range(2, 502), *range(1, 501)])
    rows = Rows("a.csv", [*range(998), 999, 999], places=places)
    parts = {"train": np.r_[0:600, 998], "validation": np.r_[600:800], "test": np.r_[800:998, 999]}
    dropped = {**parts, "train": np.r_[0:600]}
    assert remarks_on_split(rows, parts) == ()
    said = "1 example was dropped, since a part that is used later has the same: b.csv, line 499"
    assert remarks_on_split(rows, dropped) == (said,)


def test_many_dropped_duplicates_are_counted_but_not_all_named() -> None:
    rows = Rows("file", [*range(30), *range(100, 110), *range(30)])
    said = remarks(rows, by="time", test=30, validation=5, duplicates="drop")
    assert said.startswith("30 examples were dropped")
    assert said.endswith("the same: file, example 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 20 more")


def test_dropped_duplicates_of_several_files_are_listed_by_file() -> None:
    places = Places(["a.csv, row", "b.csv, row"] * 20, [number // 2 for number in range(40)])
    rows = Rows("a.csv", range(40), places=places)
    parts = {"train": np.arange(4, 30), "validation": np.arange(30, 35), "test": np.arange(35, 40)}
    assert remarks_on_split(rows, parts)[0].endswith("the same: a.csv, row 0, 1; b.csv, row 0, 1")


@pytest.mark.parametrize(
    ("options", "given", "parts"),
    [
        ({"by": "time"}, (), "validation and test part"),
        ({"by": "time"}, ("test",), "validation part"),
        ({"test_by": "time"}, (), "test part"),
        ({"by": "time", "test_by": "rows"}, (), "validation part"),
        ({"test_by": "time"}, ("test",), None),
        ({}, (), None),
    ],
)
def test_what_comes_last_in_time_is_said(options, given, parts) -> None:
    for rows, order in (
        (Rows("file", range(9)), "in the order of the file"),
        (Rows("file", range(9), ends=range(9)), "by the time of their last step"),
    ):
        said = (f"{parts}: the last examples {order}",) if parts else ()
        assert remarks_on_time(rows, SplitOptions(**options), given) == said


@pytest.mark.parametrize(("examples", "points"), [(13, 14), (25, 10), (99, 5)])
def test_a_validation_part_too_small_to_decide_is_said_with_what_to_do(examples, points) -> None:
    (said,) = remarks_on_validation(examples)
    assert f"has {examples} examples, too few to tell candidates apart" in said
    assert f"up to {points} points; raise split.validation, or search all parts in turn with --folds" in said
    assert remarks_on_validation(100) == ()


def test_steps_of_a_sequence_count_less_than_sequences() -> None:
    assert "2 examples of 24 steps in all" in remarks_on_validation(2, steps=24)[0]
    assert remarks_on_validation(5, steps=5000)
    assert remarks_on_validation(30, steps=15_000) == ()
    assert remarks_on_validation(100, steps=100) == ()


def test_errors_of_few_numbers_are_uncertain() -> None:
    assert (
        "an error on it is only known to about 20% of itself"
        in remarks_on_validation(12, targets="numbers")[0]
    )


@pytest.mark.parametrize("name", ["①", "²", "--1", "-", "", "٣", "1e5", "p", "9" * 400, "1_0", "p²3"])
def test_any_names_can_be_sorted_and_numbers_in_them_by_value(name) -> None:
    names = sorted(["p10", name, "p9", "10", "9"], key=natural)
    assert names.index("9") < names.index("10")
    assert names.index("p9") < names.index("p10")


def test_where_there_are_no_classes_no_accuracy_is_spoken_of() -> None:
    (said,) = remarks_on_validation(12, targets="sets")
    assert said.startswith("the validation part has 12 examples, too few to tell candidates apart; raise")
