"""Series are cut into parts in the order of time, and no forecast crosses into another part."""

from __future__ import annotations

import numpy as np
import pytest

from evo_nas.data.series import Series, SeriesParts
from evo_nas.errors import DataError


def series(rows: int, source: str = "a.csv") -> Series:
    values = np.arange(rows, dtype=np.float64)[:, None]
    return of_targets(values**2, source)


def of_targets(targets, source: str = "a.csv") -> Series:
    rows = np.arange(len(targets))
    return Series(source, rows[:, None] * 1.0, targets, rows + 2)


def parts(split=(0.6, 0.2, 0.2), *, window: int = 5, horizon: int = 2) -> SeriesParts:
    return SeriesParts(split, window=window, horizon=horizon)


def test_shares_cover_every_row_once() -> None:
    cut = parts()
    cut.add(series(101))
    assert [cut.rows[part] for part in ("train", "validation", "test")] == [
        [range(61)],
        [range(61, 81)],
        [range(81, 101)],
    ]


def test_rows_after_numbers_of_rows_are_not_used() -> None:
    cut = parts((50, 20, 20))
    cut.add(series(100))
    assert cut.rows["test"] == [range(70, 90)]


def test_forecasts_stay_within_their_part_and_look_back_before_it() -> None:
    cut = parts((60, 20, 20))
    cut.add(series(100))
    assert cut.origins == {"train": [range(5, 59)], "validation": [range(60, 79)], "test": [range(80, 99)]}


def test_a_second_series_starts_where_the_first_ends() -> None:
    cut = parts((60, 20, 20))
    cut.add(series(100))
    cut.add(series(100, "b.csv"))
    assert cut.rows["train"] == [range(60), range(100, 160)]
    assert cut.origins["train"][1] == range(105, 159)
    assert len(cut.series.inputs) == 200
    assert cut.series.source == "a.csv, b.csv"
    assert cut.place(101) == "b.csv, row 3"


def test_a_part_with_series_of_its_own_leaves_its_share_to_training() -> None:
    cut = parts((0.5, 0.2, 0.3))
    cut.add(series(40, "validation.csv"), part="validation")
    cut.add(series(100), without={"validation"})
    assert cut.rows == {"train": [range(40, 110)], "validation": [range(40)], "test": [range(110, 140)]}


def test_naive_errors_are_the_mean_steps_of_training() -> None:
    cut = parts((60, 20, 20))
    cut.add(of_targets(np.arange(100.0)[:, None] * [2, 3]))
    assert cut.naive_errors(season=4) == (8.0, 12.0)


@pytest.mark.parametrize(
    ("split", "window", "message"),
    [
        ((100, 20, 20), 5, r"has 100 rows; split \[100, 20, 20\] needs 140: lower it"),
        ((60, 20, 20), 60, "train part has 60 rows; window 60 and horizon 2 need at least 62"),
    ],
)
def test_a_series_that_is_too_short_is_refused(split, window, message) -> None:
    with pytest.raises(DataError, match=message):
        parts(split, window=window).add(series(100))


def test_a_constant_target_has_no_naive_error() -> None:
    cut = parts()
    cut.add(of_targets(np.ones((100, 1))))
    with pytest.raises(DataError, match="a target is constant from season to season"):
        cut.naive_errors(season=1)


def test_naive_errors_never_cross_a_series() -> None:
    cut = parts((50, 5, 5))
    for level, source in ((0.0, "low"), (1000.0, "high")):
        values = np.arange(60.0)[:, None] + level
        cut.add(of_targets(values, source))
    assert cut.naive_errors(season=3) == (3.0,)


@pytest.mark.parametrize(
    ("factor", "is_alike"), [(1.0, True), (2.0, True), (3.0, False), (0.1, False), (0.0, False)]
)
@pytest.mark.parametrize("target", [0, 1])
def test_series_whose_naive_errors_differ_have_none_together(factor, is_alike, target) -> None:
    cut, factors = parts((50, 5, 5)), np.ones(2)
    factors[target] = factor
    for number, some in enumerate((np.ones(2), factors)):
        cut.add(of_targets(np.arange(60.0)[:, None] * some, str(number)))
    if is_alike:
        assert cut.naive_errors(season=1) == tuple((1 + factors) / 2)
        return
    with pytest.raises(DataError, match="so that the smaller would hardly count; choose the task panel"):
        cut.naive_errors(season=1)


def test_a_target_that_one_series_lacks_has_the_naive_error_of_the_others() -> None:
    cut, values = parts((50, 5, 5)), np.arange(60.0)[:, None] * np.ones(2)
    cut.add(of_targets(values, "whole"))
    cut.add(of_targets(values * [1.0, np.nan], "half"))
    assert cut.naive_errors(season=1) == (1.0, 1.0)


def test_naive_errors_leave_out_a_series_without_a_season() -> None:
    cut = parts((0.6, 0.2, 0.2), window=2, horizon=1)
    for rows in (20, 100, 10):
        cut.add(series(rows))
    assert cut.naive_errors(season=48) == (np.mean([(t + 48) ** 2 - t**2 for t in range(12)]),)


@pytest.mark.parametrize("lengths", [(40,), (20, 40), (40, 20)])
def test_a_season_longer_than_every_training_part_has_no_naive_error(lengths) -> None:
    cut = parts(window=2, horizon=1)
    for rows in lengths:
        cut.add(series(rows))
    with pytest.raises(
        DataError, match="season is 365, but the training part of no series has more than 24 rows"
    ):
        cut.naive_errors(season=365)


def test_naive_errors_leave_holes_out() -> None:
    cut = parts((60, 20, 20))
    targets = np.arange(100.0)[:, None] * [2, 3]
    targets[10:30, 1] = np.nan
    cut.add(of_targets(targets))
    assert cut.naive_errors(season=4) == (8.0, 12.0)


def test_a_target_that_is_never_known_one_season_apart_has_no_naive_error() -> None:
    cut = parts()
    targets = np.arange(100.0)[:, None]
    targets[::2] = np.nan
    cut.add(of_targets(targets))
    assert cut.naive_errors(season=2) == (2.0,)
    with pytest.raises(DataError, match="never known one season apart"):
        cut.naive_errors(season=1)
