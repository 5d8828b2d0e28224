"""The best candidates of a whole history."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evo_nas.config.objectives import FITNESS
from evo_nas.evaluation import best_first
from evo_nas.strategies.front import Front
from evo_nas.strategies.noise import Noise  # noqa: TC001 - pydantic reads the annotations of events
from evo_nas.strategies.trials import Trials, standing_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from evo_nas.evaluation import Evaluation
    from evo_nas.strategies.trials import Trial

KEPT = 100
"""Trials that are kept beyond the best, since one that is repeated may lose its place."""


@dataclass(frozen=True, slots=True)
class Lead:
    """By how much the best trial leads.

    Attributes:
        best: Id of its candidate.
        second: Id of the candidate of the second best.
        fitness: Difference of their mean fitness.
        is_noise: Whether the noise hides it.
    """

    best: int
    second: int
    fitness: float
    is_noise: bool


@dataclass(frozen=True, slots=True)
class NoiseReport:
    """What repeated trainings say about the scores of a run.

    Attributes:
        seeds: The noise between seeds; None before enough was repeated on one cut.
        cuts: The noise between trainings on different cuts; None before enough was repeated on several.
        unstable: Number of candidates that failed or collapsed with another seed.
        lead: That of the best over the second best; None before there are two, or while no noise is known.
    """

    seeds: Noise | None = None
    cuts: Noise | None = None
    unstable: int = 0
    lead: Lead | None = None


class Archive:
    """Ranks the trials of a run: by their standing, then by the order of telling.

    Of a candidate that was trained several times the mean counts, so that a lucky first score does not win over a
    confirmed one. One that was pruned stands below all that went further, so that it is the best only of a run in which
    nothing did. Trials that failed or collapsed with another seed are ignored.

    Args:
        size: How many trials `ranking` has at most, at least 1.
        objectives: Names of what is optimised, the fitness first; see `config.objectives`.

    Attributes:
        front: With several objectives, the trials that no other beats in all of them; otherwise nothing is kept there.
    """

    def __init__(self, size: int = 1, objectives: Sequence[str] = (FITNESS,)) -> None:
        self.front = Front(objectives)
        self._size = size
        self._trials = Trials()
        # Ascending, and of equals the latest first, so that the best is last and what drops out is first. Trainings
        # from inherited weights are kept apart, since nothing ranks them among the others.
        self._apart: dict[bool, list[Trial]] = {False: [], True: []}

    def update(self, evaluations: Iterable[Evaluation]) -> None:
        """Adds evaluations, given in the order in which they were told."""
        for evaluation in evaluations:
            if evaluation.candidate.trains:
                continue  # no network, and without a score
            shifted = self._trials.noise.shifts
            trial = self._trials.add(evaluation)
            if trial.candidate is not evaluation.candidate:
                for start, kept in self._apart.items():
                    self._apart[start] = [each for each in kept if each is not trial]
            if len(self.front.objectives) > 1:
                self.front.update(trial, self._trials.noise.overall)
            if trial.standing is not None and not trial.is_unstable:
                self._insert(self._apart[trial.standing.is_inherited], trial)
            if self._trials.noise.shifts is not shifted:
                # What a cut does to all of them is known better now.
                for kept in self._apart.values():
                    kept.sort(key=standing_of)

    @property
    def ranking(self) -> Sequence[Trial]:
        """The best trials, best first."""
        candidates = [trial for kept in self._apart.values() for trial in reversed(kept[-self._size :])]
        return tuple(best_first(candidates, standing_of, count=self._size))

    @property
    def best(self) -> Trial | None:
        """The best trial; None before the first score."""
        return next(iter(best_first([kept[-1] for kept in self._apart.values() if kept], standing_of)), None)

    @property
    def noise(self) -> Noise | None:
        """The noise of a score; None before enough was repeated."""
        return self._trials.noise.overall

    @property
    def report(self) -> NoiseReport:
        """What repeated trainings say about the scores."""
        noise = self._trials.noise
        return NoiseReport(noise.seeds, noise.cuts, self._trials.unstable, self._lead())

    def _lead(self) -> Lead | None:
        noise, best = self._trials.noise.overall, self.best
        if noise is None or best is None or len(kept := self._apart[standing_of(best).is_inherited]) < 2:
            return None
        second = kept[-2]
        if not standing_of(best).is_comparable(standing_of(second)):
            return None
        lead = standing_of(best).fitness - standing_of(second).fitness
        return Lead(
            best.main.candidate.id,
            second.main.candidate.id,
            lead,
            noise.hides(lead, trainings=(best.trainings, second.trainings)),
        )

    def _insert(self, kept: list[Trial], trial: Trial) -> None:
        place = bisect_left(kept, standing_of(trial), key=standing_of)
        if place or len(kept) < self._size + KEPT:
            kept.insert(place, trial)
            del kept[: -self._size - KEPT]
