"""What holds for every task in the registry; a new one adds its options to `SAMPLES`."""

from __future__ import annotations

import math
import pickle
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from pydantic import ValidationError

from evo_nas.tasks.registry import TASKS
from evo_nas.tasks.task import Dataset, Loss, Sequences, Task

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def series(folder: Path) -> dict[str, Any]:
    rows = np.random.default_rng(0).normal(loc=[10, -3], scale=[4, 0.5], size=(200, 2)).cumsum(axis=0)
    path = folder / "series.csv"
    path.write_text("a,b\n" + "\n".join(f"{a},{b}" for a, b in rows) + "\n")
    return {"path": path, "targets": ["b"], "window": 10, "horizon": 3}


SAMPLES: dict[str, Callable[[Path], dict[str, Any]]] = {
    "digits": lambda folder: {},
    "forecast": series,
}


@pytest.fixture(params=list(TASKS))
def options(request, tmp_path) -> tuple[str, dict[str, Any]]:
    return request.param, SAMPLES[request.param](tmp_path)


@pytest.fixture
def task(options) -> Task:
    kind, section = options
    return TASKS[kind](TASKS[kind].Options.model_validate(section))


@pytest.fixture
def dataset(task) -> Dataset:
    return task.load()


def parts(dataset: Dataset) -> list[Sequences]:
    return [dataset.train, dataset.validation, dataset.test]


def test_a_task_is_registered_under_its_kind(options) -> None:
    assert TASKS[options[0]].kind == options[0]


def test_an_unknown_option_is_refused(options) -> None:
    kind, section = options
    with pytest.raises(ValidationError, match="windoww"):
        TASKS[kind].Options.model_validate({**section, "windoww": 3})


def test_loading_twice_gives_the_same_arrays(task, dataset) -> None:
    for once, again in zip(parts(dataset), parts(task.load()), strict=True):
        assert np.array_equal(once.inputs, again.inputs)
        assert np.array_equal(once.targets, again.targets)


def test_arrays_have_the_shapes_and_types_that_networks_expect(dataset) -> None:
    signature = dataset.signature
    for part in parts(dataset):
        assert len(part) == len(part.inputs) == len(part.targets) > 0
        if signature.vocabulary:
            assert part.inputs.dtype == np.int64
            assert part.inputs.ndim == 2
        else:
            assert part.inputs.dtype == np.float32
            assert part.inputs.shape[2] == signature.features
        assert part.targets.dtype == (np.int64 if dataset.loss is Loss.CROSS_ENTROPY else np.float32)
        if dataset.loss is Loss.CROSS_ENTROPY:
            assert part.targets.min() >= 0
            assert part.targets.max() < signature.outputs
        else:
            assert part.targets.shape[-1] == signature.outputs


def test_every_value_is_finite(dataset) -> None:
    for part in parts(dataset):
        assert np.isfinite(part.inputs).all()
        assert np.isfinite(part.targets).all()


def test_a_dataset_pickles(dataset) -> None:
    copy = pickle.loads(pickle.dumps(dataset))
    assert np.array_equal(copy.train.inputs, dataset.train.inputs)
    assert copy.metric == dataset.metric


def test_a_perfect_answer_scores_at_least_as_well_as_any_floor(task, dataset) -> None:
    targets = dataset.test.targets
    answer = np.eye(dataset.signature.outputs)[targets] if dataset.loss is Loss.CROSS_ENTROPY else targets
    best = dataset.metric.fitness(dataset.metric.score(answer.astype(np.float32), targets))
    floors = task.floors()
    assert floors
    for value in floors.values():
        assert math.isfinite(value)
        assert dataset.metric.fitness(value) <= best
