"""Aging (regularized) evolution: the oldest dies, not the worst.

Real, Aggarwal, Huang and Le, "Regularized Evolution for Image Classifier Architecture Search", AAAI 2019.
Asynchronous and steady-state: one child per free worker, no generations. It departs from the paper in three points.
Breeding starts after the first ``warmup`` evaluations instead of waiting for a full population, and known architectures
are drawn again; both help on small budgets according to measurements. Population, tournament and warm-up follow the
budget: with fifty individuals alive, forty evaluations would never leave the first population.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from evo_nas.strategies.removal import REMOVALS, RemovalName
from evo_nas.strategies.steady_state import SteadyState, SteadyStateOptions

if TYPE_CHECKING:
    from evo_nas.strategies.removal import Removal


class AgingOptions(SteadyStateOptions):
    """Options of aging evolution.

    Attributes:
        population: Individuals alive at once; a quarter of the evaluations, 10 to 100, unless given.
        tournament: Individuals drawn, with replacement, to find each parent; more is greedier. Three tenths of the
            population unless given.
        removal: Which individual dies when the population is full: the oldest or the worst.
    """

    removal: RemovalName = "oldest"


class AgingEvolution(SteadyState[AgingOptions]):
    """Breeds from tournament winners among the last ``population`` candidates that no rung has thrown out."""

    kind: ClassVar[str] = "aging"
    Options = AgingOptions

    @property
    def _removal(self) -> Removal:
        return REMOVALS[self._options.removal]
