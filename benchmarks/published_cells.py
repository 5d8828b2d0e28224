"""Trains every published cell alike, on digits read row by row and on MNIST-1D.

    OMP_NUM_THREADS=1 python -m benchmarks.published_cells

Run from the root of the repository; it takes about six minutes of one processor. It ends by writing
``benchmarks/results/published_cells.md``.
"""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

import torch

from benchmarks.table import Table, write
from benchmarks.tasks import trainings_of
from evo_nas.cli.formatting import figure
from evo_nas.genome.architecture import Architecture, Head, Layer, Training
from evo_nas.genome.cells import NAMED_CELLS
from evo_nas.genome.linearity import is_linear
from evo_nas.tasks.digits import DigitsOptions, DigitsTask
from evo_nas.tasks.mnist1d import Mnist1dOptions, Mnist1dTask

if TYPE_CHECKING:
    from evo_nas.tasks.dataset import Dataset

WIDTH = 48
OPTIONS = {"epochs": 12, "schedule": "cosine"}
LARGE = ("enas", "darts_v2")
"""Cells of dozens of nodes, which take ten times as long."""


def main() -> None:
    torch.set_num_threads(1)
    tasks = (DigitsTask(DigitsOptions()), Mnist1dTask(Mnist1dOptions()))
    datasets = [task.read().dataset for task in tasks]
    rows = [_row(name, datasets) for name in NAMED_CELLS if name not in LARGE]
    rows.sort(key=lambda row: -float(row[-1].split()[0]))
    table = Table(
        f"One layer of {WIDTH} units, Adam at 0.01 with a cosine, batches of 32, {OPTIONS['epochs']} epochs",
        "OMP_NUM_THREADS=1 python -m benchmarks.published_cells",
        ["cell", "linear", "parameters", *(f"{dataset.name}, test accuracy" for dataset in datasets)],
        rows,
        [
            "Mean of three seeds, and the smallest and largest in parentheses. The epoch is chosen by validation.",
            "The same width and rate for all and nothing tuned: a table of what learns, and no contest. Ordered by the "
            "last column.",
        ],
    )
    write("published_cells", "Published cells, trained alike", [table])


def _row(name: str, datasets: list[Dataset]) -> list[str]:
    cell = NAMED_CELLS[name]
    network = Architecture((Layer(cell, WIDTH),), Head(), Training(learning_rate=1e-2))
    results = [trainings_of(network, dataset, OPTIONS) for dataset in datasets]
    accuracies = [[training["test"] for training in result["trainings"]] for result in results]
    spread = [
        f"{figure(statistics.fmean(tests))} ({figure(min(tests))}-{figure(max(tests))})"
        for tests in accuracies
    ]
    return [name, "yes" if is_linear(cell) else "", f"{results[-1]['parameters']:,}", *spread]


if __name__ == "__main__":
    main()
