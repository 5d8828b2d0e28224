"""`RecordedOrder`: asks recorded candidates in a given order."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from evo_nas.strategies.strategy import Proposal, Strategy, StrategyOptions

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence
    from typing import Unpack

    from evo_nas.replay.table_space import TableSpace
    from evo_nas.strategies.strategy import Terms


class RecordedOrder(Strategy[StrategyOptions]):
    """Asks the rows of a table one after another; what is asked again is up to the rungs and the other revisits.

    It is no kind of a configuration: only a replay knows an order before a search.

    Args:
        space: The table.
        order: Canonical hashes of the rows, in the order of asking, each once.
        terms: What every strategy is built with.
    """

    kind: ClassVar[str] = "recorded"
    Options = StrategyOptions

    def __init__(self, space: TableSpace, order: Sequence[str], **terms: Unpack[Terms]) -> None:
        super().__init__(space.as_search_space(), **terms)
        self._genomes = [space.genome_of(key) for key in order]
        self._next_row = 0

    def _propose(self, k: int, rng: random.Random) -> Proposal | None:  # noqa: ARG002 - the contract's signature
        # What is known was asked, also by a process before this one, so that the place need not be kept.
        while self._next_row < len(self._genomes):
            proposal = Proposal(self._genomes[self._next_row], parents=(), operator="recorded")
            if self._is_new(proposal):
                return proposal
            self._next_row += 1
        return None
