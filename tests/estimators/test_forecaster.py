"""A forecaster goes on with series, in their units and shapes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import TimeSeriesSplit, cross_val_score

from evo_nas import EvoForecaster, load_champion
from evo_nas.errors import DataError

TINY: dict[str, Any] = {
    "window": 8,
    "horizon": 3,
    "evaluations": 2,
    "epochs": 1,
    "space": {"layers": {"min": 1, "max": 1}, "widths": [4], "batch_sizes": [32], "cell_nodes": 8},
    "verdict": {"finalists": 1, "trials": 1, "seeds": 1, "most_seeds": 1, "opponents": ["lstm"]},
    "random_state": 0,
}
RNG = np.random.default_rng(0)
STEPS = np.arange(200)
WAVE = 1000 + 50 * np.sin(STEPS / 5) + RNG.normal(size=200)
PAIR = np.column_stack([WAVE, RNG.normal(size=200).cumsum()])


@pytest.fixture(scope="module")
def forecaster() -> EvoForecaster:
    return EvoForecaster(**TINY).fit(PAIR)


@pytest.mark.parametrize(
    ("series", "shape"),
    [
        (WAVE, (3,)),
        (WAVE.tolist(), (3,)),
        (pd.Series(WAVE), (3,)),
        (pl.Series("wave", WAVE), (3,)),
        (PAIR, (3, 2)),
        (pd.DataFrame(PAIR, columns=["a", "b"]), (3, 2)),
        ([WAVE, WAVE[:120]], (2, 3, 1)),
        ([PAIR, PAIR[:120]], (2, 3, 2)),
        (np.stack([PAIR, PAIR]), (2, 3, 2)),
    ],
)
def test_the_forecast_has_the_shape_and_units_of_the_series(series, shape) -> None:
    fitted = EvoForecaster(**TINY).fit(series)
    assert fitted.predict().shape == fitted.predict(series).shape == shape
    assert np.array_equal(fitted.predict(), fitted.predict(series))
    assert 800 < np.ravel(fitted.predict())[0] < 1200
    assert fitted.verdict_.baselines


def test_a_forecast_goes_on_with_another_series(forecaster) -> None:
    assert np.array_equal(forecaster.predict(PAIR[:100]), forecaster.predict(PAIR[92:100]))
    assert not np.array_equal(forecaster.predict(PAIR[:100]), forecaster.predict())


def test_columns_are_matched_by_name_and_some_of_them_are_forecast() -> None:
    frame = pd.DataFrame(PAIR, columns=["a", "b"])
    fitted = EvoForecaster(**TINY, targets=["b"]).fit(frame)
    assert fitted.predict().shape == (3, 1)
    assert np.array_equal(fitted.predict(frame[["b", "a"]]), fitted.predict())


def test_quantiles_rise_around_the_median() -> None:
    fitted = EvoForecaster(**TINY, quantiles=[0.1, 0.5, 0.9]).fit(WAVE)
    levels = fitted.predict_quantiles()
    assert levels.shape == (3, 3)
    assert np.array_equal(levels[:, 1], fitted.predict())
    assert (np.diff(levels, axis=1) >= 0).all()


@pytest.mark.parametrize("missing", ["mask", "interpolate", "previous"])
def test_holes_at_the_end_of_a_series_are_known_where_they_began(missing) -> None:
    holed = PAIR.copy()
    holed[::4, 1] = holed[185:197, 1] = np.nan
    fitted = EvoForecaster(**TINY, missing=missing).fit(holed)
    assert np.isfinite(fitted.predict()).all()
    assert np.array_equal(fitted.predict(), fitted.predict(holed))


def test_a_forecaster_is_saved_and_loaded_with_the_ends_of_its_series(forecaster, tmp_path) -> None:
    forecaster.save(tmp_path / "out")
    loaded = EvoForecaster.load(tmp_path / "out")
    assert np.array_equal(loaded.predict(), forecaster.predict())
    assert loaded.get_params() == forecaster.get_params() == clone(forecaster).get_params()


def test_parameters_may_be_values_of_numpy_and_pandas(tmp_path) -> None:
    frame = pd.DataFrame(PAIR, columns=["a", "b"])
    given: dict[str, Any] = {
        "window": np.int64(8),
        "season": np.int16(2),
        "targets": frame.columns,
        "quantiles": np.array([0.1, 0.5, 0.9]),
        "validation": np.float32(0.125),
        "metric": np.str_("wql"),
    }
    fitted = clone(EvoForecaster(**{**TINY, **given})).fit(frame)
    fitted.save(tmp_path / "out")
    loaded = EvoForecaster.load(tmp_path / "out")
    assert np.array_equal(loaded.predict_quantiles(), fitted.predict_quantiles())
    assert (loaded.targets, loaded.quantiles) == (["a", "b"], [0.1, 0.5, 0.9])
    assert (loaded.window, loaded.season, loaded.validation, loaded.metric) == (8, 2, 0.125, "wql")


def test_a_forecaster_that_was_not_fitted_says_so() -> None:
    with pytest.raises(NotFittedError):
        EvoForecaster().predict(WAVE)


DATED = pd.DataFrame({"a": WAVE}, index=pd.date_range("2024-01-01", periods=200))


@pytest.mark.parametrize(
    ("changed", "series", "message"),
    [
        ({}, WAVE[:12], "series 1: the .* part has .* rows; window 8 and horizon 3 need at least"),
        ({}, np.where(STEPS == 7, np.nan, WAVE), "series, input 1 has a missing or infinite value"),
        ({}, [PAIR, WAVE], "series 2 has 1 columns, the first one 2"),
        ({}, [], "there are no series"),
        ({}, 7, "X is 7; must be an array or frame"),
        ({}, {"a": WAVE}, "X is {'a': .*; must be an array or frame"),
        ({}, {1.0, 2.0}, "X is .*; must be an array or frame"),
        ({"test": None}, WAVE, "test is null; must be a number between 0 and 1"),
        ({"missing": "drop"}, WAVE, 'missing is "drop"; must be one of'),
        ({"targets": "a"}, DATED, "targets is 'a'; must be a list of names"),
        ({}, DATED.drop(DATED.index[50]), "series 1 has an index of times without a regular step; .*asfreq"),
        ({}, DATED[::-1], "series 1: the rows are not in the order of time"),
        ({}, DATED.assign(city="x"), "series 1: column 'city' holds string; must hold numbers"),
        ({"targets": ["c"]}, DATED, "target 'c' is no column; must be one of 'a'"),
        ({"window": 0}, WAVE, "EvoForecaster.window is 0"),
        ({"metric": "accuracy"}, WAVE, 'EvoForecaster.metric is "accuracy"'),
        ({"quantiles": [0.1]}, WAVE, "have no 0.5"),
    ],
)
def test_what_cannot_be_forecast_is_one_clear_error(changed, series, message) -> None:
    with pytest.raises(ValueError, match=message) as refused:
        EvoForecaster(**{**TINY, **changed}).fit(series)
    assert "\n" not in str(refused.value)


def test_the_score_is_the_negative_error_in_steps_of_the_naive_forecast(forecaster) -> None:
    step = np.abs(np.diff(PAIR[:-3], axis=0)).mean(axis=0)
    error = np.abs(forecaster.predict(PAIR[:-3]) - PAIR[-3:]) / step
    assert forecaster.score(PAIR) == pytest.approx(-error.mean())
    assert forecaster.score([PAIR, PAIR]) == pytest.approx(-error.mean())
    holed = np.where((STEPS[:, None] == 198) & [True, False], np.nan, PAIR)
    assert forecaster.score(holed) == pytest.approx(-np.delete(error, 2).mean())
    with pytest.raises(ValueError, match="series 1 has no error to score"):
        forecaster.score(np.ones((50, 2)))
    with pytest.raises(ValueError, match="series 1 has 7 rows; the network reads 8"):
        forecaster.score(PAIR[:10])


def test_scikit_learn_cross_validates_a_forecaster() -> None:
    for series, folds in (([WAVE, WAVE[::-1].copy()], 2), (WAVE, TimeSeriesSplit(2))):
        assert (cross_val_score(EvoForecaster(**TINY), series, cv=folds, error_score="raise") < 0).all()


def test_a_gap_is_refused_by_predict_and_the_exported_champion_as_by_fit(tmp_path) -> None:
    fitted = EvoForecaster(**TINY).fit(DATED)
    fitted.save(tmp_path / "out")
    exported = load_champion(tmp_path / "out")
    # One by one and together may differ in the last digit of a float32.
    assert fitted.predict(DATED) == pytest.approx(fitted.predict(), rel=1e-6)
    assert exported.forecast([DATED, DATED])[1] == pytest.approx(fitted.predict(), rel=1e-6)
    for gap in (slice(150, 160), slice(195, 196)):
        gapped, refused = DATED.drop(DATED.index[gap]), "has an index of times without a regular step"
        with pytest.raises(ValueError, match=f"series 1 {refused}"):
            fitted.predict(gapped)
        for given, number in ((gapped, 1), ([DATED, gapped], 2)):
            with pytest.raises(DataError, match=f"series {number} {refused}"):
                exported.forecast(given)


def test_a_series_shorter_than_the_window_is_refused(forecaster) -> None:
    with pytest.raises(ValueError, match="series 1 has 7 rows; the network reads 8"):
        forecaster.predict(PAIR[:7])


def test_holes_survive_a_file(tmp_path) -> None:
    holed = np.where((STEPS > 190) & (STEPS < 195), np.nan, WAVE)
    fitted = EvoForecaster(**TINY, missing="mask").fit(holed)
    fitted.save(tmp_path / "out")
    assert np.array_equal(EvoForecaster.load(tmp_path / "out").predict(), fitted.predict())
