"""Several objectives: which trials no other beats in all of them; where all are equal, an objective decides nothing."""

from __future__ import annotations

import math
from operator import ge
from typing import TYPE_CHECKING

from evo_nas.config.objectives import COSTS, FITNESS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from evo_nas.strategies.noise import Noise
    from evo_nas.strategies.trials import Trial

LEAST_TRIALS = 10
"""Fewer trials do not tell an objective that is constant."""
Values = tuple[float, ...]
"""One value for each objective, the higher the better."""


def cost_of(trial: Trial, name: str) -> float | None:
    """Returns a cost of ``trial``, an objective by name, in its own unit; None if it was not recorded."""
    outcome, metric = trial.outcome, COSTS[name].metric
    return outcome.metrics.get(metric) if metric else float(outcome.parameters)


def values_of(trial: Trial, objectives: Sequence[str]) -> Values | None:
    """Returns the values of a trial that may be compared with others; None for one that may not.

    Only trainings from scratch to the end are compared: a front has no place for scores that mean less or more.
    """
    standing = trial.standing
    if standing is None or standing.level < math.inf or standing.is_inherited or trial.is_unstable:
        return None
    costs = [cost_of(trial, name) for name in objectives if name != FITNESS]
    known = [-cost for cost in costs if cost is not None]
    return (standing.fitness, *known) if len(known) == len(costs) else None


def dominates(one: Values, other: Values) -> bool:
    """Whether ``one`` is nowhere worse than ``other``, and somewhere better."""
    return one != other and all(mine >= its for mine, its in zip(one, other, strict=True))


def noise_step(noise: Noise | None) -> float:
    """Returns the fitness by which two single trainings differ by chance; 0 while the noise is unknown."""
    return 0.0 if noise is None else math.sqrt(2) * noise.std


class Front:
    """The trials of a run that no other dominates, kept up to date; of equal ones the first.

    What was dominated is forgotten. So where a member loses its place because it was trained again, a new front of all
    trials may have more.

    Args:
        objectives: Names of the objectives, the fitness first.

    Attributes:
        growth: How often a trial entered that is better than luck explains: no member was as cheap and, but for the
            noise, as fit.
    """

    def __init__(self, objectives: Sequence[str]) -> None:
        self.objectives = tuple(objectives)
        self.growth = 0
        # With the values of those that are settled: each trial of a long run is compared with a front of hundreds.
        self._members: dict[Trial, Values | None] = {}
        self._seen = 0
        self._ranges: dict[str, tuple[float, float]] = {}

    def update(self, trial: Trial, noise: Noise | None = None) -> None:
        """Takes in a trial that is new or was trained again; ``noise`` is that of one training, if it is known."""
        self._members.pop(trial, None)
        values = values_of(trial, self.objectives)
        if values is None:
            return
        self._seen += 1
        for name, value in zip(self.objectives, values, strict=True):
            low, high = self._ranges.get(name, (value, value))
            self._ranges[name] = (min(low, value), max(high, value))
        if self._holds_as_good(values):
            return
        lucky = (values[0] - noise_step(noise), *values[1:])
        self.growth += not self._holds_as_good(lucky)
        beaten = [member for member, known in self._known() if known is None or dominates(values, known)]
        for member in beaten:
            del self._members[member]
        self._members[trial] = values if trial.is_settled else None

    @property
    def members(self) -> list[Trial]:
        """The trials that no other dominates, the fittest first."""
        return _fittest_first(self._members)

    @property
    def constant(self) -> tuple[str, ...]:
        """The objectives in which all trials so far are equal, so that they decide nothing; none of few trials."""
        if self._seen < LEAST_TRIALS:
            return ()
        return tuple(name for name, (low, high) in self._ranges.items() if low == high)

    def _known(self) -> Iterator[tuple[Trial, Values | None]]:
        """Yields each member with its values as they are now."""
        for member, kept in self._members.items():
            yield member, kept or values_of(member, self.objectives)

    def _holds_as_good(self, values: Values) -> bool:
        """Whether a member is nowhere worse than ``values``."""
        return any(known is not None and all(map(ge, known, values)) for _, known in self._known())


def _fittest_first(trials: Iterable[Trial]) -> list[Trial]:
    ranked = [(standing, trial) for trial in trials if (standing := trial.standing) is not None]
    return [trial for _, trial in sorted(ranked, key=lambda pair: pair[0], reverse=True)]
