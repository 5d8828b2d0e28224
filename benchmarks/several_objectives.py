"""Searches for accuracy and energy at once, for accuracy alone, and at random: how large a front they find.

    python -m benchmarks.several_objectives [--runs 30] [--write]

Run from the root of the repository. The space is that of ``configs/microcontroller.yaml`` with its limits, and the
costs are those of its networks. Their accuracy is made up, so that a run takes a second: more arithmetic helps less
and less, every gene and every pair of neighbours has an effect of its own, and a score has noise. With ``--write`` the
table also goes to ``benchmarks/results/several_objectives.md``.
"""

from __future__ import annotations

import argparse
import hashlib
import math
import random
import statistics
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.table import Table, machine, write
from evo_nas.config import FitnessOptions, load_config
from evo_nas.evaluation import Evaluation, Outcome, Status
from evo_nas.genome.architecture import Signature
from evo_nas.genome.costs import Costs
from evo_nas.genome.space import SearchSpace, SpaceOptions
from evo_nas.strategies.aging import AgingEvolution, AgingOptions
from evo_nas.strategies.random import RandomSearch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evo_nas.evaluation import Candidate
    from evo_nas.strategies.strategy import Strategy, StrategyOptions

CONFIG = Path(__file__).parents[1] / "configs" / "microcontroller.yaml"
DIGITS = Signature(features=8, outputs=10, steps=8)
EPOCHS = 12
AT = (60, 120, 240)
"""Evaluations after which fronts are compared."""
IN_FLIGHT = 4
NOISE = 0.01
SEARCHES = ("accuracy and energy", "accuracy alone", "random")


class Landscape:
    """A made-up accuracy of the networks of a space.

    Args:
        space: The space.
        seed: Chooses the effects of the genes.
    """

    def __init__(self, space: SearchSpace, seed: int) -> None:
        self._space = space
        self._seed = seed

    def outcome(self, candidate: Candidate) -> Outcome:
        """Returns a score and the costs that a network really has."""
        space, genome = self._space, candidate.genome
        architecture = space.decode(genome)
        costs = Costs.of(architecture, space.signature)
        genes = [(space.genes[place].name, genome[place]) for place in space.active_genes(genome)]
        genes = [gene for gene in genes if not gene[0].startswith("cell")]
        accuracy = (
            0.5 * (1 - math.exp(-costs.macs / 2500))
            + 0.2 * statistics.fmean(self._effect(gene) for gene in genes)
            + 0.15 * statistics.fmean(self._effect(pair) for pair in pairwise(genes))
            + 0.15 * self._effect(str(architecture.layers[0].cell))
            + random.Random(candidate.seed).gauss(0.0, NOISE)
        )
        metrics = {"validation_accuracy": accuracy, **costs.metrics}
        return Outcome(
            Status.OK, accuracy, metrics, "validation_accuracy", parameters=costs.parameters, epochs=EPOCHS
        )

    def _effect(self, what: object) -> float:
        digest = hashlib.sha256(repr((self._seed, what)).encode()).hexdigest()
        return int(digest[:8], 16) / 16**8


def hypervolume(outcomes: Sequence[Outcome]) -> float:
    """Returns the area of accuracy, from 0, by decades of energy, up to 1 microjoule, that the front of them covers."""
    points = sorted(
        (min(0.0, math.log10(outcome.metrics["energy_uj"])), outcome.fitness or 0.0) for outcome in outcomes
    )
    area = best = 0.0
    for (energy, accuracy), (following, _) in pairwise([*points, (0.0, 0.0)]):
        best = max(best, accuracy)
        area += best * (following - energy)
    return area


def strategy_for(name: str, space: SearchSpace, seed: int) -> Strategy[StrategyOptions]:
    if name == "random":
        return RandomSearch(space, seed=seed, epochs=EPOCHS)
    objectives = ("fitness", "energy") if name == "accuracy and energy" else ("fitness",)
    return AgingEvolution(
        space,
        AgingOptions(population=30, warmup=16),
        seed=seed,
        epochs=EPOCHS,
        fitness=FitnessOptions(objectives=objectives),
    )


def searched(name: str, space: SearchSpace, seed: int) -> list[float]:
    """Returns the hypervolume of a search at each of `AT`."""
    strategy, landscape, arrivals = (
        strategy_for(name, space, seed),
        Landscape(space, seed),
        random.Random(seed),
    )
    flying: list[Candidate] = []
    outcomes: list[Outcome] = []
    while len(outcomes) < max(AT):
        flying += strategy.ask(IN_FLIGHT - len(flying))
        candidate = flying.pop(arrivals.randrange(len(flying)))
        outcomes.append(landscape.outcome(candidate))
        strategy.tell([Evaluation(candidate, outcomes[-1])])
    return [hypervolume(outcomes[:count]) for count in AT]


def with_error(values: Sequence[float]) -> str:
    return f"{statistics.fmean(values):.3f} ± {statistics.stdev(values) / math.sqrt(len(values)):.3f}"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=30)
    parser.add_argument("--write", action="store_true", help="also write results/several_objectives.md")
    options = parser.parse_args()
    space = SearchSpace(SpaceOptions.model_validate(load_config(CONFIG).space), DIGITS, EPOCHS)
    found = {name: [searched(name, space, seed) for seed in range(options.runs)] for name in SEARCHES}
    ours, rows = found[SEARCHES[0]], []
    for place, count in enumerate(AT):
        for name, areas in found.items():
            leads = [mine[place] - its[place] for mine, its in zip(ours, areas, strict=True)]
            wins = "-" if name == SEARCHES[0] else f"{sum(lead > 0 for lead in leads)} of {options.runs}"
            lead = "-" if name == SEARCHES[0] else with_error(leads)
            rows.append([str(count), name, with_error([area[place] for area in areas]), lead, wins])
    table = Table(
        f"Fronts of accuracy and energy, {options.runs} runs",
        f"python -m benchmarks.several_objectives --runs {options.runs}",
        ["evaluations", "searched for", "hypervolume", "lead of the first over it", "ahead in"],
        rows,
        [
            "The hypervolume is the area of accuracy by decades of energy below 1 microjoule that a front covers; ± is "
            "the standard error over runs, each with a landscape of its own.",
            "The accuracy is made up; limits and costs are those of configs/microcontroller.yaml.",
        ],
    )
    print(f"{machine()}\n\n{table}")
    if options.write:
        print(f"written: {write('several_objectives', 'Several objectives', [table])}")


if __name__ == "__main__":
    main()
