"""Families of related tasks: episodes that no two parts share."""

from __future__ import annotations

import numpy as np
import pytest

from evo_nas.config import configured
from evo_nas.errors import ConfigError, DataError
from evo_nas.experiment import Experiment
from evo_nas.tasks.digits import DigitsOptions, DigitsTask
from evo_nas.tasks.family import EpisodeSize
from evo_nas.tasks.few_shot import FewShotOptions, FewShotTask
from evo_nas.tasks.forecast import ForecastOptions, ForecastTask
from evo_nas.tasks.in_memory import InMemoryTask
from evo_nas.tasks.sines import SinesOptions, SinesTask


def by_episode(part, size: EpisodeSize) -> tuple[np.ndarray, np.ndarray]:
    """Inputs and targets of a part, with episodes and their examples first."""
    return tuple(
        values.reshape(-1, size.examples, *values.shape[1:]) for values in (part.inputs, part.targets)
    )


def test_a_wave_gives_one_value_at_each_place_and_each_task_is_another_wave() -> None:
    options = SinesOptions(length=5, family={"shots": 30, "queries": 40, "episodes": 8})
    dataset = SinesTask(options).family().dataset
    assert dataset.episodes == (30, 40)
    inputs, targets = by_episode(dataset.train, dataset.episodes)
    assert inputs.shape == (8, 70, 5, 1)
    amplitudes = []
    for places, values in zip(inputs[:, :, -1, 0], targets[..., 0], strict=True):
        waves = np.stack([np.sin(places), np.cos(places)], axis=1)
        found, *_ = np.linalg.lstsq(waves, values, rcond=None)
        np.testing.assert_allclose(waves @ found, values, atol=1e-3)
        amplitudes.append(np.hypot(*found))
    assert len(np.unique(np.round(amplitudes, 3))) == 8
    assert 0.1 <= min(amplitudes) <= max(amplitudes) <= 5.0


def test_more_training_waves_change_no_test_wave() -> None:
    few, many = (
        SinesTask(SinesOptions(length=3, family={"episodes": count})).family().dataset.test.targets
        for count in (40, 400)
    )
    assert np.array_equal(few, many[: len(few)])


def test_an_episode_shows_as_many_examples_of_each_class_and_parts_share_no_class(tmp_path) -> None:
    labels = np.repeat(np.arange(8), 12)
    np.savez(tmp_path / "a.npz", x=np.broadcast_to(labels[:, None], (96, 4)) * 1.0, y=labels)
    task = FewShotTask(FewShotOptions(path=(tmp_path / "a.npz",), shots=3, queries=4, episodes=40))
    dataset = task.family().dataset
    assert dataset.episodes == (6, 4)
    assert (dataset.signature.features, dataset.signature.outputs, dataset.signature.per_step) == (
        1,
        2,
        False,
    )
    seen = []
    for part in dataset.parts.values():
        inputs, targets = by_episode(part, dataset.episodes)
        assert (targets[:, :6].sum(axis=1) == 3).all()
        seen.append(set(np.unique(part.inputs).tolist()))
        for values, classes in zip(inputs[:, :, 0, 0], targets, strict=True):
            assert len(set(zip(values.tolist(), classes.tolist(), strict=True))) == 2
    assert len(set.union(*seen)) == sum(map(len, seen)) == 8
    same = task.episodes()["train"][0]
    assert np.array_equal(dataset.train.inputs[:6], same.support.inputs)


@pytest.fixture
def folder(tmp_path):
    """Ten series of 60 steps, of which each has a level of its own."""
    rng = np.random.default_rng(0)
    for number in range(10):
        values = 1000 * number + rng.normal(size=60).cumsum()
        text = "v\n" + "\n".join(f"{value:.4f}" for value in values) + "\n"
        (tmp_path / f"series{number}.csv").write_text(text, encoding="utf-8")
    return tmp_path


def forecast(folder, **options) -> ForecastTask:
    given = {"path": folder, "targets": "all", "window": 4, "horizon": 2, "family": {"episodes": 40}}
    return ForecastTask(ForecastOptions.model_validate(given | options))


def test_a_series_is_in_one_part_and_queries_come_after_shots(folder) -> None:
    task = forecast(folder, family={"shots": 5, "queries": 6, "episodes": 60})
    prepared = task.family()
    dataset = prepared.dataset
    assert dataset.episodes == (5, 6)
    assert [remark for remark in dataset.remarks if "2 series are in the test part" in remark]
    rows = {part: set(np.round(each.inputs, 5).ravel().tolist()) for part, each in dataset.parts.items()}
    assert not rows["train"] & rows["test"]
    assert not rows["validation"] & rows["test"]
    # In its own deviations, whatever its level is.
    assert np.abs(dataset.train.inputs).max() < 20
    assert set(prepared.baselines) == {"persistence", "mean of the shots"}
    scores = {name: found.score for name, found in prepared.fit_baselines().items()}
    assert 0 < scores["persistence"] < scores["mean of the shots"]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"metric": "mase"}, ConfigError, r"task\.metric is mase, .* must be one of mse, mae, rmse"),
        ({"quantiles": [0.1, 0.5]}, ConfigError, r"task\.quantiles is \[0\.1, 0\.5\]; .* leave it out"),
        (
            {"family": {"shots": 100, "episodes": 4}},
            DataError,
            r"task\.family\.shots is 100, but .* lower it",
        ),
    ],
)
def test_a_family_of_series_refuses_what_it_cannot_serve(folder, options, error, message) -> None:
    with pytest.raises(error, match=message):
        forecast(folder, **options).family()


def test_one_series_is_no_family(folder) -> None:
    with pytest.raises(DataError, match=r"task\.path has 1 series; a family of them needs at least 3"):
        forecast(folder / "series0.csv").family()


def test_a_single_task_is_no_family() -> None:
    with pytest.raises(ConfigError, match=r"task\.kind is digits, which is a single task and no family"):
        DigitsTask(DigitsOptions()).family()


def test_episodes_in_memory_are_a_family_only_with_an_adaptation() -> None:
    dataset = SinesTask(SinesOptions(length=3, family={"episodes": 4})).family().dataset
    assert InMemoryTask.of(dataset).family().dataset is dataset
    config = {"name": "waves", "task": {"kind": "in_memory"}}
    with pytest.raises(ConfigError, match=r"consists of episodes.* give training\.adaptation"):
        _ = Experiment.of(configured(config), dataset=dataset).prepared
    adapting = configured(config | {"training": {"adaptation": {"steps": 2}}})
    assert Experiment.of(adapting, dataset=dataset).dataset.episodes == (10, 10)


@pytest.mark.parametrize(
    ("training", "message"),
    [
        ({"adaptation": {"steps": 0}}, r"training\.adaptation\.steps is 0; must be at least 1"),
        ({"adaptation": {"algorithm": "mamll"}}, r"training\.adaptation\.algorithm is \"mamll\"; must be"),
        ({"adaptation": {}, "truncation": 5}, r"truncation is 5 and adaptation is given; .* leave one"),
    ],
)
def test_an_adaptation_that_cannot_be_is_refused_in_one_sentence(training, message) -> None:
    with pytest.raises(ConfigError, match=message):
        configured({"name": "waves", "task": {"kind": "sines"}, "training": training})
