"""What holds for every task in the registry; a new one adds its options to `SAMPLES`."""

from __future__ import annotations

import copy
import json
import math
import pickle
import re
from typing import TYPE_CHECKING, Any, get_args

import numpy as np
import pytest
from pydantic import BaseModel, ValidationError

from evo_nas.config import TrainingConfig, checked
from evo_nas.config.validation_errors import shown
from evo_nas.errors import ConfigError
from evo_nas.evaluation import Status
from evo_nas.genome.architecture import Architecture, Forecast, Layer
from evo_nas.genome.cells import NAMED_CELLS
from evo_nas.tasks.registry import TASKS
from evo_nas.tasks.task import Dataset, Loss, Part, Sequences, Stream, Task, Windows
from evo_nas.training.batches import prepare
from evo_nas.training.trainer import train

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def series(folder: Path) -> dict[str, Any]:
    rows = np.random.default_rng(0).normal(loc=[10, -3], scale=[4, 0.5], size=(200, 2)).cumsum(axis=0)
    path = folder / "series.csv"
    path.write_text("a,b\n" + "\n".join(f"{a},{b}" for a, b in rows) + "\n")
    return {"path": path, "targets": ["b"], "window": 10, "horizon": 3}


def rows(folder: Path) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    path = folder / "rows.csv"
    values = rng.normal(size=(60, 4))
    lines = [",".join(map(str, row)) + f",{'up' if row.sum() > 0 else 'down'}" for row in values]
    path.write_text("\n".join(["x1,y1,x2,y2,label", *lines]))
    return {"path": path, "features": 2}


def steps(folder: Path) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    path = folder / "steps.csv"
    lines = []
    for sequence in range(30):
        for value in rng.normal(size=rng.integers(3, 9)):
            lines.append(f"s{sequence},{value},{'up' if value > 0 else 'down'}")
    path.write_text("\n".join(["sequence,value,label", *lines]))
    return {"path": path, "sequence": "sequence"}


def sentences(folder: Path) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    path = folder / "sentences.txt"
    words = np.array(["wind", "rain", "sun", "snow", "ice"])
    path.write_text(
        "\n".join(
            f"{'wet' if n % 2 else 'dry'} {n} {' '.join(rng.choice(words, 1 + n % 6))}" for n in range(80)
        )
    )
    return {"path": path}


def tags(folder: Path) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    path = folder / "tags.jsonl"
    kinds = {"wind": "noun", "rain": "noun", "blows": "verb", "falls": "verb", "and": "other"}
    lines = []
    for _ in range(60):
        tokens = rng.choice(list(kinds), rng.integers(2, 9)).tolist()
        lines.append(json.dumps({"tokens": tokens, "tags": [kinds[token] for token in tokens]}))
    path.write_text("\n".join(lines))
    return {"path": path, "split": {"duplicates": "drop"}}


def book(folder: Path) -> dict[str, Any]:
    path = folder / "book.txt"
    path.write_text("the quick brown fox jumps over the lazy dog. " * 60)
    return {"path": path, "steps": 16}


def chords(folder: Path) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    path = folder / "chords.npz"
    np.savez(path, train=rng.integers(0, 2, size=(30, 6, 4)))
    return {"path": path}


def shapes(folder: Path) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    path = folder / "shapes.npz"
    labels = np.repeat(np.arange(8), 12)
    np.savez(path, x=rng.normal(size=(96, 5, 2)) + labels[:, None, None], y=labels)
    return {"path": path, "episodes": 40}


SMALL = {"train": 80, "validation": 30, "test": 30}
SAMPLES: dict[str, Callable[[Path], dict[str, Any]]] = {
    "adding": lambda folder: SMALL,
    "classification": rows,
    "copy_memory": lambda folder: SMALL,
    "digits": lambda folder: {},
    "dyck": lambda folder: SMALL,
    "few_shot": shapes,
    "forecast": series,
    "labelling": steps,
    "language_model": book,
    "multi_label": chords,
    "parity": lambda folder: SMALL,
    "sines": lambda folder: SMALL,
    "standard_library": lambda folder: {"characters": 20_000},
    "tagging": tags,
    "text_classification": sentences,
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


def plain(part: Part) -> Sequences:
    """Returns a part as arrays of inputs and targets, one row a sequence."""
    if isinstance(part, Windows):
        return part.cut()
    if isinstance(part, Stream):
        return Sequences(part.tokens[None, :-1], part.tokens[None, 1:])
    return part


def parts(dataset: Dataset) -> list[Sequences]:
    return [plain(part) for part in (dataset.train, dataset.validation, dataset.test)]


def test_a_task_is_registered_under_its_kind(options) -> None:
    assert TASKS[options[0]].kind == options[0]


def test_an_unknown_option_is_refused(options) -> None:
    kind, section = options
    with pytest.raises(ValidationError, match="windoww"):
        TASKS[kind].Options.model_validate({**section, "windoww": 3})


def numbers(options: BaseModel, at: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Where numbers are, by the keys that lead there."""
    places = []
    for name, value in options:
        if isinstance(value, BaseModel):
            places += numbers(value, (*at, name))
        elif isinstance(value, int | float) and not isinstance(value, bool):
            places.append((*at, name))
    return places


@pytest.mark.parametrize("kind", TASKS)
def test_only_a_number_is_taken_for_a_number(kind, tmp_path) -> None:
    model, section = TASKS[kind].Options, SAMPLES[kind](tmp_path)
    places = numbers(model.model_validate(section))
    assert places
    for *way, last in places:
        for wrong in (True, "1", None, [1]):
            changed = copy.deepcopy(section)
            part = changed
            for key in way:
                part = part.setdefault(key, {})
            part[last] = wrong
            with pytest.raises(ConfigError) as refusal:
                checked(model, changed, at="task")
            field = ".".join(["task", *way, last])
            assert re.fullmatch(rf"{field} is {re.escape(shown(wrong))}; must be .*", str(refusal.value))


@pytest.mark.parametrize("kind", TASKS)
def test_a_plain_metric_is_refused_with_those_there_are(kind, tmp_path) -> None:
    with pytest.raises(ConfigError, match="task.metric is \"best\"; must be '.*'.* or '"):
        checked(TASKS[kind].Options, {**SAMPLES[kind](tmp_path), "metric": "best"}, at="task")


def metrics(kind: str) -> list[str]:
    """The metrics that a task permits."""
    return list(get_args(TASKS[kind].Options.model_fields["metric"].annotation))


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind in TASKS for name in metrics(kind)])
def test_the_metric_can_be_overridden_and_has_its_own_direction(kind, name, tmp_path) -> None:
    task = TASKS[kind](TASKS[kind].Options.model_validate({**SAMPLES[kind](tmp_path), "metric": name}))
    dataset = task.load()
    assert dataset.metric.name == name
    targets = plain(dataset.test)
    right = dataset.metric.score(*perfect(dataset, targets))
    outputs, wanted = perfect(dataset, targets)
    wrong = dataset.metric.score(np.roll(outputs, 1, axis=0) + 0.1 * outputs, wanted)
    assert dataset.metric.fitness(right) > dataset.metric.fitness(wrong)


def test_loading_twice_gives_the_same_arrays(task, dataset) -> None:
    for once, again in zip(parts(dataset), parts(task.load()), strict=True):
        assert np.array_equal(once.inputs, again.inputs)
        assert np.array_equal(once.targets, again.targets)


def test_arrays_have_the_shapes_and_types_that_networks_expect(dataset) -> None:
    signature = dataset.signature
    for part in parts(dataset):
        assert len(part.inputs) == len(part.targets) > 0
        if signature.vocabulary:
            assert part.inputs.dtype == np.int64
            assert part.inputs.ndim == 2
        else:
            assert part.inputs.dtype == np.float32
            assert part.inputs.shape[2] == signature.features
        is_class = dataset.loss is Loss.CROSS_ENTROPY
        assert part.targets.dtype == (np.int64 if is_class else np.float32)
        if is_class:
            assert part.targets.min() >= 0
            assert part.targets.max() < signature.outputs
        else:
            assert part.targets.shape[-1] == signature.outputs
        if signature.per_step:
            assert part.targets.shape[:2] == part.inputs.shape[:2]
        if part.lengths is not None:
            assert part.lengths.min() >= 1
            assert part.lengths.max() <= part.inputs.shape[1]
        if dataset.classes:
            assert len(dataset.classes) == signature.outputs
        assert len(dataset.vocabulary) == signature.vocabulary


def test_every_value_is_finite(dataset) -> None:
    for part in parts(dataset):
        assert np.isfinite(part.inputs).all()
        assert np.isfinite(part.targets).all()


def test_a_dataset_pickles(dataset) -> None:
    copy = pickle.loads(pickle.dumps(dataset))
    for once, again in zip(parts(dataset), parts(copy), strict=True):
        assert np.array_equal(once.inputs, again.inputs)
    outputs = np.resize([0.1, 0.7, 0.3], (3, dataset.signature.outputs)).astype(np.float32)
    wanted = outputs if dataset.loss is not Loss.CROSS_ENTROPY else np.zeros(3, dtype=np.int64)
    assert copy.metric.score(outputs, wanted) == dataset.metric.score(outputs, wanted)


def perfect(dataset: Dataset, part: Sequences) -> tuple[np.ndarray, np.ndarray]:
    """Returns outputs that are right, and the targets, rows that count alone."""
    targets = part.targets
    if dataset.signature.per_step:
        steps = np.ones(targets.shape[:2], dtype=bool)
        if part.lengths is not None:
            steps = np.arange(targets.shape[1]) < part.lengths[:, None]
        targets = targets[steps if part.scored is None else part.scored]
    if dataset.loss is Loss.CROSS_ENTROPY:
        return (100 * np.eye(dataset.signature.outputs, dtype=np.float32))[targets], targets
    return (200 * targets - 100 if dataset.loss is Loss.BINARY_CROSS_ENTROPY else targets), targets


def test_a_perfect_answer_scores_at_least_as_well_as_any_floor(task, dataset) -> None:
    best = dataset.metric.fitness(dataset.metric.score(*perfect(dataset, parts(dataset)[2])))
    baselines = task.baselines()
    assert baselines
    for value in baselines.values():
        assert math.isfinite(value)
        assert dataset.metric.fitness(value) <= best


@pytest.mark.parametrize("is_plain", [True, False])
def test_a_network_trains_on_it(dataset, is_plain) -> None:
    signature = dataset.signature
    architecture = Architecture(
        layers=(Layer(NAMED_CELLS["lstm"], 8),),
        embedding=4 if signature.vocabulary else None,
        tied=signature.predicts_inputs and not is_plain,
        forecast=Forecast.RELATIVE if signature.last_values and not is_plain else Forecast.VALUE,
    )
    outcome = train(architecture, prepare(dataset), TrainingConfig(), epochs=1, seed=1).outcome
    assert outcome.status is Status.OK, outcome.error


def test_what_the_files_hold_changes_the_fingerprint(task) -> None:
    before = task.fingerprint()
    assert len(before) == len(set(task.files()))
    for path in task.files() if task.kind != "standard_library" else ():
        path.write_bytes(path.read_bytes() + b"\n")
        assert task.fingerprint() != before
