from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from evo_nas.tasks.arrays import dataset_from_arrays
from evo_nas.tasks.baselines.error_quantiles import error_quantiles, with_levels
from evo_nas.tasks.baselines.fitting import TrainTest
from evo_nas.tasks.baselines.forecasters import forecast_baselines
from evo_nas.tasks.baselines.generic import generic_baselines
from evo_nas.tasks.dataset import Objective
from evo_nas.tasks.quantiles import wql
from evo_nas.tasks.registry import TASKS

if TYPE_CHECKING:
    from pathlib import Path

LEVELS = (0.1, 0.5, 0.9)
RNG = np.random.default_rng(0)


def test_the_quantiles_of_past_errors_are_added_to_each_target() -> None:
    errors = np.stack([np.arange(11.0), 10 * np.arange(11.0)], axis=1)
    offsets = error_quantiles(errors, LEVELS)
    np.testing.assert_allclose(offsets, [[-4, 0, 4], [-40, 0, 40]])
    np.testing.assert_allclose(with_levels(np.array([[1.0, 2.0]]), offsets), [[-3, 1, 5, -38, 2, 42]])


def test_errors_that_are_not_known_do_not_count() -> None:
    errors = np.array([[1.0, np.nan], [np.nan, np.nan], [3.0, np.nan]])
    np.testing.assert_allclose(error_quantiles(errors, (0.5, 1.0)), [[0, 1], [0, 0]])


def test_without_levels_a_forecast_stays_as_it_is() -> None:
    points = RNG.normal(size=(4, 2))
    np.testing.assert_array_equal(with_levels(points, error_quantiles(points, ())), points)


def test_a_forecast_with_the_quantiles_of_its_errors_beats_one_without_a_spread(tmp_path: Path) -> None:
    forecast = TASKS["forecast"].sample(tmp_path).read().dataset
    learnt, test = forecast.train, forecast.test
    spread = forecast_baselines(learnt, test, metric=wql(LEVELS), season=2, levels=LEVELS)
    single = forecast_baselines(learnt, test, metric=wql((0.5,)), season=2, levels=(0.5,))
    # AutoETS and AutoTheta have intervals of their own.
    names = {"persistence", "seasonal naive", "linear", "linear on changes"}
    assert names <= set(spread)
    assert all(spread[name]().score < single[name]().score for name in names)


def test_arrays_have_the_quantiles_of_training_as_a_baseline() -> None:
    inputs = RNG.normal(size=(80, 4, 2))
    numbers = dataset_from_arrays(inputs, inputs[:, -1], kind="regression")
    dataset = replace(
        numbers,
        objective=Objective.QUANTILE,
        quantiles=LEVELS,
        metric=wql(LEVELS),
        signature=replace(numbers.signature, outputs=6),
    )
    (fit,) = generic_baselines(TrainTest(dataset.train, dataset.test), dataset).values()
    assert fit().score == pytest.approx(0.7, abs=0.2)
