"""`Savings`: what rungs have pruned, promoted and spared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping  # noqa: TC003 - pydantic reads the annotations of events
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from evo_nas.evaluation import Status

if TYPE_CHECKING:
    from collections.abc import Iterable

    from evo_nas.evaluation import Evaluation


@dataclass(frozen=True, slots=True)
class Savings:
    """What rungs have spared a run.

    Attributes:
        pruned: Number of trainings that stand pruned, by the epochs after which they were, ascending.
        promoted: Number of pruned trainings that went on.
        epochs: Epochs that were trained, of all candidates with a score.
        full_epochs: Epochs that their full trainings would have taken.
    """

    pruned: Mapping[int, int] = field(default_factory=dict)
    promoted: int = 0
    epochs: int = 0
    full_epochs: int = 0

    @property
    def share(self) -> float:
        """Share of the training that was spared, 0 to 1."""
        return 1.0 - self.epochs / self.full_epochs if self.full_epochs else 0.0


class SavingsCounter:
    """Counts what rungs spare, evaluation by evaluation."""

    def __init__(self) -> None:
        self._paused: dict[int, int] = {}
        self._pruned: Counter[int] = Counter()
        self._promoted = 0
        self._epochs = 0
        self._full_epochs = 0

    @property
    def savings(self) -> Savings:
        """What was spared so far."""
        pruned = {rung: count for rung, count in sorted(self._pruned.items()) if count}
        return Savings(pruned, self._promoted, self._epochs, self._full_epochs)

    def update(self, evaluations: Iterable[Evaluation]) -> None:
        """Adds evaluations, in the order of telling."""
        for evaluation in evaluations:
            candidate, outcome = evaluation.candidate, evaluation.outcome
            self.add(
                candidate.id,
                outcome.status,
                epochs=outcome.epochs,
                budget=candidate.budget,
                continues=candidate.continues,
            )

    def add(self, number: int, status: Status, *, epochs: int, budget: int, continues: int | None) -> None:
        """Adds an evaluation, given by its columns in the ledger."""
        before = 0
        if continues is not None:
            # What goes on and was not pruned is a long training.
            before = self._paused.pop(continues, 0)
            self._promoted += before > 0
            self._pruned[before] -= before > 0
        if not status.scored:
            return
        # What was trained before the rung was counted there, and so was the full training.
        self._epochs += epochs - before
        self._full_epochs += 0 if before else budget
        if status is Status.PRUNED:
            self._paused[number] = epochs
            self._pruned[epochs] += 1
