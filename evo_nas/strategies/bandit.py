"""`OperatorBandit`: chooses operators more often the more their children achieved in this run.

Probability matching (Thierens, "An Adaptive Pursuit Strategy for Allocating Operator Probabilities", GECCO 2005) with a
prior: searches have a hundred evaluations and a dozen operators, so that a few lucky children must not decide.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

WINDOW = 300
"""Children that count, the youngest ones: what helps early in a search may be of no use later."""
PRIOR = 10.0
"""Children that each operator seems to have had before the first, all of them as good as the mean."""
USUAL = 0.03
"""Mean reward of a child while nothing is known: one in ten is better than its parent, by a third of the spread."""
FLOOR = 0.2
"""Part of the choices that rewards do not touch, so that no operator dies."""


class OperatorBandit:
    """Shares of operators that follow from the rewards of their children.

    Its state is a function of what it learned, in order.

    Args:
        shares: For each operator the share that it has while nothing is known; they need not sum to 1.
    """

    def __init__(self, shares: Mapping[str, float]) -> None:
        total = sum(shares.values())
        self._first = {name: share / total for name, share in shares.items()}
        self._rewards: OrderedDict[int, tuple[tuple[str, ...], float]] = OrderedDict()
        self._children = dict.fromkeys(shares, 0)
        self._sums = dict.fromkeys(shares, 0.0)

    def learn(self, child: int, operators: Sequence[str], reward: float) -> None:
        """Takes in the reward, 0 to 1, of a child that ``operators`` made; a later one of the same child replaces it.

        Names that are no operators are ignored.
        """
        known = tuple(name for name in operators if name in self._first)
        self._count(*self._rewards.pop(child, ((), 0.0)), sign=-1)
        if known:
            self._rewards[child] = known, reward
            self._count(known, reward, sign=1)
        while len(self._rewards) > WINDOW:
            _, oldest = self._rewards.popitem(last=False)
            self._count(*oldest, sign=-1)

    def shares(self) -> Mapping[str, float]:
        """Returns the chance of each operator to be chosen next; they sum to 1."""
        children = sum(self._children.values())
        # One imagined child with a usual reward, so that there is a mean above 0 from the start.
        mean = (sum(self._sums.values()) + USUAL) / (children + 1)
        merits = {
            name: first * (self._sums[name] + PRIOR * mean) / (self._children[name] + PRIOR)
            for name, first in self._first.items()
        }
        total = sum(merits.values())
        return {
            name: FLOOR * first + (1 - FLOOR) * merits[name] / total for name, first in self._first.items()
        }

    def _count(self, names: Sequence[str], reward: float, *, sign: int) -> None:
        for name in names:
            self._children[name] += sign
            self._sums[name] += sign * reward
