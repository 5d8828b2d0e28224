"""Measures GRUs on MNIST-1D beside the figures that are published for it.

    python -m benchmarks.mnist1d

Run from the root of the repository; it takes minutes. One process, one thread, three seeds. It ends by writing
``benchmarks/results/mnist1d.md``.
"""

from __future__ import annotations

import statistics

import torch

from benchmarks.table import Table, write
from benchmarks.tasks import trainings_of
from evo_nas.cli.formatting import figure
from evo_nas.genome.architecture import Architecture, Head, Layer, Training
from evo_nas.genome.cells import NAMED_CELLS
from evo_nas.tasks.mnist1d import Mnist1dOptions, Mnist1dTask

GRU = NAMED_CELLS["gru"]
OPTIONS = {"epochs": 40, "schedule": "cosine"}
NETWORKS = {
    "GRU 64": Architecture((Layer(GRU, 64),), Head(), Training(learning_rate=1e-2)),
    "GRU 32": Architecture((Layer(GRU, 32),), Head(), Training(learning_rate=1e-2)),
    "GRU 24, both directions": Architecture(
        (Layer(GRU, 24, bidirectional=True),), Head(), Training(learning_rate=1e-2)
    ),
}
PUBLISHED = {"logistic regression": 32, "MLP": 68, "CNN": 94, "GRU": 91, "human": 96}


def main() -> None:
    torch.set_num_threads(1)
    prepared = Mnist1dTask(Mnist1dOptions()).read()
    rows = [
        [name, "", "", "", "-" if result.score is None else figure(result.score), f"{result.cpu_s:.0f}"]
        for name, result in prepared.fit_baselines().items()
    ]
    for name, architecture in NETWORKS.items():
        values = trainings_of(architecture, prepared.dataset, OPTIONS)
        tests = [training["test"] for training in values["trainings"]]
        rows.append(
            [
                name,
                f"{values['parameters']:,}",
                f"{OPTIONS['epochs']}, {OPTIONS['schedule']}",
                ", ".join(map(figure, tests)),
                figure(statistics.fmean(tests)),
                ", ".join(f"{training['cpu_s']:.0f}" for training in values["trainings"]),
            ]
        )
    published = ", ".join(f"{name} {percent} %" for name, percent in PUBLISHED.items())
    table = Table(
        "GRUs on MNIST-1D, one layer, Adam at 0.01, batches of 32",
        "python -m benchmarks.mnist1d",
        ["model", "parameters", "epochs, rate", "test accuracy, each seed", "mean", "CPU s, each"],
        rows,
        [
            f"Published (Greydanus, 2020): {published}.",
            "3,600 curves to learn from, 400 that choose the epoch, 1,000 that are judged, drawn by `mnist1d` with its "
            "defaults. The paper learns from 4,000; the curves have the same distribution, not the same noise.",
        ],
    )
    write("mnist1d", "MNIST-1D", [table])


if __name__ == "__main__":
    main()
