"""How many random networks learn, with the check of `genome.stability` and without it, and what founders reach.

    OMP_NUM_THREADS=1 python -m benchmarks.founders [--draws N] [--epochs N] [--set base_dir=DIR] [--write]

Run from the root of the repository; with ``--write`` the tables also go to ``benchmarks/results/founders.md``. Networks
are drawn as a search draws them, all with evolved cells, and trained on digits and on the chorales.
"""

from __future__ import annotations

import argparse
import random
import statistics
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from benchmarks.table import Table, machine, write
from evo_nas.config import load_config
from evo_nas.evaluation import Status
from evo_nas.experiment import Experiment
from evo_nas.genome.stability import is_stable
from evo_nas.training.batches import prepare
from evo_nas.training.trainer import train

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evo_nas.genome.gene import Genome
    from evo_nas.genome.space import SearchSpace

NOTHING = {"configs/quickstart.yaml": 0.2, "configs/jsb.yaml": -10.5}
"""The fitness that a network has to pass to have learnt something: twice chance, and a little better than the
frequencies of the keys, -11.1."""
ONLY_EVOLVED = ["space.cells=[]"]


@dataclass(frozen=True)
class Tried:
    """What became of a network: its fitness, None if it diverged, and the CPU seconds of its training."""

    fitness: float | None
    cpu_s: float
    is_stable: bool = True
    name: str = ""


def draw(space: SearchSpace, rng: random.Random) -> Genome:
    """Returns a random feasible genome, whether its cell is stable or not."""
    while True:
        genome = tuple(rng.randrange(gene.size) for gene in space.genes)
        if space.is_feasible(genome):
            return genome


def measure(config: str, draws: int, epochs: int | None, settings: Sequence[str]) -> list[Table]:
    """Trains random networks and the founders of a configuration."""
    experiment = Experiment.of(load_config(config, [*ONLY_EVOLVED, *settings]))
    space, training = experiment.space, experiment.config.training.without_time_limit()
    data = prepare(experiment.dataset, torch.device("cpu"))

    def tried(genome: Genome, seed: int, name: str = "") -> Tried:
        architecture = space.decode(genome)
        started = time.process_time()
        outcome = train(
            architecture, data, training, epochs=epochs or training.full_epochs, seed=seed
        ).outcome
        assert outcome.status in (Status.OK, Status.DIVERGED), outcome.error
        stable = all(is_stable(layer.cell, space.signature.steps) for layer in architecture.layers)
        return Tried(outcome.fitness, time.process_time() - started, stable, name)

    title = f"{experiment.config.name}, {epochs or training.full_epochs} epochs"
    command = f"OMP_NUM_THREADS=1 python -m benchmarks.founders --draws {draws}" + (
        f" --epochs {epochs}" if epochs else ""
    )
    random_ones = [tried(draw(space, random.Random(seed)), seed) for seed in range(draws)]
    founders = [tried(genome, 0, name) for name, genome in space.seeds()]
    best = sorted(random_ones, key=_fitness, reverse=True)[: draws // 10]
    return [
        Table(
            title=f"{title}: random networks",
            command=command,
            header=["drawn", "number", "diverged", "learnt nothing", "median of the rest", "best", "CPU s"],
            rows=[
                _row("all", random_ones, NOTHING[config]),
                _row("stable cell", [each for each in random_ones if each.is_stable], NOTHING[config]),
                _row("unstable cell", [each for each in random_ones if not each.is_stable], NOTHING[config]),
            ],
            remarks=[
                f"Of the best tenth, {sum(each.is_stable for each in best)} of {len(best)} have a stable cell.",
                "A search asks for random networks with stable cells alone.",
            ],
        ),
        Table(
            title=f"{title}: founders",
            command=command,
            header=["founder", "validation", "CPU s"],
            rows=[
                [
                    each.name,
                    "diverged" if each.fitness is None else f"{each.fitness:.4f}",
                    f"{each.cpu_s:.1f}",
                ]
                for each in founders
            ],
            remarks=["One training each. The fitness, of which more is better."],
        ),
    ]


def _fitness(tried: Tried) -> float:
    return float("-inf") if tried.fitness is None else tried.fitness


def _row(name: str, group: list[Tried], nothing: float) -> list[str]:
    scores = [each.fitness for each in group if each.fitness is not None]
    learnt = [score for score in scores if score > nothing]
    return [
        name,
        str(len(group)),
        f"{1 - len(scores) / len(group):.0%}",
        f"{(len(scores) - len(learnt)) / len(group):.0%}",
        f"{statistics.median(learnt):.4f}" if learnt else "-",
        f"{max(learnt):.4f}" if learnt else "-",
        f"{sum(each.cpu_s for each in group):.0f}",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--draws", type=int, default=60)
    parser.add_argument("--epochs", type=int, default=None)
    parser.add_argument("--set", dest="settings", action="append", default=[])
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    tables = [
        table
        for config in NOTHING
        for table in measure(config, options.draws, options.epochs, options.settings)
    ]
    print(machine(), *tables, sep="\n\n")
    if options.write:
        print(write("founders", "What random networks and founders learn", tables))


if __name__ == "__main__":
    main()
