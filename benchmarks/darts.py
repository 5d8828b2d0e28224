"""What a super-network's findings are worth: beside random cells in the same network, and beside an LSTM of that size.

nice -n 10 evo-nas search configs/darts.yaml --inline --run runs/darts --no-verdict
nice -n 10 python -m benchmarks.darts runs/darts
"""

from __future__ import annotations

import random
import statistics
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from scipy.stats import mannwhitneyu, spearmanr

from evo_nas.champion.opponents import equal_lstm
from evo_nas.experiment import Experiment
from evo_nas.genome.notation import text_lines
from evo_nas.genome.parameters import count_parameters
from evo_nas.runs import Run
from evo_nas.strategies.darts import LIKELIEST, ONE_SHOT
from evo_nas.training.batches import prepare
from evo_nas.training.forward import score_part
from evo_nas.training.one_shot import CellDrawing
from evo_nas.training.trainer import train

if TYPE_CHECKING:
    from evo_nas.genome.architecture import Architecture
    from evo_nas.training.course import Trained

SEEDS = (1, 2, 3)
RANDOM_CELLS = 15


def main(place: str) -> None:
    """Prints the comparisons for the run at ``place``."""
    run = Run.at(place)
    told, experiment = run.history().told, Experiment.of_run(run)
    space, data = experiment.space, prepare(experiment.dataset)
    epochs = experiment.config.training.full_epochs

    def trained(architecture: Architecture, seed: int) -> Trained:
        return train(architecture, data, experiment.config.training, epochs=epochs, seed=seed)

    stretch = [each for each in told if each.outcome.findings][-1]
    found = [each for each in told if each.candidate.operator in (LIKELIEST, ONE_SHOT) and each.fitness]
    scores = dict(zip(stretch.outcome.findings, stretch.outcome.finding_scores, strict=True))
    ranked = [each for each in found if each.candidate.operator == ONE_SHOT]
    order = spearmanr([scores[each.candidate.genome] for each in ranked], [each.fitness for each in ranked])
    print(f"shared weights against full trainings: {order.statistic:.2f}, p = {order.pvalue:.2f}")

    best = max(found, key=lambda each: each.fitness or 0.0)
    architecture = space.decode(best.candidate.genome)
    print(f"best found: #{best.candidate.id}:", "; ".join(text_lines(architecture.layers[0].cell)))
    lstm = equal_lstm(architecture, architecture, space.signature)
    for name, contestant in (("found", architecture), ("LSTM", lstm)):
        for factor in (1, 2):
            rate = factor * contestant.training.learning_rate
            other = replace(contestant, training=replace(contestant.training, learning_rate=rate))
            results = [trained(other, seed) for seed in SEEDS]
            test = [
                score_part(each.network, experiment.dataset, "test").metric
                for each in results
                if each.network is not None
            ]
            size = count_parameters(other, space.signature)
            print(
                f"{name}, rate {rate:.4f}, {size:,} parameters: test {statistics.fmean(test):.4f} of {test}"
            )

    drawing, rng = CellDrawing(space, stretch.candidate.genome), random.Random(5)
    by_chance = [trained(space.decode(drawing.by_chance(rng)), 1).outcome for _ in range(RANDOM_CELLS)]
    drawn = [each.fitness for each in by_chance if each.fitness is not None]
    ours = [each.fitness for each in found if each.fitness is not None]
    test_of = mannwhitneyu(ours, drawn, alternative="greater")
    for name, values in (("found", ours), ("random", drawn)):
        mean, median = -statistics.fmean(values), -statistics.median(values)
        print(f"{name}: {len(values)} cells, mean {mean:.3f}, median {median:.3f}, best {-max(values):.3f}")
    print(f"found beside random: p = {test_of.pvalue:.4f}")


if __name__ == "__main__":
    main(*sys.argv[1:])
