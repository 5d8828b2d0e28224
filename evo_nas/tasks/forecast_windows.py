"""Windows of standardised series: what a forecast reads, what it is compared with, and which rows may be an origin."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from evo_nas.data.features import FILLED
from evo_nas.data.scaling import Scaler
from evo_nas.data.series_inputs import SeriesInputs
from evo_nas.data.statistics import Statistics
from evo_nas.errors import DataError
from evo_nas.tasks.dataset import Windows
from evo_nas.tasks.raw_inputs import NumericInputs
from evo_nas.tasks.raw_windows import WindowInputs

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from evo_nas.data.holes import Missing
    from evo_nas.data.series import SeriesParts
    from evo_nas.data.series_files import SeriesFiles

_MASKED = (
    "repeat the last known value, with two more inputs: whether the value is known and how long ago one was"
)


@dataclass(frozen=True, slots=True)
class ForecastWindows:
    """Every window of each part.

    Attributes:
        parts: The windows by the name of the part; all share the same rows.
        inputs: What is read, with names and the places of last values.
        scaler: Mean and scale of the targets.
        raw: What becomes of raw rows.
        has_target_holes: Whether some targets are not known.
        remarks: What became of missing values, one sentence each.
        statistics: What of inputs and targets was learnt from the training rows.
    """

    parts: dict[str, Windows]
    inputs: SeriesInputs
    scaler: Scaler
    raw: WindowInputs
    has_target_holes: bool
    remarks: tuple[str, ...]
    statistics: Statistics


def forecast_windows(
    parts: SeriesParts, files: SeriesFiles, *, filling: Missing, window: int, horizon: int
) -> ForecastWindows:
    """Returns the windows of ``parts``, standardised with the statistics of the training rows.

    Args:
        parts: The series in parts.
        files: The names of their columns.
        filling: What becomes of holes.
        window: Steps that are read.
        horizon: Steps that are forecast.

    Raises:
        DataError: A value is too large, a known column has a hole, or a part has no known target.
    """
    series, columns = parts.series, files.columns
    known = [files.inputs.index(name) for name in columns.known]
    _require_known(parts, files, horizon)
    training = np.concatenate([np.r_[rows] for rows in parts.rows["train"]])
    scaled, input_scaler = _standardised(parts, series.inputs[:, : files.values], training, files.inputs)
    targets, scaler = _standardised(parts, series.targets, training, columns.targets)
    # After the last forecast a known column may end; no window reads what is put there.
    scaled[:, known] = np.nan_to_num(scaled[:, known])
    # Sine and cosine have a scale of their own, which a training part of few months would distort.
    values = np.concatenate([scaled, series.inputs[:, files.values :].astype(np.float32)], axis=1)
    inputs = SeriesInputs.filled(
        values, files.inputs, starts=parts.starts, how=filling, targets=columns.targets
    ).with_future(known, starts=parts.starts, window=window, horizon=horizon)
    whole = Windows(
        inputs.values,
        targets,
        np.zeros(0, dtype=np.int64),
        window,
        horizon,
        np.array(parts.starts),
        inputs.last_known,
    )
    origins = {part: _origins(parts, part, targets, horizon) for part in parts.origins}
    return ForecastWindows(
        {part: replace(whole, origins=some) for part, some in origins.items()},
        inputs,
        scaler,
        _recorded(input_scaler, inputs, files, filling, window=window, horizon=horizon),
        bool(np.isnan(targets).any()),
        _hole_remarks(scaled, files.inputs, filling),
        _statistics(inputs, files, known),
    )


def _recorded(
    scaler: Scaler, inputs: SeriesInputs, files: SeriesFiles, filling: Missing, *, window: int, horizon: int
) -> WindowInputs:
    mean, scale = (tuple(values.tolist()) for values in (scaler.mean, scaler.scale))
    values = files.inputs[: files.values]
    return WindowInputs(
        window,
        NumericInputs(mean, scale, values, filling, inputs.masked),
        horizon,
        files.layout,
        known=files.columns.known,
        calendar=files.calendar,
        is_irregular=files.values > len(files.columns.inputs),
    )


def _statistics(inputs: SeriesInputs, files: SeriesFiles, known: Sequence[int]) -> Statistics:
    """Returns the places of what is standardised: the values of the files, and copies of those that are known ahead."""
    columns, width = len(files.inputs), len(inputs.names)
    copies = range(columns + 2 * len(inputs.masked), width)
    ahead = tuple(at for place, at in enumerate(copies) if known[place % len(known)] < files.values)
    masks = tuple((at, columns + 2 * place) for place, at in enumerate(inputs.masked))
    return Statistics((*range(files.values), *ahead), masks=masks, targets=True)


def _hole_remarks(
    values: npt.NDArray[np.float32], names: tuple[str, ...], filling: Missing
) -> tuple[str, ...]:
    holes = np.isnan(values).sum(axis=0)
    counts = ", ".join(
        f"{name} {count:,}" for name, count in zip(names, holes.tolist(), strict=False) if count
    )
    became = _MASKED if filling == "mask" else FILLED.get(filling)
    return (f"{int(holes.sum()):,} missing values ({counts}) {became}",) if counts else ()


def _standardised(
    parts: SeriesParts,
    values: npt.NDArray[np.float64],
    training: npt.NDArray[np.int64],
    names: tuple[str, ...],
) -> tuple[npt.NDArray[np.float32], Scaler]:
    scaler = Scaler.fitted(values[training])
    return scaler(values, place=partial(_place, parts, names)), scaler


def _place(parts: SeriesParts, names: tuple[str, ...], row: int, at: int) -> str:
    return f"{parts.place(row)}, column {names[at]!r}"


def _origins(
    parts: SeriesParts, part: str, targets: npt.NDArray[np.float32], horizon: int
) -> npt.NDArray[np.int64]:
    """Returns the origins of a part whose forecast has at least one known target."""
    origins = np.concatenate([np.r_[rows] for rows in parts.origins[part]])
    known = np.concatenate([[0], np.cumsum((~np.isnan(targets)).any(axis=1))])
    counts = known[origins + horizon] > known[origins]
    if not counts.any():
        raise DataError(
            f"{parts.series.source}: no forecast of the {part} part has a known target; change split or supply more "
            "rows"
        )
    chosen: npt.NDArray[np.int64] = origins[counts].astype(np.int64)
    return chosen


def _require_known(parts: SeriesParts, files: SeriesFiles, horizon: int) -> None:
    """Checks that known columns have a value in every row up to the end of the last forecast of each series."""
    inputs, ends = parts.series.inputs, [*parts.starts[1:], len(parts.series.inputs)]
    used, starts = dict.fromkeys(parts.starts, 0), np.array(parts.starts)
    for origins in (some for ranges in parts.origins.values() for some in ranges):
        start = parts.starts[int(np.searchsorted(starts, origins.start, side="right")) - 1]
        used[start] = max(used[start], origins.stop - 1 + horizon)
    for name in files.columns.known:
        is_hole = np.isnan(inputs[:, files.inputs.index(name)])
        for start, end in zip(parts.starts, ends, strict=True):
            holes = start + np.flatnonzero(is_hole[start : used[start]])
            if not holes.size:
                continue
            if is_hole[holes[0] : end].all():
                raise DataError(
                    f"{parts.place(int(holes[0]))}: the known column {name!r} ends before the horizon; it must have "
                    "values up to the end of the last forecast: supply them, or take it out of known"
                )
            raise DataError(
                f"{parts.place(int(holes[0]))}: the known column {name!r} has no value; what is known beforehand must "
                "have one in every row: fill it in, set gaps to fill, or take it out of known"
            )
