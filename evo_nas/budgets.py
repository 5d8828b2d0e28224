"""`Budget`: when a search is complete, and what ended it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

FREE_SHARE = 0.25
"""Most candidates that may diverge at once without taking a place of the budget, as a share of it."""


class Ending(StrEnum):
    """The limit that ended a search."""

    EVALUATIONS = "evaluations"
    TRAINING = "train_minutes"
    MINUTES = "minutes"
    """What is left of the time is for the candidates in flight and for the verdict."""
    FLAT = "stop_when_flat"
    """Nothing better was found for a stated share of the budget."""


@dataclass(frozen=True, slots=True)
class Spent:
    """What a run has spent so far, with all its resumes.

    Attributes:
        asked: Candidates asked.
        told: Evaluations told.
        train_s: Seconds of training of all evaluations together.
        wall_s: Seconds in which the run was searched.
        full_s: Seconds that one full training takes, as far as known; 0 before the first.
        since_better: Evaluations told since the best one was found, beyond the noise.
        since_better_s: Seconds since then.
    """

    asked: int
    told: int = 0
    train_s: float = 0.0
    wall_s: float = 0.0
    full_s: float = 0.0
    since_better: int = 0
    since_better_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Budget:
    """The limits at which a search is complete, counted over the whole run and all its resumes.

    Candidates in flight when one is reached are still evaluated.

    Attributes:
        evaluations: Candidates to evaluate, failures included, except for some that diverge at once.
        train_s: Training time of all evaluations together, in seconds; None for no limit.
        wall_s: Time of the run with its verdict, in seconds; None for no limit.
        verdict_trainings: Full trainings that the verdict makes one after another.
        flat_share: Share of the budget after which the search ends if nothing better was found; None for never.
    """

    evaluations: int
    train_s: float | None = None
    wall_s: float | None = None
    verdict_trainings: float = 0.0
    flat_share: float | None = None

    def uncounted(self, at_once: int) -> int:
        """Returns how many of ``at_once`` candidates that diverged in their first epoch take no place of the budget.

        The bound ends a search in which every candidate diverges.
        """
        return min(at_once, int(FREE_SHARE * self.evaluations))

    def widened(self, at_once: int) -> Budget:
        """Returns the budget with another place for each of the candidates that are `uncounted`."""
        return replace(self, evaluations=self.evaluations + self.uncounted(at_once))

    def ending(self, spent: Spent) -> Ending | None:
        """Returns the limit that ``spent`` has reached; None if the search goes on."""
        if spent.asked >= self.evaluations:
            return Ending.EVALUATIONS
        if self.train_s is not None and spent.train_s >= self.train_s:
            return Ending.TRAINING
        # The first candidates are always asked: only they tell whether the time is enough.
        if (
            self.wall_s is not None
            and spent.asked
            and spent.wall_s + self.rest_s(spent.full_s) >= self.wall_s
        ):
            return Ending.MINUTES
        return Ending.FLAT if self._is_flat(spent) else None

    def rest_s(self, full_s: float) -> float:
        """Returns the seconds that a run still needs when it asks for nothing more.

        Args:
            full_s: Seconds of a full training.
        """
        # One for the candidates in flight, which are at different points of their trainings.
        return (1 + self.verdict_trainings) * full_s

    def _is_flat(self, spent: Spent) -> bool:
        if self.flat_share is None or not spent.told:
            return False
        if self.wall_s is None:
            return spent.since_better >= self.flat_share * self.evaluations
        return spent.since_better_s >= self.flat_share * self.wall_s
