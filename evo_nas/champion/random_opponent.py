"""`RandomOpponent`: what a search at random with the budget of a run finds in its space.

Li and Talwalkar, "Random Search and Reproducibility for Neural Architecture Search", UAI 2019: a search that does not
beat this one has only shown that its space is good.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evo_nas.champion.finalist_plan import FinalistPlan
from evo_nas.champion.opponents import RANDOM
from evo_nas.config import BudgetOptions, VerdictOptions
from evo_nas.config.warm_start import WarmStartOptions
from evo_nas.sections import check_opponents
from evo_nas.strategies.random import RandomSearch

if TYPE_CHECKING:
    from evo_nas.config import SearchConfig
    from evo_nas.experiment import Experiment
    from evo_nas.progress import Progress
    from evo_nas.runs import Run

SearchOn = Callable[["Experiment", "Run"], Iterator["Progress"]]
"""Searches a run until its budget is spent, here or elsewhere, and yields its progress after each turn."""


@dataclass(frozen=True, slots=True)
class Searched:
    """A turn of the search at random.

    Attributes:
        name: How far it is, for displays.
    """

    name: str


class RandomOpponent:
    """A search at random beside a run: the same space, task, trainings and number of evaluations.

    It is a run of its own inside the other, so that it goes on after an interruption, and with the other's budget when
    that grows.

    Args:
        run: A run with at least one score.
        experiment: The experiment of that run.

    Attributes:
        run: The search at random.
        experiment: The experiment of that.
        evaluations: How many it makes.

    Raises:
        ConfigError: The run is a search at random itself.
    """

    def __init__(self, run: Run, experiment: Experiment) -> None:
        totals = run.totals()
        # Those that diverge at once cost nothing, and any search replaces them within its budget.
        self.evaluations = max(1, totals.told - totals.at_once)
        self.run = run.random_search
        self.experiment = experiment.with_config(_at_random(experiment.config, self.evaluations))
        self._told = self.run.totals().told if self.run.exists else 0

    @property
    def done(self) -> int:
        """Evaluations that are made, of `evaluations`."""
        return min(self._told, self.evaluations)

    def search(self, search: SearchOn) -> Iterator[Searched]:
        """Searches on until the budget is spent, and yields how far it is."""
        if self.experiment.is_complete(self.run):
            return
        for progress in search(self.experiment, self.run):
            if progress.told != self._told:
                self._told = progress.told
                yield Searched(f"evaluation {self._told} of {self.evaluations} of the random search")

    def plan(self, options: VerdictOptions) -> FinalistPlan:
        """Returns how its best networks are judged: on the same cuts and with the same seeds as those of the run.

        Raises:
            ChampionError: None of its candidates was scored.
        """
        return FinalistPlan.of(
            self.run,
            self.experiment,
            count=options.finalists,
            trainings=options.cuts,
            name="random finalist",
            beats_cells=False,
        )


def _at_random(config: SearchConfig, evaluations: int) -> SearchConfig:
    """Returns the configuration of a search at random in the space of ``config``, from scratch."""
    check_opponents((RANDOM,), config.strategy)
    fitness = config.fitness
    # Where nothing breeds there are no parents to inherit from.
    if fitness.inheritance == "parent":
        fitness = fitness.model_copy(update={"inheritance": "none"})
    return config.model_copy(
        update={
            "strategy": {"kind": RandomSearch.kind},
            "budget": BudgetOptions(evaluations=evaluations),
            "warm_start": WarmStartOptions(),
            "fitness": fitness,
            "verdict": VerdictOptions(at_end=False),
        }
    )


def search_here(experiment: Experiment, run: Run) -> Iterator[Progress]:
    """Searches ``run`` in this process."""
    with experiment.open(run, executor="inline") as search:
        while not search.ended:
            search.step()
            yield search.progress()
