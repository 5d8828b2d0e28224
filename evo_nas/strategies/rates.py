"""`MutationRates`: each individual inherits how much its children are changed, and so the rate evolves with it.

Baeck and Schuetz, "Intelligent Mutation Rate Control in Canonical Genetic Algorithms", ISMIS 1996: before a child is
mutated, the logit of the rate that it inherited is changed by a normal number. A rate that makes better children
spreads with them.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from evo_nas.randomness import stream

if TYPE_CHECKING:
    from evo_nas.evaluation import Candidate

FIRST = 0.2
"""The rate of candidates without parents: one child in five is changed once more."""
LEARNING_RATE = 0.5
"""Standard deviation of a step of the logit. The paper has 0.22, for thousands of generations instead of dozens."""
LEAST, MOST = 0.02, 0.9
"""A rate of 0 would never change again, and one of 1 would never stop changing a child."""


class MutationRates:
    """The rate of each candidate: the chance that a child is changed once more, and then again.

    A rate follows from the seed, the candidate's id and the rate of its first parent, so that no record needs it.

    Args:
        seed: The run's seed.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._rates: dict[int, float] = {}

    def of_child(self, number: int, mother: int) -> float:
        """Returns the rate of the candidate ``number`` whose first parent is ``mother``."""
        inherited = self._rates.get(mother, FIRST)
        step = LEARNING_RATE * stream(self._seed, "mutation rate", number).gauss(0.0, 1.0)
        rate = 1 / (1 + (1 - inherited) / inherited * math.exp(-step))
        return min(MOST, max(LEAST, rate))

    def learn(self, candidate: Candidate) -> None:
        """Takes in a candidate that may have children from now on."""
        parents = candidate.parents
        self._rates[candidate.id] = self.of_child(candidate.id, parents[0]) if parents else FIRST
