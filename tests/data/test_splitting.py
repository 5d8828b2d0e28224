"""Every example is in one part and in no other."""

from __future__ import annotations

from itertools import chain

import numpy as np
import pytest

from evo_nas.data.splitting import Rows, SplitOptions, split_rows
from evo_nas.errors import DataError

STRATA = ["rare" if row % 5 == 0 else "frequent" for row in range(100)]
GROUPS = [f"person {row // 7}" for row in range(100)]
ROWS = Rows("file", contents=range(100), strata=STRATA, groups=GROUPS)


def split(rows: Rows = ROWS, **options) -> dict[str, list[int]]:
    return {part: where.tolist() for part, where in split_rows(rows, SplitOptions(**options)).items()}


@pytest.mark.parametrize("by", ["rows", "time", "group"])
def test_every_row_is_in_exactly_one_part(by) -> None:
    parts = split(by=by)
    assert sorted(chain.from_iterable(parts.values())) == list(range(100))


def test_drawn_rows_keep_the_shares_of_classes() -> None:
    for positions in split(validation=0.1, test=0.2).values():
        assert np.mean([STRATA[position] == "rare" for position in positions]) == pytest.approx(0.2)


def test_the_last_rows_in_time_are_the_test_part_and_those_before_validation() -> None:
    parts = split(by="time", validation=10, test=20)
    assert parts["test"] == list(range(80, 100))
    assert parts["validation"] == list(range(70, 80))


def test_the_test_part_may_be_taken_otherwise() -> None:
    parts = split(test_by="time", test=20)
    assert parts["test"] == list(range(80, 100))
    assert parts["validation"] != list(range(70, 80))


def test_a_group_is_never_torn_apart() -> None:
    parts = split(by="group")
    names = [{GROUPS[position] for position in positions} for positions in parts.values()]
    assert sum(map(len, names)) == len(set.union(*names))


def test_the_seed_decides_what_is_drawn() -> None:
    assert split(seed=1) == split(seed=1)
    assert split(seed=1) != split(seed=2)
    assert split(seed=1, by="group") != split(seed=2, by="group")


def test_given_parts_stay_as_they_are() -> None:
    parts = split_rows(ROWS, SplitOptions(), given={"test": np.arange(5)})
    assert parts["test"].tolist() == list(range(5))
    assert len(parts["validation"]) == round(0.1 * 95)


DOUBLE = Rows("file", contents=[*range(99), 0])


def test_a_planted_duplicate_across_parts_is_refused() -> None:
    with pytest.raises(DataError, match="examples 100 and 1 are the same, but in two parts"):
        split(DOUBLE, by="time")


def test_a_planted_duplicate_can_be_dropped_from_what_is_learnt() -> None:
    parts = split(DOUBLE, by="time", duplicates="drop")
    assert 0 not in parts["train"]
    assert 99 in parts["test"]
    assert 0 in split(DOUBLE, by="time", duplicates="keep")["train"]


@pytest.mark.parametrize(
    ("rows", "options", "message"),
    [
        (Rows("file", contents=range(9)), {"by": "group"}, "no group column is given; name it in `group`"),
        (Rows("file", contents=range(9), groups=["a"] * 9), {"by": "group"}, "has 1 groups"),
        (Rows("file", contents=range(9)), {"test": 9}, r"split\.test is 9, but only 9 examples are left"),
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
