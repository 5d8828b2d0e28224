"""The steps between rows are found, gaps in them counted, and a frequency that does not fit is refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from evo_nas.data.steps import is_frequency, steps_of
from evo_nas.errors import DataError


def stamps(first: str, periods: int, freq, *, without=()) -> np.ndarray:
    index = pd.date_range(first, periods=periods, freq=freq).delete(list(without))
    return np.array(index, dtype="datetime64[ns]")


REGULAR = [
    ("2020-01-01", "D", "1 day"),
    ("2020-01-01", "h", "1 hour"),
    ("2020-01-01", "15min", "15 minutes"),
    ("2020-01-05", "7D", "7 days"),
    ("2020-01-01", "MS", "1 month"),
    ("2020-01-31", "ME", "1 month"),
    ("2020-01-15", pd.DateOffset(months=1), "1 month"),
    ("2020-01-01", "QS", "3 months"),
    ("2000-01-01", "YS", "12 months"),
    ("2020-01-01", "B", "1 business day"),
]


@pytest.mark.parametrize(("first", "freq", "text"), REGULAR)
def test_regular_steps_are_found(first, freq, text) -> None:
    steps = steps_of(stamps(first, 30, freq))
    assert steps.text == text
    assert steps.inserted == 0


@pytest.mark.parametrize(("first", "freq", "text"), REGULAR)
@pytest.mark.parametrize("without", [[10], [3, 4, 5, 20]])
def test_gaps_are_steps_without_a_row(first, freq, text, without) -> None:
    some = stamps(first, 30, freq, without=without)
    steps = steps_of(some)
    assert (steps.text, steps.inserted) == (text, len(without))
    assert np.setdiff1d(np.arange(30), steps.positions).tolist() == without
    grid = steps.grid(some)
    assert len(grid) == 30
    assert (np.diff(grid) > 0).all()
    assert (grid[steps.positions] == some).all()


@pytest.mark.parametrize("seconds", [[0, 1, 7, 9, 30], [0, 60, 120, 180, 200, 260]])
def test_rows_without_a_regular_step_have_none(seconds) -> None:
    assert steps_of(np.array(seconds, dtype="datetime64[s]").astype("datetime64[ns]")).positions is None


@pytest.mark.parametrize(
    ("freq", "given"), [("D", "D"), ("7D", "W"), ("h", "H"), ("30min", "15min"), ("ME", "ME"), ("QS", "QS")]
)
def test_a_frequency_that_fits_is_taken(freq, given) -> None:
    some = stamps("2020-01-31", 20, freq, without=[5])
    if freq == "30min":
        some = stamps("2020-01-01", 20, "15min", without=[5])
    assert steps_of(some, given).inserted == 1


@pytest.mark.parametrize(
    ("freq", "given", "message"),
    [
        ("h", "D", "'D' does not fit the time 2020-01-01 01:00:00"),
        ("D", "MS", "'MS' does not fit the time 2020-01-02"),
        ("D", "B", "'B' does not fit the time 2020-01-04"),
        ("MS", "ME", "'ME' does not fit the time 2020-01-01"),
        ("D", "h", "'h' does not fit: no two rows are less than 24 such steps apart"),
    ],
)
def test_a_frequency_that_does_not_fit_is_refused(freq, given, message) -> None:
    with pytest.raises(DataError, match=message):
        steps_of(stamps("2020-01-01", 20, freq), given)


@pytest.mark.parametrize(("given", "months"), [("MS", 1), ("2MS", 2), ("QS", 3), ("YS", 12)])
@pytest.mark.parametrize("first", ["2020-01-15", "2020-02-28 06:00"])
@pytest.mark.parametrize("without", [[], [5, 6]])
def test_months_may_begin_on_any_day_that_all_months_have(given, months, first, without) -> None:
    some = stamps(first, 20, pd.DateOffset(months=months), without=without)
    steps = steps_of(some, given)
    assert (steps.text, steps.inserted) == (steps_of(some).text, len(without))
    np.testing.assert_array_equal(steps.positions, steps_of(some).positions)
    assert (np.diff(steps.grid(some)) > 0).all()


@pytest.mark.parametrize("given", ["2MS", "QS", "ME"])
def test_months_that_do_not_fit_are_refused_without_a_contradiction(given) -> None:
    some = stamps("2020-01-15", 20, pd.DateOffset(months=1))
    with pytest.raises(
        DataError, match=f"'{given}' does not fit the time 2020-01-15 .*, where no such step begins"
    ):
        steps_of(some, given)
    with pytest.raises(DataError, match="'MS' does not fit: no two rows are less than 3 such steps apart"):
        steps_of(some[::3], "MS")


@pytest.mark.parametrize("name", ["0D", "-1D", "0h", "-2MS", "0MS", "0W", "0B"])
def test_steps_that_lead_nowhere_are_no_frequencies(name) -> None:
    assert not is_frequency(name)


def test_names_of_frequencies_are_those_of_pandas() -> None:
    assert all(map(is_frequency, ("h", "15min", "D", "B", "W", "MS", "M", "H")))
    assert not any(map(is_frequency, ("hourly", "1 fortnight", "")))


def test_a_single_row_has_no_step() -> None:
    steps = steps_of(stamps("2020-01-01", 1, "D"))
    assert (steps.name, steps.inserted) == ("", 0)
