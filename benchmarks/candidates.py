"""How many candidates a worker trains on digits in a CPU second, and how many scripts of their own do.

    OMP_NUM_THREADS=1 python -m benchmarks.candidates [--rounds N] [--write]

Run from the root of the repository; with ``--write`` the table also goes to ``benchmarks/results/candidates.md``.
The opponent, `benchmarks.plain_candidate`, is a process a candidate. Both train the same cells of the same
width on as many images with the same batches, learning rate and clipping, and score 300 others after every epoch.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass

import torch

from benchmarks.cells import CELLS
from benchmarks.plain_candidate import BATCH, CLIP, LEARNING_RATE, TRAINED, VALIDATED, WIDTH
from benchmarks.table import Table, load, machine, write
from evo_nas.config import TrainingConfig
from evo_nas.genome.architecture import Architecture, Layer, Training
from evo_nas.tasks.digits import DigitsOptions, DigitsTask
from evo_nas.training.batches import PreparedDataset, prepare
from evo_nas.training.trainer import train

STEPS_AN_EPOCH = -(-TRAINED // BATCH)
EPOCHS = (3, 27)
IMAGES = 1_797


@dataclass(frozen=True)
class Cost:
    """CPU seconds of one candidate, how many of them were spent before its first batch, and its accuracy."""

    cpu_s: float
    start_s: float
    accuracy: float


def plain(cell: str, epochs: int) -> Cost:
    """Trains a candidate in a process of its own."""
    before = _children_s()
    command = [sys.executable, "-m", "benchmarks.plain_candidate", cell, str(epochs)]
    told = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return Cost(_children_s() - before, told["start_s"], told["accuracy"])


def worker(cell: str, epochs: int, data: PreparedDataset) -> Cost:
    """Trains a candidate in this process, as a worker does."""
    architecture = Architecture(
        layers=(Layer(CELLS[cell], WIDTH),),
        training=Training(learning_rate=LEARNING_RATE, batch_size=BATCH, clip=CLIP),
    )
    started = time.process_time()
    outcome = train(architecture, data, TrainingConfig(), epochs=epochs, seed=0).outcome
    assert outcome.fitness is not None, outcome.error
    return Cost(time.process_time() - started, 0.0, outcome.fitness)


def _children_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def measure(rounds: int) -> Table:
    """Measures both, in turns, on every cell and both budgets."""
    share = VALIDATED / IMAGES
    data = prepare(
        DigitsTask(DigitsOptions(validation=share, test=1 - TRAINED / IMAGES - share)).read().dataset
    )
    assert (len(data.train), len(data.validation)) == (TRAINED, VALIDATED)
    worker(next(iter(CELLS)), 1, data)
    start_s = time.process_time()
    rows, speedups = [], {}
    for epochs in EPOCHS:
        ours, theirs = {}, {}
        for cell in CELLS:
            pairs = [(worker(cell, epochs, data), plain(cell, epochs)) for _ in range(rounds)]
            ours[cell], theirs[cell] = (_median(costs) for costs in zip(*pairs, strict=True))
            rows.append(_row(cell, epochs, ours[cell], theirs[cell]))
        speedups[epochs] = sum(cost.cpu_s for cost in theirs.values()) / sum(
            cost.cpu_s for cost in ours.values()
        )
    return Table(
        title=f"Digits, one layer of width {WIDTH}, {TRAINED:,} images, batch {BATCH}",
        command="OMP_NUM_THREADS=1 python -m benchmarks.candidates",
        header=[
            *(
                "cell",
                "steps",
                "worker CPU s",
                "candidates/CPU s",
                "process CPU s",
                "of it before the first batch",
            ),
            *("ratio", "ratio without start", "accuracies", "load"),
        ],
        rows=rows,
        remarks=[
            *(
                f"All cells together at {epochs * STEPS_AN_EPOCH} steps: {ratio:.1f}x the candidates per CPU second."
                for epochs, ratio in speedups.items()
            ),
            f"Medians of {rounds} turns, CPU seconds of one thread.",
            "A process a candidate pays for its start every time, up to its first batch: the interpreter, torch, "
            "scikit-learn for the data, and what the first torch.optim.Adam imports. The worker paid "
            f"{start_s:.1f} CPU s once.",
            "Accuracies are the best on the validation images, worker and process; both divide the images differently.",
        ],
    )


def _median(costs: tuple[Cost, ...]) -> Cost:
    return Cost(*(statistics.median(values) for values in zip(*map(_fields, costs), strict=True)))


def _fields(cost: Cost) -> tuple[float, float, float]:
    return cost.cpu_s, cost.start_s, cost.accuracy


def _row(cell: str, epochs: int, ours: Cost, theirs: Cost) -> list[str]:
    return [
        cell,
        str(epochs * STEPS_AN_EPOCH),
        f"{ours.cpu_s:.3f}",
        f"{1 / ours.cpu_s:.1f}",
        f"{theirs.cpu_s:.2f}",
        f"{theirs.start_s:.2f}",
        f"{theirs.cpu_s / ours.cpu_s:.0f}x",
        f"{(theirs.cpu_s - theirs.start_s) / ours.cpu_s:.1f}x",
        f"{ours.accuracy:.2f}, {theirs.accuracy:.2f}",
        load(),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    table = measure(options.rounds)
    print(machine(), table, sep="\n\n")
    if options.write:
        print(write("candidates", "Whole candidates on a CPU", [table]))


if __name__ == "__main__":
    main()
