"""The calendar as inputs of a network: where a time lies in its hour, day, week or year, as sine and cosine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy.typing as npt

    Stamps = npt.NDArray[np.datetime64]
    Shares = npt.NDArray[np.float64]

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
    shares = np.stack([np.empty(len(stamps)), *(_SHARES[cycle](stamps) for cycle in cycles)], axis=1)[:, 1:]
    angles = 2 * np.pi * shares
    return np.stack([np.sin(angles), np.cos(angles)], axis=2).reshape(len(stamps), -1)


def _since(stamps: Stamps, unit: Literal["h", "D", "M", "Y"]) -> npt.NDArray[np.timedelta64]:
    """Returns the time since the hour, day, month or year began."""
    passed: npt.NDArray[np.timedelta64] = stamps - stamps.astype(f"datetime64[{unit}]")
    return passed


def _of_month(stamps: Stamps) -> Shares:
    months = stamps.astype("datetime64[M]")
    lengths = (months + 1).astype("datetime64[D]") - months.astype("datetime64[D]")
    shares: Shares = _since(stamps, "M") // _DAY * _DAY / lengths
    return shares


_DAY = np.timedelta64(1, "D")
_SHARES: Mapping[Cycle, Callable[[Stamps], Shares]] = {
    "minute": lambda stamps: _since(stamps, "h") / np.timedelta64(1, "h"),
    "hour": lambda stamps: _since(stamps, "D") / _DAY,
    # The first day that is counted, 1970-01-01, was a Thursday.
    "weekday": lambda stamps: (stamps.astype("datetime64[D]").astype(np.int64) + 3) % 7 / 7,
    "day": _of_month,
    "week": lambda stamps: _since(stamps, "Y") // _DAY / 366,
    "month": lambda stamps: stamps.astype("datetime64[M]").astype(np.int64) % 12 / 12,
}
"""For each cycle the share of it that has passed, ``(rows,)``."""
