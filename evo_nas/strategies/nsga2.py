"""NSGA-II, asynchronous: selection by non-dominated fronts and crowding, for several objectives.

Deb, Pratap, Agarwal and Meyarivan, "A Fast and Elitist Multiobjective Genetic Algorithm: NSGA-II", IEEE TEVC 2002.
Steady-state instead of generational (Durillo, Nebro, Luna and Alba, "A Study of Master-Slave Approaches to Parallelize
NSGA-II", IPDPS 2008), so that no worker waits: every result enters the population, and the last of the worst front
leaves it. Sorting and crowding are DEAP's; fitness counts in steps as wide as the noise.
"""

from __future__ import annotations

from typing import ClassVar

from evo_nas.strategies.steady_state import SteadyState, SteadyStateOptions


class Nsga2Options(SteadyStateOptions):
    """Options of NSGA-II.

    Attributes:
        population: Individuals alive at once; a tenth of the evaluations, 10 to 100, unless given.
        tournament: Individuals drawn, with replacement, to find each parent; two, as in the paper, unless given.
    """

    population_share: ClassVar[float] = 0.1
    tournament_share: ClassVar[float] = 0.0


class Nsga2(SteadyState[Nsga2Options]):
    """Keeps the trials that no other beats in all objectives, and of these the ones that lie far apart."""

    kind: ClassVar[str] = "nsga2"
    Options = Nsga2Options
    least_objectives: ClassVar[int] = 2
