"""The time of a run over all its resumes, and the time that a full training takes."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from evo_nas.evaluation import Evaluation

_FORGETTING = 0.1
"""Least weight of the newest training in the mean of seconds, so that it follows those of the last ones."""


class RunClock:
    """Counts the seconds in which a run is searched.

    What earlier processes spent follows from the ledger: the time in which at least one candidate was trained. So
    pauses between two of them do not count.

    Args:
        now: Returns the time in seconds.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._began = now()
        self._earlier_s = 0.0

    def resume(self, told: Iterable[Evaluation]) -> None:
        """Adds the time of earlier processes, and begins the time of this one."""
        self._earlier_s = trained_s(told)
        self._began = self._now()

    def seconds(self) -> float:
        """Returns the seconds of the run so far."""
        return self._earlier_s + self._now() - self._began


def trained_s(evaluations: Iterable[Evaluation]) -> float:
    """Returns for how many seconds at least one of ``evaluations`` was being trained."""
    spans = sorted((each.finished_at - each.outcome.train_s, each.finished_at) for each in evaluations)
    total, until = 0.0, float("-inf")
    for began, ended in spans:
        total += max(0.0, ended - max(began, until))
        until = max(until, ended)
    return total


ENOUGH_TRAININGS, ENOUGH_S = 3, 10.0
"""So many trainings, or seconds of them, are seen before their pace may end a search: a few short ones say little."""


class TrainingPace:
    """The seconds that a full training of recent candidates takes.

    Attributes:
        full_s: The mean; 0 before the first.
    """

    def __init__(self) -> None:
        self.full_s = 0.0
        self._observed = 0
        self._seen_s = 0.0

    @property
    def is_known(self) -> bool:
        """Whether enough was seen to decide by it."""
        return self._observed >= ENOUGH_TRAININGS or self._seen_s >= ENOUGH_S

    def observe(self, evaluation: Evaluation) -> None:
        """Takes in an evaluation; failures, continued and remembered trainings say nothing about a whole one."""
        outcome, candidate = evaluation.outcome, evaluation.candidate
        if outcome.fitness is None or candidate.continues is not None or outcome.source or not outcome.epochs:
            return
        seconds = outcome.train_s * candidate.budget / outcome.epochs
        self._observed += 1
        self._seen_s += outcome.train_s
        # The plain mean at first: what a first training takes longer in its process is soon forgotten.
        self.full_s += max(_FORGETTING, 1 / self._observed) * (seconds - self.full_s)
