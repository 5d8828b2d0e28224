from __future__ import annotations

import os
import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from evo_nas.errors import DataError
from evo_nas.tasks.baselines.fitting import scores
from evo_nas.tasks.forecast import ForecastOptions, ForecastTask
from evo_nas.training.batches import prepare

DATA = Path(os.environ.get("EVO_NAS_DATA", Path(__file__).parents[3] / "shared" / "data"))


@pytest.fixture
def ramp(tmp_path) -> Path:
    """Rows 0, 1, 2, ...: ``time`` counts them, ``square`` squares them, ``constant`` stays."""
    path = tmp_path / "ramp.csv"
    rows = [f"day {row},{row},{row * row},0.1" for row in range(100)]
    path.write_text("\n".join(["label,time,square,constant", *rows]))
    return path


def loaded(path, **options):
    defaults = {"targets": ("time",), "window": 5, "horizon": 2, "split": (60, 20, 20)}
    return ForecastTask(ForecastOptions(path=path, **{**defaults, **options})).read().dataset


def load(path, **options):
    """Returns the dataset with its windows cut out."""
    dataset = loaded(path, **options)
    parts = {part: getattr(dataset, part).cut() for part in ("train", "validation", "test")}
    return replace(dataset, **parts)


def unscaled(values, dataset_rows=60):
    """Returns row numbers from standardised values of ``time``."""
    rows = np.arange(dataset_rows)
    return np.rint(values * rows.std() + rows.mean()).astype(int)


def test_targets_follow_their_window_at_once(ramp) -> None:
    dataset = load(ramp, inputs=("time",))
    for part in (dataset.train, dataset.validation, dataset.test):
        inputs, targets = unscaled(part.inputs[..., 0]), unscaled(part.targets)
        assert (np.diff(inputs, axis=1) == 1).all()
        assert (targets == inputs[:, -1:] + [1, 2]).all()


def test_columns_that_are_no_numbers_are_named(ramp) -> None:
    assert loaded(ramp).signature.features == 3
    assert "not read: label (words)" in loaded(ramp).remarks


def test_targets_never_cross_into_another_part_and_miss_none(ramp) -> None:
    dataset = load(ramp)
    seen = [np.unique(unscaled(part.targets)) for part in (dataset.train, dataset.validation, dataset.test)]
    assert seen[0].tolist() == list(range(5, 60))
    assert seen[1].tolist() == list(range(60, 80))
    assert seen[2].tolist() == list(range(80, 100))


def test_held_out_inputs_may_look_back(ramp) -> None:
    first = load(ramp, inputs=("time",)).validation.inputs[0, :, 0]
    assert unscaled(first).tolist() == [55, 56, 57, 58, 59]


def test_statistics_come_from_the_training_rows(ramp) -> None:
    text = ramp.read_text().splitlines()
    text[-1] = "day 99,1000000,1,0.1"
    ramp.write_text("\n".join(text))
    assert unscaled(load(ramp).train.targets[0]).tolist() == [5, 6]


def test_all_columns_of_numbers_are_inputs_unless_named(ramp) -> None:
    assert load(ramp).signature.features == 3
    assert load(ramp, inputs=("square",)).signature.features == 1


def test_several_targets_are_ordered_by_step_then_by_target(ramp) -> None:
    dataset = load(ramp, targets=("time", "constant"), horizon=3)
    assert dataset.signature.outputs == 6
    first = dataset.train.targets[0]
    assert unscaled(first[::2]).tolist() == [5, 6, 7]
    assert first[1::2] == pytest.approx([0, 0, 0])


def test_a_constant_column_is_zero_and_not_infinite(ramp) -> None:
    assert load(ramp, inputs=("constant",)).train.inputs == pytest.approx(0)


def test_the_signature_says_which_inputs_are_the_last_values_of_the_targets(ramp) -> None:
    options = {"targets": ("constant", "time"), "horizon": 3}
    dataset = load(ramp, inputs=("square", "time", "constant"), **options)
    columns = list(dataset.signature.last_values)
    last = dataset.test.inputs[:, -1, columns]
    assert np.array_equal(last[1:], dataset.test.targets[:-1, :2])


def test_a_target_that_is_not_read_has_no_last_value(ramp) -> None:
    assert load(ramp, inputs=("square",)).signature.last_values == ()
    assert load(ramp, inputs=("time", "square"), targets=("time", "constant")).signature.last_values == ()


def test_stride_thins_the_epochs_of_training_and_nothing_else(ramp) -> None:
    every, third = prepare(loaded(ramp)), prepare(loaded(ramp, stride=3))
    assert len(third.train) == -(-len(every.train) // 3)
    assert len(third.validation) == len(every.validation)
    # Simple models still learn from every window.
    assert np.array_equal(loaded(ramp, stride=3).train.origins, loaded(ramp).train.origins)


def test_a_pickled_dataset_holds_every_row_once_whatever_the_window(ramp) -> None:
    narrow, wide = (len(pickle.dumps(loaded(ramp, window=window))) for window in (2, 30))
    assert wide <= narrow


def test_shares_split_by_time(ramp) -> None:
    dataset = load(ramp, split=(0.5, 0.2, 0.3))
    assert [len(part) for part in (dataset.train, dataset.validation, dataset.test)] == [44, 19, 29]


def test_baselines_of_a_ramp_are_its_steps_and_nothing(ramp) -> None:
    options = {"path": ramp, "targets": ("time",), "inputs": ("time",), "window": 5, "horizon": 2}
    baselines = scores(ForecastTask(ForecastOptions(**options, split=(60, 20, 20))).read().fit_baselines())
    assert baselines["persistence"] == pytest.approx(2.5, rel=1e-5)
    assert baselines["linear on changes"] < 0.01 * baselines["persistence"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"targets": ("tine",)}, "no column 'tine'; did you mean 'time'"),
        ({"targets": ("label",)}, "row 2, column 'label' is 'day 0'; must be a finite number"),
        ({"inputs": ("time", "label")}, "row 2, column 'label' is 'day 0'"),
        ({"split": (100, 20, 20)}, r"has 100 rows; split \[100, 20, 20\] needs 140"),
        ({"window": 60}, "train part has 60 rows; window 60 and horizon 2 need at least 62"),
        ({"horizon": 21}, "validation part has 20 rows; window 5 and horizon 21 need at least 21"),
        ({"split": (10, 2, 20), "window": 11}, "train part has 10 rows; .* at least 13"),
    ],
)
def test_what_does_not_fit_the_file_is_one_clear_error(ramp, options, message) -> None:
    with pytest.raises(DataError, match=message):
        load(ramp, **options)


def test_a_file_without_numbers_is_refused(tmp_path) -> None:
    path = tmp_path / "words.csv"
    path.write_text("a,b\nx,y\n")
    with pytest.raises(DataError, match="no column of numbers"):
        load(path, targets=("a",))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"targets": ()}, "must be all, or a list of one or more names"),
        ({"targets": ("a", "a")}, "names a column twice"),
        ({"window": 0}, "greater than 0"),
        ({"horizon": -1}, "greater than 0"),
        ({"split": (0.5, 0.2, 0.2)}, "must be three shares that add up to 1, or three whole numbers of rows"),
        ({"split": (0, 5, 5)}, "three whole numbers of rows"),
        ({"metric": "r2"}, "'mse', 'mae', 'rmse', 'mase' or 'wql'"),
    ],
)
def test_impossible_options_are_refused(options, message) -> None:
    with pytest.raises(ValidationError, match=message):
        ForecastOptions(**{"path": "series.csv", "targets": ("a",), **options})


def test_mean_absolute_error_can_be_the_metric(ramp) -> None:
    assert load(ramp, metric="mae").metric.name == "mae"


def test_a_target_that_never_changes_has_no_mase(ramp) -> None:
    with pytest.raises(DataError, match="mase divides by zero"):
        load(ramp, targets=("constant",), metric="mase")


def test_a_file_that_is_validation_as_a_whole_leaves_its_share_to_training(ramp, tmp_path) -> None:
    other = tmp_path / "other.csv"
    other.write_text(ramp.read_text().replace(",0.1", ",0.2"))
    dataset = load(ramp, validation_path=(other,), split=(0.5, 0.2, 0.3))
    assert [len(part) for part in (dataset.train, dataset.validation, dataset.test)] == [64, 94, 29]


def test_a_seasonal_forecast_repeats_the_season_before(tmp_path) -> None:
    path = tmp_path / "weeks.csv"
    path.write_text("\n".join(["x", *(str(day % 7) for day in range(200))]))
    task = ForecastTask(ForecastOptions(path=path, targets=("x",), window=9, horizon=8, season=7))
    assert task.read().fit_baselines()["seasonal naive"].score == pytest.approx(0.0)


@pytest.mark.parametrize("column", ["y", "other"])
def test_a_placeholder_in_the_test_rows_is_refused_with_its_place(column, tmp_path) -> None:
    values = np.random.default_rng(0).normal(size=(60, 2))
    values[55, ["y", "other"].index(column)] = -1e30
    path = tmp_path / "series.csv"
    path.write_text("\n".join(["y,other", *(f"{y!r},{other!r}" for y, other in values.tolist())]))
    options = ForecastOptions(path=(path,), targets=("y",), window=4, horizon=2)
    with pytest.raises(DataError, match=rf"row 57, column '{column}' is -1e\+30"):
        ForecastTask(options).read()


@pytest.fixture
def waves(tmp_path) -> list[Path]:
    """Three files of the same daily wave at the levels 100, 200 and 300."""
    rng = np.random.default_rng(0)
    paths = []
    for level in (100, 200, 300):
        values = level + np.sin(np.arange(60) * 2 * np.pi / 24) + rng.normal(scale=0.1, size=60)
        paths.append(tmp_path / f"{level}.csv")
        paths[-1].write_text("\n".join(["y", *map(str, values)]))
    return paths


@pytest.mark.parametrize("own_files", [True, False], ids=["a file for each part", "three files cut"])
def test_a_season_is_never_read_out_of_another_file(waves, own_files) -> None:
    files = {"path": waves[0], "validation_path": waves[1], "test_path": waves[2]}
    options = files if own_files else {"path": tuple(waves)}
    task = ForecastTask(ForecastOptions(**options, targets=("y",), window=8, horizon=2, season=24))
    assert task.read().fit_baselines()["seasonal naive"].score == pytest.approx(0.02, abs=0.01)


@pytest.mark.parametrize("metric", ["mse", "mase"])
@pytest.mark.parametrize("length", [1, 3])
def test_a_season_longer_than_every_series_is_refused(waves, metric, length) -> None:
    with pytest.raises(
        DataError, match="season is 365, but .* at most 58 rows of its series before it; lower"
    ):
        load(tuple(waves[:length]), targets=("y",), season=365, metric=metric, split=(0.6, 0.2, 0.2))


def test_a_series_shorter_than_a_season_does_not_stop_the_scaled_error_of_the_others(ramp, waves) -> None:
    text = ramp.read_text().replace("time", "y")
    ramp.write_text(text)
    dataset = loaded(
        (waves[0], ramp), targets=("y",), inputs=("y",), season=48, metric="mase", split=(0.6, 0.2, 0.2)
    )
    assert dataset.metric.score(np.ones((1, 1)), np.zeros((1, 1))) > 0
