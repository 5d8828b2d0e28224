"""The shipped contract of tasks finds what is wrong with a task."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from evo_nas.data.examples import Examples
from evo_nas.tasks.baselines.classifiers import majority
from evo_nas.tasks.baselines.fitting import Fit, TrainTest
from evo_nas.tasks.baselines.forecasters import forecast_baselines
from evo_nas.tasks.baselines.regressors import score_of_mean
from evo_nas.tasks.classification import ClassificationTask
from evo_nas.tasks.dataset import Dataset, Sequences, Windows
from evo_nas.tasks.example_sums import Scored
from evo_nas.tasks.forecast import ForecastTask
from evo_nas.tasks.in_memory import InMemoryTask
from evo_nas.tasks.metrics import NLL
from evo_nas.tasks.parity import ParityTask
from evo_nas.tasks.sines import SinesOptions, SinesTask
from evo_nas.tasks.task import Prepared, Task
from evo_nas.testing.tasks import TaskContract

CONTRACT = TaskContract()


@pytest.fixture
def dataset(tmp_path) -> Dataset:
    return InMemoryTask.sample(tmp_path).read().dataset


def with_train(dataset: Dataset, **arrays) -> Dataset:
    return replace(dataset, train=replace(dataset.train, **arrays))


def test_doubles_are_no_inputs(dataset) -> None:
    with pytest.raises(AssertionError):
        CONTRACT.test_inputs_have_the_shapes_and_types_that_networks_expect(
            with_train(dataset, inputs=dataset.train.inputs.astype(np.float64))
        )


def test_a_class_beyond_the_outputs_is_found(dataset) -> None:
    with pytest.raises(AssertionError):
        CONTRACT.test_targets_have_the_shapes_and_types_that_objectives_expect(
            with_train(dataset, targets=dataset.train.targets + 1)
        )


def test_a_missing_value_is_found(dataset) -> None:
    with pytest.raises(AssertionError):
        CONTRACT.test_every_value_is_finite(with_train(dataset, inputs=dataset.train.inputs * np.nan))


class Unsteady(SinesTask):
    """Draws other sequences at every read, and its baseline is better than a perfect answer."""

    seeds = iter(range(100))

    def read(self) -> Prepared:
        drawn = SinesTask(SinesOptions(train=9, validation=9, test=9, seed=next(self.seeds))).read()
        return Prepared.of(drawn.dataset, drawn.parts, lambda _: {"oracle": partial(Scored, -1.0)})


def test_a_task_that_reads_other_arrays_each_time_is_found(tmp_path) -> None:
    task = Unsteady.sample(tmp_path)
    with pytest.raises(AssertionError):
        CONTRACT.test_reading_twice_gives_the_same_arrays(task, task.read().dataset)


def test_a_baseline_that_nothing_can_beat_is_found(tmp_path) -> None:
    with pytest.raises(AssertionError):
        CONTRACT.test_a_perfect_answer_scores_at_least_as_well_as_any_baseline(Unsteady.sample(tmp_path))


class PeekingAtNumbers(SinesTask):
    """Its mean is that of training and validation part."""

    def read(self) -> Prepared:
        prepared = super().read()
        metric, seen = prepared.dataset.metric, prepared.dataset.validation

        def peeking(both: TrainTest[Sequences]) -> dict[str, Fit]:
            targets = np.concatenate([both.train.targets, seen.targets])
            return {"mean": partial(score_of_mean, [targets, both.test.targets], metric)}

        return Prepared.of(prepared.dataset, prepared.parts, peeking)


class PeekingAtLabels(ClassificationTask):
    """Its majority is that of the labels of the files of both parts."""

    def read(self) -> Prepared:
        prepared = super().read()
        seen = prepared.parts["validation"]
        dataset = replace(prepared.dataset, metric=NLL)

        def peeking(both: TrainTest[Examples]) -> dict[str, Fit]:
            labels = TrainTest([*both.train.labels, *seen.labels], both.test.labels)
            targets = labels.map(lambda some: np.array([dataset.classes.index(name) for name in some]))
            return {"majority": partial(majority, *targets, metric=NLL, classes=2)}

        return Prepared.of(dataset, prepared.parts, peeking)


class PeekingAtWindows(ForecastTask):
    """Its linear model is fitted to the forecasts of both parts."""

    def read(self) -> Prepared:
        prepared = super().read()
        metric, seen = prepared.dataset.metric, prepared.parts["validation"]

        def peeking(both: TrainTest[Windows]) -> dict[str, Fit]:
            learnt = replace(both.train, origins=np.concatenate([both.train.origins, seen.origins]))
            return {"linear": forecast_baselines(learnt, both.test, metric=metric)["linear"]}

        return Prepared.of(prepared.dataset, prepared.parts, peeking)


@pytest.mark.parametrize("peeking", [PeekingAtNumbers, PeekingAtLabels, PeekingAtWindows])
def test_a_baseline_that_learns_from_the_validation_part_is_found(peeking: type[Task], tmp_path) -> None:
    with pytest.raises(AssertionError):
        CONTRACT.test_no_baseline_learns_from_the_validation_part(peeking.sample(tmp_path))


def test_baselines_are_handed_the_training_and_the_test_part(tmp_path) -> None:
    handed = []
    prepared = SinesTask.sample(tmp_path).read()
    Prepared.of(prepared.dataset, prepared.parts, lambda both: handed.append(both) or {}).fit_baselines()
    assert handed == [(prepared.parts["train"], prepared.parts["test"])]


def test_a_fingerprint_that_ignores_the_files_is_found(tmp_path) -> None:
    class Forgetful(ParityTask):
        def files(self):
            return [tmp_path / "a"]

        def fingerprint(self):
            return {"a": "0"}

    (tmp_path / "a").touch()
    with pytest.raises(AssertionError):
        CONTRACT.test_the_content_of_every_file_changes_the_fingerprint(Forgetful.sample(tmp_path), tmp_path)


def test_a_sound_data_set_passes(dataset) -> None:
    CONTRACT.test_every_value_is_finite(dataset)
    CONTRACT.test_targets_have_the_shapes_and_types_that_objectives_expect(dataset)
