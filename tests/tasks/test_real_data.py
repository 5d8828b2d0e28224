"""Baselines on real data are the published ones, and every configuration fits its data set."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from evo_nas.config import load_config
from evo_nas.data.examples import Examples, joined
from evo_nas.data.splitting import PARTS
from evo_nas.experiment import Experiment
from evo_nas.tasks.baselines.fitting import TrainTest, fitted_in_turn, scores
from evo_nas.tasks.dataset import Stream, Windows
from evo_nas.tasks.task import Prepared

CONFIGS = Path(__file__).parents[2] / "configs"
NAMES = sorted(path.stem for path in CONFIGS.glob("*.yaml"))
BASELINES = {
    "pendigits": {"nearest neighbour": (0.9774, 1e-4)},
    "jsb": {"Markov chain per key": (10.49, 5e-3)},
    "tinyshakespeare": {"6-grams": (1.698, 1e-3)},
    "etth1": {"persistence": (0.034, 1e-3), "linear on changes": (0.026, 1e-3)},
    "coal": {"persistence": (6.94e-4, 1e-6), "linear": (4.53e-4, 2e-6)},
    "trec": {"logistic regression on word n-grams": (0.890, 5e-3)},
    "japanese_vowels": {"logistic regression": (0.978, 1e-3)},
    "series": {"persistence": (48.0, 0.05), "linear": (20.95, 0.05)},
}


def published(prepared: Prepared, names: Iterable[str]) -> dict[str, float]:
    """Returns the scores of baselines that learn as those of papers: from all that is not the test part."""
    train, validation, test = (prepared.parts[part] for part in PARTS)
    baselines = prepared.baselines_of(TrainTest(together(train, validation), test))
    return scores(dict(fitted_in_turn({name: baselines[name] for name in names})))


def together(train: object, validation: object) -> object:
    match train, validation:
        case Windows(), Windows():
            return replace(train, origins=np.concatenate([train.origins, validation.origins]))
        case Stream(), Stream():
            return replace(train, tokens=np.concatenate([train.tokens, validation.tokens]))
        case Examples(), Examples():
            return joined([train, validation])
        case list(), list():
            return train + validation
    raise NotImplementedError(type(train))


def experiment(name: str, data: Path, *overrides: str) -> Experiment:
    return Experiment.of(load_config(CONFIGS / f"{name}.yaml", (f"base_dir={data}", *overrides)))


@pytest.mark.parametrize("name", NAMES)
def test_every_configuration_fits_its_data(name, data) -> None:
    loaded = experiment(name, data)
    assert min(map(len, (loaded.dataset.train, loaded.dataset.validation, loaded.dataset.test))) > 0
    assert loaded.space.seeds()


def test_every_data_set_has_a_configuration(data) -> None:
    used = {
        path.relative_to(data).parts[0]
        for name in NAMES
        for path in experiment(name, data).task.files()
        if path.is_relative_to(data)
    }
    assert used == {folder.name for folder in data.iterdir() if folder.is_dir()}


@pytest.mark.slow
@pytest.mark.parametrize("name", BASELINES)
def test_baselines_are_the_published_ones(name, data) -> None:
    baselines = published(experiment(name, data).prepared, BASELINES[name])
    for model, (value, tolerance) in BASELINES[name].items():
        assert baselines[model] == pytest.approx(value, abs=tolerance)


@pytest.mark.slow
@pytest.mark.parametrize(("window", "value"), [(1, 6.61e-4), (30, 4.51e-4)])
def test_ridge_on_the_burners_improves_with_the_window(window, value, data) -> None:
    baselines = published(experiment("coal", data, f"task.window={window}").prepared, ["linear"])
    assert baselines["linear"] == pytest.approx(value, abs=1e-6)


@pytest.mark.parametrize(
    ("file", "target", "window", "persistence", "linear"),
    [
        ("monthly-sunspots", "Sunspots", 24, 18.40, 16.82),
        ("daily-min-temperatures", "Temp", 14, 2.62, 2.34),
    ],
)
def test_baselines_of_the_other_series(file, target, window, persistence, linear, data) -> None:
    overrides = [f"task.path=series/{file}.csv", f"task.targets=[{target}]", f"task.window={window}"]
    # The temperatures leave out the last day of both leap years, and the published figures do not count that.
    overrides.append("task.gaps=keep")
    baselines = published(experiment("series", data, *overrides).prepared, ["persistence", "linear"])
    assert baselines["persistence"] == pytest.approx(persistence, abs=0.01)
    assert baselines["linear"] == pytest.approx(linear, abs=0.01)


@pytest.mark.slow
def test_kmers_on_promoters_score_the_published_correlation_on_average_over_splits(data) -> None:
    name = "logistic regression on character n-grams"
    found = [
        published(experiment("promoters", data, f"task.split.seed={seed}").prepared, [name])[name]
        for seed in range(3)
    ]
    assert np.mean(found) == pytest.approx(0.751, abs=0.01)
