"""Dates and time stamps are read as people write them, and never in a way that was guessed between two."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from evo_nas.data.table import Table
from evo_nas.data.time import read_times, time_columns
from evo_nas.errors import DataError


def table(**columns) -> Table:
    return Table("t.csv", {name: pa.chunked_array([pa.array(values)]) for name, values in columns.items()}, 2)


def read(values, **options) -> list[str]:
    stamps = read_times(table(when=values), "when", **options)
    assert stamps.dtype == "datetime64[ns]"
    return [str(stamp.astype("datetime64[s]")) for stamp in stamps]


@pytest.mark.parametrize(
    ("texts", "first"),
    [
        (["2020-03-01", "2020-03-02"], "2020-03-01T00:00:00"),
        (["2020-3-1", "2020-12-31"], "2020-03-01T00:00:00"),
        (["2020-03-01 05:30", "2020-03-01 05:31"], "2020-03-01T05:30:00"),
        (["2020-03-01T05:30:01.25", "2020-03-01T05:30:02"], "2020-03-01T05:30:01"),
        (["2020-03", "2020-04"], "2020-03-01T00:00:00"),
        (["2020/03/01", "2020/03/02"], "2020-03-01T00:00:00"),
        (["31/12/2020", "01/01/2021"], "2020-12-31T00:00:00"),
        (["12/31/2020", "01/01/2021"], "2020-12-31T00:00:00"),
        (["31.12.2020 23:59", "01.01.2021 00:00"], "2020-12-31T23:59:00"),
        (["31-12-20", "01-01-21"], "2020-12-31T00:00:00"),
        (["12/31/2020 11:59 PM", "01/01/2021 12:00 AM"], "2020-12-31T23:59:00"),
        (["1 Mar 2020", "2 Mar 2020"], "2020-03-01T00:00:00"),
        (["March 1, 2020", "March 2, 2020"], "2020-03-01T00:00:00"),
        (["Mar 2020", "Apr 2020"], "2020-03-01T00:00:00"),
        (["2020Q2", "2020Q3"], "2020-04-01T00:00:00"),
        (["2020-Q2", "2020-Q3"], "2020-04-01T00:00:00"),
    ],
)
def test_common_forms_are_read_and_found(texts, first) -> None:
    assert read(texts)[0] == first
    assert time_columns(table(when=texts, x=[1.0, 2.0])) == ["when"]


@pytest.mark.parametrize(
    ("texts", "utc"),
    [
        (
            ["2020-03-01T00:30:00+01:00", "2020-03-01T02:00:00+02:00"],
            ["2020-02-29T23:30", "2020-03-01T00:00"],
        ),
        (["2020-03-01T00:30Z", "2020-03-01T00:30-0500"], ["2020-03-01T00:30", "2020-03-01T05:30"]),
    ],
)
def test_time_zones_are_compared_in_utc(texts, utc) -> None:
    assert read(texts) == [f"{time}:00" for time in utc]


def test_some_times_with_a_zone_and_some_without_are_refused() -> None:
    with pytest.raises(
        DataError, match=r"t.csv, column 'when': some time stamps have a time zone and others have none"
    ):
        read(["2020-03-01T00:30Z", "2020-03-01T00:31"])


@pytest.mark.parametrize(
    "texts", [["01/02/2020", "02/02/2020"], ["1.2.20", "3.2.20"], ["01-02-2020 10:00", "02-02-2020 11:00"]]
)
def test_dates_that_can_be_read_in_two_ways_are_asked_about(texts) -> None:
    with pytest.raises(
        DataError, match=f"'{texts[0]}' can be read with the day or with the month first; set day_first"
    ):
        read(texts)
    assert time_columns(table(when=texts)) == ["when"]
    assert read(texts, day_first=True)[0].startswith("2020-02-01")
    assert read(texts, day_first=False)[0].startswith("2020-01-02")


@pytest.mark.parametrize(
    ("numbers", "first"),
    [
        ([1577836800, 1577840400], "2020-01-01T00:00:00"),
        ([1577836800000, 1577840400000], "2020-01-01T00:00:00"),
        ([20200101, 20200102], "2020-01-01T00:00:00"),
        ([202001, 202002], "2020-01-01T00:00:00"),
        ([1990, 1991], "1990-01-01T00:00:00"),
        ([0, 1], "1970-01-01T00:00:00"),
    ],
)
@pytest.mark.parametrize("as_text", [True, False])
def test_numbers_are_times_only_if_they_are_named(numbers, first, as_text) -> None:
    values = list(map(str, numbers)) if as_text else numbers
    assert read(values)[0] == first
    assert time_columns(table(when=values)) == []


@pytest.mark.parametrize("kind", [pa.date32(), pa.timestamp("us"), pa.timestamp("ms", tz="Europe/Berlin")])
def test_columns_that_the_file_says_are_times_are_taken_at_their_word(kind) -> None:
    days = pa.chunked_array([pa.array([18262, 18263], pa.int32()).cast(pa.date32()).cast(kind)])
    times = Table("t.parquet", {"when": days})
    assert time_columns(times) == ["when"]
    assert np.diff(read_times(times, "when")) == [np.timedelta64(1, "D")]


@pytest.mark.parametrize(
    ("numbers", "step"),
    [
        (1_600_000_000_000 + 10 * np.arange(400), 10_000_000),
        (1_600_000_000_000.0 + np.arange(400) / 8, 125_000),
        (1_600_000_000 + np.arange(400) / 10, 100_000_000),
        (-1_600_000_000 + np.arange(400) / 10, 100_000_000),
        (np.arange(400) / 1e7, 100),
    ],
)
def test_numbers_keep_their_even_steps(numbers, step) -> None:
    stamps = read_times(table(when=numbers), "when")
    assert set(np.diff(stamps).astype(np.int64).tolist()) == {step}


@pytest.mark.parametrize("kind", [pa.time64("us"), pa.time32("s"), pa.duration("ns"), pa.timestamp("s")])
def test_times_that_are_no_dates_or_too_late_are_refused_with_file_and_column(kind) -> None:
    far = pa.array([10**11, 10**11 + 1] if kind == pa.timestamp("s") else [1, 2], pa.int64())
    values = pa.chunked_array([far.cast(pa.int32()).cast(kind) if kind == pa.time32("s") else far.cast(kind)])
    with pytest.raises(
        DataError, match=r"t.parquet, column 'when' has .* values; must be dates or time stamps"
    ):
        read_times(Table("t.parquet", {"when": values}), "when")


@pytest.mark.parametrize(
    "values",
    [["a", "b"], ["2020-01-01", "soon"], ["2020-01-01", None], ["1.5", "2.5"], ["12", "13"], [True, False]],
)
def test_other_columns_are_no_times(values) -> None:
    assert time_columns(table(when=values)) == []


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (["2020-01-01", None], "row 3, column 'when': the time is missing"),
        (["2020-01-01", "soon"], "row 3, column 'when' is 'soon'; must be a date"),
        (["31/12/2020", "12/31/2020"], "row 3, column 'when' is '12/31/2020'; must be a date"),
        (["1500-01-01", "1501-01-01"], "row 2, column 'when' is '1500-01-01'.* years 1678 and 2262"),
        ([1e30, 2e30], r"row 2, column 'when' is 1e\+30; a number that is a time must be a year"),
        (["1577836800", "-1e18"], r"row 3, column 'when' is -1e\+18; a number that is a time must be a year"),
        ([5e10, 6e10], r"row 2, column 'when' is 5e\+10; a number that is a time must be a year"),
        (["soon", "later"], "row 2, column 'when' is 'soon'; must be a date"),
    ],
)
def test_what_is_no_time_is_named_with_its_row(values, message) -> None:
    with pytest.raises(DataError, match=message):
        read(values)
