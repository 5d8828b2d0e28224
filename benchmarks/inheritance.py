"""Measures what inherited weights gain at equal steps, and what they do to the order of candidates.

    nice -n 5 python -m benchmarks.inheritance

Run from the root of the repository; it takes about ten minutes of CPU time in one thread. Random networks are trained
in full, then children of them that differ in one gene. The children begin from scratch, with what fits of their
parent's weights, or with what a bank of all networks holds. The truth is the mean of full trainings from scratch with
other seeds. It ends by writing ``benchmarks/results/inheritance.md``.
"""

from __future__ import annotations

import argparse
import math
import statistics
import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import torch
from scipy.stats import kendalltau

from benchmarks.paired import Difference
from benchmarks.table import Table, load, write
from evo_nas.config import TrainingConfig
from evo_nas.genome.space import SearchSpace, SpaceOptions
from evo_nas.randomness import derive_seed, stream
from evo_nas.tasks.digits import DigitsOptions, DigitsTask
from evo_nas.training.batches import prepare
from evo_nas.training.course import Course
from evo_nas.training.inheritance import (
    ancestor_bytes,
    give_to_bank,
    inherit_from_bank,
    inherit_from_parent,
)
from evo_nas.training.trainer import train
from evo_nas.weights import MemoryBank

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Sequence

    from evo_nas.genome.architecture import Architecture
    from evo_nas.genome.space import Genome
    from evo_nas.models.network import Network
    from evo_nas.training.batches import PreparedDataset
    from evo_nas.training.course import Trained

COMMAND = "nice -n 5 python -m benchmarks.inheritance"
FULL, SHORT = 12, 4
LOOKED_AT = (1, 2, 4)
TRUE_SEEDS = (100, 101, 102)
DRAWS = 2000
OPTIONS = SpaceOptions(widths=(16, 32, 48), batch_sizes=(32,), cell_nodes=10)
TRAINING = TrainingConfig(device="cpu").without_time_limit()


@dataclass(frozen=True)
class Child:
    """Scores of one child.

    Attributes:
        family: Number of its parent.
        truth: Accuracy of full trainings from scratch, one for each seed.
        curves: Best accuracy so far after each short epoch, by what it began with.
        full: Best accuracy so far after each epoch of a full training from scratch.
    """

    family: int
    truth: tuple[float, ...]
    curves: dict[str, tuple[float, ...]]
    full: tuple[float, ...]


class Bench:
    """Trains on the digits."""

    def __init__(self) -> None:
        dataset = DigitsTask(DigitsOptions()).read().dataset
        self._data: PreparedDataset = prepare(dataset)
        self.space = SearchSpace(OPTIONS, dataset.signature, FULL)

    def fit(  # noqa: D102 - as `train`
        self,
        architecture: Architecture,
        *,
        epochs: int,
        seed: int,
        inherit: Callable[[Network], int] | None = None,
    ) -> Trained:
        course = Course(inherit=inherit)
        return train(architecture, self._data, TRAINING, epochs=epochs, seed=seed, course=course)


def best_so_far(curve: Sequence[float]) -> tuple[float, ...]:
    return tuple(np.maximum.accumulate(curve).tolist())


def mutant(space: SearchSpace, genome: Genome, rng: random.Random) -> Genome:
    """Returns a genome that differs in one gene that matters, and can be built."""
    while True:
        child = list(genome)
        position = rng.choice(sorted(space.active_genes(genome)))
        child[position] = rng.randrange(space.genes[position].size)
        made = tuple(child)
        if space.canonical_hash(made) != space.canonical_hash(genome) and space.is_feasible(made):
            return made


def measured(parents: int, children: int) -> list[Child]:
    bench, bank = Bench(), MemoryBank()
    rng = stream(0, "inheritance benchmark")
    families: list[tuple[int, Genome, bytes]] = []
    while len(families) < parents:
        genome = bench.space.random(rng)
        trained = bench.fit(bench.space.decode(genome), epochs=FULL, seed=len(families))
        # As a tournament would, one that learned something is taken.
        if trained.network is None or (trained.outcome.fitness or 0.0) < 0.7:
            continue
        give_to_bank(bank, trained.network, steps=trained.outcome.steps)
        content = ancestor_bytes(trained.network, steps=trained.outcome.steps)
        families.append((len(families), genome, content))
    made: list[Child] = []
    for _ in range(children):
        for family, genome, content in families:
            child = scored(bench, bank, mutant(bench.space, genome, rng), (family, content))
            if child is not None:
                made.append(child)
        print(f"{len(made)} children after {time.process_time():.0f} s of CPU time", flush=True)
    return made


def scored(bench: Bench, bank: MemoryBank, genome: Genome, parent: tuple[int, bytes]) -> Child | None:
    """Returns the scores of a child; None if one of its trainings failed."""
    architecture = bench.space.decode(genome)
    family, content = parent
    seed = derive_seed(7, bench.space.canonical_hash(genome))
    short = partial(bench.fit, architecture, epochs=SHORT, seed=seed)
    trainings = {
        "scratch": short(),
        "parent": short(inherit=partial(inherit_from_parent, content)),
        "bank": short(inherit=partial(inherit_from_bank, bank)),
    }
    of_bank = trainings["bank"]
    if of_bank.network is not None:
        give_to_bank(bank, of_bank.network, steps=of_bank.outcome.inherited_steps + of_bank.outcome.steps)
    full = [bench.fit(architecture, epochs=FULL, seed=seed) for seed in TRUE_SEEDS]
    scores = [each.outcome.fitness for each in (*full, *trainings.values())]
    if any(score is None for score in scores):
        return None
    return Child(
        family,
        tuple(each.outcome.fitness or 0.0 for each in full),
        {name: best_so_far(each.outcome.curve) for name, each in trainings.items()},
        best_so_far(full[0].outcome.curve),
    )


def tau(scores: Sequence[float], truth: Sequence[float], families: Sequence[int]) -> tuple[float, float]:
    """Returns Kendall's tau-b and its standard error over draws of whole families with replacement."""
    found = float(kendalltau(scores, truth).statistic)
    rng = np.random.default_rng(0)
    members = {family: np.flatnonzero(np.array(families) == family) for family in set(families)}
    drawn = []
    for _ in range(DRAWS):
        chosen = np.concatenate([members[each] for each in rng.choice(list(members), size=len(members))])
        drawn.append(kendalltau(np.array(scores)[chosen], np.array(truth)[chosen]).statistic)
    return found, float(np.nanstd(drawn))


def within(scores: Sequence[float], truth: Sequence[float], families: Sequence[int]) -> float:
    """Returns the mean tau within families, where all children have the same parent."""
    taus = []
    for family in set(families):
        chosen = np.array(families) == family
        found = kendalltau(np.array(scores)[chosen], np.array(truth)[chosen]).statistic
        if np.isfinite(found):
            taus.append(float(found))
    return statistics.fmean(taus) if taus else math.nan


def report(children: Sequence[Child]) -> list[Table]:
    families = [child.family for child in children]
    truth = [statistics.fmean(child.truth) for child in children]
    rows = []
    for name in ("scratch", "parent", "bank"):
        for epochs in LOOKED_AT:
            scores = [child.curves[name][epochs - 1] for child in children]
            scratch = [child.curves["scratch"][epochs - 1] for child in children]
            found, error = tau(scores, truth, families)
            gain = Difference.of(scores, scratch)
            rows.append(
                (
                    name,
                    str(epochs),
                    f"{statistics.fmean(scores):.4f}",
                    "-" if name == "scratch" else str(gain),
                    f"{found:.2f} ± {error:.2f}",
                    f"{within(scores, truth, families):.2f}",
                )
            )
    others = [statistics.fmean(child.truth[1:]) for child in children]
    for epochs in (*LOOKED_AT, FULL):
        scores = [child.full[epochs - 1] for child in children]
        found, error = tau(scores, others, families)
        rows.append(
            (
                "scratch, of a full training",
                str(epochs),
                f"{statistics.fmean(scores):.4f}",
                "-",
                f"{found:.2f} ± {error:.2f}",
                f"{within(scores, others, families):.2f}",
            )
        )
    regret = [(name, picked(children, truth, name)) for name in ("scratch", "parent", "bank")]
    return [
        Table(
            "Children at equal steps, and their order against full trainings from scratch",
            COMMAND,
            (
                "began with",
                "epochs",
                "mean accuracy",
                "gain over scratch (95 %)",
                "Kendall's tau",
                "within families",
            ),
            rows,
            (
                f"{len(children)} children of {len(set(families))} random parents, digits, {SHORT} epochs; the truth "
                f"is the mean of {len(TRUE_SEEDS)} trainings of {FULL} epochs from scratch, "
                f"{statistics.fmean(truth):.4f} in the mean.",
                "Errors of tau are standard errors over draws of whole families.",
                "The last rows compare one full training with the mean of the others: what the noise between seeds "
                "leaves to be had.",
                f"Load average at the end: {load()}.",
            ),
        ),
        Table(
            f"The best third after {SHORT} epochs, chosen by each score",
            COMMAND,
            ("chosen by", "true accuracy of the chosen", "of all", "of the truly best third"),
            [(name, *(f"{value:.4f}" for value in values)) for name, values in regret],
        ),
    ]


def picked(children: Sequence[Child], truth: Sequence[float], name: str) -> tuple[float, float, float]:
    """Returns the mean truth of the third that a score chooses, of all, and of the best third."""
    count = len(children) // 3
    order = np.argsort([-child.curves[name][SHORT - 1] for child in children], kind="stable")[:count]
    best = sorted(truth, reverse=True)[:count]
    return float(np.mean(np.array(truth)[order])), statistics.fmean(truth), statistics.fmean(best)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--parents", type=int, default=12)
    parser.add_argument("--children", type=int, default=5, help="of each parent")
    options = parser.parse_args()
    torch.set_num_threads(1)
    children = measured(options.parents, options.children)
    introduction = (
        "Inherited weights: what they gain at equal steps, and how well their scores order candidates"
    )
    print(write("inheritance", introduction, report(children)))


if __name__ == "__main__":
    main()
