"""Baselines that fit the objective and the shape of any data set."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from evo_nas.data.splitting import SplitOptions
from evo_nas.tasks.arrays import dataset_from_arrays
from evo_nas.tasks.baselines.fitting import scores
from evo_nas.tasks.baselines.generic import generic_baselines
from evo_nas.tasks.dataset import Dataset
from evo_nas.tasks.registry import TASKS
from evo_nas.tasks.task import Prepared

RANDOM = {"reservoir + ridge", "random convolutions + ridge"}
BAGS = {"logistic regression on a bag of words", "logistic regression on word n-grams"}
STEPS = {"majority", "nearest neighbour", "logistic regression", "logistic regression on 13 steps"}
TAGS = {
    *("majority", "most frequent tag of each token"),
    *("logistic regression on 3 tokens", "logistic regression on 13 tokens"),
}
RNG = np.random.default_rng(0)
KEEP = SplitOptions(duplicates="keep")


def in_memory(dataset: Dataset) -> Prepared:
    return Prepared.of(dataset, dataset.parts, partial(generic_baselines, dataset=dataset))


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("adding", {"mean", "nearest neighbour", "ridge regression", *RANDOM}),
        ("classification", {"majority", "nearest neighbour", "logistic regression", *RANDOM}),
        ("copy_memory", TAGS),
        ("few_shot", STEPS),
        ("forecast", {"persistence", "linear", "linear on changes", "AutoTheta", "AutoETS"}),
        ("labelling", STEPS),
        ("language_model", {"1-grams", "3-grams"}),
        ("multi_label", {"frequency of keys"}),
        ("tagging", TAGS),
        ("text_classification", {"majority", *BAGS}),
    ],
)
def test_every_shape_of_data_has_baselines(kind: str, names: set[str], tmp_path: Path) -> None:
    prepared = TASKS[kind].sample(tmp_path).read()
    results = in_memory(prepared.dataset).fit_baselines()
    assert set(results) == names
    assert all(result.score is not None for result in results.values())


def test_windows_have_the_baselines_of_a_forecast_from_files(tmp_path: Path) -> None:
    prepared = TASKS["forecast"].sample(tmp_path).read()
    again = in_memory(prepared.dataset).fit_baselines()
    assert scores(again) == scores(prepared.fit_baselines())


def test_a_linear_target_is_predicted_by_the_linear_model() -> None:
    inputs = RNG.normal(size=(80, 4, 2))
    dataset = dataset_from_arrays(inputs, 3 * inputs[:, 0, 1] - inputs[:, 3, 0], kind="regression")
    baselines = scores(in_memory(dataset).fit_baselines())
    assert baselines["ridge regression"] < 0.01 * baselines["mean"]


def test_targets_that_are_not_known_are_not_learnt() -> None:
    inputs = RNG.normal(size=(80, 4, 2))
    whole = dataset_from_arrays(inputs, inputs[:, 3], kind="regression")
    targets = whole.train.targets.copy()
    targets[::3, 0] = np.nan
    holed = replace(whole, train=replace(whole.train, targets=targets), has_target_holes=True)
    baselines = scores(in_memory(holed).fit_baselines())
    assert set(baselines) == {"mean", "nearest neighbour", "ridge regression", *RANDOM}
    assert baselines["ridge regression"] < 0.01 * baselines["mean"]


def test_padding_of_tokens_is_no_token() -> None:
    # Token 0 only occurs in one class; as padding of the short sequences of the other it would hide that.
    ids = [np.array([0, 1, 2]) if row % 2 else np.array([1 + row % 3]) for row in range(60)]
    dataset = dataset_from_arrays(ids, [len(item) for item in ids], kind="classification", split=KEEP)
    baselines = in_memory(dataset).baselines
    assert baselines["logistic regression on word n-grams"]().score == 1.0
