"""The calendar is read as sine and cosine, so that the end of a cycle is a neighbour of its start."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from evo_nas.data.calendar import calendar_columns, calendar_names

SHARES = {
    "minute": lambda times: (times.minute + times.second / 60) / 60,
    "hour": lambda times: (times.hour + times.minute / 60 + times.second / 3600) / 24,
    "weekday": lambda times: times.dayofweek / 7,
    "day": lambda times: (times.day - 1) / times.days_in_month,
    "week": lambda times: (times.dayofyear - 1) / 366,
    "month": lambda times: (times.month - 1) / 12,
}


@pytest.mark.parametrize("cycle", SHARES)
@pytest.mark.parametrize("freq", ["s", "7min", "D", "ME", "YS"])
@pytest.mark.parametrize("first", ["1935-06-05 04:03:02", "2019-12-28 23:50:00"])
def test_a_cycle_agrees_with_pandas_before_and_after_1970(cycle, freq, first) -> None:
    times = pd.date_range(first, periods=90, freq=freq)
    angles = 2 * np.pi * SHARES[cycle](times).to_numpy()
    read = calendar_columns(np.array(times, dtype="datetime64[ns]"), (cycle,))
    assert read == pytest.approx(np.stack([np.sin(angles), np.cos(angles)], axis=1), abs=1e-9)


def test_cycles_stand_side_by_side_in_the_order_of_their_names() -> None:
    stamps = np.array(["2020-01-01T06:00"], dtype="datetime64[ns]")
    assert calendar_columns(stamps, ("hour", "month"))[0] == pytest.approx([1, 0, 0, 1])
    assert calendar_names(("hour", "month")) == (
        "sine of hour",
        "cosine of hour",
        "sine of month",
        "cosine of month",
    )
    assert calendar_columns(stamps, ()).shape == (1, 0)


def test_new_year_is_near_new_years_eve() -> None:
    stamps = np.array(["2019-12-31T23:00", "2020-01-01T00:00"], dtype="datetime64[ns]")
    eve, year = calendar_columns(stamps, ("hour", "week"))
    assert np.abs(eve - year).max() < 0.3
