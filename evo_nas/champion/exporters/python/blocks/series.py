"""What is read of series beside their values: the calendar, and the unit of each."""

from __future__ import annotations

import calendar
from collections.abc import Sequence
from datetime import datetime, timezone
from typing import Any

import torch
from torch import Tensor


def with_calendar(
    values: Tensor, times: Sequence[Any], cycles: Sequence[str]
) -> Tensor:
    """Returns `values` beside sine and cosine of where each row lies in each cycle.

    Args:
        values: `(time, features)`.
        times: The time of each row: a datetime, or a text such as 2024-12-31T23:59.
        cycles: Names of the cycles.
    """
    if len(times) != len(values):
        raise ValueError(f"{len(values)} rows and {len(times)} times; must be as many")
    shares = [[passed(moment(time), cycle) for cycle in cycles] for time in times]
    angles = 2 * torch.pi * torch.tensor(shares, dtype=torch.float64)
    waves = torch.stack([angles.sin(), angles.cos()], dim=2).flatten(1)
    return torch.cat([values, waves.float()], dim=1)


def moment(time: Any) -> datetime:
    """Returns a time without its zone, in UTC if it has one."""
    found = time if isinstance(time, datetime) else datetime.fromisoformat(str(time))
    return found if found.tzinfo is None else found.astimezone(timezone.utc)


def passed(time: datetime, cycle: str) -> float:
    """Returns which share of a cycle has passed."""
    seconds = time.second + time.microsecond / 1e6
    days = calendar.monthrange(time.year, time.month)[1]
    shares = {
        "minute": (time.minute + seconds / 60) / 60,
        "hour": (time.hour + (time.minute + seconds / 60) / 60) / 24,
        "weekday": time.weekday() / 7,
        "day": (time.day - 1) / days,
        "week": (time.timetuple().tm_yday - 1) / 366,
        "month": (time.month - 1) / 12,
    }
    return shares[cycle]


def unit_of(series: Any, season: int) -> Tensor:
    """Returns the unit of a series `(time,)`: its mean change from season to season."""
    values = torch.as_tensor(series, dtype=torch.float64).flatten()
    if len(values) <= season:
        raise ValueError(f"a series has {len(values)} values; needs {season + 1}")
    changes = (values[season:] - values[:-season]).abs()
    unit = changes[~changes.isnan()].mean()
    if not unit * 1e5 > values.abs().nan_to_num().max():
        raise ValueError("a series hardly changes, so that its forecast has no unit")
    return unit


def seasons_of(values: Tensor, season: int, horizon: int) -> Tensor:
    """Returns each value behind those one season before the next steps.

    Args:
        values: `(time,)`.
        season: Steps of a season; 1 for none.
        horizon: Steps of a forecast.
    """
    seasons = values.unfold(0, season, 1)
    itself = seasons[:, max(horizon, season - 1) :]
    return torch.cat([seasons[:, :horizon], itself], dim=1)
