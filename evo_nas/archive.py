"""The best candidates of a whole history."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evo_nas.strategies.noise import Noise  # noqa: TC001 - pydantic reads the annotations of events
from evo_nas.strategies.trials import Trials

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from evo_nas.evaluation import Evaluation, Standing
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
    confirmed one. Trials that are not complete, or that failed or collapsed with another seed, are ignored.

    Args:
        size: How many trials `ranking` has at most, at least 1.
    """

    def __init__(self, size: int = 1) -> None:
        self._size = size
        self._trials = Trials()
        # Ascending, and of equals the latest first, so that the best is last and what drops out is first.
        self._kept: list[Trial] = []

    def update(self, evaluations: Iterable[Evaluation]) -> None:
        """Adds evaluations, given in the order in which they were told."""
        for evaluation in evaluations:
            shifted = self._trials.noise.shifts
            trial = self._trials.add(evaluation)
            if len(trial.evaluations) > 1:
                self._kept = [each for each in self._kept if each is not trial and each.is_complete]
            if trial.is_complete:
                self._insert(trial)
            if self._trials.noise.shifts is not shifted:
                # What a cut does to all of them is known better now.
                self._kept.sort(key=_standing)

    @property
    def ranking(self) -> Sequence[Trial]:
        """The best trials, best first."""
        return tuple(reversed(self._kept[-self._size :]))

    @property
    def best(self) -> Trial | None:
        """The best trial; None before the first complete one."""
        return self._kept[-1] if self._kept else None

    @property
    def report(self) -> NoiseReport:
        """What repeated trainings say about the scores."""
        noise = self._trials.noise
        return NoiseReport(noise.seeds, noise.cuts, self._trials.unstable, self._lead())

    def _lead(self) -> Lead | None:
        noise = self._trials.noise.overall
        if noise is None or len(self._kept) < 2:
            return None
        second, best = self._kept[-2:]
        lead = _standing(best).fitness - _standing(second).fitness
        return Lead(
            best.main.candidate.id,
            second.main.candidate.id,
            lead,
            noise.hides(lead, trainings=(best.trainings, second.trainings)),
        )

    def _insert(self, trial: Trial) -> None:
        place = bisect_left(self._kept, _standing(trial), key=_standing)
        if place or len(self._kept) < self._size + KEPT:
            self._kept.insert(place, trial)
            del self._kept[: -self._size - KEPT]


def _standing(trial: Trial) -> Standing:
    standing = trial.standing
    assert standing is not None, "only complete trials are ranked"
    return standing
