"""Exponential smoothing and Theta forecast each series from its own past, and say what they leave out."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import ClassVar

import numpy as np
import pytest

from evo_nas.errors import DataError
from evo_nas.tasks.baselines import statistical_forecasters as module
from evo_nas.tasks.baselines.fitting import BaselineResult, fitted_in_turn
from evo_nas.tasks.baselines.statistical_forecasters import statistical_baselines
from evo_nas.tasks.dataset import Windows
from evo_nas.tasks.metrics import MAE, MSE
from evo_nas.tasks.quantiles import wql

RNG = np.random.default_rng(0)
NAMES = ["AutoTheta", "AutoETS"]


def windows(
    targets: np.ndarray, origins: range, *, horizon: int = 4, starts: tuple[int, ...] = (0,)
) -> Windows:
    values = targets.astype(np.float32)
    return Windows(values, values, np.array(origins), 10, horizon, np.array(starts))


def season(rows: int, columns: int = 1) -> np.ndarray:
    steps = np.arange(rows)[:, None] + 3 * np.arange(columns)
    return 3 * np.sin(2 * np.pi * steps / 12) + 0.05 * steps + RNG.normal(scale=0.1, size=(rows, columns))


def results(test: Windows, **options: object) -> dict[str, BaselineResult]:
    given = {"metric": MSE, "season": 12, "levels": (), **options}
    return dict(fitted_in_turn(statistical_baselines(before(test), test, **given)))


def before(test: Windows) -> Windows:
    """Returns windows whose forecasts end six rows before the first one of ``test``, where its series has so many."""
    first = int(test.origins[0])
    start = int(test.starts[np.searchsorted(test.starts, first, side="right") - 1])
    origins = np.arange(start + test.window, first - 6 - test.horizon + 1)
    return replace(test, origins=origins)


class Recorder:
    """A model that repeats the last value, and keeps what it was fitted to and what it read."""

    fitted: ClassVar[list[np.ndarray]] = []
    read: ClassVar[list[np.ndarray]] = []

    def __init__(self, season_length: int) -> None:
        self.season_length = season_length

    def fit(self, y: np.ndarray) -> None:
        self.fitted.append(y)

    def forward(self, y: np.ndarray, h: int, level: object) -> dict[str, np.ndarray]:
        self.read.append(y)
        return {"mean": np.full(h, y[-1])}


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch) -> type[Recorder]:
    monkeypatch.setattr(module, "statistical_model", lambda _: Recorder)
    monkeypatch.setattr(Recorder, "fitted", [])
    monkeypatch.setattr(Recorder, "read", [])
    return Recorder


def test_the_rows_between_training_and_a_forecast_are_read_but_not_fitted(recorder) -> None:
    values = np.arange(160.0)[:, None]
    results(windows(values, range(120, 124)))
    assert [some.tolist() for some in recorder.fitted] == [values[:114, 0].tolist()] * 2
    assert [some[-1] for some in recorder.read] == [119, 120, 121, 122] * 2
    assert all(some[0] == 0 for some in recorder.read)


def test_a_series_without_training_is_fitted_to_what_is_before_its_first_forecast(recorder) -> None:
    values = np.arange(200.0)[:, None]
    test = windows(values, range(130, 134), starts=(0, 100))
    statistical_baselines(replace(test, origins=np.arange(10, 80)), test, metric=MSE, season=1, levels=())[
        "AutoETS"
    ]()
    assert recorder.fitted[0].tolist() == values[100:130, 0].tolist()


def test_what_is_read_begins_at_the_place_in_the_season_where_the_fit_began(recorder, monkeypatch) -> None:
    monkeypatch.setattr(module, "MOST_ROWS", 30)
    results(windows(np.arange(160.0)[:, None], range(120, 150)))
    (first, _), read = recorder.fitted, recorder.read
    assert len(first) == 30
    assert all(some[0] % 12 == first[0] % 12 for some in read)
    assert all(30 <= len(some) < 30 + 12 for some in read if some[-1] >= 124)


@pytest.mark.parametrize("columns", [1, 3])
@pytest.mark.parametrize("name", NAMES)
def test_a_season_with_a_trend_is_continued(name: str, columns: int) -> None:
    found = results(windows(season(160, columns), range(120, 150)))[name]
    assert found.score is not None
    assert found.score < 0.1
    assert not found.note


@pytest.mark.parametrize("name", NAMES)
def test_no_value_from_the_time_of_the_forecast_is_read(name: str) -> None:
    values = season(160)
    later = values.copy()
    later[130:] = np.nan
    later[126:130] = values[126:130]
    origins = range(120, 127)
    assert results(windows(values, origins))[name].score == results(windows(later, origins))[name].score


@pytest.mark.parametrize("name", NAMES)
def test_no_series_is_forecast_from_the_one_before_it(name: str) -> None:
    first, second = season(160), season(160)
    origins = range(160 + 120, 160 + 150)
    alone = results(windows(second, range(120, 150)))[name]
    both = windows(np.concatenate([1000 + first, second]), origins, starts=(0, 160))
    assert results(both)[name].score == pytest.approx(alone.score, rel=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_holes_of_the_past_are_filled_and_those_of_the_future_do_not_count(name: str) -> None:
    values = season(160)
    values[[5, 40, 41, 125, 149]] = np.nan
    found = results(windows(values, range(120, 150)))[name]
    assert found.score is not None
    assert found.score < 0.15


@pytest.mark.parametrize("name", NAMES)
def test_quantiles_are_judged_by_their_own_metric(name: str) -> None:
    levels = (0.1, 0.5, 0.9)
    test = windows(season(160), range(120, 150))
    scored = results(test, metric=wql(levels, (1.0,), (0.0,)), levels=levels)[name].score
    assert scored is not None
    assert scored < 0.1


def test_a_long_test_part_is_forecast_from_some_origins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_ORIGINS", 5)
    found = results(windows(season(160), range(120, 150)), metric=MAE)
    assert [result.note for result in found.values()] == ["on 5 of 30 forecasts"] * 2


def test_too_many_columns_and_too_few_rows_have_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_MODELS", 2)
    found = results(windows(season(160, 3), range(120, 150)))
    assert [result.note for result in found.values()] == ["left out for 3 columns, more than 2"] * 2
    tiny = results(windows(season(12), range(2, 3)), season=1)
    assert all(result.score is None and result.note for result in tiny.values())


@pytest.mark.parametrize("name", NAMES)
def test_where_the_extra_is_absent_one_line_says_so(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "statsforecast", None)
    test = windows(season(160), range(120, 150))
    with pytest.raises(DataError, match=r"needs statsforecast; run pip install 'evo-nas\[baselines\]'"):
        statistical_baselines(test, test, metric=MSE, season=1, levels=())[name]()
