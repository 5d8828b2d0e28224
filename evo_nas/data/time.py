"""Columns of dates and time stamps, as files spell them; pandas parses, and is imported only where there is one."""

from __future__ import annotations

import re
from datetime import datetime
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from evo_nas.data.numerals import is_text
from evo_nas.errors import DataError

if TYPE_CHECKING:
    from typing import Any

    import numpy.typing as npt

    from evo_nas.data.table import Table

    Stamps = npt.NDArray[np.datetime64]

_ISO = re.compile(r"\d{4}-\d{1,2}(-\d{1,2}([T ]\d{1,2}(:\d{2}.*|\d{2}.*)?)?)?")
_ZONE = r"[T ]\d{1,2}(?::?\d{2})?(?::?\d{2})?(?:[.]\d+)?\s*(?:Z|[+-]\d{2}(?::?\d{2})?)$"
_QUARTER = re.compile(r"\d{4}-?[qQ][1-4]")
_DAY_FIRST = tuple(f"%d{mark}%m{mark}{year}" for mark in "/-." for year in ("%Y", "%y"))
_MONTH_FIRST = tuple(f"%m{mark}%d{mark}{year}" for mark in "/-." for year in ("%Y", "%y"))
_UNAMBIGUOUS = (
    *("%Y/%m/%d", "%Y.%m.%d", "%Y/%m", "%m/%Y"),
    *("%d %b %Y", "%d %B %Y", "%d-%b-%Y", "%d-%b-%y", "%b %d, %Y", "%B %d, %Y"),
    *("%b %Y", "%B %Y", "%b-%Y", "%Y-%b"),
)
_CLOCKS = ("", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", "T%H:%M:%S", " %I:%M %p", " %I:%M:%S %p")
_DIGITS = {4: "%Y", 6: "%Y%m", 8: "%Y%m%d"}
"""What whole numbers of so many digits spell; others count seconds since 1970."""
MILLISECONDS = 1e11
"""Numbers from this one on count milliseconds: as seconds they would lie after the year 5000."""

LATEST = 9e9
"""Seconds beyond this one, in the year 2255, do not fit into nanoseconds of 64 bits."""


def time_columns(table: Table) -> list[str]:
    """Returns the names of the columns in which every value is a date or a time stamp, in the file's order.

    Numbers are never guessed to be times.
    """
    return [name for name in table.columns if _is_time(table, name)]


def read_times(table: Table, name: str, *, day_first: bool | None = None) -> Stamps:
    """Returns column ``name`` as ``datetime64[ns]`` ``(rows,)``, in UTC where time stamps have a zone.

    Args:
        table: The table.
        name: The column: dates and time stamps of ISO 8601 and of other common forms, or numbers, which are years,
            dates without marks such as 20201231, or seconds since 1970.
        day_first: Whether 01/02/2020 is in February; None refuses dates that can be read in both ways.

    Raises:
        DataError: There is no such column, or a value is missing or no time.
    """
    values = table.column(name)
    missing = np.flatnonzero(pc.is_null(values, nan_is_null=True).to_numpy(zero_copy_only=False))
    if missing.size:
        raise DataError(
            f"{table.place(name, int(missing[0]))}: the time is missing; every row must have one: fill it in or drop "
            "the row"
        )
    if pa.types.is_temporal(values.type):
        return _of_temporal(table, name, values)
    if not is_text(values) or table.kind_of(name).name == "numeric":
        numbers = table.numbers(name)
        beyond = np.flatnonzero(np.abs(numbers) > LATEST * _per_second(numbers))
        if beyond.size:
            row = int(beyond[0])
            raise DataError(
                f"{table.place(name, row)} is {numbers[row]:g}; a number that is a time must be a year, a date such as "
                "20201231, or seconds or milliseconds since 1970"
            )
        return _of_numbers(numbers)
    texts = values.to_pylist()
    try:
        stamps = _parsed(texts, day_first)
    except DataError as error:
        raise DataError(f"{table.source}, column {name!r}: {error}") from error
    wrong = np.flatnonzero(np.isnat(stamps))
    if wrong.size:
        row = int(wrong[0])
        raise DataError(
            f"{table.place(name, row)} is {texts[row]!r}; must be a date or a time stamp, in one form for all rows, "
            "such as 2020-12-31 or 2020-12-31T23:59:00Z, between the years 1678 and 2262"
        )
    return stamps


def _is_time(table: Table, name: str) -> bool:
    values = table.column(name)
    if pa.types.is_timestamp(values.type) or pa.types.is_date(values.type):
        return True
    # The first value decides cheaply about most columns of words.
    if not is_text(values) or values.null_count or not _formats(values[0].as_py(), None):
        return False
    if table.kind_of(name).name == "numeric":
        return False
    try:
        return not np.isnat(_parsed(values.to_pylist(), None)).any()
    except DataError:
        return True  # times, of which it is not clear what they mean


def _of_temporal(table: Table, name: str, values: pa.Array) -> Stamps:
    try:
        stamps = pc.cast(values, pa.timestamp("ns", getattr(values.type, "tz", None)))
    except pa.ArrowException as error:
        raise DataError(
            f"{table.source}, column {name!r} has {values.type} values; must be dates or time stamps between the years "
            "1678 and 2262"
        ) from error
    return np.asarray(stamps.cast(pa.int64())).astype("datetime64[ns]")


def _of_numbers(numbers: npt.NDArray[np.float64]) -> Stamps:
    whole = np.rint(numbers).astype(np.int64)
    digits = {len(str(number)) for number in (whole.min(), whole.max())}
    spelled = _DIGITS.get(digits.pop()) if len(digits) == 1 and (whole == numbers).all() else None
    if spelled and whole.min() > 0:
        dates = _read_as(list(map(str, whole.tolist())), spelled)
        if not np.isnat(dates).any():
            return dates
    per_unit = 1_000_000_000 // _per_second(numbers)
    # As float64, nanoseconds since 1970 are off by a hundred; a fraction of a large number is good to microseconds.
    grain = 1000 if np.spacing(np.abs(numbers).max()) * per_unit > 1 else 1
    below = np.floor(numbers)
    rest = np.rint((numbers - below) * (per_unit / grain)).astype(np.int64) * grain
    return (below.astype(np.int64) * per_unit + rest).astype("datetime64[ns]")


def _per_second(numbers: npt.NDArray[np.float64]) -> int:
    """Returns how many of the units that ``numbers`` count a second has."""
    return 1000 if np.abs(numbers).max() >= MILLISECONDS else 1


def _parsed(texts: list[str], day_first: bool | None) -> Stamps:  # noqa: FBT001 - private, and never a literal
    """Returns the times that ``texts`` spell, NaT where one spells none."""
    readings = [_read_as(texts, spelled) for spelled in _formats(texts[0], day_first)]
    whole = [stamps for stamps in readings if not np.isnat(stamps).any()]
    if any((stamps != whole[0]).any() for stamps in whole[1:]):
        raise DataError(
            f"dates such as {texts[0]!r} can be read with the day or with the month first; set day_first to true or "
            "false"
        )
    if whole or not readings:
        return whole[0] if whole else np.full(len(texts), "NaT", dtype="datetime64[ns]")
    return max(readings, key=lambda stamps: np.count_nonzero(~np.isnat(stamps)))


def _formats(text: str, day_first: bool | None) -> list[str]:  # noqa: FBT001
    """Returns the formats that fit one text; with None for ``day_first``, those of both orders of day and month."""
    if _ISO.fullmatch(text):
        return ["ISO8601"]
    if _QUARTER.fullmatch(text):
        return ["quarter"]
    dates = [*_UNAMBIGUOUS]
    dates += _DAY_FIRST if day_first is not False else ()
    dates += _MONTH_FIRST if not day_first else ()
    return [date + clock for date, clock in product(dates, _CLOCKS) if _fits(text, date + clock)]


def _fits(text: str, spelled: str) -> bool:
    try:
        datetime.strptime(text, spelled)
    except ValueError:
        return False
    return True


def _read_as(texts: list[str], spelled: str) -> Stamps:
    import pandas as pd  # noqa: PLC0415 - see the top of the file

    column = pd.Series(texts, dtype=str)
    if spelled == "quarter":
        dates: Any = pd.PeriodIndex(column.where(column.map(_is_quarter)), freq="Q").to_timestamp()
        return np.asarray(dates, dtype="datetime64[ns]")
    if spelled == "ISO8601":
        zoned = pc.sum(pc.match_substring_regex(pa.array(texts), _ZONE)).as_py()
        if zoned and zoned < len(texts):
            raise DataError("some time stamps have a time zone and others have none; give all of them one")
    dates = pd.to_datetime(column, format=spelled, errors="coerce", utc=True).dt.tz_localize(None)
    return np.asarray(dates, dtype="datetime64[ns]")


def _is_quarter(text: str) -> bool:
    return _QUARTER.fullmatch(text) is not None
