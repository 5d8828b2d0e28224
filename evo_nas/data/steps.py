"""The steps between the rows of a series: regular, with gaps, or irregular."""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from evo_nas.errors import DataError

if TYPE_CHECKING:
    import numpy.typing as npt

    Stamps = npt.NDArray[np.datetime64]
    Positions = npt.NDArray[np.int64]

DOMINANT = 0.5
"""Least share of the steps that are of one length, for that length to be the step and longer ones to be gaps."""
_WORDS = {
    "s": "second",
    "min": "minute",
    "h": "hour",
    "D": "day",
    "B": "business day",
    "W": "week",
    "MS": "month",
    "ME": "month",
    "QS": "quarter",
    "YS": "year",
}
_MONTHS = {"MS": 1, "QS": 3, "YS": 12}
_FROM_MONTHS = re.compile(rf"(?P<count>\d*)(?P<unit>{'|'.join(_MONTHS)})")


@dataclass(frozen=True, slots=True)
class Steps:
    """What lies between the rows of one series.

    Attributes:
        name: The step as pandas spells it, such as ``h``, ``7D`` or ``MS``; "" if there is none.
        positions: Step number of each row, ascending from 0, int64 ``(rows,)``; None if rows are irregular.
    """

    name: str
    positions: Positions | None

    @property
    def text(self) -> str:
        """The step for people, such as ``15 minutes``."""
        count, unit = re.sub(r"\D", "", self.name), re.sub(r"\d", "", self.name)
        word = _WORDS.get(unit)
        return self.name if word is None else f"{count} {word}s" if count else f"1 {word}"

    @property
    def inserted(self) -> int:
        """Number of steps without a row."""
        return 0 if self.positions is None else int(self.positions[-1]) + 1 - len(self.positions)

    def grid(self, stamps: Stamps) -> Stamps:
        """Returns the time of every step from the first row to the last one, gaps included."""
        import pandas as pd  # noqa: PLC0415 - only where rows have times

        assert self.positions is not None
        offset = _offset(self.name)
        start, count = offset.rollback(pd.Timestamp(stamps[0])), int(self.positions[-1]) + 1
        grid = np.array(pd.date_range(start, periods=count, freq=offset), dtype="datetime64[ns]")
        grid[self.positions] = stamps
        return grid


def after(last: np.datetime64, name: str, count: int) -> Stamps:
    """Returns the times of the ``count`` steps after ``last``, ``datetime64[ns]`` ``(count,)``.

    Args:
        last: The last time.
        name: The step as pandas spells it.
        count: How many steps.
    """
    import pandas as pd  # noqa: PLC0415

    offset, stamp = _offset(name), pd.Timestamp(last)
    # Plain months may begin on any day: what lies between the step and the time is kept.
    start = offset.rollback(stamp)
    grid = pd.date_range(start, periods=count + 1, freq=offset)[1:] + (stamp - start)
    return np.array(grid, dtype="datetime64[ns]")


def until(last: np.datetime64, name: str, count: int) -> Stamps:
    """Returns the times of ``count`` steps, the last of them ``last``, ``datetime64[ns]`` ``(count,)``; see `after`."""
    import pandas as pd  # noqa: PLC0415

    offset, stamp = _offset(name), pd.Timestamp(last)
    start = offset.rollback(stamp)
    grid = pd.date_range(end=start, periods=count, freq=offset) + (stamp - start)
    return np.array(grid, dtype="datetime64[ns]")


def is_frequency(name: str) -> bool:
    """Whether pandas knows a step of this name, and it leads forward."""
    try:
        return bool(_offset(name).n > 0)
    except ValueError:
        return False


def steps_of(stamps: Stamps, frequency: str | None = None) -> Steps:
    """Returns the steps of ascending ``stamps``, each of which is there once.

    Args:
        stamps: ``datetime64[ns]`` ``(rows,)``.
        frequency: The step as pandas spells it; found from the stamps if not given.

    Raises:
        DataError: A stamp does not lie on a step of ``frequency``.
    """
    if frequency is not None:
        return _named(stamps, frequency)
    return _regular(stamps) or _of_months(stamps) or _of_business_days(stamps) or _with_gaps(stamps)


def spelled(nanoseconds: int) -> str:
    """Returns a length of time for people, such as ``2 days 12:00:00``."""
    import pandas as pd  # noqa: PLC0415

    return str(pd.Timedelta(nanoseconds, "ns")).removesuffix(" 00:00:00").removeprefix("0 days ")


def _regular(stamps: Stamps) -> Steps | None:
    lengths = np.diff(_nanoseconds(stamps))
    if len(lengths) and (lengths != lengths[0]).any():
        return None
    name = _name(int(lengths[0])) if len(lengths) else ""
    return Steps(name, np.arange(len(stamps)))


def _of_months(stamps: Stamps) -> Steps | None:
    days = stamps.astype("datetime64[D]")
    clock = stamps - days
    is_last = ((days + 1).astype("datetime64[M]") != days.astype("datetime64[M]")).all()
    if (clock != clock[0]).any() or not (is_last or _is_one_day_of_month(stamps)):
        return None
    months = _months_since_first(stamps)
    step = _dominant(np.diff(months))
    return None if step is None else Steps(_months_name(step, "ME" if is_last else "MS"), months // step)


def _is_one_day_of_month(stamps: Stamps) -> bool:
    """Whether all stamps lie at one time of one day of their months."""
    into_month = stamps - stamps.astype("datetime64[M]")
    # Days after the 28th are not in every month, so that steps from them have no clear meaning.
    return bool((into_month == into_month[0]).all() and into_month[0] < np.timedelta64(28, "D"))


def _months_since_first(stamps: Stamps) -> Positions:
    months = stamps.astype("datetime64[M]").astype(np.int64)
    return np.asarray(months - months[0])


def _months_name(count: int, unit: str) -> str:
    # The times of the rows that are there are kept, so any day of the month will do for the others.
    return f"{'' if count == 1 else count}{unit}"


def _of_business_days(stamps: Stamps) -> Steps | None:
    days = stamps.astype("datetime64[D]")
    clock, lengths = stamps - days, np.diff(days).astype(np.int64)
    # Without a step over a weekend, days of one week cannot be told from any other days.
    if (clock != clock[0]).any() or not np.is_busday(days).all() or _dominant(lengths) != 1:
        return None
    return Steps("B", np.busday_count(days[0], days))


def _with_gaps(stamps: Stamps) -> Steps:
    step = _dominant(np.diff(_nanoseconds(stamps)))
    if step is None:
        return Steps("", None)
    return Steps(_name(step), (_nanoseconds(stamps) - _nanoseconds(stamps)[0]) // step)


def _dominant(lengths: Positions) -> int | None:
    """Returns the most frequent length if every other one is a multiple of it."""
    values, counts = np.unique(lengths, return_counts=True)
    step = int(values[counts.argmax()])
    if counts.max() < DOMINANT * len(lengths) or (lengths % step).any():
        return None
    return step


def _named(stamps: Stamps, frequency: str) -> Steps:
    """Returns the steps of a name that a person gives."""
    name, positions = frequency, None
    # Plain months, quarters and years may begin on any day, as plain weeks may; pandas' own begin on the first.
    if (spelt := _FROM_MONTHS.fullmatch(frequency)) and _is_one_day_of_month(stamps):
        count = int(spelt["count"] or 1) * _MONTHS[spelt["unit"]]
        months = _months_since_first(stamps)
        if not (months % count).any():
            name, positions = _months_name(count, "MS"), months // count
    positions = _on_grid(stamps, frequency) if positions is None else positions
    if len(stamps) > 1 and np.diff(positions).min() > 1:
        raise DataError(
            f"frequency {frequency!r} does not fit: no two rows are less than {np.diff(positions).min()} such steps "
            "apart; give a longer one, or leave it out to have it found"
        )
    return Steps(name, positions)


def _on_grid(stamps: Stamps, frequency: str) -> Positions:
    import pandas as pd  # noqa: PLC0415

    offset = _offset(frequency)
    if isinstance(offset, pd.offsets.Tick):
        # Not from a grid: one of seconds over years would not fit into memory.
        elapsed = _nanoseconds(stamps) - _nanoseconds(stamps)[0]
        positions, is_off = elapsed // offset.nanos, elapsed % offset.nanos != 0
    else:
        grid = pd.date_range(stamps[0], stamps[-1], freq=offset)
        positions = grid.get_indexer(pd.DatetimeIndex(stamps))
        is_off = positions < 0
    if is_off.any():
        first, wrong = pd.Timestamp(stamps[0]), pd.Timestamp(stamps[is_off.argmax()])
        why = "where no such step begins" if is_off[0] else f"which is no whole number of steps after {first}"
        raise DataError(
            f"frequency {frequency!r} does not fit the time {wrong}, {why}; give the right one, or leave it out to "
            "have it found"
        )
    return np.asarray(positions, dtype=np.int64)


def _offset(name: str) -> Any:
    import pandas as pd  # noqa: PLC0415

    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", FutureWarning
        )  # older names, such as H for h, still say what is meant
        offset = pd.tseries.frequencies.to_offset(name)
    # Plain weeks may begin on any day, not only on pandas' Sunday.
    return pd.offsets.Day(7 * offset.n) if name.lstrip("0123456789").upper() == "W" else offset


def _name(nanoseconds: int) -> str:
    import pandas as pd  # noqa: PLC0415

    return str(pd.tseries.frequencies.to_offset(pd.Timedelta(nanoseconds, "ns")).freqstr)


def _nanoseconds(stamps: Stamps) -> Positions:
    return stamps.astype(np.int64)
