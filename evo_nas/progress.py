"""How far a search has come: what it counts, and what it says of itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from evo_nas.archive import Archive, NoiseReport
from evo_nas.budgets import Spent
from evo_nas.config.objectives import FITNESS
from evo_nas.plateau import Plateau
from evo_nas.run_clock import RunClock, TrainingPace, trained_s
from evo_nas.savings import Savings, SavingsCounter

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from evo_nas.budgets import Budget, Ending
    from evo_nas.evaluation import Evaluation, Status
    from evo_nas.execution.executor import Occupancy
    from evo_nas.strategies.front import Front
    from evo_nas.strategies.trials import Trial


@dataclass(frozen=True, slots=True)
class Progress:
    """The state of a search; listeners get one each turn.

    Attributes:
        told: Evaluations that are committed and told to the strategy, over the whole run.
        told_at_start: Evaluations that this process found in the ledger when it started.
        asked: Candidates asked, over the whole run.
        budget: When the run is complete; those that are not counted have places of their own.
        by_status: Number of evaluations by status.
        best: The best trial of the whole run, by the mean of its trainings; None before the first score.
        fitness: Size, mean, std, min and max of the current population's fitness.
        occupancy: The state of the workers.
        elapsed_s: Seconds since this process started to search.
        finished: Whether the run is complete.
        interrupted: Whether the search was asked to stop before that.
        commit_s: Seconds that the last commit took.
        train_s: Seconds of training, over the whole run.
        wall_s: Seconds in which the run was searched, over the whole run.
        remembered: Evaluations whose results come from earlier runs, over the whole run.
        full_s: Seconds that one full training takes; 0 before the first.
        ending: The limit that was reached; None while the search goes on.
        noise: What repeated trainings say about the scores.
        savings: What rungs have pruned, promoted and spared.
        front: The trials that no other beats in all objectives, the fittest first; empty with one objective.
        constant: The objectives in which all trials are equal so far; empty with one objective.
        uncounted: Evaluations that diverged at once and take no place of the budget that was given.
    """

    told: int
    told_at_start: int
    asked: int
    budget: Budget
    by_status: Mapping[Status, int]
    best: Trial | None
    fitness: Mapping[str, float]
    occupancy: Occupancy
    elapsed_s: float
    finished: bool
    interrupted: bool
    commit_s: float = 0.0
    train_s: float = 0.0
    wall_s: float = 0.0
    remembered: int = 0
    full_s: float = 0.0
    ending: Ending | None = None
    noise: NoiseReport = field(default_factory=NoiseReport)
    savings: Savings = field(default_factory=Savings)
    front: Sequence[Trial] = ()
    constant: tuple[str, ...] = ()
    uncounted: int = 0


Listener = Callable[[Progress], None]
"""Called after each turn, in the thread of the loop."""


class Tally:
    """Counts what was told, over the whole run.

    Args:
        objectives: Names of what is optimised, the fitness first; see `config.objectives`.

    Attributes:
        told: Number of evaluations.
        train_s: Seconds of their training.
        remembered: How many of their results come from earlier runs.
        by_status: Their number by status.
        at_once: How many of them diverged in their first epoch.
        clock: The time of the run.
        pace: How long a full training takes.
    """

    def __init__(self, objectives: Sequence[str] = (FITNESS,)) -> None:
        self.told = 0
        self.train_s = 0.0
        self.remembered = 0
        self.at_once = 0
        self.by_status: Counter[Status] = Counter()
        self.clock = RunClock()
        self.pace = TrainingPace()
        self._archive = Archive(objectives=objectives)
        self._savings = SavingsCounter()
        self._plateau = Plateau()
        self._growth = self._better_after = 0
        self._better_at_s = 0.0

    @property
    def best(self) -> Trial | None:
        """The best trial, by the mean of its trainings; None before the first score."""
        return self._archive.best

    @property
    def noise(self) -> NoiseReport:
        """What repeated trainings say about the scores."""
        return self._archive.report

    @property
    def front(self) -> Front:
        """The trials that no other beats in all objectives."""
        return self._archive.front

    @property
    def savings(self) -> Savings:
        """What rungs have pruned, promoted and spared."""
        return self._savings.savings

    def resume(self, told: Sequence[Evaluation]) -> None:
        """Counts what earlier processes have told."""
        self.clock.resume(told)
        self.add(told)
        self._better_at_s = trained_s(told[: self._better_after])

    def add(self, evaluations: Sequence[Evaluation]) -> None:
        """Counts evaluations, in the order of telling."""
        for evaluation in evaluations:
            self.told += 1
            self.pace.observe(evaluation)
            self._archive.update([evaluation])
            best, growth = self.best, self.front.growth
            if growth != self._growth:
                self._growth = growth
                self._better_after, self._better_at_s = self.told, self.clock.seconds()
            if self._plateau.rises(None if best is None else best.standing, self._archive.noise):
                self._better_after, self._better_at_s = self.told, self.clock.seconds()
        self._savings.update(evaluations)
        self.remembered += sum(bool(evaluation.outcome.source) for evaluation in evaluations)
        self.at_once += sum(evaluation.outcome.diverged_at_once for evaluation in evaluations)
        self.train_s += sum(evaluation.outcome.train_s for evaluation in evaluations)
        self.by_status.update(evaluation.status for evaluation in evaluations)

    def spent(self, asked: int) -> Spent:
        """Returns what the run has spent, if ``asked`` candidates were asked."""
        wall_s = self.clock.seconds()
        return Spent(
            asked=asked,
            told=self.told,
            train_s=self.train_s,
            wall_s=wall_s,
            full_s=self.pace.full_s if self.pace.is_known else 0.0,
            since_better=self.told - self._better_after,
            since_better_s=wall_s - self._better_at_s,
        )
