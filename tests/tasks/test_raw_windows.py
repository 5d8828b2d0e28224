"""Windows that roll over a series are those of the series as it was at each origin, and each row is prepared once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from evo_nas.config import configured
from evo_nas.data.panel_files import PanelColumns
from evo_nas.data.scaling import Scaler
from evo_nas.data.series_ends import running_medians
from evo_nas.experiment import Experiment
from evo_nas.tasks.raw_panels import PanelInputs
from evo_nas.tasks.raw_windows import WindowInputs

HORIZON = 3
GIVEN = {"targets": ["a"], "window": 8, "horizon": HORIZON}


def hourly(count: int = 90) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    values = rng.normal(size=(count, 2)).cumsum(axis=0) + 50
    when = pd.date_range("2024-01-01", periods=count, freq="h")
    frame = pd.DataFrame({"when": when, "a": values[:, 0], "b": values[:, 1]})
    return frame.assign(holiday=rng.integers(0, 2, count))


def with_holes(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(b=frame["b"].where(np.random.default_rng(1).random(len(frame)) > 0.4))


def with_gaps(frame: pd.DataFrame) -> pd.DataFrame:
    lacks = np.random.default_rng(2).random(len(frame)) < 0.3
    return frame[~lacks | (frame.index < 2) | (frame.index > len(frame) - 15)]


def unevenly(frame: pd.DataFrame) -> pd.DataFrame:
    minutes = np.random.default_rng(3).integers(1, 300, len(frame)).cumsum()
    return frame.assign(when=pd.Timestamp("2024-01-01") + pd.to_timedelta(minutes, unit="min"))


def inputs_of(frame: pd.DataFrame, path: Path, options: dict[str, Any]) -> WindowInputs:
    frame.to_csv(path, index=False)
    task = {"kind": "forecast", "path": str(path), **GIVEN, **options}
    preparation = Experiment.of(configured({"name": "tiny", "task": task})).dataset.preparation
    assert preparation is not None
    assert isinstance(preparation.inputs, WindowInputs)
    return preparation.inputs


@pytest.mark.parametrize(
    ("made", "options"),
    [
        (hourly(), {}),
        (with_holes(hourly()), {"missing": "mask"}),
        (with_holes(hourly()), {"missing": "previous"}),
        (with_holes(hourly()), {"missing": "interpolate", "calendar": ["hour"]}),
        (with_gaps(hourly()), {"gaps": "fill", "known": ["holiday"]}),
        (with_gaps(hourly()), {"gaps": "mask"}),
        (unevenly(hourly()), {"gaps": "keep"}),
        (hourly(), {"known": ["holiday"], "window": 2}),
    ],
)
def test_a_window_that_rolls_knows_nothing_of_what_comes_after_its_origin(tmp_path, made, options) -> None:
    inputs = inputs_of(made, tmp_path / "series.csv", options)
    # No file ends with a row that was added for a gap.
    times = set(made["when"])
    rolled = [end for end in inputs.ends("the file", made, every=1) if pd.Timestamp(end.origin) in times]
    assert len(rolled) > 40
    for end in rolled[::7]:
        before = made["when"] <= end.origin
        seen = made[before]
        if inputs.known:
            # Of the rows ahead nothing but that is given.
            seen = pd.concat([seen, made[~before][["when", "holiday"]]])
        (wanted,) = inputs.ends("the file", seen)
        np.testing.assert_allclose(end.inputs, wanted.inputs, rtol=1e-6, atol=1e-6)


def test_every_row_is_prepared_once_however_many_windows_hold_it(tmp_path, monkeypatch) -> None:
    frame, scaled = hourly(), []
    inputs = inputs_of(frame, tmp_path / "series.csv", {})
    counted = Scaler.__call__

    def counting(self: Scaler, values: Any, **given: Any) -> Any:
        scaled.append(len(values))
        return counted(self, values, **given)

    monkeypatch.setattr(Scaler, "__call__", counting)
    assert len(list(inputs.ends("the file", frame, every=1))) == 90 - 8 - HORIZON + 1
    assert sum(scaled) <= 90


def test_running_medians_are_those_of_numpy() -> None:
    values = np.random.default_rng(4).integers(0, 9, 50).astype(float).tolist()
    assert list(running_medians(values)) == [np.median(values[: end + 1]) for end in range(50)]


@pytest.mark.parametrize("missing", ["refuse", "interpolate", "previous"])
def test_a_window_of_a_panel_that_rolls_is_that_of_the_series_as_it_was(missing) -> None:
    rng = np.random.default_rng(5)
    inputs = PanelInputs(6, HORIZON, 4, missing, PanelColumns())
    series = [10 * rng.normal(size=count).cumsum() for count in (20, 31)]
    if missing != "refuse":
        series = [np.where(rng.random(len(each)) < 0.2, np.nan, each) for each in series]
    origins = [inputs.origins(each, every=2) for each in series]
    (windows, lengths), units = inputs.before(series, origins)
    earlier = [each[:origin] for each, some in zip(series, origins, strict=True) for origin in some]
    wanted, ends = inputs.padded(earlier)
    assert len(windows) > 15
    np.testing.assert_allclose(windows, wanted, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(lengths, ends)
    np.testing.assert_allclose(units, inputs.units(earlier))
