"""`SequentialRule`: says after some seeds whether more are worthwhile, without more false leads for looking often.

Who tests at 5 % after three seeds, after five and after seven finds a lead between equal models in 10 % of the cases
and more. Here the error of 5 % is spent over the looks (Lan and DeMets, 1983): each look has a level of its own, and
all of them together reach 5 %. The p-values are those of Student's t, whose levels are taken from the normal
distribution (Jennison and Turnbull, 2000, section 3.8).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from evo_nas.champion.statistics import SIGNIFICANCE, paired_by_seed

if TYPE_CHECKING:
    from collections.abc import Sequence

LEAST_POWER = 0.2
"""Chance of a decision, if the lead seen so far is the true one, below which more seeds are not worth their time."""
NODES = 96
"""Points of the quadrature; twice as many change no level in the sixth digit."""


class Decision(StrEnum):
    """What to do after some seeds."""

    DECIDED = "decided"
    """One of the two is better."""
    MORE = "more"
    """Train more seeds."""
    HOPELESS = "hopeless"
    """More seeds would hardly decide it; as far as can be told the two are equally good."""
    EXHAUSTED = "exhausted"
    """All seeds are used, and the two cannot be told apart."""


@dataclass(frozen=True, slots=True)
class SequentialRule:
    """Whether more seeds are worthwhile.

    ::

        rule = SequentialRule((3, 5, 8))
        while rule.decide(differences) is Decision.MORE:
            differences += trained(rule.next_look(len(differences)))

    Attributes:
        looks: Numbers of seeds after which one looks, ascending, the first at least 2; the last is the most that the
            budget allows.
        significance: Chance of a decision between equal models, over all looks.
    """

    looks: tuple[int, ...]
    significance: float = SIGNIFICANCE

    def levels(self) -> tuple[float, ...]:
        """Returns the two-sided level of each look, below which its p-value decides."""
        return _levels(self.looks, self.significance)

    def level(self, count: int) -> float:
        """Returns the level after ``count`` seeds: that of the last look up to there; 0 before the first."""
        past = sum(look <= count for look in self.looks)
        return self.levels()[past - 1] if past else 0.0

    def next_look(self, count: int) -> int | None:
        """Returns the number of seeds at the next look after ``count``; None after the last one."""
        return next((look for look in self.looks if look > count), None)

    def decide(self, differences: Sequence[float]) -> Decision:
        """Returns what to do.

        Giving up is not binding: who goes on all the same finds no more false leads for it.

        Args:
            differences: Of each pair so far, how far the first model is ahead.
        """
        count = len(differences)
        if count < self.looks[0]:
            return Decision.MORE
        found = paired_by_seed(differences, [0.0] * count, higher_is_better=True)
        if found.p_value < self.level(count):
            return Decision.DECIDED
        if self.next_look(count) is None:
            return Decision.EXHAUSTED
        return Decision.MORE if self.power(found.p_value, count) >= LEAST_POWER else Decision.HOPELESS

    def power(self, p_value: float, count: int) -> float:
        """Returns the chance that the last look decides if the lead seen so far is the true one (Lachin, 2005).

        Args:
            p_value: Of the differences so far.
            count: Their number.
        """
        from scipy.stats import norm  # noqa: PLC0415 - only a contest that goes on pays for it

        most = self.looks[-1]
        if count >= most:
            return 0.0
        seen = float(norm.isf(min(max(p_value, 1e-300), 1.0) / 2))
        wanted = float(norm.isf(self.levels()[-1] / 2))
        left = 1 - count / most
        # The statistic at the end is what was seen, and its drift over what is left.
        drift = seen * math.sqrt(count / most) + seen * math.sqrt(most / count) * left
        return float(norm.sf((wanted - drift) / math.sqrt(left)))


@cache
def _levels(looks: tuple[int, ...], significance: float) -> tuple[float, ...]:
    """Returns the levels by recursive integration (Armitage, McPherson and Rowe, 1969)."""
    from scipy.optimize import brentq  # noqa: PLC0415
    from scipy.stats import norm  # noqa: PLC0415

    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    # Sums of standard normal differences that have not decided yet: places and their probabilities.
    places, masses, before, spent, levels = np.zeros(1), np.ones(1), 0, 0.0, []
    for look in looks:
        step, scale = math.sqrt(look - before), math.sqrt(look)
        wanted = _spent(look / looks[-1], significance) - spent

        def excess(bound: float, *, ends: float = scale, step: float = step, wanted: float = wanted) -> float:
            tails = norm.sf((bound * ends - places) / step) + norm.cdf((-bound * ends - places) / step)  # noqa: B023
            return float(masses @ tails) - wanted  # noqa: B023

        bound = float(brentq(excess, 0.0, 12.0))
        levels.append(float(2 * norm.sf(bound)))
        fresh = nodes * bound * scale
        masses = (norm.pdf((fresh[:, None] - places) / step) / step) @ masses * weights * bound * scale
        places, before, spent = fresh, look, spent + wanted
    return tuple(levels)


def _spent(share: float, significance: float) -> float:
    """Returns how much of the error may be spent after a share of the seeds.

    As much of it as of the seeds, about as the rule of Pocock (1977) does it (Kim and DeMets, 1987): where a lead is
    clear a few seeds show it, and each of them is a whole training of every contestant. The rule of O'Brien and
    Fleming (1979) would keep nearly all of it for the last look.
    """
    return significance * share
