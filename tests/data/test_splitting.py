"""Every example is in one part and in no other."""

from __future__ import annotations

from itertools import chain

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from evo_nas.data.examples import Places
from evo_nas.data.splitting import Rows, SplitOptions, split_rows
from evo_nas.errors import DataError

STRATA = ["rare" if row % 5 == 0 else "frequent" for row in range(100)]
GROUPS = [f"person {row // 7}" for row in range(100)]
ROWS = Rows("file", contents=range(100), strata=STRATA)
GROUPED = Rows("file", contents=range(100), strata=STRATA, groups=GROUPS)


def split(rows: Rows = ROWS, **options) -> dict[str, list[int]]:
    return {part: where.tolist() for part, where in split_rows(rows, SplitOptions(**options)).items()}


def groups_by_part(parts: dict[str, list[int]]) -> dict[str, set[str]]:
    return {part: {GROUPS[position] for position in positions} for part, positions in parts.items()}


@pytest.mark.parametrize(
    ("rows", "options"),
    [
        (ROWS, {}),
        (ROWS, {"by": "time"}),
        (ROWS, {"folds": 4, "fold": 3}),
        (GROUPED, {}),
        (GROUPED, {"folds": 4}),
        (GROUPED, {"test_groups": ["person 3"]}),
    ],
)
def test_every_row_is_in_exactly_one_part(rows, options) -> None:
    parts = split(rows, **options)
    assert sorted(chain.from_iterable(parts.values())) == list(range(100))


def test_drawn_rows_keep_the_shares_of_classes() -> None:
    for positions in split(validation=0.1, test=0.2).values():
        assert np.mean([STRATA[position] == "rare" for position in positions]) == pytest.approx(0.2)


def test_the_last_rows_in_time_are_the_test_part_and_those_before_validation() -> None:
    parts = split(by="time", validation=10, test=20)
    assert parts["test"] == list(range(80, 100))
    assert parts["validation"] == list(range(70, 80))


def test_what_ends_last_is_the_test_part_where_times_are_known() -> None:
    ends = np.random.default_rng(0).permutation(100) // 2  # two end together each time
    rows = Rows("file", range(100), ends=ends.tolist())
    parts = split(rows, by="time", validation=10, test=20)
    assert sorted(ends[parts["test"]]) == sorted([*range(40, 50)] * 2)
    assert sorted(ends[parts["validation"]]) == sorted([*range(35, 40)] * 2)
    assert all(part == sorted(part) for part in parts.values())
    assert split(rows, by="rows") == split(Rows("file", range(100)), by="rows")


def test_the_test_part_may_be_taken_otherwise() -> None:
    parts = split(test_by="time", test=20)
    assert parts["test"] == list(range(80, 100))
    assert parts["validation"] != list(range(70, 80))


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"by": "group"},
        {"test_by": "group"},
        {"folds": 3, "fold": 2},
        {"test_groups": ["person 1", "person 4"]},
        {"validation_groups": ["person 2"]},
        {"stratified": False},
    ],
)
def test_groups_that_are_given_are_never_torn_apart(options) -> None:
    names = groups_by_part(split(GROUPED, **options)).values()
    assert sum(map(len, names)) == len(set.union(*names)) == 15


@pytest.mark.parametrize(
    "options", [{"by": "rows"}, {"by": "time"}, {"test_by": "rows"}, {"test_by": "time", "by": "group"}]
)
def test_a_way_that_would_tear_groups_apart_is_refused(options) -> None:
    with pytest.raises(
        DataError, match=r"(rows|time), but `group` is given, whose groups must stay together"
    ):
        split(GROUPED, **options)


def test_groups_are_chosen_by_name_and_whole_numbers_are_names() -> None:
    parts = groups_by_part(
        split(GROUPED, test_groups=["person 0"], validation_groups=["person 7", "person 9"])
    )
    assert parts["test"] == {"person 0"}
    assert parts["validation"] == {"person 7", "person 9"}
    numbered = Rows("file", contents=range(9), groups=list("112233445"))
    assert split(numbered, test_groups=[3], validation=1)["test"] == [4, 5]


def test_a_group_in_two_files_of_parts_is_refused_with_both_places() -> None:
    rows = Rows(
        "file", contents=range(6), groups=[*"aabb", *"ca"], places=Places.of("x.csv", "row", range(2, 8))
    )
    with pytest.raises(
        DataError, match=r"group 'a' is in the train and in the test part: x.csv, row 2, and x.csv, row 7"
    ):
        split_rows(rows, SplitOptions(), given={"validation": np.array([2, 3]), "test": np.array([4, 5])})


def test_folds_are_disjoint_parts_of_all_and_keep_the_shares_of_classes() -> None:
    tests = [split(folds=5, fold=fold)["test"] for fold in range(1, 6)]
    assert sorted(chain.from_iterable(tests)) == list(range(100))
    for test in tests:
        assert np.mean([STRATA[position] == "rare" for position in test]) == pytest.approx(0.2)


def test_every_group_is_in_one_of_the_folds() -> None:
    folds = [groups_by_part(split(GROUPED, folds=5, fold=fold))["test"] for fold in range(1, 6)]
    assert sum(map(len, folds)) == len(set.union(*folds)) == 15


def test_the_seed_decides_what_is_drawn() -> None:
    for rows, options in ((ROWS, {}), (GROUPED, {}), (ROWS, {"folds": 3}), (GROUPED, {"folds": 3})):
        assert split(rows, seed=1, **options) == split(rows, seed=1, **options)
        assert split(rows, seed=1, **options) != split(rows, seed=2, **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"folds": 3, "fold": 4}, "fold is 4, folds 3; must be 1 to folds"),
        ({"fold": 2}, "fold is 2, folds not given"),
        ({"folds": 3, "test_groups": ["a"]}, "give one of them"),
        ({"folds": 3, "by": "time"}, "folds are drawn, but the test part is taken by time"),
        (
            {"test_groups": ["a"], "validation_groups": ["b", "a"]},
            "group 'a' is in validation_groups and in test_groups",
        ),
        ({"test_groups": []}, "must name at least one"),
        ({"test_groups": [True]}, "valid string"),
    ],
)
def test_options_that_contradict_each_other_are_refused(options, message) -> None:
    with pytest.raises(ValidationError, match=message):
        SplitOptions(**options)


def test_given_parts_stay_as_they_are() -> None:
    parts = split_rows(ROWS, SplitOptions(), given={"test": np.arange(5)})
    assert parts["test"].tolist() == list(range(5))
    assert len(parts["validation"]) == round(0.1 * 95)


@pytest.mark.parametrize(
    ("part", "options"),
    [
        ("test", {"folds": 2}),
        ("test", {"test_groups": ["person 1"]}),
        ("validation", {"validation_groups": ["person 1"]}),
    ],
)
def test_a_part_with_files_of_its_own_is_not_chosen_again(part, options) -> None:
    with pytest.raises(DataError, match=f"chooses the {part} part, but it has examples of its own"):
        split_rows(GROUPED, SplitOptions(**options), given={part: np.arange(7)})


DOUBLE = Rows("file", contents=[*range(99), 0])


def test_a_planted_duplicate_across_parts_is_refused() -> None:
    with pytest.raises(
        DataError, match="file, example 1, and file, example 100, are the same, but in two parts"
    ):
        split(DOUBLE, by="time")


def test_a_planted_duplicate_can_be_dropped_from_what_is_learnt() -> None:
    parts = split(DOUBLE, by="time", duplicates="drop")
    assert 0 not in parts["train"]
    assert 99 in parts["test"]
    assert 0 in split(DOUBLE, by="time", duplicates="keep")["train"]


def test_a_part_is_not_dropped_as_a_whole() -> None:
    with pytest.raises(
        DataError, match="all 5 examples of the validation part are in a part that is used later"
    ):
        split(
            Rows("file", [*range(20), *range(5), *range(5)]),
            by="time",
            validation=5,
            test=5,
            duplicates="drop",
        )


@pytest.mark.parametrize(
    ("rows", "options", "message"),
    [
        (Rows("file", contents=range(9)), {"by": "group"}, "no group column is given; name it in `group`"),
        (
            Rows("file", contents=range(9)),
            {"test_groups": ["a"]},
            "test_groups is given, but no group column",
        ),
        (
            Rows("file", contents=range(9), groups=["a"] * 9),
            {},
            "a part of 2 examples would need all groups that are left, a; lower it",
        ),
        (GROUPED, {"test_groups": ["persn 3"]}, "no example is of that group; did you mean 'person 3'"),
        (GROUPED, {"folds": 16}, r"has 15 groups; split\.folds is 16"),
        (Rows("file", contents=range(9)), {"folds": 10}, r"has 9 examples; split\.folds is 10"),
        (ROWS, {"folds": 30}, r"class 'rare' has 20 examples, but split\.folds is 30"),
        (Rows("file", contents=range(9)), {"test": 9}, r"split\.test is 9, but 9 of the examples are left"),
        (Rows("file", contents=range(9), strata=[*"aaaaaaaa", "b"]), {}, "class 'b' has a single example"),
        (
            Rows("file", contents=range(9), strata=[*"aabbccddd"]),
            {},
            "cannot hold all 4 classes",
        ),
    ],
)
def test_what_cannot_be_split_is_one_clear_error(rows, options, message) -> None:
    with pytest.raises(DataError, match=message):
        split(rows, **options)


@given(
    groups=st.lists(st.integers(0, 6), min_size=1, max_size=40),
    contents=st.lists(st.integers(0, 60), min_size=40, max_size=40),
    has_groups=st.booleans(),
    options=st.fixed_dictionaries(
        {
            "validation": st.sampled_from([0.1, 0.5, 1, 7]),
            "test": st.sampled_from([0.2, 0.9, 1, 7]),
            "stratified": st.booleans(),
            "seed": st.integers(0, 3),
            "duplicates": st.sampled_from(["refuse", "drop", "keep"]),
        },
        optional={
            "by": st.sampled_from(["rows", "time", "group"]),
            "test_by": st.sampled_from(["rows", "time", "group"]),
            "test_groups": st.lists(st.integers(0, 6), min_size=1, max_size=3),
            "validation_groups": st.lists(st.integers(0, 6), min_size=1, max_size=3),
            "folds": st.integers(2, 6),
        },
    ),
)
def test_whatever_is_asked_for_parts_are_disjoint_and_groups_whole_or_it_is_refused(
    groups, contents, has_groups, options
) -> None:
    names = [str(group) for group in groups]
    rows = Rows(
        "file",
        contents=contents[: len(groups)],
        strata=["ab"[group % 2] for group in groups],
        groups=names if has_groups else None,
    )
    try:
        parts = split_rows(rows, SplitOptions(**options))
    except (DataError, ValidationError):
        return
    used = [position for positions in parts.values() for position in positions.tolist()]
    assert len(set(used)) == len(used)
    assert all(len(positions) for positions in parts.values())
    if options["duplicates"] == "keep":
        assert len(used) == len(rows)
    else:
        held = [{rows.contents[position] for position in positions.tolist()} for positions in parts.values()]
        assert sum(map(len, held)) == len(set.union(*held))
    if has_groups:
        held = [{names[position] for position in positions.tolist()} for positions in parts.values()]
        assert sum(map(len, held)) == len(set.union(*held))
