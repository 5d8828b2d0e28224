"""Turns the progress of a loop into events."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from evo_nas.config.objectives import FITNESS
from evo_nas.genome.describe import describe
from evo_nas.sessions.events import Best, FrontMember, Progressed
from evo_nas.sessions.pace import Pace
from evo_nas.sessions.planning import expected_evaluations
from evo_nas.strategies.front import cost_of

if TYPE_CHECKING:
    from evo_nas.experiment import Experiment
    from evo_nas.progress import Progress
    from evo_nas.strategies.trials import Trial


class Narrator:
    """Tells what a loop has come to; describes each best architecture only once.

    Args:
        experiment: What is searched.
    """

    def __init__(self, experiment: Experiment) -> None:
        self._experiment = experiment
        self._pace = Pace()
        self._best: Best | None = None

    def event(self, progress: Progress) -> Progressed:
        """Returns the event for ``progress``."""
        self._pace.observe(progress)
        return Progressed(
            told=progress.told,
            told_at_start=progress.told_at_start,
            asked=progress.asked,
            evaluations=expected_evaluations(progress),
            train_s=progress.train_s,
            train_s_budget=progress.budget.train_s,
            elapsed_s=progress.elapsed_s,
            per_minute=self._pace.per_minute,
            remaining_s=self._pace.remaining_s(progress),
            by_status=progress.by_status,
            best=self._described(progress.best),
            population=progress.fitness,
            workers=progress.occupancy,
            finished=progress.finished,
            interrupted=progress.interrupted,
            commit_s=progress.commit_s,
            remembered=progress.remembered,
            noise=progress.noise,
            savings=progress.savings,
            front=self._front(progress),
            constant=progress.constant,
            wall_s=progress.wall_s,
            wall_s_budget=progress.budget.wall_s,
            uncounted=progress.uncounted,
        )

    def _front(self, progress: Progress) -> tuple[FrontMember, ...]:
        higher_is_better = self._experiment.dataset.metric.higher_is_better
        costs = [name for name in self._experiment.config.fitness.objectives if name != FITNESS]
        return tuple(
            FrontMember(
                id=trial.main.candidate.id,
                value=trial.fitness if higher_is_better else -trial.fitness,
                costs={name: cost for name in costs if (cost := cost_of(trial, name)) is not None},
            )
            for trial in progress.front
            if trial.fitness is not None
        )

    def _described(self, best: Trial | None) -> Best | None:
        if best is None or best.fitness is None:
            return None
        metric, candidate = self._experiment.dataset.metric, best.main.candidate
        value = best.fitness if metric.higher_is_better else -best.fitness
        if self._best is None or self._best.id != candidate.id:
            self._best = Best(
                id=candidate.id,
                value=value,
                fitness=best.fitness,
                parameters=best.outcome.parameters,
                table_parameters=best.outcome.table_parameters,
                operator=candidate.operator,
                parents=candidate.parents,
                canonical_hash=candidate.canonical_hash,
                architecture=describe(self._experiment.space.decode(candidate.genome)),
                trainings=best.trainings,
                epochs=best.outcome.epochs,
                budget=candidate.budget,
            )
        elif self._best.fitness != best.fitness:
            # It was trained again, or another cut is known better.
            self._best = replace(self._best, value=value, fitness=best.fitness, trainings=best.trainings)
        return self._best
