"""Drafts for tables whose rows are the steps of series that are to be forecast."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from evo_nas.data.steps import steps_of
from evo_nas.data.time import read_times
from evo_nas.drafts.draft import LIKELY, POSSIBLE, SURE, Draft, Line
from evo_nas.errors import DataError

if TYPE_CHECKING:
    import numpy.typing as npt

    from evo_nas.drafts.look import TableLook

TARGETS = ("target", "targets", "value", "values", "y", "sales", "demand", "load", "price", "close", "ot")
"""Names of what is forecast, the likeliest first."""
SEASONS = {
    "s": (60, "a minute"),
    "min": (60, "an hour"),
    "h": (24, "a day"),
    "D": (7, "a week"),
    "B": (5, "a week"),
    "W": (52, "a year"),
    "MS": (12, "a year"),
    "ME": (12, "a year"),
    "QS": (4, "a year"),
}
"""Steps of a season, and what the season is, by the unit of a step."""
CYCLES = {
    "min": "[hour, weekday]",
    "h": "[hour, weekday]",
    "D": "[weekday, month]",
    "MS": "[month]",
    "ME": "[month]",
}
PLAIN_WINDOW, PLAIN_HORIZON = 24, 6
MANY_SERIES, SHORT_SERIES = 10, 300
"""So many series of less than so many rows are a panel."""
FEW_ROWS = 2000
RESEMBLES, RESEMBLES_AT_ALL = 0.7, 0.3
"""Correlations of a row with the row before, from which rows surely, or possibly, follow each other in time."""
PARTS_HOLD = 12
"""A series has at least so many horizons: the validation part holds two of them, and windows can be learnt from."""


def forecast(look: TableLook) -> Draft | None:
    """Returns the draft of a forecast; None if no column holds numbers."""
    values = [name for name in look.numeric if name != look.sequence]
    if not values or look.lists:
        return None
    rows, steps = _rows(look), _Steps.of(look)
    window, horizon = steps.window_and_horizon(rows)
    target = _target(values)
    lines = [
        *look.files.lines(),
        *_time(look, steps),
        *_series(look),
        Line("targets", [target], _target_reason(target, values)),
        Line("window", window, f"steps that the network reads{steps.in_seasons(window)}"),
        Line("horizon", horizon, f"steps that it forecasts{steps.in_seasons(horizon)}: what you need to know ahead"),
        Line("season", steps.season, steps.season_reason),
        *_missing(look),
        Line("split", [0.6, 0.2, 0.2] if rows < FEW_ROWS else [0.7, 0.1, 0.2], "training, validation and test in the "
             "order of time; or three numbers of rows"),
        Line("metric", "rmse", "in the units of the target; or: mse, mae, mase"),
    ]  # fmt: skip
    return Draft(
        "forecast",
        _certainty(look),
        _reason(look),
        tuple(lines),
        examples=max(int(0.7 * len(look)), 1),
        steps=window,
        remedies=_remedies(look),
    )


def panel(look: TableLook) -> Draft | None:
    """Returns the draft of many short series; None without a column that names series, or lists."""
    if look.sequence is None and not look.lists:
        return None
    values = [name for name in look.numeric if name != look.sequence]
    if not values and not look.lists:
        return None
    names = look.counts(look.sequence) if look.sequence else {}
    count = len(names) or len(look.table)
    rows = _rows(look)
    steps = _Steps.of(look)
    window, horizon = steps.window_and_horizon(rows)
    lines = [
        look.files.lines()[0]
    ]  # a panel has no files for other parts: it is tested on the end of each series
    if look.sequence:
        lines.append(Line("series", look.sequence, f"it names {count:,} series of about {rows:,} rows"))
    if not look.lists:
        target = _target(values)
        lines.append(Line("value", target, _target_reason(target, values)))
    lines += [
        Line("window", window, "the most steps that the network reads; shorter series are read whole"),
        Line("horizon", horizon, "the last steps of every series are the test part"),
        Line("season", steps.season, steps.season_reason),
        Line("metric", "mase", "errors beside those of the naive forecast; or: smape"),
    ]
    is_panel = count >= MANY_SERIES and rows <= SHORT_SERIES and look.resembles_time > RESEMBLES_AT_ALL
    certainty = (SURE if look.times and not look.label else LIKELY) if is_panel else POSSIBLE
    return Draft(
        "panel",
        certainty,
        f"there are {count:,} series of about {rows:,} steps: one network for all of them",
        tuple(lines),
        examples=count * max(rows - window - horizon, 1),
        steps=window,
        remedies=(Line("missing", "interpolate", "values are missing within series; or: previous"),),
    )


class _Steps:
    """The step between the rows of a table, and what follows from it.

    Args:
        name: The step as pandas spells it; empty if it is not known.
        text: The step for people.
        is_regular: Whether every step has a row.
    """

    def __init__(self, name: str = "", text: str = "", *, is_regular: bool = True) -> None:
        self.text, self.is_regular = text, is_regular
        digits = "".join(each for each in name if each.isdigit())
        count, self.unit = int(digits or 1), name.removeprefix(digits)
        if self.unit == "D" and count % 7 == 0:
            count, self.unit = count // 7, "W"
        steps, what = SEASONS.get(self.unit, (1, ""))
        # Steps of 15 minutes: an hour is no season, a day is.
        if self.unit == "min" and count >= 5:
            steps, what = 1440, "a day"
        fits = steps % count == 0 and steps > count
        self.season = steps // count if fits else 1
        self.season_name = what if fits else ""

    @classmethod
    def of(cls, look: TableLook) -> _Steps:
        """Returns the steps of the first series, as its times show them."""
        if not look.times:
            return cls()
        try:
            stamps = np.sort(_of_first_series(look, read_times(look.table, look.times[0])))
            steps = steps_of(np.unique(stamps))
        except DataError:
            return cls()
        return cls(steps.name, steps.text, is_regular=steps.positions is not None and not steps.inserted)

    @property
    def season_reason(self) -> str:
        """Why the season is so long."""
        if self.season_name:
            return f"steps of {self.season_name}: the seasonal naive forecast repeats the value of so many steps ago"
        return "no season is known; say after how many steps the series repeats itself, such as 12 for months"

    def window_and_horizon(self, rows: int) -> tuple[int, int]:
        """Returns how many steps are read and forecast, as far as a series of ``rows`` has room for them."""
        season = self.season
        horizon = min(season if season > 1 else PLAIN_HORIZON, max(rows // PARTS_HOLD, 1))
        window = 4 * season if season > 1 else PLAIN_WINDOW
        return max(min(window, rows // 4), 1), horizon

    def in_seasons(self, steps: int) -> str:
        """Returns what ``steps`` are in seasons, such as ``, 4 times a day``."""
        if not self.season_name or steps % self.season:
            return ""
        times = steps // self.season
        return f", {self.season_name}" if times == 1 else f", {times} times {self.season_name}"


def _of_first_series(look: TableLook, stamps: npt.NDArray[np.datetime64]) -> npt.NDArray[np.datetime64]:
    if look.sequence is None:
        return stamps
    names = np.array(look.table.texts(look.sequence, empty=True))
    first: npt.NDArray[np.datetime64] = stamps[names == names[0]]
    return first


def _rows(look: TableLook) -> int:
    """Returns the rows of a series, the mean if there are several."""
    if look.lists:
        return int(np.mean([len(each) for each in look.table.lists(look.lists[0], holes=True)]))
    return len(look.table) // (len(look.counts(look.sequence)) if look.sequence else 1)


def _certainty(look: TableLook) -> int:
    if look.times and look.sequence is None:
        return LIKELY if look.label is not None and look.is_words(look.label) else SURE
    if look.times:
        return LIKELY
    return LIKELY if look.resembles_time > RESEMBLES and look.sequence is None else POSSIBLE


def _reason(look: TableLook) -> str:
    if look.times:
        return f"rows have a time, in column {look.times[0]}, and values to forecast"
    if look.resembles_time > RESEMBLES_AT_ALL:
        return f"rows resemble the rows before them (correlation {look.resembles_time:.2f}), as those of a series do"
    return "the columns hold numbers"


def _target(values: list[str]) -> str:
    names = {name.lower(): name for name in values}
    return next((names[name] for name in TARGETS if name in names), values[-1])


def _target_reason(target: str, values: list[str]) -> str:
    if len(values) == 1:
        return "the only column of numbers"
    why = "its name says so" if target.lower() in TARGETS else "the last column of numbers, a guess"
    others = [name for name in values if name != target]
    return f"what is forecast: {why}; or: {', '.join(others[:5])}{', ...' if len(others) > 5 else ''}, or all"


def _time(look: TableLook, steps: _Steps) -> tuple[Line, ...]:
    if not look.times:
        return ()
    cycles = CYCLES.get(steps.unit)
    further = f"; calendar: {cycles} would let networks read the time as well" if cycles else ""
    step = f", a row for every {steps.text}" if steps.text and steps.is_regular else ""
    return (Line("time", look.times[0], f"every value is a time{step}{further}"),)


def _series(look: TableLook) -> tuple[Line, ...]:
    if look.sequence is None:
        return ()
    return (Line("series", look.sequence, f"it names {len(look.counts(look.sequence)):,} series"),)


def _missing(look: TableLook) -> tuple[Line, ...]:
    if not look.holes:
        return ()
    reason = f"{look.holes:,} values are missing; networks are told where. Or: interpolate, previous"
    return (Line("missing", "mask", reason),)


def _remedies(look: TableLook) -> tuple[Line, ...]:
    if not look.times:
        return ()
    gaps = Line(
        "gaps", "mask", "some steps have no row: their values count as missing. Or: fill draws lines, keep"
    )
    first = Line("day_first", True, "dates may have the day or the month first: the day is a guess")  # noqa: FBT003
    irregular = Line("gaps", "keep", "rows have no regular step; networks read the time between them as well")
    short = Line("short", "drop", "some series are too short for a forecast in every part, and left out")
    return (first, gaps, irregular, *((short,) if look.sequence else ()))
