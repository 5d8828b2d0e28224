"""The plan of a search: what its budget buys at the pace of its first candidates."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from evo_nas.errors import ConfigError
from evo_nas.run_clock import ENOUGH_S, ENOUGH_TRAININGS
from evo_nas.sessions.events import Planned
from evo_nas.strategies.evolution import LEAST_POPULATION

if TYPE_CHECKING:
    from evo_nas.config import SearchConfig
    from evo_nas.progress import Progress

SHARE_WITH_RUNGS = 0.5
"""How much of all epochs is about trained where trainings are pruned at rungs."""
FEW_EVALUATIONS = 20
FEW_EPOCHS = 4


WANTED_CANDIDATES = 40
"""Candidates for which a budget of minutes should leave time."""
MOST_EPOCHS = 30
FEWEST_EPOCHS = 2


def affordable_epochs(config: SearchConfig, *, epoch_s: float, workers: int, verdict_trainings: float) -> int:
    """Returns how long a full training may be, so that the minutes hold enough of them and the verdict.

    Args:
        config: A configuration with a budget of minutes.
        epoch_s: Seconds of one epoch.
        workers: Trainings at the same time.
        verdict_trainings: Full trainings that the verdict makes one after another.
    """
    assert config.budget.wall_s is not None, "only minutes leave the epochs open"
    share = SHARE_WITH_RUNGS if config.fitness.prunes else 1.0
    trainings = 1 + verdict_trainings + WANTED_CANDIDATES * share / workers
    return max(FEWEST_EPOCHS, min(MOST_EPOCHS, int(config.budget.wall_s / (trainings * max(epoch_s, 1e-6)))))


class Planner:
    """Makes the plan of a search as soon as its pace is known.

    Args:
        config: The configuration of the search.
    """

    def __init__(self, config: SearchConfig) -> None:
        self._config = config
        self._is_told = False

    def news(self, progress: Progress) -> Planned | None:
        """Returns the plan, once, when enough candidates were trained to know it.

        Raises:
            ConfigError: The minutes of the budget do not hold one training and the verdict.
        """
        if self._is_told or progress.full_s <= 0:
            return None
        measured = progress.told - progress.told_at_start
        if progress.finished or measured >= ENOUGH_TRAININGS or progress.train_s >= ENOUGH_S:
            self._refuse_too_few_minutes(progress)
        if progress.finished:
            return None
        if measured < min(ENOUGH_TRAININGS, progress.budget.evaluations - progress.told_at_start):
            return None
        self._is_told = True
        evaluations = expected_evaluations(progress)
        return Planned(
            candidate_s=_mean_s(progress),
            evaluations=evaluations,
            search_s=max(0.0, (evaluations - progress.told) * _seconds_apart(progress)),
            verdict_s=progress.budget.verdict_trainings * progress.full_s,
            hints=self._hints(evaluations),
        )

    def _refuse_too_few_minutes(self, progress: Progress) -> None:
        wall_s, least_s = progress.budget.wall_s, progress.budget.rest_s(progress.full_s)
        if wall_s is not None and least_s > wall_s:
            seconds = f"{progress.full_s:,.0f}" if progress.full_s >= 10 else f"{progress.full_s:.2g}"
            raise ConfigError(
                f"budget.minutes is {wall_s / 60:g}; a training takes about {seconds} s here and the "
                f"verdict as much as {progress.budget.verdict_trainings:.0f} of them: give at least "
                f"{math.ceil(10 * least_s / 60) / 10:g}, or fewer training.epochs. What was evaluated is kept"
            )

    def _hints(self, evaluations: int) -> tuple[str, ...]:
        config, hints = self._config, []
        if evaluations < FEW_EVALUATIONS:
            hints.append(
                f"{evaluations} evaluations hardly get beyond the networks that a search begins with; a larger budget "
                f"or fewer training.epochs give more of them"
            )
        population = config.strategy.get("population")
        # One that is no larger than the least would not become smaller if it followed the budget, as it did when a run
        # that goes on was begun.
        if isinstance(population, int) and population > LEAST_POPULATION and evaluations < 2 * population:
            hints.append(
                f"strategy.population is {population}, of which {evaluations} evaluations hardly see one generation; "
                "leave it out, and it follows the budget"
            )
        if config.training.full_epochs < FEW_EPOCHS:
            hints.append(
                f"training.epochs is {config.training.full_epochs}; few networks show in so few what they can"
            )
        if config.validation.cuts > 1 and not config.fitness.trains_again:
            hints.append(
                f"validation.cuts is {config.validation.cuts}, but nothing is trained a second time, so that the "
                "further cuts are not used; set fitness.confirm to true"
            )
        return tuple(hints)


def expected_evaluations(progress: Progress) -> int:
    """Returns how many evaluations the budget buys at the present pace, those that are told included."""
    budget, left = progress.budget, math.inf
    if progress.told and progress.train_s:
        if budget.wall_s is not None:
            rest_s = budget.wall_s - progress.wall_s - budget.rest_s(progress.full_s)
            left = min(left, max(0.0, rest_s) / _seconds_apart(progress) + progress.occupancy.in_flight)
        if budget.train_s is not None:
            left = min(left, max(0.0, budget.train_s - progress.train_s) / _mean_s(progress))
    return int(min(budget.evaluations, progress.told + left))


def _mean_s(progress: Progress) -> float:
    """Returns the mean seconds of training of a candidate."""
    return max(progress.train_s / max(1, progress.told), 1e-3)


def _seconds_apart(progress: Progress) -> float:
    """Returns the mean seconds between two evaluations when all workers train."""
    return _mean_s(progress) / max(1, progress.occupancy.workers)
