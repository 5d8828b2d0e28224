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


def is_frequency(name: str) -> bool:
    """Whether pandas knows a step of this name."""
    try:
        _offset(name)
    except ValueError:
        return False
    return True


def steps_of(stamps: Stamps, frequency: str | None = None) -> Steps:
    """Returns the steps of ascending ``stamps``, each of which is there once.

    Args:
        stamps: ``datetime64[ns]`` ``(rows,)``.
        frequency: The step as pandas spells it; found from the stamps if not given.

    Raises:
        DataError: A stamp does not lie on a step of ``frequency``.
    """
    if frequency is not None:
        return Steps(frequency, _on_grid(stamps, frequency))
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
    clock, of_month = stamps - days, (days - stamps.astype("datetime64[M]")).astype(np.int64) + 1
    is_last = (days + 1).astype("datetime64[M]") != days.astype("datetime64[M]")
    # Days after the 28th are not in every month, so that steps from them have no clear meaning.
    is_same = (of_month == of_month[0]).all() and of_month[0] <= 28
    if (clock != clock[0]).any() or not (is_same or is_last.all()):
        return None
    months = stamps.astype("datetime64[M]").astype(np.int64)
    step = _dominant(np.diff(months))
    if step is None:
        return None
    # The times of the rows that are there are kept, so any day of the month will do for the others.
    return Steps(
        f"{'' if step == 1 else step}{'ME' if is_last.all() else 'MS'}", (months - months[0]) // step
    )


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
        raise DataError(
            f"frequency {frequency!r} does not fit the time {pd.Timestamp(stamps[is_off.argmax()])}, which is no whole "
            f"number of steps after {pd.Timestamp(stamps[0])}; give the right one, or leave it out to have it found"
        )
    if len(stamps) > 1 and np.diff(positions).min() > 1:
        raise DataError(
            f"frequency {frequency!r} does not fit: no two rows are less than {np.diff(positions).min()} such steps "
            "apart; give a longer one, or leave it out to have it found"
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
