"""`Finalist`: one of the best distinct networks of a run, as the search and other cuts of the data tell it."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evo_nas.strategies.front import values_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evo_nas.champion.selection import Estimate, Ranking
    from evo_nas.genome.architecture import Architecture
    from evo_nas.genome.space import Genome, SearchSpace
    from evo_nas.strategies.front import Values
    from evo_nas.strategies.trials import Trial
    from evo_nas.tasks.metrics import Metric

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class CutScores:
    """The validation metric of one network on each of the cuts that judge it.

    Attributes:
        name: Whose they are, such as ``LSTM``.
        architecture: The network.
        values: The metric of each training, in its own units; None if it failed.
        metric: The metric.
    """

    name: str
    architecture: Architecture
    values: tuple[float | None, ...]
    metric: Metric

    @property
    def known(self) -> tuple[float, ...]:
        """The metric of the trainings that succeeded."""
        return tuple(value for value in self.values if value is not None)

    @property
    def mean(self) -> float | None:
        """Mean of the trainings that succeeded; None if there is none."""
        return statistics.fmean(self.known) if self.known else None

    @property
    def half_width(self) -> float | None:
        """Half the width of the 95 % interval of the mean, by Student's t; None of fewer than two trainings."""
        return half_width(self.known)

    @property
    def rank(self) -> tuple[int, float]:
        """What ranks it: fewer failed trainings, then the better mean."""
        mean = self.mean
        return len(self.known), -math.inf if mean is None else self.metric.fitness(mean)

    def lead(self, other: CutScores) -> tuple[float, float | None] | None:
        """Returns by how much it is better than ``other``, and half the width of the interval of that.

        Both are of pairs: the same cut and seed. None if they have no cut in common.
        """
        pairs = zip(self.values, other.values, strict=True)
        leads = [
            self.metric.fitness(mine) - self.metric.fitness(its)
            for mine, its in pairs
            if mine is not None and its is not None
        ]
        return (statistics.fmean(leads), half_width(leads)) if leads else None


@dataclass(frozen=True, slots=True)
class Finalist:
    """One of the best distinct networks of a run.

    Attributes:
        architecture: The network, with its settings of training.
        trial: All that the run knows of it.
        estimate: What its score in the run is worth.
        scores: What it reached on the cuts that judge it; None before it is judged.
        opponents: The same network around other cells on the same cuts, where it was compared.
    """

    architecture: Architecture
    trial: Trial
    estimate: Estimate
    scores: CutScores | None = None
    opponents: tuple[CutScores, ...] = ()

    @property
    def number(self) -> int:
        """Id of its candidate."""
        return self.trial.main.candidate.id

    @property
    def best_opponent(self) -> CutScores | None:
        """The opponent that it does not beat on the cuts, the best of them; None if it beats all."""
        scores = self.scores
        if scores is None:
            return None
        # Of equals the published cell is taken: it is understood, and fast everywhere.
        unbeaten = [each for each in self.opponents if each.rank >= scores.rank]
        return max(unbeaten, key=lambda each: each.rank, default=None)

    @property
    def put_forward(self) -> Architecture:
        """The network that goes on: its own, or the same around a GRU or LSTM if that is as good on the cuts."""
        best = self.best_opponent
        return self.architecture if best is None else best.architecture

    @property
    def sentence(self) -> str:
        """What the comparison with other cells says; empty if there was none."""
        if self.scores is None or not self.opponents:
            return ""
        metric = self.scores.metric.name.replace("_", " ")
        best = self.best_opponent or max(self.opponents, key=lambda each: each.rank)
        lead = self.scores.lead(best)
        if lead is None:
            return f"the network of #{self.number} and the same around the {best.name} could not be compared"
        by, half = lead
        interval = "" if half is None else f" ± {half:.2g}"
        if self.best_opponent is None:
            return (
                f"the cell of #{self.number} is kept: on the same cuts it is {by:.2g}{interval} {metric} better than "
                f"the same network around the {best.name}"
            )
        return (
            f"the cell of #{self.number} is not kept: the same network around the {best.name} is {-by:.2g}{interval} "
            f"{metric} better on the same cuts, and is put forward in its place"
        )


def finalists_of(
    ranking: Ranking, space: SearchSpace, *, objectives: Sequence[str], count: int
) -> list[Finalist]:
    """Returns the ``count`` best distinct networks, best first; how one is trained and regularised makes no other.

    With several objectives they are spread over the front: the fittest, then always the one farthest from those that
    are chosen (Gonzalez, 1985), each objective in the range that it has on the front.

    Args:
        ranking: The trials of a run, ranked.
        space: The space that decodes their genomes.
        objectives: Names of what was optimised, the fitness first.
        count: How many are wanted; there may be fewer.
    """
    found: dict[str, Finalist] = {}
    for place, (trial, estimate) in enumerate(ranking.trials):
        if place >= ranking.front and len(found) >= count:
            break
        genome = trial.candidate.genome
        # Decoded one by one, best first: a long run is rarely decoded as a whole.
        found.setdefault(_network(genome, space), Finalist(space.decode(genome), trial, estimate))
    front = [
        each
        for each in found.values()
        if any(each.trial is trial for trial, _ in ranking.trials[: ranking.front])
    ]
    chosen = _spread(front, objectives, count) if len(front) > count else front
    others = [each for each in found.values() if not any(each is one for one in chosen)]
    return [*chosen, *others][:count]


def _network(genome: Genome, space: SearchSpace) -> str:
    """Returns the identity of the network of ``genome``, however it is trained and regularised."""
    plain = (
        gene.default if place in space.training_genes else value
        for place, (gene, value) in enumerate(zip(space.genes, genome, strict=True))
    )
    return space.canonical_hash(tuple(plain))


def _spread(front: Sequence[Finalist], objectives: Sequence[str], count: int) -> list[Finalist]:
    places: list[tuple[Finalist, Values]] = []
    for each in front:
        values = values_of(each.trial, objectives)
        assert values is not None, "only such as can be compared are on a front"
        places.append((each, (each.estimate.bound, *values[1:])))
    ranges = [
        max(column) - min(column) or 1.0 for column in zip(*(values for _, values in places), strict=True)
    ]

    def distance(one: Values, other: Values) -> float:
        return math.dist(
            [value / width for value, width in zip(one, ranges, strict=True)],
            [value / width for value, width in zip(other, ranges, strict=True)],
        )

    chosen, left = places[:1], places[1:]
    while len(chosen) < count:
        farthest = max(left, key=lambda place: min(distance(place[1], one[1]) for one in chosen))
        left = [place for place in left if place is not farthest]
        chosen.append(farthest)
    return [each for each, _ in sorted(chosen, key=lambda place: place[0].estimate.bound, reverse=True)]


def half_width(values: Sequence[float]) -> float | None:
    """Returns half the width of the 95 % interval of a mean, by Student's t; None of fewer than two values."""
    from scipy.stats import t  # noqa: PLC0415 - listing finalists does not need it

    if len(values) < 2:
        return None
    error = statistics.stdev(values) / math.sqrt(len(values))
    return float(t.ppf((1 + CONFIDENCE) / 2, len(values) - 1)) * error
