"""Measures what attention and an external memory give on problems of memory, and what they cost.

    python -m benchmarks.long_memory

Run from the root of the repository; it takes some minutes. One process, one thread, three seeds. It ends by writing
``benchmarks/results/long_memory.md``.
"""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch

from benchmarks.table import Table, write
from evo_nas.config import TrainingConfig
from evo_nas.genome.architecture import Architecture, Head, Layer, Training
from evo_nas.genome.blocks import Context
from evo_nas.genome.cells import NAMED_CELLS
from evo_nas.tasks.adding import AddingTask
from evo_nas.tasks.copy_memory import CopyMemoryTask
from evo_nas.tasks.parity import ParityTask
from evo_nas.training.batches import prepare
from evo_nas.training.forward import score_part
from evo_nas.training.trainer import train

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evo_nas.tasks.generated import GeneratedTask

EPOCHS = 15
SEEDS = (0, 1, 2)
LAYER = Layer(NAMED_CELLS["gru"], 32)
CONTEXTS: Mapping[str, Layer] = {
    "GRU 32": LAYER,
    "GRU 44": replace(LAYER, width=44),
    "with attention": replace(LAYER, context=Context.ATTENTION),
    "with memory": replace(LAYER, context=Context.MEMORY),
}


@dataclass(frozen=True)
class Problem:
    """A task and how it is learnt.

    Attributes:
        task: Kind of task.
        options: Options of the task.
        embedding: Width of the embedding of tokens.
    """

    task: type[GeneratedTask]
    options: Mapping[str, object]
    embedding: int | None = None


PROBLEMS: Mapping[str, Problem] = {
    "Copy 5 symbols after 40 blanks, accuracy": Problem(CopyMemoryTask, {"length": 40}, embedding=8),
    "Adding problem of 100 steps, MSE": Problem(AddingTask, {"length": 100}),
    "Parity of 1 to 24 bits, accuracy": Problem(ParityTask, {"length": 24}, embedding=8),
}


def main() -> None:
    torch.set_num_threads(1)
    tables = [
        Table(
            f"{name}; {EPOCHS} epochs",
            "python -m benchmarks.long_memory",
            ["network", "test", "each seed", "parameters", "CPU s, each"],
            [measured(problem, arm) for arm in CONTEXTS],
            [
                "Adam at 0.005, cosine; test scores of the weights that were best on validation, means of 3 seeds."
            ],
        )
        for name, problem in PROBLEMS.items()
    ]
    write("long_memory", "Attention and an external memory", tables)


def measured(problem: Problem, arm: str) -> list[str]:
    task = problem.task(problem.task.Options.model_validate(problem.options))
    dataset = task.read().dataset
    data = prepare(dataset)
    architecture = Architecture(
        (CONTEXTS[arm],), Head(), Training(learning_rate=5e-3), embedding=problem.embedding
    )
    training = TrainingConfig(epochs=EPOCHS, schedule="cosine").without_time_limit()
    scores, seconds, parameters = [], [], 0
    for seed in SEEDS:
        started = time.process_time()
        trained = train(architecture, data, training, epochs=EPOCHS, seed=seed)
        seconds.append(time.process_time() - started)
        parameters = trained.outcome.parameters
        scores.append(score_part(trained.network, dataset, "test").metric)
    told = ", ".join(f"{score:.4f}" for score in scores)
    row = [
        arm,
        f"{statistics.fmean(scores):.4f}",
        told,
        f"{parameters:,}",
        f"{statistics.fmean(seconds):.0f}",
    ]
    print(problem.options, *row, sep=" | ", flush=True)
    return row


if __name__ == "__main__":
    main()
