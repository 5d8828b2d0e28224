"""The laws of `evo_nas.tasks.task.Task` as tests."""

from __future__ import annotations

import copy
import pickle
import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any, get_args

import numpy as np
import pytest
from pydantic import BaseModel

from evo_nas.config import TrainingConfig, checked
from evo_nas.config.validation_errors import shown
from evo_nas.errors import ConfigError
from evo_nas.evaluation import Status
from evo_nas.genome.architecture import Architecture, Forecast, Layer
from evo_nas.genome.cells import NAMED_CELLS
from evo_nas.tasks.baselines.fitting import scores
from evo_nas.tasks.dataset import Dataset, Objective, Part, Sequences, Stream, Windows
from evo_nas.tasks.example_sums import examples_of_test
from evo_nas.tasks.task import Task
from evo_nas.testing.cuts import CutContract
from evo_nas.training.batches import prepare
from evo_nas.training.trainer import train

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import numpy.typing as npt

AnyTask = Task[BaseModel]


class TaskContract(CutContract):
    """The tests that every task passes; a subclass overrides the fixture ``task_class``.

    ::

        class TestMyTask(TaskContract):
            @pytest.fixture
            def task_class(self):
                return MyTask
    """

    @pytest.fixture
    def task_class(self) -> type[AnyTask]:
        """The task that is tested."""
        raise NotImplementedError("override the fixture task_class, so that it returns your task")

    @pytest.fixture
    def task(self, task_class: type[AnyTask], tmp_path: Path) -> AnyTask:
        """The tiny sample of the task."""
        return task_class.sample(tmp_path)

    @pytest.fixture
    def dataset(self, task: AnyTask) -> Dataset:
        """The data of the sample."""
        return task.read().dataset

    @pytest.fixture
    def section(self, task: AnyTask) -> dict[str, Any]:
        """The options of the sample as a configuration gives them."""
        return task.options.model_dump(mode="json", exclude_unset=True)

    def test_it_has_a_kind_and_checked_options(self, task_class: type[AnyTask], task: AnyTask) -> None:
        assert re.fullmatch(r"[a-z][a-z0-9_]*", task_class.kind)
        assert isinstance(task.options, task_class.Options)

    def test_an_unknown_option_is_refused(self, task_class: type[AnyTask], section: dict[str, Any]) -> None:
        with pytest.raises(ConfigError, match=r"task\.windoww is unknown"):
            checked(task_class.Options, {**section, "windoww": 3}, at="task")

    def test_only_a_number_is_taken_for_a_number(
        self, task_class: type[AnyTask], task: AnyTask, section: dict[str, Any]
    ) -> None:
        for *way, last in _numbers(task.options):
            for wrong in (True, "1", None, [1]):
                changed = copy.deepcopy(section)
                part = changed
                for key in way:
                    part = part.setdefault(key, {})
                part[last] = wrong
                with pytest.raises(ConfigError) as refusal:
                    checked(task_class.Options, changed, at="task")
                field = ".".join(["task", *way, last])
                assert re.fullmatch(rf"{field} is {re.escape(shown(wrong))}; must be .*", str(refusal.value))

    def test_an_unknown_metric_is_refused_with_the_permitted_ones(
        self, task_class: type[AnyTask], section: dict[str, Any]
    ) -> None:
        if "metric" in task_class.Options.model_fields:
            with pytest.raises(ConfigError, match=r"task\.metric is \"best\"; must be '.*'.* or '"):
                checked(task_class.Options, {**section, "metric": "best"}, at="task")

    def test_every_metric_can_be_chosen_and_has_its_own_direction(
        self, task_class: type[AnyTask], section: dict[str, Any]
    ) -> None:
        for name in _metrics(task_class):
            chosen = {**section, "metric": name, **({"quantiles": [0.1, 0.5, 0.9]} if name == "wql" else {})}
            task = task_class(checked(task_class.Options, chosen, at="task"))
            dataset = task.read().dataset
            assert dataset.metric.name == name
            outputs, targets = _perfect(dataset)
            right = dataset.metric.score(outputs, targets)
            wrong = dataset.metric.score(np.roll(outputs, 1, axis=0) + 0.1 * outputs, targets)
            assert dataset.metric.fitness(right) > dataset.metric.fitness(wrong)

    def test_reading_twice_gives_the_same_arrays(self, task: AnyTask, dataset: Dataset) -> None:
        for once, again in _pairs(dataset, task.read().dataset):
            assert np.array_equal(once.inputs, again.inputs)
            assert np.array_equal(once.targets, again.targets)

    def test_inputs_have_the_shapes_and_types_that_networks_expect(self, dataset: Dataset) -> None:
        signature = dataset.signature
        for part in map(_plain, dataset.parts.values()):
            assert len(part.inputs) == len(part.targets) > 0
            if signature.vocabulary:
                assert part.inputs.dtype == np.int64
                assert part.inputs.ndim == 2
            else:
                assert part.inputs.dtype == np.float32
                assert part.inputs.shape[2] == signature.features
            if part.lengths is not None:
                assert part.lengths.min() >= 1
                assert part.lengths.max() <= part.inputs.shape[1]
        assert len(dataset.vocabulary) == signature.vocabulary

    def test_targets_have_the_shapes_and_types_that_objectives_expect(self, dataset: Dataset) -> None:
        signature = dataset.signature
        has_classes = dataset.objective is Objective.CROSS_ENTROPY
        for part in map(_plain, dataset.parts.values()):
            assert part.targets.dtype == (np.int64 if has_classes else np.float32)
            if has_classes:
                classes = part.targets.astype(np.int64)
                assert 0 <= classes.min() <= classes.max() < signature.outputs
            else:
                assert part.targets.shape[-1] * max(len(dataset.quantiles), 1) == signature.outputs
            if signature.per_step:
                assert part.targets.shape[:2] == part.inputs.shape[:2]
        assert len(dataset.classes) in {0, signature.outputs}

    def test_every_value_is_finite(self, dataset: Dataset) -> None:
        for part in map(_plain, dataset.parts.values()):
            assert np.isfinite(part.inputs.astype(np.float64)).all()
            known = np.isfinite(part.targets.astype(np.float64))
            # Of an example without any known target nothing could be learnt.
            assert (
                known.reshape(len(known), -1).any(axis=1).all() if dataset.has_target_holes else known.all()
            )

    def test_a_dataset_pickles(self, dataset: Dataset) -> None:
        copied = pickle.loads(pickle.dumps(dataset))  # noqa: S301 - written one call before
        for once, again in _pairs(dataset, copied):
            assert np.array_equal(once.inputs, again.inputs)
        outputs = np.resize([0.1, 0.7, 0.3], (3, dataset.signature.outputs)).astype(np.float32)
        has_classes = dataset.objective is Objective.CROSS_ENTROPY
        wanted = np.zeros(3, dtype=np.int64) if has_classes else outputs[:, :: max(len(dataset.quantiles), 1)]
        assert copied.metric.score(outputs, wanted) == dataset.metric.score(outputs, wanted)

    def test_a_perfect_answer_scores_at_least_as_well_as_any_baseline(self, task: AnyTask) -> None:
        prepared = task.read()
        metric = prepared.dataset.metric
        best = metric.fitness(metric.score(*_perfect(prepared.dataset)))
        baselines = prepared.fit_baselines()
        assert baselines
        for result in baselines.values():
            assert result.note if result.score is None else metric.fitness(result.score) <= best
        assert any(result.score is not None for result in baselines.values())

    def test_what_a_baseline_answered_adds_up_to_its_score(self, task: AnyTask) -> None:
        prepared = task.read()
        metric, fitted = prepared.dataset.metric, prepared.fit_baselines()
        examples = examples_of_test(prepared.dataset)
        assert fitted.sums or examples is None
        for name, sums in fitted.sums.items():
            assert sums.score(metric) == pytest.approx(fitted[name].score, rel=1e-4)
            assert examples is not None
            assert sums.places[-1] < examples.count

    def test_no_baseline_learns_from_the_validation_part(self, task: AnyTask) -> None:
        fitted = task.read().fit_baselines()
        prepared = task.read()
        # A copy that `read` itself makes of the part escapes this; what baselines take from it later does not.
        for part in (prepared.dataset.validation, prepared.parts["validation"]):
            _make_monotonous(part)
        assert scores(prepared.fit_baselines()) == pytest.approx(scores(fitted), rel=1e-5)

    @pytest.mark.parametrize("is_plain", [True, False])
    def test_a_network_trains_on_it(self, dataset: Dataset, is_plain: bool) -> None:  # noqa: FBT001
        signature = dataset.signature
        architecture = Architecture(
            layers=(Layer(NAMED_CELLS["lstm"], 8),),
            embedding=4 if signature.vocabulary else None,
            tied=signature.predicts_inputs and not is_plain,
            forecast=Forecast.RELATIVE if signature.last_values and not is_plain else Forecast.VALUE,
        )
        outcome = train(architecture, prepare(dataset), TrainingConfig(), epochs=1, seed=1).outcome
        assert outcome.status is Status.OK, outcome.error

    def test_the_content_of_every_file_changes_the_fingerprint(self, task: AnyTask, tmp_path: Path) -> None:
        before = task.fingerprint()
        files = set(task.files())
        assert len(before) == len(files) or not files
        # Only files that the sample wrote are its own to change.
        for path in (path for path in files if path.is_relative_to(tmp_path)):
            path.write_bytes(path.read_bytes() + b"\n")
            assert task.fingerprint() != before


def _numbers(options: BaseModel, at: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yields the keys that lead to each option that is a number."""
    for name, value in options:
        if isinstance(value, BaseModel):
            yield from _numbers(value, (*at, name))
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield (*at, name)


def _metrics(task_class: type[AnyTask]) -> list[str]:
    field = task_class.Options.model_fields.get("metric")
    return [] if field is None else list(get_args(field.annotation))


def _plain(part: Part) -> Sequences:
    """Returns a part as arrays of inputs and targets, one row for each sequence."""
    if isinstance(part, Windows):
        return part.cut()
    if isinstance(part, Stream):
        return Sequences(part.tokens[None, :-1], part.tokens[None, 1:])
    return part


def _pairs(one: Dataset, other: Dataset) -> Iterator[tuple[Sequences, Sequences]]:
    return zip(map(_plain, one.parts.values()), map(_plain, other.parts.values()), strict=True)


def _make_monotonous(part: object) -> None:
    """Replaces every example of a part by its first one, in place, in whatever form a task holds the part.

    The rows of a forecast stay as they are: all parts share them, and what is before a forecast may be read.
    """
    if isinstance(part, Windows):
        _make_monotonous(part.origins)
    elif isinstance(part, list | np.ndarray):
        part[:] = [*part[:1]] * len(part)
    elif isinstance(part, tuple | Mapping):
        for each in part.values() if isinstance(part, Mapping) else part:
            _make_monotonous(each)
    elif is_dataclass(part):
        for field in fields(part):
            _make_monotonous(getattr(part, field.name))


def _perfect(dataset: Dataset) -> tuple[npt.NDArray[np.float32], npt.NDArray[Any]]:
    """Returns right outputs for the test part, and its targets, both without rows that do not count."""
    part = _plain(dataset.test)
    targets: npt.NDArray[Any] = part.targets
    if dataset.signature.per_step:
        steps = np.ones(targets.shape[:2], dtype=np.bool_)
        if part.lengths is not None:
            steps = np.arange(targets.shape[1]) < part.lengths[:, None]
        targets = targets[steps if part.scored is None else part.scored]
    if dataset.objective is Objective.CROSS_ENTROPY:
        return (100 * np.eye(dataset.signature.outputs, dtype=np.float32))[targets], targets
    if dataset.objective is Objective.BINARY_CROSS_ENTROPY:
        return (200 * targets - 100).astype(np.float32), targets
    # What is not known may be anything that is a number.
    known = np.nan_to_num(targets, nan=0.0)
    return np.repeat(known, max(len(dataset.quantiles), 1), axis=-1).astype(np.float32), targets
