"""`Trial`: everything that is known of one candidate and of the trainings that were asked because of it."""

from __future__ import annotations

import statistics
from collections import OrderedDict
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from evo_nas.evaluation import Candidate, Evaluation, Standing

REMEMBERED = 1000
"""Trials that may be taken up again; a function of the log, as all that a strategy knows, and a bound on its memory."""


class Trial:
    """One architecture and all its evaluations so far: pruned, continued, and repeated ones.

    Args:
        evaluation: The first one.

    Attributes:
        candidate: The candidate that was asked first; children name it as their parent.
        evaluations: All evaluations, in the order of telling; a continued training takes the place of its beginning.
    """

    def __init__(self, evaluation: Evaluation) -> None:
        self.candidate: Candidate = evaluation.candidate
        self.evaluations: list[Evaluation] = [evaluation]

    def add(self, evaluation: Evaluation) -> None:
        """Adds the evaluation of a later training."""
        continued = evaluation.candidate.continues
        self.evaluations = [each for each in self.evaluations if each.candidate.id != continued]
        self.evaluations.append(evaluation)

    @property
    def is_complete(self) -> bool:
        """Whether it has the score of a full training, and no repeated training failed."""
        return all(each.is_complete for each in self.evaluations)

    @property
    def standing(self) -> Standing | None:
        """What ranks it: the mean of its trainings that went furthest; None without a fitness."""
        standings = [standing for each in self.evaluations if (standing := each.standing) is not None]
        if not standings:
            return None
        level = max(standing.level for standing in standings)
        furthest = [standing for standing in standings if standing.level == level]
        return replace(
            furthest[0],
            fitness=statistics.fmean(standing.fitness for standing in furthest),
            loss=statistics.fmean(standing.loss for standing in furthest),
        )


class Trials:
    """The trials that may be taken up again, by the ids of their candidates."""

    def __init__(self) -> None:
        self._trials: OrderedDict[int, Trial] = OrderedDict()
        self._first: dict[int, int] = {}

    def add(self, evaluation: Evaluation) -> Trial:
        """Adds an evaluation to its trial and returns that; a trial that was forgotten begins anew."""
        candidate = evaluation.candidate
        earlier = candidate.repeats if candidate.continues is None else candidate.continues
        first = candidate.id if earlier is None else self._first.get(earlier, earlier)
        trial = self._trials.get(first)
        if trial is None:
            trial = self._trials[first] = Trial(evaluation)
        else:
            trial.add(evaluation)
        self._first[candidate.id] = first
        while len(self._trials) > REMEMBERED:
            _, forgotten = self._trials.popitem(last=False)
            for each in (forgotten.candidate, *(other.candidate for other in forgotten.evaluations)):
                self._first.pop(each.id, None)
        return trial
