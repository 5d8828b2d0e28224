from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import torch

from evo_nas.config import TrainingConfig
from evo_nas.evaluation import Status
from evo_nas.genome.architecture import Architecture, Head, Layer, Signature, Training
from evo_nas.genome.blocks import Front, Shortcut
from evo_nas.genome.cell import CellGraph, Node, X
from evo_nas.genome.cells import NAMED_CELLS
from evo_nas.genome.ops import Op
from evo_nas.genome.parameters import count_parameters
from evo_nas.tasks.dataset import Dataset, Objective, Sequences, Stream
from evo_nas.tasks.metrics import ACCURACY, LANGUAGE, MSE, Metric
from evo_nas.training import trainer
from evo_nas.training.batches import prepare
from evo_nas.training.course import Course
from evo_nas.training.forward import score_part
from evo_nas.training.trainer import Trained, train


def fit(architecture, dataset, *, epochs: int = 4, seed: int = 7, **settings) -> Trained:
    return train(architecture, prepare(dataset), TrainingConfig(**settings), epochs=epochs, seed=seed)


def test_training_learns_a_simple_task(architecture, dataset) -> None:
    outcome = fit(architecture, dataset, epochs=15).outcome
    assert outcome.status is Status.OK
    assert outcome.fitness > 0.9
    assert outcome.epochs == len(outcome.curve) == 15
    assert outcome.parameters == count_parameters(architecture, dataset.signature)


def test_the_same_seed_gives_the_same_weights_bit_for_bit(architecture, dataset) -> None:
    first, second = (fit(architecture, dataset) for _ in range(2))
    assert first.outcome.curve == second.outcome.curve
    assert first.outcome.metrics == second.outcome.metrics
    for name, value in first.network.state_dict().items():
        assert torch.equal(value, second.network.state_dict()[name])


def test_truncated_training_learns_and_repeats_bit_for_bit(architecture, dataset) -> None:
    first, second, whole = (fit(architecture, dataset, epochs=15, truncation=steps) for steps in (2, 2, None))
    assert first.outcome.fitness > 0.9
    assert first.outcome.metrics == second.outcome.metrics != whole.outcome.metrics
    for name, value in first.network.state_dict().items():
        assert torch.equal(value, second.network.state_dict()[name])


def test_truncation_beyond_the_longest_sequence_changes_nothing(architecture, dataset) -> None:
    longer, whole = (fit(architecture, dataset, truncation=steps) for steps in (4, None))
    assert longer.outcome.metrics == whole.outcome.metrics
    for name, value in longer.network.state_dict().items():
        assert torch.equal(value, whole.network.state_dict()[name])


def test_another_seed_gives_other_weights(architecture, dataset) -> None:
    first, second = (fit(architecture, dataset, seed=seed).outcome.metrics for seed in (1, 2))
    assert first["train_loss"] != second["train_loss"]


def test_trainings_side_by_side_give_what_each_gives_alone(architecture, dataset) -> None:
    both_ways = (replace(architecture.layers[0], bidirectional=True, recurrent_dropout=0.3),)
    architectures = [architecture, replace(architecture, layers=both_ways, head=Head(dropout=0.3))] * 2
    data = prepare(dataset)

    def outcome(number: int) -> tuple[tuple[float, ...], dict[str, float]]:
        result = train(architectures[number], data, TrainingConfig(), epochs=3, seed=number).outcome
        return result.curve, dict(result.metrics)

    alone = [outcome(number) for number in range(4)]
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(outcome, range(4))) == alone


def test_the_generators_of_the_process_are_untouched(architecture, dataset) -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    fit(architecture, dataset)
    assert torch.equal(torch.rand(3), expected)


def test_the_weights_of_the_best_epoch_are_kept(architecture, dataset) -> None:
    # A learning rate far too large makes the score jump up and down.
    wild = replace(architecture, training=Training(learning_rate=0.5, batch_size=16))
    trained = fit(wild, dataset, epochs=8)
    curve = trained.outcome.curve
    assert max(curve) > curve[-1]
    kept = score_part(trained.network, dataset, "validation")
    assert kept.metric == max(curve) == trained.outcome.metrics["validation_accuracy"]
    assert kept.loss == trained.outcome.metrics["validation_loss"]


def test_whoever_watches_is_told_the_best_fitness_after_each_epoch(architecture, dataset) -> None:
    seen: list[tuple[int, float]] = []
    trained = train(
        architecture,
        prepare(dataset),
        TrainingConfig(),
        epochs=3,
        seed=1,
        course=Course(watch=lambda epoch, fitness: seen.append((epoch, fitness))),
    )
    assert [epoch for epoch, _ in seen] == [1, 2, 3]
    assert [fitness for _, fitness in seen] == [max(trained.outcome.curve[:count]) for count in (1, 2, 3)]


def test_a_metric_where_less_is_better_is_negated(architecture, dataset) -> None:
    regression = replace(
        dataset,
        objective=Objective.MSE,
        metric=MSE,
        train=as_regression(dataset.train),
        validation=as_regression(dataset.validation),
    )
    outcome = fit(architecture, regression).outcome
    assert outcome.fitness == -min(outcome.curve)
    assert outcome.metrics["validation_mse"] == min(outcome.curve)


def as_regression(sequences: Sequences) -> Sequences:
    return Sequences(sequences.inputs, np.eye(2, dtype=np.float32)[sequences.targets])


def test_a_label_a_step_is_learnt_from_valid_steps_alone(architecture, dataset) -> None:
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(64, 5, 2)).astype(np.float32)
    lengths = rng.integers(1, 6, size=64)
    targets = (inputs[..., 0] > 0).astype(np.int64)
    targets[np.arange(5) >= lengths[:, None]] = -1  # no class at all: it would be an error to look at it
    split = Sequences(inputs, targets, lengths)
    labelling = replace(
        dataset, signature=replace(dataset.signature, per_step=True), train=split, validation=split
    )
    outcome = fit(architecture, labelling, epochs=15).outcome
    assert outcome.error == ""
    assert outcome.fitness > 0.9


def test_a_network_that_cannot_be_built_is_a_failure_without_backends(architecture, dataset) -> None:
    tokens = replace(dataset, signature=replace(dataset.signature, vocabulary=5))
    outcome = fit(architecture, tokens).outcome
    assert outcome.status is Status.FAILED
    assert outcome.error.startswith("GenomeError: architecture.embedding is None")
    assert outcome.backends == ()


def test_class_weights_change_the_training(architecture, dataset) -> None:
    weighted = replace(dataset, class_weights=np.array([0.1, 1.9], dtype=np.float32))
    plain, other = (fit(architecture, each).outcome.metrics for each in (dataset, weighted))
    assert plain["train_loss"] != other["train_loss"]


def test_a_time_limit_ends_a_training(architecture, dataset) -> None:
    trained = fit(architecture, dataset, epochs=10_000, time_limit_s=0.05)
    assert trained.outcome.status is Status.TIMED_OUT
    assert trained.outcome.epochs < 10_000
    assert trained.network is None


def test_without_a_time_limit_a_training_comes_to_its_end(architecture, dataset) -> None:
    settings = TrainingConfig(time_limit_s=1e-9)
    limited, unlimited = (
        train(architecture, prepare(dataset), training, epochs=1, seed=7).outcome.status
        for training in (settings, settings.without_time_limit())
    )
    assert (limited, unlimited) == (Status.TIMED_OUT, Status.OK)


EXPLODING = CellGraph(
    1,
    (Node(Op.LINEAR, (X, 1), bias=True), Node(Op.MUL, (2, 2)), Node(Op.MUL, (3, 3)), Node(Op.ADD, (1, 4))),
    (5,),
)


@pytest.mark.parametrize("scale", [5.0, 1e30], ids=["finite", "infinite"])
def test_an_exploding_loss_is_divergence(architecture, dataset, scale) -> None:
    scaled = replace(dataset, train=replace(dataset.train, inputs=dataset.train.inputs * np.float32(scale)))
    outcome = fit(replace(architecture, layers=(Layer(EXPLODING, 8),)), scaled).outcome
    assert outcome.status is Status.DIVERGED
    assert "epoch 1" in outcome.error


def test_a_huge_gradient_in_the_first_steps_is_divergence(architecture, dataset, monkeypatch) -> None:
    monkeypatch.setattr(trainer, "LARGEST_FIRST_NORM", 1e-9)
    outcome = fit(architecture, dataset).outcome
    assert outcome.status is Status.DIVERGED
    assert outcome.error.startswith("norm of the gradient is")


def test_a_huge_gradient_later_is_left_to_clipping(architecture, dataset, monkeypatch) -> None:
    monkeypatch.setattr(trainer, "LARGEST_FIRST_NORM", 1e-9)
    monkeypatch.setattr(trainer, "LOOKS_AHEAD", 0)  # so that no step is one of the first
    assert fit(architecture, dataset).outcome.status is Status.OK


def test_a_loss_that_is_not_a_number_is_divergence_at_once(architecture, dataset) -> None:
    broken = replace(dataset, train=replace(dataset.train, inputs=dataset.train.inputs * np.nan))
    outcome = fit(architecture, broken).outcome
    assert outcome.status is Status.DIVERGED
    assert outcome.error == "loss is nan in epoch 1"


def test_nan_in_validation_is_divergence(architecture, dataset) -> None:
    broken = replace(
        dataset, validation=replace(dataset.validation, inputs=dataset.validation.inputs * np.nan)
    )
    assert fit(architecture, broken).outcome.status is Status.DIVERGED


def raise_memory_error(outputs, targets) -> np.ndarray:
    raise MemoryError


def allocate_a_petabyte(outputs, targets) -> np.ndarray:
    return torch.empty(1 << 50).numpy()


def divide_by_zero(outputs, targets) -> np.ndarray:
    return np.array(1 / 0)


@pytest.mark.parametrize(
    ("metric", "status", "error"),
    [
        (raise_memory_error, Status.TOO_BIG, "MemoryError"),
        (allocate_a_petabyte, Status.TOO_BIG, "can't allocate memory"),
        (divide_by_zero, Status.FAILED, "ZeroDivisionError: division by zero"),
        (lambda outputs, targets: np.array(math.nan), Status.DIVERGED, "nan"),
    ],
)
def test_what_goes_wrong_is_told_by_its_cause(architecture, dataset, metric, status, error) -> None:
    outcome = fit(architecture, replace(dataset, metric=Metric("broken", True, metric, float))).outcome
    assert outcome.status is status
    assert error in outcome.error
    assert outcome.fitness is None


def test_the_returned_network_can_be_trained_on_by_anyone(architecture, dataset) -> None:
    network = fit(architecture, dataset).network
    assert not network.training
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    network(torch.randn(2, 4, 2)).sum().backward()
    optimizer.step()


def test_architectures_of_several_layers_train(dataset) -> None:
    cell = CellGraph(1, (Node(Op.LINEAR, (X, 1), bias=True), Node(Op.RELU, (2,))), (3,))
    layers = (Layer(cell, 6), Layer(cell, 4, bidirectional=True), Layer(cell, 5, skip=1))
    trained = fit(Architecture(layers=layers), dataset)
    assert trained.outcome.status is Status.OK
    assert trained.outcome.backends == trained.network.backends
    assert len(trained.outcome.backends) == 3


def test_network_that_reads_spellings_gets_them_from_the_vocabulary() -> None:
    tokens = np.random.default_rng(0).integers(0, 3, size=(32, 5))
    part = Sequences(tokens, (tokens == 1).any(axis=1).astype(np.int64))
    dataset = Dataset(
        "texts",
        Signature(0, 2, vocabulary=3),
        Objective.CROSS_ENTROPY,
        ACCURACY,
        *[part] * 3,
        vocabulary=("", "flow", "flows"),
    )
    architecture = Architecture(
        (Layer(NAMED_CELLS["mgu"], 4),), embedding=3, front=Front.of("subwords 3-4 x 40")
    )
    trained = fit(architecture, dataset)
    assert trained.outcome.status is Status.OK, trained.outcome.error
    assert trained.network.front.stem.spellings[1].any()

    nameless = fit(architecture, replace(dataset, vocabulary=())).outcome
    assert nameless.status is Status.FAILED
    assert "reads the spelling of 3 tokens" in nameless.error


def test_table_of_ngrams_learns_from_a_stream_the_same_each_time() -> None:
    # The next token is decided by the two before it, from one piece to the next, too.
    tokens = np.zeros(900, dtype=np.int64)
    tokens[:2] = 1, 2
    for place in range(2, 900):
        tokens[place] = (2 * tokens[place - 1] + tokens[place - 2] + 1) % 5
    parts = (Stream(tokens[start : start + 300], 4) for start in (0, 300, 600))
    signature = Signature(features=0, vocabulary=5, outputs=5, per_step=True, predicts_inputs=True)
    language = Dataset("rule", signature, Objective.CROSS_ENTROPY, LANGUAGE["nll"], *parts)
    architecture = Architecture(
        (Layer(NAMED_CELLS["mgu"], 1),),
        training=Training(learning_rate=0.02, batch_size=4),
        embedding=1,
        shortcut=Shortcut.of("ngrams 2-2 x 512"),
    )
    first, second = (fit(architecture, language, epochs=4) for _ in range(2))
    assert first.outcome.metrics == second.outcome.metrics
    assert first.outcome.metrics["validation_nll"] < 0.5
    without = fit(replace(architecture, shortcut=Shortcut()), language, epochs=4)
    assert without.outcome.metrics["validation_nll"] > 1.0
