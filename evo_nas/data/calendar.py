"""The calendar as inputs of a network: where a time lies in its hour, day, week or year, as sine and cosine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

Cycle = Literal["minute", "hour", "weekday", "day", "week", "month"]
"""Minute of the hour, hour of the day, day of the week, day of the month, week of the year, month of the year."""


def calendar_names(cycles: Sequence[Cycle]) -> tuple[str, ...]:
    """Returns the names of the columns of `calendar_columns`."""
    return tuple(f"{wave} of {cycle}" for cycle in cycles for wave in ("sine", "cosine"))


def calendar_columns(stamps: npt.NDArray[np.datetime64], cycles: Sequence[Cycle]) -> npt.NDArray[np.float64]:
    """Returns sine and cosine of each cycle, float64 ``(rows, 2 * cycles)``.

    The two together make the end of a cycle a neighbour of its start.

    Args:
        stamps: ``datetime64[ns]`` ``(rows,)``.
        cycles: The cycles, by name.
    """
    import pandas as pd  # noqa: PLC0415 - only where rows have times

    times: Any = pd.DatetimeIndex(stamps)
    shares = {
        "minute": (times.minute + times.second / 60) / 60,
        "hour": (times.hour + times.minute / 60) / 24,
        "weekday": times.dayofweek / 7,
        "day": (times.day - 1) / times.days_in_month,
        "week": (times.dayofyear - 1) / 366,
        "month": (times.month - 1) / 12,
    }
    angles = 2 * np.pi * np.column_stack([np.empty((len(stamps), 0)), *(shares[cycle] for cycle in cycles)])
    return np.stack([np.sin(angles), np.cos(angles)], axis=2).reshape(len(stamps), -1)
