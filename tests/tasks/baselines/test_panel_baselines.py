from __future__ import annotations

import sys
import warnings
from typing import TYPE_CHECKING

import numpy as np
import pytest

from evo_nas.config import checked
from evo_nas.tasks.baselines import panel_baselines
from evo_nas.tasks.baselines.error_quantiles import with_levels
from evo_nas.tasks.panel import PanelOptions, PanelTask
from evo_nas.tasks.quantiles import coverage
from evo_nas.tasks.task import Prepared

if TYPE_CHECKING:
    from pathlib import Path

STATISTICAL = {"AutoTheta", "AutoETS"}


def prepared(folder: Path, series: list[np.ndarray], **options) -> Prepared:
    path = folder / "panel.csv"
    rows = [f"s{at},{value}" for at, values in enumerate(series) for value in values]
    path.write_text("\n".join(["id,value", *rows]) + "\n", encoding="utf-8")
    section = {"path": str(path), "series": "id", "window": 12, "horizon": 4, "season": 4, **options}
    return PanelTask(checked(PanelOptions, section, at="task")).read()


def seasonal(count: int, trend: float = 0.2) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [
        20 + 5 * np.sin(np.pi / 2 * np.arange(48) + at) + trend * np.arange(48) + 0.3 * rng.normal(size=48)
        for at in range(count)
    ]


def test_the_naive_forecasts_repeat_the_last_value_and_the_last_season(tmp_path) -> None:
    series = seasonal(3)
    ready = prepared(tmp_path, series)
    scales = [np.abs(each[4:-4] - each[:-8]).mean() for each in series]
    for name, steps in (("naive", [-5] * 4), ("seasonal naive", [-8, -7, -6, -5])):
        errors = [np.abs(each[-4:] - each[steps]).mean() / s for each, s in zip(series, scales, strict=True)]
        assert ready.baselines[name]().score == pytest.approx(np.mean(errors), rel=1e-5)


def test_a_season_of_one_step_has_no_forecast_of_its_own(tmp_path) -> None:
    assert "seasonal naive" not in prepared(tmp_path, seasonal(3), season=1).baselines


def test_models_that_learn_beat_the_naive_ones_on_a_season_with_a_trend(tmp_path) -> None:
    pytest.importorskip("statsforecast")
    results = prepared(tmp_path, seasonal(12)).fit_baselines()
    assert {"ridge", *STATISTICAL} < set(results)
    assert results["AutoTheta"].score < results["naive"].score
    for name in ("ridge", "AutoETS"):
        assert results[name].score < results["seasonal naive"].score < results["naive"].score


def test_every_baseline_forecasts_quantiles(tmp_path) -> None:
    pytest.importorskip("statsforecast")
    ready = prepared(tmp_path, seasonal(30), quantiles=[0.1, 0.5, 0.9], metric="wql")
    scores = {name: result.score for name, result in ready.fit_baselines().items()}
    assert max(scores, key=scores.__getitem__) == "naive"
    assert all(0 < score < 1 for score in scores.values())


def test_empirical_quantiles_cover_as_much_as_their_levels_say(tmp_path, monkeypatch) -> None:
    ready = prepared(tmp_path, seasonal(60, trend=0.0), quantiles=[0.1, 0.5, 0.9])
    covered = []

    def covering(points, offsets):
        forecasts = with_levels(points, offsets)
        covered.append(coverage((0.1, 0.5, 0.9)).score(forecasts, ready.dataset.test.targets))
        return forecasts

    monkeypatch.setattr(panel_baselines, "with_levels", covering)
    for name in ("seasonal naive", "ridge"):
        ready.baselines[name]()
    assert covered == pytest.approx([0.8, 0.8], abs=0.08)


def test_a_series_that_a_model_cannot_fit_is_forecast_by_its_last_season_and_said(tmp_path) -> None:
    pytest.importorskip("statsforecast")
    ready = prepared(tmp_path, [*seasonal(3), np.array([1.0, 2.0, 3.0, 1.0, 2.0, 4.0, 5.0, 6.0, 4.0])])
    results = ready.fit_baselines()
    assert all(results[name].score is not None for name in STATISTICAL)


def test_the_values_of_the_validation_part_are_read_but_not_fitted(tmp_path, monkeypatch) -> None:
    seen = []

    class Recorder:
        def __init__(self, season_length: int) -> None:
            assert season_length == 4

        def fit(self, y: np.ndarray) -> Recorder:
            seen.append(len(y))
            return self

        def forward(self, y: np.ndarray, h: int, level: object) -> dict[str, np.ndarray]:
            seen.append(len(y))
            return {"mean": np.full(h, y[-1])}

    monkeypatch.setattr(panel_baselines, "statistical_model", lambda _: Recorder)
    ready = prepared(tmp_path, seasonal(1))
    assert ready.baselines["AutoETS"]().score == pytest.approx(ready.baselines["naive"]().score)
    assert seen == [40, 44]  # of 48 values four are the validation and four the test part


def test_only_so_many_series_get_a_model_of_their_own(tmp_path, monkeypatch) -> None:
    pytest.importorskip("statsforecast")
    monkeypatch.setattr(panel_baselines, "MOST_FITTED", 4)
    result = prepared(tmp_path, seasonal(9)).fit_baselines()["AutoTheta"]
    assert result.note == "on 4 of 9 series"


def test_an_absent_extra_is_one_line(tmp_path, monkeypatch) -> None:
    ready = prepared(tmp_path, seasonal(3))
    monkeypatch.setitem(sys.modules, "statsforecast", None)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        results = ready.fit_baselines()
    for name in STATISTICAL:
        assert results[name].score is None
        assert results[name].note == "needs statsforecast; run pip install 'evo-nas[baselines]'"
