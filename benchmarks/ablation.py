"""Switches each building block on and off in the same training, on the data that it is for.

    python -m benchmarks.ablation [--sets NAME...] [--blocks WORD...] [--seeds 3]     makes what is missing
    python -m benchmarks.ablation --report                                            the page alone

Run from the root of the repository. Data lie where the configurations say, or where EVO_NAS_DATA says. Trainings are
kept in the folder that EVO_NAS_BENCHMARKS names, ``~/.cache/evo-nas-benchmarks`` by default, so that a second call adds
only what is missing. One process, one thread. It ends by writing ``benchmarks/results/ablation.md``.
"""

from __future__ import annotations

import argparse
import math
import statistics
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import torch

from benchmarks.ablation_blocks import ABLATIONS
from benchmarks.data_sets import DATA_SETS
from benchmarks.paired import Difference
from benchmarks.table import Table, write
from benchmarks.trainings import FOLDER, Kept, Trainings, table_rows
from evo_nas.cli.formatting import figure
from evo_nas.config import TrainingConfig
from evo_nas.genome.describe import describe

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from benchmarks.ablation_blocks import Block
    from benchmarks.trainings import Result
    from evo_nas.genome.architecture import Architecture
    from evo_nas.tasks.dataset import Dataset

SEEDS = 3
MOST_SEEDS = 20
HEADER = ("block", "without", "with", "gain, 95 % interval", "", "seeds", "parameters", "table rows", "CPU s")
SUMMARY = ("block", "gains on", "costs on", "neither, with the gain")
REMARKS = (
    "Each row: the same network, epochs and seeds without and with the block, nothing tuned for either; test metric, "
    "mean over the seeds. CPU seconds of one training, without and with.",
    "The gain is the mean of the paired differences in the direction in which the metric is better, with its 95 % "
    "interval by Student's t over the seeds; **gains** and **costs** where the interval leaves zero out. The noise of "
    "the test part itself is not in it.",
    "Rows of a hash table are parameters, but few of them are touched by a text; they are counted in both columns.",
    "Many rows are looked at, so one in twenty leaves zero out by chance.",
)


def main() -> None:
    parser = argparse.ArgumentParser(description="Switches each building block on and off.")
    parser.add_argument("--sets", nargs="*", choices=ABLATIONS, default=list(ABLATIONS))
    parser.add_argument("--blocks", nargs="*", default=[""], help="parts of the names of the blocks to try")
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--report", action="store_true", help="write the page from what is kept")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    for name in () if chosen.report else chosen.sets:
        ablate(name, range(chosen.seeds), chosen.blocks)
        report()
    report()


def ablate(name: str, seeds: Sequence[int], words: Sequence[str] = ("",)) -> None:
    """Makes the trainings on a data set that are missing, one seed of all blocks after the other.

    Args:
        name: Name of the data set.
        seeds: Seeds of the trainings.
        words: Only blocks are tried of which one of them is part of the name.
    """
    trainings, network, idle = _trainings(name, None), ABLATIONS[name].network, set()
    for seed in seeds:
        for block in ABLATIONS[name].blocks:
            if block.name in idle or not any(word in block.name for word in words):
                continue
            off = _trainings(name, block.off_data).result(block.off(network), seed)
            if not _acts(trainings, block, network, seed, off):
                idle.add(block.name)
                print(f"{name}: {block.name} is not in the program", flush=True)


def _acts(trainings: Trainings, block: Block, network: Architecture, seed: int, off: Result) -> bool:
    """Makes the training with ``block``; returns whether it differs from that without."""
    if not set(block.training) <= set(TrainingConfig.model_fields):
        return False
    on = block.on(network)
    kept = trainings.kept(on, seed, block.training)
    result = kept or trainings.trained(on, seed, block.training)
    if result.train_loss == off.train_loss:
        return False
    if kept is None:
        trainings.keep(result, on, seed, block.training)
    return True


def report() -> None:
    """Writes the page from all that is kept."""
    all_compared = {name: compared(name) for name in ABLATIONS}
    summary = Table(
        "Where each block gains and costs",
        "python -m benchmarks.ablation",
        SUMMARY,
        _summary(all_compared),
        REMARKS,
    )
    write(
        "ablation",
        "Building blocks, on and off",
        [summary, *map(_table, filter(None, all_compared.values()))],
    )


@cache
def _kept(name: str) -> Kept:
    return Kept(FOLDER / "ablation" / f"{name}.jsonl")


@cache
def _trainings(name: str, adapt: Callable[[Dataset], Dataset] | None) -> Trainings:
    return Trainings(DATA_SETS[name], kept=_kept(name), adapt=adapt)


@dataclass(frozen=True)
class Compared:
    """A block on a data set, with what the trainings without and with it gave, seed by seed.

    Attributes:
        data: Name of the data set.
        block: What is switched.
        off: Results without it, of the seeds of which both trainings have a score.
        on: Results with it.
        failures: Seeds of which one of the two trainings failed.
    """

    data: str
    block: Block
    off: Sequence[Result]
    on: Sequence[Result]
    failures: int = 0

    @property
    def gain(self) -> Difference:
        """How much better the metric is with the block, positive where it is."""
        return Difference.of([result.fitness for result in self.on], [result.fitness for result in self.off])

    def row(self) -> list[str]:
        """The cells of the table of its data set."""
        network, arms = ABLATIONS[self.data].network, (self.off, self.on)
        rows = [table_rows(change(network)) for change in (self.block.off, self.block.on)]
        return [
            self.block.name,
            *(figure(statistics.fmean(result.test for result in arm)) for arm in arms),
            str(self.gain),
            "**gains**" if self.gain.is_gain else "**costs**" if self.gain.is_loss else "",
            f"{len(self.on)}" + (f", {self.failures} failed" if self.failures else ""),
            " → ".join(f"{arm[0].parameters:,}" for arm in arms),
            " → ".join(f"{count:,}" for count in rows) if any(rows) else "",
            " → ".join(f"{statistics.fmean(result.cpu_s for result in arm):.1f}" for arm in arms),
        ]


def compared(name: str) -> list[Compared]:
    """Returns the blocks of which trainings on a data set are kept."""
    trainings, network = _trainings(name, None), ABLATIONS[name].network
    found = []
    for block in ABLATIONS[name].blocks:
        pairs = [
            (
                _trainings(name, block.off_data).kept(block.off(network), seed),
                trainings.kept(block.on(network), seed, block.training),
            )
            for seed in range(MOST_SEEDS)
        ]
        # Equal losses are those of a block that the program ignored.
        made = [(off, on) for off, on in pairs if off and on and off.train_loss != on.train_loss]
        scored = [(off, on) for off, on in made if math.isfinite(off.test + on.test)]
        if scored:
            off, on = zip(*scored, strict=True)
            found.append(Compared(name, block, off, on, failures=len(made) - len(scored)))
    return found


def _table(compared: Sequence[Compared]) -> Table:
    name = compared[0].data
    epochs = DATA_SETS[name].experiment().config.training.full_epochs
    network = describe(ABLATIONS[name].network)
    return Table(
        f"{name}, {compared[0].on[0].metric}",
        f"python -m benchmarks.ablation --sets {name}",
        HEADER,
        [each.row() for each in compared],
        [f"The network: {network}; {epochs} epochs."],
    )


def _summary(compared: Mapping[str, Sequence[Compared]]) -> list[list[str]]:
    by_block: dict[str, list[Compared]] = {}
    for each in (each for some in compared.values() for each in some):
        by_block.setdefault(each.block.name, []).append(each)
    rows = []
    for name, some in by_block.items():
        gains = [each.data for each in some if each.gain.is_gain]
        costs = [each.data for each in some if each.gain.is_loss]
        rest = [f"{each.data} {each.gain}" for each in some if each.data not in {*gains, *costs}]
        rows.append([name, ", ".join(gains), ", ".join(costs), ", ".join(rest)])
    return rows


if __name__ == "__main__":
    main()
