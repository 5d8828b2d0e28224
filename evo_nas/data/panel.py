"""A panel: many series, each in units of its own seasonal naive error, cut into parts as competitions do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from evo_nas.data.examples import enumerated
from evo_nas.data.scaling import MOST_DEVIATIONS
from evo_nas.data.splitting import PARTS
from evo_nas.data.steps import after, until
from evo_nas.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    Values = npt.NDArray[np.float64]

MOST_LEVEL = 1e5
"""Largest value in units of the scale: beyond it float32 no longer resolves a hundredth of that scale."""


@dataclass(frozen=True, slots=True)
class PanelSeries:
    """One series.

    Attributes:
        name: Its name, for messages.
        values: float64 ``(steps,)``, oldest first; NaN is a missing value.
        last: The time of the last value; None if it is not known.
        step: What lies between the values as pandas spells it; "" if there is no regular step.
    """

    name: str
    values: Values
    last: np.datetime64 | None = None
    step: str = ""

    def after(self, count: int) -> npt.NDArray[np.datetime64] | None:
        """Returns the times of the next ``count`` values; None if they are not known."""
        return after(self.last, self.step, count) if self.last is not None and self.step else None

    @property
    def times(self) -> npt.NDArray[np.datetime64] | None:
        """The times of all values; None if they are not known."""
        return until(self.last, self.step, len(self.values)) if self.last is not None and self.step else None


@dataclass(frozen=True, slots=True)
class Cut:
    """What one part has of a series.

    Attributes:
        name: Name of the series.
        values: Its values up to the end of the part, divided by ``scale``, float64 ``(steps,)``.
        scale: The unit: the seasonal naive error of the series.
        origins: The first step of each forecast, ascending, int64 ``(n,)``.
    """

    name: str
    values: Values
    scale: float
    origins: npt.NDArray[np.int64]

    @property
    def history(self) -> Values:
        """All values before the last forecast."""
        return self.values[: self.origins[-1]]


@dataclass(frozen=True, slots=True)
class Panel:
    """A panel in its three parts.

    Attributes:
        parts: For each part the series that it has forecasts of.
        horizon: Steps of a forecast.
        season: Steps of a season; 1 for none.
        remarks: Which series are left out, and why, one sentence each.
    """

    parts: Mapping[str, Sequence[Cut]]
    horizon: int
    season: int
    remarks: tuple[str, ...]


def cut_panel(series: Sequence[PanelSeries], *, horizon: int, season: int, stride: int, most: int) -> Panel:
    """Cuts every series as competitions do: its last ``horizon`` values are the test part.

    The ``horizon`` values before them are the validation part, and all forecasts of training end before those. The unit
    of each series is its seasonal naive error (the scale of MASE; Hyndman and Koehler, 2006) in what is known when
    the first forecast of a held-out part is made; training has the unit of validation, so that it looks at nothing
    that is held out.

    Args:
        series: All series.
        horizon: Steps of a forecast.
        season: Steps of a season; 1 for none.
        stride: Steps between successive forecasts of training.
        most: Most forecasts of a series in training; the latest are kept.

    Raises:
        DataError: No series has a forecast in one of the parts.
    """
    parts: dict[str, list[Cut]] = {part: [] for part in PARTS}
    short, flat, held_out = [], [], []
    for each in series:
        if len(each.values) < horizon + season + 1:
            short.append(each.name)
            continue
        cuts = _cuts(each, horizon=horizon, season=season, stride=stride, most=most)
        if "test" not in cuts:
            flat.append(each.name)
            continue
        if "train" not in cuts:
            held_out.append(each.name)
        for part, cut in cuts.items():
            parts[part].append(cut)
    said = {
        f"shorter than horizon + season + 1 = {horizon + season + 1} and left out": short,
        "left out, since they hardly change from season to season, so that their error has no unit": flat,
        "too short or too constant to learn from, and only forecast": held_out,
    }
    remarks = tuple(f"{_named(names)}: {why}" for why, names in said.items() if names)
    if not all(parts.values()):
        raise _no_forecast(series, remarks, needed=3 * horizon + season + 1)
    return Panel(parts, horizon, season, remarks)


def _cuts(series: PanelSeries, *, horizon: int, season: int, stride: int, most: int) -> dict[str, Cut]:
    """Returns the cut for each part that has a forecast; nothing without a unit for the test part."""
    values, cuts = series.values, {}
    # The first difference over a season needs one value more than the season.
    least = season + 1
    test, validation = len(values) - horizon, len(values) - 2 * horizon
    forecasts = {
        "test": (test, [test]),
        "validation": (validation, [validation]),
        "train": (validation, range(validation - horizon, least - 1, -stride)[:most][::-1]),
    }
    for part, (known, origins) in forecasts.items():
        scale = unit_of(values[: max(known, 0)], season)
        usable = [origin for origin in origins if _is_usable(values, origin, horizon)]
        if scale is not None and usable:
            end = usable[-1] + horizon
            cuts[part] = Cut(series.name, _scaled(series, end, scale), scale, np.array(usable))
    return cuts if "test" in cuts else {}


def _scaled(series: PanelSeries, end: int, scale: float) -> Values:
    values = series.values[:end]
    scaled = values / scale
    extreme = np.flatnonzero(np.abs(scaled) > MOST_DEVIATIONS)
    if extreme.size:
        raise DataError(
            f"series {series.name!r} has the value {float(values[extreme[0]]):g}, more than {MOST_DEVIATIONS:g} "
            "times its usual change; it is probably a placeholder for a missing value: mend it or leave the series out"
        )
    return scaled


def unit_of(known: Values, season: int) -> float | None:
    """Returns the mean absolute difference of the values from one season before; None if there is nearly none."""
    changes = np.abs(known[season:] - known[:-season])
    changes = changes[~np.isnan(changes)]
    scale = float(changes.mean()) if len(changes) else 0.0
    return scale if scale * MOST_LEVEL > np.abs(known[~np.isnan(known)]).max(initial=0.0) else None


def units_before(values: Values, season: int, ends: Sequence[int]) -> Values:
    """Returns `unit_of` the values before each of ``ends``, ``(n,)``, NaN for None; each value is read once."""
    is_known = ~np.isnan(values)
    changes = np.abs(values[season:] - values[:-season])
    counts = np.concatenate([np.zeros(season + 1), (~np.isnan(changes)).cumsum()])
    sums = np.concatenate([np.zeros(season + 1), np.nan_to_num(changes).cumsum()])
    largest = np.maximum.accumulate(np.concatenate([[0.0], np.where(is_known, np.abs(values), 0.0)]))
    at = np.array(ends, dtype=np.int64)
    scales = sums[at] / np.maximum(counts[at], 1)
    return np.where(scales * MOST_LEVEL > largest[at], scales, np.nan)


def _is_usable(values: Values, origin: int, horizon: int) -> bool:
    """Whether something is known before a forecast, and some value that it is judged by."""
    is_known = ~np.isnan(values[: origin + horizon])
    return bool(is_known[:origin].any() and is_known[origin:].any())


def _named(names: Sequence[str]) -> str:
    return f"{len(names):,} series ({enumerated(names)})"


def _no_forecast(series: Sequence[PanelSeries], remarks: tuple[str, ...], *, needed: int) -> DataError:
    longest = max((len(each.values) for each in series), default=0)
    said = "".join(f"; {remark}" for remark in remarks)
    return DataError(
        f"no series can be forecast in every part: the longest of {len(series):,} has {longest:,} values; training, "
        f"validation and test together need 3 * horizon + season + 1 = {needed:,}, and some change: lower horizon or "
        f"season, or supply longer series{said}"
    )
