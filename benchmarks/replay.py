"""Rungs on the recorded trainings of NAS-Bench-NLP: how much training they save, and what they lose.

    python -m benchmarks.replay [--draws 1000] [--data wikitext2_runs.parquet] [--write]

Run from the root of the repository. Each draw takes some of the recorded cells in a random order. The strategies, the
rungs and the promotions of the product ask them, its simulated workers train them on a virtual clock by the recorded
curves and seconds. The same draws are used for all rungs. With ``--write`` the tables also go to
``benchmarks/results/replay.md``.
"""

from __future__ import annotations

import argparse
import math
import os
import random
import statistics
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.table import Table, machine, write
from evo_nas.config import FitnessOptions
from evo_nas.execution.simulated import Simulation
from evo_nas.replay import RecordedTask, play
from evo_nas.replay.nas_bench_nlp import read_nas_bench_nlp
from evo_nas.strategies.pruning import resolve_rungs

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

NEVER = FitnessOptions(rungs=None, confirm=False, repeats=0.0)


def rungs(epochs: tuple[int, ...] | str, **values: object) -> FitnessOptions:
    """Returns rungs, and nothing that trains a cell again."""
    return NEVER.model_copy(update={"rungs": epochs} | values)


SHARED = Path(__file__).parents[2] / "shared" / "nas_bench_nlp" / "wikitext2_runs.parquet"
DATA = Path(os.environ.get("EVO_NAS_NLP_RUNS", SHARED))
RECIPES = 81
WORKERS = (1, 8, 64)
OUTLIER = (104.0, 106.0)
"""Perplexities between which one cell stands alone, 24 better than all others but LSTM; it would be the answer of every
draw that has it."""
HALVING = {
    "2-6-18-50, one of 3": rungs((2, 6, 18), reduction=3),
    "3-12-50, one of 4": rungs((3, 12), reduction=4),
    "5-15-50, one of 3": rungs((5, 15), reduction=3),
}
OTHERS = {
    "auto (2-6-17-50), one of 3": rungs("auto", reduction=3),
    "auto (2-3-6-12-25-50), one of 2": rungs("auto", reduction=2),
    "median, 2-6-18-50": rungs((2, 6, 18), pruning="median"),
    "median, 5-15-50": rungs((5, 15), pruning="median"),
    "extrapolation, 2-6-18-50": rungs((2, 6, 18), pruning="extrapolation"),
    "extrapolation, 5-15-50": rungs((5, 15), pruning="extrapolation"),
    "growing (PASHA), 2-6-18-50": rungs((2, 6, 18), grow=True),
}
FEW = (15, 27, 45)
"""Cells of a small search."""
FEWER = {
    "2-6-17-50, one of 3": rungs((2, 6, 17), reduction=3),
    "2-6-50, one of 3": rungs((2, 6), reduction=3),
    "6-17-50, one of 3": rungs((6, 17), reduction=3),
    "2-50, one of 3": rungs((2,), reduction=3),
    "6-50, one of 3": rungs((6,), reduction=3),
    "17-50, one of 3": rungs((17,), reduction=3),
    "3-12-50, one of 4": rungs((3, 12), reduction=4),
}
HEADER = [
    "rungs", "workers", "times less training", "times less time", "best kept", "mean regret, perplexity", "worst",
    "trained to the end",
]  # fmt: skip


@dataclass(frozen=True)
class Drawn:
    """Some recorded cells in a random order.

    Attributes:
        task: The cells.
        order: Their hashes.
    """

    task: RecordedTask
    order: Sequence[str]

    def perplexity(self, key: str) -> float:
        """Returns the best validation perplexity of a cell after its whole training."""
        (recording, *_) = self.task.recordings[key]
        return math.exp(-recording.fitness(len(recording.curve)))

    @property
    def best(self) -> float:
        """The best perplexity of all."""
        return min(map(self.perplexity, self.order))

    def cost_s(self, key: str, first: int, last: int) -> float:
        """Returns the seconds of the epochs after ``first`` up to ``last``."""
        return sum(self.task.recordings[key][0].epoch_s[first:last])


@dataclass(frozen=True)
class Outcome:
    """What one way of pruning gave in one draw."""

    less_training: float
    less_time: float
    regret: float
    complete: int


def draws(task: RecordedTask, count: int, size: int) -> Iterator[Drawn]:
    """Yields random cells; the published ones and the outlier are left out, and those that failed."""
    keys = [
        key
        for key, (recording, *_) in task.recordings.items()
        if key not in task.founders.values()
        and recording.failure is None
        and not OUTLIER[0] < math.exp(-recording.fitness(len(recording.curve))) < OUTLIER[1]
    ]
    for number in range(count):
        order = random.Random(number).sample(keys, size)
        # One recording each, so that a draw has one truth.
        yield Drawn(
            RecordedTask({key: task.recordings[key][:1] for key in order}, task.features, task.names, {}),
            order,
        )


def asynchronous(drawn: Drawn, fitness: FitnessOptions, workers: int, *, full_wall_s: float) -> Outcome:
    """Plays the product's strategy and workers."""
    strategy = drawn.task.in_order(drawn.order, seed=1, fitness=fitness)
    played = play(strategy, drawn.task.replayer, Simulation(workers=workers))
    # Where nothing was trained to the end, the one that went furthest is chosen.
    chosen = max((each for each in played.told if each.standing is not None), key=lambda each: each.standing)
    full_s = sum(drawn.cost_s(key, 0, 50) for key in drawn.order)
    return Outcome(
        full_s / played.train_s,
        full_wall_s / played.wall_s,
        drawn.perplexity(chosen.candidate.canonical_hash) - drawn.best,
        sum(each.is_complete for each in played.told),
    )


def synchronous(drawn: Drawn, fitness: FitnessOptions) -> Outcome:
    """Halves all at once, each rung when all have reached it: what asynchronous halving can at best come near."""
    levels = (*resolve_rungs(fitness, 50), 50)
    alive, spent_s, before = list(drawn.order), 0.0, 0
    for level in levels:
        spent_s += sum(drawn.cost_s(key, before, level) for key in alive)
        alive.sort(key=lambda key: -drawn.task.recordings[key][0].fitness(level))
        if level != levels[-1]:
            alive = alive[: max(1, len(alive) // fitness.reduction)]
        before = level
    full_s = sum(drawn.cost_s(key, 0, 50) for key in drawn.order)
    return Outcome(full_s / spent_s, math.nan, drawn.perplexity(alive[0]) - drawn.best, len(alive))


def row(name: str, workers: str, outcomes: Sequence[Outcome]) -> list[str]:
    regrets = [each.regret for each in outcomes]
    error = statistics.stdev(regrets) / math.sqrt(len(regrets)) if len(regrets) > 1 else 0.0
    # Ratios are averaged as shares of what is left, so that no single draw decides.
    training = 1 / statistics.fmean(1 / each.less_training for each in outcomes)
    time = 1 / statistics.fmean(1 / each.less_time for each in outcomes)
    return [
        name,
        workers,
        f"{training:.1f}",
        "-" if math.isnan(time) else f"{time:.1f}",
        f"{sum(regret <= 0 for regret in regrets) / len(regrets):.1%}",
        f"{statistics.fmean(regrets):.3f} ± {error:.3f}",
        f"{max(regrets):.1f}",
        f"{statistics.fmean(each.complete for each in outcomes):.1f}",
    ]


def measured(
    drawn: Sequence[Drawn], rules: dict[str, FitnessOptions], *, with_synchronous: bool
) -> Iterable[list[str]]:
    full_wall_s = {
        workers: [
            play(
                each.task.in_order(each.order, seed=1, fitness=NEVER), each.task.replayer, Simulation(workers)
            ).wall_s
            for each in drawn
        ]
        for workers in WORKERS
    }
    for name, fitness in rules.items():
        if with_synchronous:
            yield row(name, "synchronous", [synchronous(each, fitness) for each in drawn])
        for workers in WORKERS:
            outcomes = [
                asynchronous(each, fitness, workers, full_wall_s=wall_s)
                for each, wall_s in zip(drawn, full_wall_s[workers], strict=True)
            ]
            yield shown(row(name, str(workers), outcomes))


def fewer(task: RecordedTask, count: int) -> Iterable[list[str]]:
    """Yields the same for small searches with 2 workers."""
    for size in FEW:
        drawn = list(draws(task, count, size))
        for name, fitness in FEWER.items():
            outcomes = [asynchronous(each, fitness, 2, full_wall_s=math.nan) for each in drawn]
            yield shown(row(name, str(size), outcomes))


def shown(cells: list[str]) -> list[str]:
    print(" | ".join(cells), flush=True)
    return cells


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--other-draws", type=int, default=150, help="draws for the other rules")
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--write", action="store_true", help="also write benchmarks/results/replay.md")
    options = parser.parse_args()
    print(f"{machine()}\n")
    task = read_nas_bench_nlp(options.data)
    drawn = list(draws(task, options.draws, RECIPES))
    command = f"python -m benchmarks.replay --draws {options.draws} --other-draws {options.other_draws}"
    cells = f"{RECIPES} of 253 recorded cells, the best of which is looked for"
    tables = [
        Table(
            f"Asynchronous halving: {cells}, {options.draws:,} draws",
            command,
            HEADER,
            list(measured(drawn, HALVING, with_synchronous=True)),
            [
                "The regret is the perplexity of the chosen cell after its whole training less that of the best of the "
                "draw; ± is the standard error over draws.",
                "`synchronous` waits at each rung for all, with the same scores: what the others can come near.",
                "The first cell of a draw is always trained to the end.",
                "Curves are of one training each, so that the noise of scores is in the choice and in the truth alike.",
            ],
        ),
        Table(
            f"Other rules: {cells}, {min(options.other_draws, options.draws):,} draws",
            command,
            HEADER,
            list(measured(drawn[: options.other_draws], OTHERS, with_synchronous=False)),
            [
                "`growing` trains nothing beyond the rung from which on the order of the best is stable; its choice is "
                "the best at the highest rung in use, and is trained to the end by the verdict.",
                "`extrapolation` learns from finished trainings: ten are trained to the end before anything is pruned.",
            ],
        ),
    ]
    tables.append(
        Table(
            f"Fewer candidates, 2 workers, {options.other_draws:,} draws",
            command,
            ["rungs", "cells", *HEADER[2:]],
            list(fewer(task, options.other_draws)),
            ["The fewer candidates, the fewer rungs: each leaves one of three, and some must reach the end."],
        )
    )
    for table in tables:
        print(f"\n{table}")
    if options.write:
        print(f"written: {write('replay', 'Rungs on recorded trainings', tables)}")


if __name__ == "__main__":
    main()
