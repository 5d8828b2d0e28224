"""Baselines that fit the objective and the shape of any data set."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from evo_nas.tasks.arrays import dataset_from_arrays
from evo_nas.tasks.baselines.generic import generic_baselines
from evo_nas.tasks.registry import TASKS

RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("adding", {"mean", "linear"}),
        ("classification", {"majority", "nearest neighbour", "logistic regression"}),
        ("copy_memory", {"majority", "logistic regression on word n-grams"}),
        ("few_shot", {"majority", "nearest neighbour", "logistic regression"}),
        ("forecast", {"persistence", "linear", "linear on changes"}),
        ("labelling", {"majority", "nearest neighbour", "logistic regression"}),
        ("language_model", {"1-grams", "3-grams"}),
        ("multi_label", {"frequency of keys"}),
        ("tagging", {"majority", "logistic regression on word n-grams"}),
        ("text_classification", {"majority", "logistic regression on word n-grams"}),
    ],
)
def test_every_shape_of_data_has_baselines(kind: str, names: set[str], tmp_path: Path) -> None:
    prepared = TASKS[kind].sample(tmp_path).read()
    baselines = generic_baselines(prepared.dataset)
    assert set(baselines) == names
    assert np.isfinite(list(baselines.values())).all()


def test_windows_have_the_baselines_of_a_forecast_from_files(tmp_path: Path) -> None:
    prepared = TASKS["forecast"].sample(tmp_path).read()
    assert generic_baselines(prepared.dataset) == prepared.fit_baselines()


def test_a_linear_target_is_predicted_by_the_linear_model() -> None:
    inputs = RNG.normal(size=(80, 4, 2))
    dataset = dataset_from_arrays(inputs, 3 * inputs[:, 0, 1] - inputs[:, 3, 0], kind="regression")
    baselines = generic_baselines(dataset)
    assert baselines["linear"] < 0.01 * baselines["mean"]
