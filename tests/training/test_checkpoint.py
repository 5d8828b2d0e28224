"""A training that was pruned goes on as if it had not been."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load, save

from evo_nas.config import TrainingConfig
from evo_nas.evaluation import Status
from evo_nas.genome.architecture import Architecture, Forecast, Head, Layer, Optimizer, Pooling, Signature
from evo_nas.genome.blocks import Context, Shortcut
from evo_nas.genome.cells import NAMED_CELLS
from evo_nas.tasks.dataset import Dataset, Objective, Sequences, Stream, Windows
from evo_nas.tasks.metrics import LANGUAGE, MSE
from evo_nas.training.batches import prepare
from evo_nas.training.checkpoint import Checkpoint, ForeignCheckpointError, metadata
from evo_nas.training.course import Course, Trained
from evo_nas.training.trainer import train

EPOCHS, RUNG = 6, 3
ALWAYS = 1e9
"""A threshold that no fitness reaches."""


def fit(architecture: Architecture, dataset: Dataset, course: Course | None = None, **settings) -> Trained:
    training = TrainingConfig(device="cpu", **settings)
    return train(architecture, prepare(dataset), training, epochs=EPOCHS, seed=7, course=course)


def assert_goes_on(architecture: Architecture, dataset: Dataset, **settings) -> None:
    """Prunes a training at each of two rungs and compares what goes on with a training that was never pruned."""
    whole = fit(architecture, dataset, **settings)
    assert whole.outcome.status is Status.OK, whole.outcome.error
    checkpoint: bytes | None = None
    for rung in (2, 5):
        pruned = fit(architecture, dataset, Course({rung: ALWAYS}, checkpoint), **settings)
        assert pruned.outcome.status is Status.PRUNED, pruned.outcome.error
        assert pruned.outcome.curve == whole.outcome.curve[:rung]
        checkpoint = pruned.checkpoint
    continued = fit(architecture, dataset, Course(checkpoint=checkpoint), **settings)
    assert continued.outcome.status is Status.OK, continued.outcome.error
    assert continued.outcome.curve == whole.outcome.curve
    assert continued.outcome.metrics == whole.outcome.metrics
    assert (continued.outcome.epochs, continued.outcome.steps) == (EPOCHS, whole.outcome.steps)
    assert_equal(continued, whole)


def assert_equal(one: Trained, other: Trained) -> None:
    assert one.network is not None
    assert other.network is not None
    weights = other.network.state_dict()
    assert weights
    for name, value in one.network.state_dict().items():
        assert torch.equal(value, weights[name]), name


@pytest.mark.parametrize(
    ("optimizer", "schedule"),
    list(itertools.product(Optimizer, ["constant", "cosine", "halving"])),
)
def test_every_optimizer_and_schedule_goes_on(architecture, dataset, optimizer, schedule) -> None:
    training = replace(architecture.training, optimizer=optimizer, learning_rate=0.05, weight_decay=0.01)
    assert_goes_on(replace(architecture, training=training), dataset, schedule=schedule)


def test_every_kind_of_dropout_goes_on(architecture, dataset) -> None:
    layer = replace(architecture.layers[0], bidirectional=True, dropout=0.3, recurrent_dropout=0.3)
    head = Head(pooling=Pooling.ATTENTION, hidden=4, dropout=0.3)
    assert_goes_on(replace(architecture, layers=(layer, layer), head=head), dataset)


def test_truncated_gradients_go_on(architecture, dataset) -> None:
    assert_goes_on(architecture, dataset, truncation=2)


@pytest.mark.parametrize("steps", [1, 3, 4, 5, 9])
def test_epochs_of_so_many_steps_go_on_through_the_data(architecture, dataset, steps) -> None:
    assert_goes_on(architecture, dataset, steps_per_epoch=steps)


def padded(count: int, seed: int) -> Sequences:
    rng = np.random.default_rng(seed)
    inputs = rng.normal(size=(count, 6, 2)).astype(np.float32)
    return Sequences(inputs, (inputs[:, 0, 0] > 0).astype(np.int64), rng.integers(1, 7, size=count))


@pytest.mark.parametrize("steps", [None, 3])
def test_sequences_of_different_lengths_go_on(architecture, dataset, steps) -> None:
    bucketed = replace(dataset, train=padded(70, 0), validation=padded(30, 1))
    assert_goes_on(architecture, bucketed, steps_per_epoch=steps)


def targets_of(objective: Objective, inputs: np.ndarray) -> np.ndarray:
    means = inputs.mean(axis=1)
    if objective is Objective.BINARY_CROSS_ENTROPY:
        return (means > 0).astype(np.float32)
    return means.astype(np.float32)


@pytest.mark.parametrize("objective", [each for each in Objective if each is not Objective.CROSS_ENTROPY])
def test_every_objective_goes_on(architecture, dataset, objective) -> None:
    parts = {
        name: Sequences(part.inputs, targets_of(objective, part.inputs))
        for name in ("train", "validation", "test")
        if (part := getattr(dataset, name))
    }
    quantiles = (0.5,) if objective is Objective.QUANTILE else ()
    changed = replace(dataset, objective=objective, metric=MSE, quantiles=quantiles, **parts)
    assert_goes_on(architecture, changed)


def text(tokens: int, seed: int) -> Stream:
    return Stream(np.random.default_rng(seed).integers(0, 7, size=tokens), steps=8)


@pytest.mark.parametrize("steps", [None, 2, 5])
def test_a_stream_goes_on_with_its_states(architecture, steps) -> None:
    dataset = Dataset(
        name="text",
        signature=Signature(features=0, vocabulary=7, outputs=7, per_step=True, predicts_inputs=True),
        objective=Objective.CROSS_ENTROPY,
        metric=LANGUAGE["perplexity"],
        train=text(400, 0),
        validation=text(100, 1),
        test=text(100, 2),
        causal=True,
    )
    layer = replace(architecture.layers[0], context=Context.MEMORY)
    reader = replace(
        architecture,
        layers=(layer,),
        embedding=6,
        embedding_dropout=0.2,
        shortcut=Shortcut.of("ngrams 1-2 x 64"),
    )
    training = replace(architecture.training, batch_size=4)
    assert_goes_on(replace(reader, training=training), dataset, steps_per_epoch=steps)


def windows(origins: range) -> Windows:
    series = np.sin(np.arange(300) / 5.0).astype(np.float32)[:, None]
    return Windows(series, series, np.array(origins), window=12, horizon=3, stride=2)


@pytest.mark.parametrize("steps", [None, 4])
def test_a_forecast_with_a_ridge_regression_goes_on(architecture, steps) -> None:
    dataset = Dataset(
        name="waves",
        signature=Signature(features=1, outputs=3, last_values=(0,), steps=12, horizon=3),
        objective=Objective.MSE,
        metric=MSE,
        train=windows(range(12, 200)),
        validation=windows(range(212, 250)),
        test=windows(range(262, 290)),
    )
    forecaster = replace(architecture, forecast=Forecast.CHANGE, shortcut=Shortcut.of("shared"))
    assert_goes_on(forecaster, dataset, steps_per_epoch=steps)


def test_only_a_fitness_below_the_threshold_is_pruned(architecture, dataset) -> None:
    whole = fit(architecture, dataset).outcome
    best = max(whole.curve[:RUNG])
    kept, pruned = (
        fit(architecture, dataset, Course({RUNG: threshold})) for threshold in (best, best + 1e-9)
    )
    assert (kept.outcome.status, kept.outcome.curve) == (Status.OK, whole.curve)
    assert (pruned.outcome.status, pruned.outcome.fitness) == (Status.PRUNED, best)
    assert (pruned.outcome.epochs, pruned.checkpoint is None, kept.checkpoint) == (RUNG, False, None)


def test_the_last_epoch_is_no_rung(architecture, dataset) -> None:
    assert fit(architecture, dataset, Course({EPOCHS: ALWAYS})).outcome.status is Status.OK


def test_seconds_of_a_training_that_goes_on_are_those_of_its_second_part(
    architecture, dataset, monkeypatch
) -> None:
    ticks = itertools.count()
    monkeypatch.setattr("time.thread_time", lambda: float(next(ticks)))
    first = fit(architecture, dataset, Course({5: ALWAYS}), time_limit_s=1e9)
    second = fit(architecture, dataset, Course(checkpoint=first.checkpoint), time_limit_s=1e9)
    assert 0 < second.outcome.cpu_s < first.outcome.cpu_s


def test_the_same_training_leaves_the_same_bytes(architecture, dataset) -> None:
    one, other = (fit(architecture, dataset, Course({RUNG: ALWAYS})).checkpoint for _ in range(2))
    assert one == other


@pytest.fixture
def checkpoint(architecture, dataset) -> bytes:
    content = fit(architecture, dataset, Course({RUNG: ALWAYS})).checkpoint
    assert content is not None
    return content


def test_a_checkpoint_of_another_training_is_not_used(architecture, dataset, checkpoint, caplog) -> None:
    other = replace(architecture, training=replace(architecture.training, clip=0.5))
    scratch, tried = (fit(other, dataset, Course(checkpoint=content)) for content in (None, checkpoint))
    assert tried.outcome.metrics == scratch.outcome.metrics
    assert_equal(tried, scratch)
    assert "belongs to another training" in caplog.text


@pytest.mark.parametrize("length", [0, 4, 8, 60, -1])
def test_damaged_bytes_are_not_used(architecture, dataset, checkpoint, length, caplog) -> None:
    whole, tried = (
        fit(architecture, dataset, Course(checkpoint=content)) for content in (None, checkpoint[:length])
    )
    assert tried.outcome.metrics == whole.outcome.metrics
    assert_equal(tried, whole)
    assert "it is no checkpoint" in caplog.text


@pytest.mark.parametrize("name", ["weights", "best_weights", "generator", "optimizer.0.mean", "scores"])
def test_a_checkpoint_that_lacks_a_part_is_not_used(architecture, dataset, checkpoint, name, caplog) -> None:
    tensors = load(checkpoint)
    for changed in (
        {each: tensor for each, tensor in tensors.items() if each != name},
        {**tensors, name: tensors[name].flatten()[:-1]},
        {**tensors, name: tensors[name].to(torch.float16)},
    ):
        spoilt = save(changed, metadata=metadata(checkpoint))
        tried = fit(architecture, dataset, Course(checkpoint=spoilt))
        assert tried.outcome.metrics == fit(architecture, dataset).outcome.metrics
        assert "begins from scratch" in caplog.text
        caplog.clear()


def test_a_place_in_the_data_that_does_not_exist_is_not_used(architecture, dataset, caplog) -> None:
    content = fit(architecture, dataset, Course({RUNG: ALWAYS}), steps_per_epoch=3).checkpoint
    assert content is not None
    tensors = load(content)
    facts = json.loads(metadata(content)["checkpoint"])
    beyond = save(tensors, metadata={"checkpoint": json.dumps(facts | {"taken": 1000})})
    state = save({**tensors, "drawn_from": tensors["drawn_from"] * 0}, metadata=metadata(content))
    carried = save({**tensors, "carried.x.cell": torch.zeros(1)}, metadata=metadata(content))
    whole = fit(architecture, dataset, steps_per_epoch=3)
    for spoilt in (beyond, state, carried):
        caplog.clear()
        tried = fit(architecture, dataset, Course(checkpoint=spoilt), steps_per_epoch=3)
        assert tried.outcome.metrics == whole.outcome.metrics
        assert "begins from scratch" in caplog.text


def test_a_header_without_end_is_not_read() -> None:
    with pytest.raises(ForeignCheckpointError):
        Checkpoint.from_bytes((2**62).to_bytes(8, "little") + b"{}", training="")


def test_cells_without_parameters_to_spare_go_on(dataset) -> None:
    assert_goes_on(Architecture(layers=(Layer(NAMED_CELLS["lstm"], 3),)), dataset)
