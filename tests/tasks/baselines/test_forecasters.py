"""Linear forecasts: one map for all columns, and none of more values than memory holds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from evo_nas.errors import DataError
from evo_nas.tasks.baselines.forecasters import forecast_baselines
from evo_nas.tasks.dataset import Windows
from evo_nas.tasks.metrics import MSE

RNG = np.random.default_rng(0)


def test_a_map_that_all_columns_share_is_learnt_from_few_rows() -> None:
    # Eight columns of one kind: alone each has too few windows for its own 8 x 20 weights.
    steps = np.arange(90)[:, None] / 3 + RNG.uniform(0, 6, 8)
    values = (np.sin(steps) + RNG.normal(scale=0.2, size=steps.shape)).astype(np.float32)
    whole = Windows(values, values, np.arange(20, 60), window=20, horizon=3)
    baselines = forecast_baselines(whole, replace(whole, origins=np.arange(65, 85)), metric=MSE)
    shared = baselines["linear map shared by columns"]().score
    assert shared < 0.85 * baselines["linear on changes"]().score
    assert shared < 0.15


def test_one_column_shares_its_map_with_none() -> None:
    values = RNG.normal(size=(60, 1)).astype(np.float32)
    whole = Windows(values, values, np.arange(20, 60), window=20, horizon=3)
    assert "linear map shared by columns" not in forecast_baselines(whole, whole, metric=MSE)


def test_a_linear_model_of_too_many_values_has_a_reason() -> None:
    values = np.zeros((60, 600), dtype=np.float32)
    whole = Windows(values, values[:, :2], np.arange(20, 50), window=10, horizon=3)
    with pytest.raises(DataError, match="left out for 6,000 values of a window, more than 5,000"):
        forecast_baselines(whole, whole, metric=MSE)["linear"]()
