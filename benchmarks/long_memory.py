"""Measures what attention, an external memory and slow layers give on problems of memory, and what they cost.

    python -m benchmarks.long_memory

Run from the root of the repository; it takes some minutes. One process, one thread, three seeds. It ends by writing
``benchmarks/results/long_memory.md``.
"""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import torch

from benchmarks.table import Table, write
from evo_nas.config import TrainingConfig
from evo_nas.genome.architecture import Architecture, Head, Layer, Pooling, Training
from evo_nas.genome.blocks import Context
from evo_nas.genome.cells import NAMED_CELLS
from evo_nas.tasks.adding import AddingTask
from evo_nas.tasks.copy_memory import CopyMemoryTask
from evo_nas.tasks.mnist1d import Mnist1dTask
from evo_nas.tasks.parity import ParityTask
from evo_nas.training.batches import prepare
from evo_nas.training.forward import score_part
from evo_nas.training.trainer import train

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evo_nas.tasks.generated import GeneratedTask

SEEDS = (0, 1, 2)
LAYER = Layer(NAMED_CELLS["gru"], 32)
CONTEXTS: Mapping[str, tuple[Layer, ...]] = {
    "GRU 32": (LAYER,),
    "GRU 44": (replace(LAYER, width=44),),
    "with attention": (replace(LAYER, context=Context.ATTENTION),),
    "with memory": (replace(LAYER, context=Context.MEMORY),),
}
HIERARCHIES: Mapping[str, tuple[Layer, ...]] = {
    "GRU 32, GRU 32": (LAYER, LAYER),
    "the second every 4 steps": (LAYER, replace(LAYER, period=4)),
    "the first every 4 steps, the second reads the input, too": (
        replace(LAYER, period=4),
        replace(LAYER, skip=0),
    ),
}


@dataclass(frozen=True)
class Problem:
    """A task and how it is learnt.

    Attributes:
        task: Kind of task.
        options: Options of the task.
        arms: The layers that are compared, by their names.
        epochs: Epochs of training.
        embedding: Width of the embedding of tokens.
        pooling: How time is reduced.
    """

    task: type[GeneratedTask]
    options: Mapping[str, object]
    arms: Mapping[str, tuple[Layer, ...]] = field(default_factory=lambda: CONTEXTS)
    epochs: int = 15
    embedding: int | None = None
    pooling: Pooling = Pooling.LAST


PROBLEMS: Mapping[str, Problem] = {
    "Copy 5 symbols after 40 blanks, accuracy": Problem(CopyMemoryTask, {"length": 40}, embedding=8),
    "Adding problem of 100 steps, MSE": Problem(AddingTask, {"length": 100}),
    "Parity of 1 to 24 bits, accuracy": Problem(ParityTask, {"length": 24}, embedding=8),
    "MNIST-1D, accuracy": Problem(Mnist1dTask, {}, HIERARCHIES, pooling=Pooling.MAX),
}


def main() -> None:
    torch.set_num_threads(1)
    tables: list[Table] = []
    for name, problem in PROBLEMS.items():
        tables.append(
            Table(
                f"{name}; {problem.epochs} epochs",
                "python -m benchmarks.long_memory",
                ["network", "test", "each seed", "parameters", "CPU s, each"],
                [measured(problem, arm) for arm in problem.arms],
                [
                    "Adam at 0.005, cosine; test scores of the weights that were best on validation, means of 3 seeds."
                ],
            )
        )
        write("long_memory", "Attention, memory and slow layers", tables)


def measured(problem: Problem, arm: str) -> list[str]:
    task = problem.task(problem.task.Options.model_validate(problem.options))
    dataset = task.read().dataset
    data = prepare(dataset)
    architecture = Architecture(
        problem.arms[arm], Head(problem.pooling), Training(learning_rate=5e-3), embedding=problem.embedding
    )
    training = TrainingConfig(epochs=problem.epochs, schedule="cosine").without_time_limit()
    scores, seconds, parameters = [], [], 0
    for seed in SEEDS:
        started = time.process_time()
        trained = train(architecture, data, training, epochs=problem.epochs, seed=seed)
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
