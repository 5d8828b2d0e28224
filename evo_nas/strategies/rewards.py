"""The reward of a child, by which its operators are chosen more or less often."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from evo_nas.config.objectives import FITNESS
from evo_nas.strategies.pareto import share_not_dominating

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from evo_nas.evaluation import Standing
    from evo_nas.strategies.noise import Noise
    from evo_nas.strategies.operators import Individual
    from evo_nas.strategies.trials import Trial


def reward_of(
    trial: Trial,
    parents: Sequence[Trial],
    population: Sequence[Individual],
    *,
    noise: Noise | None = None,
    objectives: Sequence[str] = (FITNESS,),
) -> float:
    """Returns by how much ``trial`` is better than its best parent, in standard deviations of the population, 0 to 1.

    Only the lead beyond the noise counts. A rank among the population would favour operators without effect, whose
    children are as good as their parents; any lead at all would reward luck. With several objectives it is the share of
    the population that does not dominate the child.

    Args:
        trial: A child that was just told.
        parents: Its parents, as far as they are remembered, each with the mean of its trainings.
        population: What is alive.
        noise: The noise of one training; None if it is unknown.
        objectives: Names of what is optimised, the fitness first.
    """
    mine = trial.standing
    standings = [standing for parent in parents if (standing := parent.standing) is not None]
    if mine is None or any(other.is_inherited != mine.is_inherited for other in standings):
        return 0.0
    if len(objectives) > 1 and (share := share_not_dominating(trial, population, objectives)) is not None:
        return share
    best = max(standings, default=mine)
    lead = mine.fitness - best.fitness - (noise.std if noise is not None else 0.0)
    # Where the epochs grow, every child goes further than its parent did, and none is better for that.
    if not mine.is_comparable(best) or lead <= 0.0:
        return 0.0
    # Only for the few children that lead: every result that is told comes by here.
    spread = _spread((each.standing for each in population), like=best)
    return min(1.0, lead / spread) if spread else 1.0


def _spread(standings: Iterable[Standing], *, like: Standing) -> float:
    """Returns the standard deviation of the fitness of those that went as far as ``like``."""
    alike = [each.fitness for each in standings if each.is_comparable(like)]
    if not alike:
        return 0.0
    mean = sum(alike) / len(alike)
    return math.sqrt(sum((fitness - mean) ** 2 for fitness in alike) / len(alike))
