"""`Harvest`: the champions, explanations and reports that the service holds ready; all can be made again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anyio import CapacityLimiter

from evo_nas.server.shared_work import SharedWork

if TYPE_CHECKING:
    from evo_nas.champion.champion import Champion
    from evo_nas.server.reports import Report
    from evo_nas.server.routes.champions import ChampionDetail

AT_ONCE = 2
"""Champions and reports that are worked on at a time: each takes a core and, with its data, memory."""


class Harvest:
    """What is made of the champions of all runs.

    Attributes:
        limiter: Bounds everything here that takes seconds.
        champions: Models that were loaded.
        details: What is told of champions.
        reports: Reports with their figures.
    """

    def __init__(self) -> None:
        self.limiter = CapacityLimiter(AT_ONCE)
        self.champions: SharedWork[Champion] = SharedWork(8, self.limiter)
        self.details: SharedWork[ChampionDetail] = SharedWork(64, self.limiter)
        self.reports: SharedWork[Report] = SharedWork(8, self.limiter)
