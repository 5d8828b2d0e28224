"""What is read of series beside their values: the calendar, and the unit of each."""

from __future__ import annotations

import calendar
import itertools
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


def rows_before(sequence: Any, known: Sequence[int]) -> int:
    """Returns how many rows come before those that have only what is known beforehand.

    Args:
        sequence: `(rows, features)`, nan for what is not known.
        known: The features that are known beforehand.
    """
    values = torch.as_tensor(sequence, dtype=torch.float64)
    others = [feature for feature in range(values.shape[1]) if feature not in known]
    filled = (~values[:, others].isnan()).any(dim=1).nonzero()
    if len(filled) == 0:
        raise ValueError("a series has no row with a value")
    return int(filled[-1]) + 1


def known_ahead(
    values: Tensor, known: Sequence[int], before: int, window: int, horizon: int
) -> Tensor:
    """Returns the known values that lie ahead of each row of the window.

    Args:
        values: `(rows, features)`, those after the window included.
        known: The features that are known beforehand.
        before: Rows before the forecast.
        window: Rows that are read.
        horizon: Rows that are forecast.
    """
    if before < window:
        raise ValueError(f"{before} rows; the network reads {window}")
    if len(values) < before + horizon:
        raise ValueError(
            f"{len(values) - before} rows after the last value; the forecast reads "
            f"what is known beforehand of {horizon}: add rows with it alone"
        )
    read = values[before - window : before + horizon, list(known)]
    if read.isnan().any():
        raise ValueError("what is known beforehand is missing in a row; fill it in")
    steps = range(horizon, 0, -window)
    return torch.cat([read[by : by + window] for by in steps], dim=1)


def with_elapsed(
    sequence: Any, times: Sequence[Any], before: int, features: int
) -> Tensor:
    """Returns a sequence beside the logarithm of the time since the row before.

    Args:
        sequence: `(rows, features)`.
        times: The time of each row, as for `moment`, ascending.
        before: Rows before the forecast; those after it have 0.
        features: How many features there are.
    """
    values = torch.as_tensor(sequence, dtype=torch.float64)
    values = values[:, None] if values.dim() == 1 else values
    if values.dim() != 2 or values.shape[1] != features:
        shape = tuple(values.shape)
        raise ValueError(f"a sequence has shape {shape}; must be (time, {features})")
    if len(times) != len(values):
        raise ValueError(f"{len(values)} rows and {len(times)} times; must be as many")
    moments = [moment(time) for time in times[:before]]
    pairs = itertools.pairwise(moments)
    passed_s = [(late - early).total_seconds() for early, late in pairs]
    if any(each <= 0 for each in passed_s):
        raise ValueError(
            "times do not ascend; sort the rows, each with a time of its own"
        )
    steps = torch.tensor(passed_s, dtype=torch.float64)
    if len(steps):
        steps = (steps / steps.quantile(0.5)).log()
    around = [torch.zeros(1), torch.zeros(len(values) - before)]
    elapsed = torch.cat([around[0], steps, around[1]])
    return torch.cat([values, elapsed[:, None]], dim=1)


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
