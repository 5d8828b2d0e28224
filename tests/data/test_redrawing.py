"""Further training and validation parts are drawn as the split drew the first."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evo_nas.data.redrawing import Redrawing
from evo_nas.data.splitting import Rows, SplitOptions, split_rows


def always(_draw) -> bool:
    return True


def redrawing(rows: Rows, **options) -> Redrawing:
    chosen = SplitOptions(**options)
    return Redrawing.of(rows, split_rows(rows, chosen), chosen)


def test_rows_are_drawn_without_those_of_earlier_cuts_while_others_are_left() -> None:
    rule = redrawing(Rows("file", range(100)), validation=16, test=20)
    asked = [set(range(64, 80)), *(set(draw.validation.tolist()) for draw in rule.draws(4, always))]
    assert [len(some) for some in asked] == [16] * 5
    assert set.union(*asked) == set(range(80))


def test_more_cuts_than_disjoint_ones_are_different_all_the_same() -> None:
    draws = redrawing(Rows("file", range(20)), validation=5, test=5).draws(30, always)
    assert len({draw.validation.tobytes() for draw in draws}) == 30


def test_drawn_rows_keep_the_shares_of_classes_and_one_of_each_for_training() -> None:
    strata = ["rare"] * 5 + ["common"] * 45
    rule = redrawing(Rows("file", range(50), strata=strata), validation=10, test=10)
    assert rule.strata is not None
    for draw in rule.draws(5, always):
        kinds = np.bincount(rule.strata[draw.validation], minlength=2)
        assert sorted(kinds.tolist()) == [1, 9]
        assert set(rule.strata[draw.train].tolist()) == {0, 1}


def test_the_first_draws_do_not_depend_on_how_many_there_are() -> None:
    rule = redrawing(Rows("file", range(60)), validation=6, test=6)
    for few, many in zip(rule.draws(2, always), rule.draws(7, always), strict=False):
        assert np.array_equal(few.validation, many.validation)


def test_draws_that_cannot_be_used_are_drawn_again() -> None:
    rule = redrawing(Rows("file", range(60)), validation=6, test=6)
    draws = rule.draws(5, lambda draw: 7 in draw.train)
    assert len(draws) == 5
    assert all(7 in draw.train for draw in draws)
    assert rule.draws(5, lambda _: False) == []


@given(
    st.lists(st.integers(0, 6), min_size=12, max_size=60).filter(lambda names: len(set(names)) > 3),
    st.integers(0, 5),
)
def test_no_group_is_in_both_parts(names, seed) -> None:
    groups = [f"person {name}" for name in names]
    rule = redrawing(Rows("file", range(len(groups)), groups=groups), validation=1, test=1, seed=seed)
    assert rule.groups is not None
    for draw in rule.draws(4, always):
        assert not set(rule.groups[draw.train].tolist()) & set(rule.groups[draw.validation].tolist())


def test_whole_groups_take_turns_and_then_there_are_no_more() -> None:
    groups = [f"person {row // 10}" for row in range(50)]
    rule = redrawing(Rows("file", range(50), groups=groups), validation=10, test=10)
    asked = [rule.groups_of(draw.validation) for draw in rule.draws(9, always)]
    # One of the five is tested and one validated on, so that three are left.
    assert len(asked) == 3
    assert len({name for names in asked for name in names}) == 3
    assert "have 4 groups, which stay whole" in rule.limit


@given(st.lists(st.integers(0, 12), min_size=20, max_size=60), st.integers(1, 5))
def test_what_is_learnt_ended_before_all_that_is_asked_and_all_that_is_asked_before_the_first_cut(
    ends, size
) -> None:
    times = np.array(ends, dtype=np.float64)
    rule = redrawing(
        Rows("file", range(len(ends)), ends=times.tolist()), by="time", validation=size, test=size
    )
    assert rule.times is not None
    latest = rule.times[-size:].min()
    for draw in rule.draws(6, always):
        assert rule.times[draw.train].max() < rule.times[draw.validation].min()
        assert rule.times[draw.validation].max() <= latest
        latest = rule.times[draw.validation].min()


def test_blocks_of_time_end_where_training_would_be_less_than_half_of_them() -> None:
    rule = redrawing(Rows("file", range(50)), by="time", validation=10, test=10)
    draws = rule.draws(9, always)
    assert [(len(draw.train), draw.validation.min()) for draw in draws] == [(20, 20), (10, 10)]


def test_an_example_that_is_there_twice_is_never_learnt_and_asked() -> None:
    contents = [row // 2 for row in range(40)]
    rule = redrawing(Rows("file", contents), validation=8, test=8, duplicates="drop")
    assert rule.contents is not None
    draws = rule.draws(4, always)
    assert len(draws) == 4
    for draw in draws:
        assert not set(rule.contents[draw.train].tolist()) & set(rule.contents[draw.validation].tolist())


def test_files_of_their_own_have_no_order_without_times() -> None:
    rows, options = Rows("file", range(40)), SplitOptions(by="time", test=10)
    parts = {"train": np.arange(20), "validation": np.arange(20, 30), "test": np.arange(30, 40)}
    rule = Redrawing.of(rows, parts, options, given={"validation"})
    assert rule.draws(1, always) == []
    assert rule.limit.startswith("the validation part has files of its own")
    assert len(Redrawing.of(rows, parts, SplitOptions(), given={"validation"}).draws(1, always)) == 1


@pytest.mark.parametrize("by", ["rows", "time"])
def test_no_example_of_the_test_part_is_a_position(by) -> None:
    rule = redrawing(Rows("file", range(30)), by=by, validation=5, test=6)
    assert rule.size == 24
    for draw in rule.draws(2, always):
        assert max(draw.train.max(), draw.validation.max()) < 24
