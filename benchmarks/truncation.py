"""Measures what cutting gradients between pieces of long sequences saves, and what it costs in quality.

    python -m benchmarks.truncation

Run from the root of the repository; it takes some minutes. One thread, three seeds; memory is that of a process of
its own for each training. It ends by writing ``benchmarks/results/truncation.md``.
"""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass, replace
from multiprocessing import get_context
from typing import TYPE_CHECKING

import torch

from benchmarks.data_sets import DataSet
from benchmarks.table import Table, peak_mib, write
from evo_nas.config import TrainingConfig
from evo_nas.genome.architecture import Architecture, Head, Layer, Norm, Pooling, Training
from evo_nas.genome.cells import NAMED_CELLS
from evo_nas.tasks.adding import AddingTask
from evo_nas.tasks.digits import DigitsOptions, DigitsTask
from evo_nas.training.batches import prepare
from evo_nas.training.forward import score_part
from evo_nas.training.trainer import train

if TYPE_CHECKING:
    from collections.abc import Callable

    from evo_nas.tasks.dataset import Dataset, Sequences

COMMAND = "python -m benchmarks.truncation"
EPOCHS = 15
SEEDS = (0, 1, 2)
GRU = NAMED_CELLS["gru"]
LONG_STEPS = 2000
POOLINGS = (Pooling.LAST, Pooling.MEAN)


@dataclass(frozen=True)
class Problem:
    """Data, and the trainings that are compared on them.

    Attributes:
        title: The data and the metric.
        read: Reads the data.
        truncations: None is the whole gradient.
        poolings: One if every step has an output, where it has no effect.
        batch_size: Sequences of a step.
    """

    title: str
    read: Callable[[], Dataset]
    truncations: tuple[int | None, ...]
    poolings: tuple[Pooling, ...] = POOLINGS
    batch_size: int = Training().batch_size


def adding() -> Dataset:
    return AddingTask(AddingTask.Options.model_validate({"length": 100})).read().dataset


def pixels() -> Dataset:
    """Returns the digits with a step for each pixel."""
    rows = DigitsTask(DigitsOptions()).read().dataset
    train, validation, test = map(_one_by_one, (rows.train, rows.validation, rows.test))
    signature = replace(rows.signature, features=1, steps=64)
    return replace(rows, signature=signature, train=train, validation=validation, test=test)


def chorales() -> Dataset:
    return DataSet("jsb").experiment().dataset


def _one_by_one(part: Sequences) -> Sequences:
    return replace(part, inputs=part.inputs.reshape(len(part.inputs), -1, 1))


PROBLEMS = (
    Problem("Chorales, about 60 steps, nats a step", chorales, (None, 16, 4), POOLINGS[:1], batch_size=8),
    Problem("Digits pixel by pixel, 64 steps, accuracy", pixels, (None, 16)),
    Problem("Adding problem of 100 steps, MSE", adding, (None, 25)),
)


def main() -> None:
    torch.set_num_threads(1)
    memory = Table(
        f"Memory of a training on sequences of {LONG_STEPS:,} steps, GRU of 64 units, batches of 64",
        COMMAND,
        ["truncation", "pooling", "MiB above the start", "CPU s of an epoch"],
        [
            _row(truncation, pooling, *_in_a_process(truncation, pooling))
            for pooling in POOLINGS
            for truncation in (None, 400, 100)
        ],
        ["The adding problem, 256 sequences, one epoch."],
    )
    quality = [
        Table(
            f"{problem.title}; GRU of 32 units with layer norm, {EPOCHS} epochs",
            COMMAND,
            ["truncation", "pooling", "test", "each seed", "CPU s, each"],
            [
                _row(truncation, pooling, *_quality(problem, truncation, pooling))
                for pooling in problem.poolings
                for truncation in problem.truncations
            ],
            [
                "Adam at 0.005, cosine; test scores of the weights that were best on validation, means of 3 seeds."
            ],
        )
        for problem in PROBLEMS
    ]
    write("truncation", "Gradients that are cut between pieces of long sequences", [memory, *quality])


def _row(truncation: int | None, pooling: Pooling, *cells: str) -> list[str]:
    row = ["none" if truncation is None else str(truncation), pooling, *cells]
    print(*row, sep=" | ", flush=True)
    return row


def _in_a_process(truncation: int | None, pooling: Pooling) -> tuple[str, str]:
    with get_context("spawn").Pool(1) as pool:
        mib, seconds = pool.apply(memory_of, (truncation, pooling))
    return f"{mib:.0f}", f"{seconds:.1f}"


def memory_of(truncation: int | None, pooling: Pooling) -> tuple[float, float]:
    """Returns the MiB and the CPU seconds that an epoch takes beyond what this process held before."""
    torch.set_num_threads(1)
    options = {"length": LONG_STEPS, "train": 256, "validation": 2, "test": 2}
    dataset = AddingTask(AddingTask.Options.model_validate(options)).read().dataset
    architecture = Architecture((Layer(GRU, 64),), Head(pooling=pooling), Training(batch_size=64))
    prepared = prepare(dataset)
    before, started = peak_mib(), time.process_time()
    training = TrainingConfig(truncation=truncation).without_time_limit()
    train(architecture, prepared, training, epochs=1, seed=0)
    return peak_mib() - before, time.process_time() - started


def _quality(problem: Problem, truncation: int | None, pooling: Pooling) -> tuple[str, str, str]:
    settings = Training(learning_rate=5e-3, batch_size=problem.batch_size)
    architecture = Architecture((Layer(GRU, 32, norm=Norm.LAYER),), Head(pooling=pooling), settings)
    dataset = problem.read()
    training = TrainingConfig(epochs=EPOCHS, schedule="cosine", truncation=truncation).without_time_limit()
    data, scores, seconds = prepare(dataset), [], []
    for seed in SEEDS:
        started = time.process_time()
        trained = train(architecture, data, training, epochs=EPOCHS, seed=seed)
        seconds.append(time.process_time() - started)
        assert trained.network is not None, trained.outcome.error
        scores.append(score_part(trained.network, dataset, "test").metric)
    told = ", ".join(f"{score:.4f}" for score in scores)
    return f"{statistics.fmean(scores):.4f}", told, f"{statistics.fmean(seconds):.1f}"


if __name__ == "__main__":
    main()
