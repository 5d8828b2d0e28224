"""Random search: the baseline that every other strategy has to beat.

Li and Talwalkar, "Random Search and Reproducibility for Neural Architecture Search", UAI 2019.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from evo_nas.strategies.strategy import Proposal, Strategy, StrategyOptions

if TYPE_CHECKING:
    import random


class RandomSearch(Strategy[StrategyOptions]):
    """Draws every candidate uniformly from the space, without repeats."""

    kind: ClassVar[str] = "random"
    Options = StrategyOptions
    shares_weights: ClassVar[bool] = True

    def _propose(self, k: int, rng: random.Random) -> Proposal:  # noqa: ARG002 - the contract's signature
        return self._by_chance(rng)
