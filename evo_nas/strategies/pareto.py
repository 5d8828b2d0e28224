"""Tournaments and rankings with several objectives.

Non-dominated sorting and crowding are DEAP's (Deb et al., "A Fast and Elitist Multiobjective Genetic Algorithm:
NSGA-II", IEEE TEVC 2002).
"""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING

from deap import base, tools

from evo_nas.config.objectives import FITNESS
from evo_nas.evaluation import best_first
from evo_nas.strategies.front import cost_of, dominates, noise_step, values_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from evo_nas.strategies.front import Values
    from evo_nas.strategies.noise import Noise
    from evo_nas.strategies.operators import Individual
    from evo_nas.strategies.trials import Trial


def select_from_fronts(
    population: Sequence[Individual],
    k: int,
    tournsize: int,
    noise: Callable[[], Noise | None],
    objectives: Sequence[str],
) -> list[Individual]:
    """Selects ``k`` individuals, each the winner of a tournament by non-dominated rank, then by crowding.

    Fitness counts in steps as wide as the noise of a difference, so that luck dominates nothing (as in
    epsilon-dominance; Laumanns et al., 2002). Of equals the youngest wins. Individuals that cannot be compared with
    those that were trained furthest win only if nobody else was drawn.
    """
    place = _places(population, noise(), objectives)
    return [min(tools.selRandom(population, tournsize), key=place) for _ in range(k)]


def ranked(
    population: Sequence[Individual], *, noise: Noise | None, objectives: Sequence[str]
) -> list[Individual]:
    """Returns ``population``, best first: by standing, and with several objectives as `select_from_fronts` ranks.

    What inherited weights comes before what started from scratch, as in breeding: else the children of founders could
    never take their places.
    """
    if len(objectives) == 1:
        ranking = best_first(population, lambda each: each.standing)
        return sorted(ranking, key=lambda each: not each.standing.is_inherited)  # keeps the order otherwise
    return sorted(population, key=_places(population, noise, objectives)) if population else []


def share_not_dominating(
    trial: Trial, population: Sequence[Individual], objectives: Sequence[str]
) -> float | None:
    """Returns the share of ``population`` that does not dominate ``trial``; None if they cannot be compared."""
    mine = values_of(trial, objectives)
    others = [values_of(each.trial, objectives) for each in population if each.trial is not trial]
    known = [values for values in others if values is not None]
    if mine is None or not known:
        return None
    return sum(not dominates(values, mine) for values in known) / len(known)


def _places(
    population: Sequence[Individual], noise: Noise | None, objectives: Sequence[str]
) -> Callable[[Individual], tuple[float, float, int]]:
    """Returns what gives each individual its place, the lowest to the best."""
    ranks = _ranks(_comparable(population), noise_step(noise), objectives)

    def place(individual: Individual) -> tuple[float, float, int]:
        return *ranks.get(id(individual), (math.inf, 0.0)), -individual.trial.candidate.id

    return place


class _Placed:
    """A DEAP individual that is nothing but values."""

    def __init__(self, key: int, values: Values) -> None:
        self.key = key
        self.fitness = _point(values)


def _comparable(population: Sequence[Individual]) -> list[Individual]:
    """Returns those that went as far as the furthest, from the same start as the youngest of these."""
    furthest = max(individual.standing.level for individual in population)
    reached = [individual for individual in population if individual.standing.level == furthest]
    return [each for each in reached if each.standing.is_comparable(reached[-1].standing)]


def _ranks(
    population: Sequence[Individual], step: float, objectives: Sequence[str]
) -> dict[int, tuple[float, float]]:
    """Returns for each individual its front, counted from the best, and its negated crowding distance."""
    known: dict[int, Values] = {}
    for individual in population:
        costs = [cost_of(individual.trial, name) for name in objectives if name != FITNESS]
        fitness = individual.standing.fitness
        if None not in costs:
            steps = math.floor(fitness / step) if step else fitness
            known[id(individual)] = (steps, *(-cost for cost in costs if cost is not None))
    # Where all are equal, crowding would tell them apart by chance.
    varying = [place for place in range(len(objectives)) if len({each[place] for each in known.values()}) > 1]
    placed = [_Placed(key, tuple(values[place] for place in varying or [0])) for key, values in known.items()]
    ranks = {}
    for rank, front in enumerate(tools.sortNondominated(placed, len(placed))):
        tools.emo.assignCrowdingDist(front)
        ranks.update({each.key: (float(rank), -each.fitness.crowding_dist) for each in front})
    return ranks


def _point(values: Values) -> base.Fitness:
    return _point_class(len(values))(values)


@cache
def _point_class(count: int) -> type[base.Fitness]:
    """Returns DEAP's fitness of so many values, all of which are maximised."""
    return type("Point", (base.Fitness,), {"weights": (1.0,) * count})
