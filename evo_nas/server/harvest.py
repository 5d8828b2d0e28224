"""`Harvest`: keeps champions, explanations and reports for the next request; all of them can be made again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anyio import CapacityLimiter

from evo_nas.server.shared_work import SharedWork

if TYPE_CHECKING:
    from evo_nas.champion.champion import Champion
    from evo_nas.server.reports import Report
    from evo_nas.server.routes.champions import ChampionDetail

AT_ONCE = 2
"""Works of one kind that are under way at a time: each takes a core and, with its data, memory."""


class Harvest:
    """The champions, explanations and reports of all runs that were asked for lately.

    What takes minutes, such as the report of a long run, has a bound of its own: nobody who asks a champion for a
    prediction waits for it.

    Attributes:
        answering: Bounds the loading of champions and their predictions.
        showing: Bounds explanations and exports.
        reporting: Bounds reports and their figures.
        looking: Bounds looks at data, which no champion was made from yet.
        champions: Models that were loaded.
        details: What is told of champions.
        reports: Reports with their figures.
        analyses: What commands say of runs; not kept, since what they read may change.
    """

    def __init__(self) -> None:
        self.answering = CapacityLimiter(AT_ONCE)
        self.showing = CapacityLimiter(AT_ONCE)
        self.reporting = CapacityLimiter(AT_ONCE)
        self.looking = CapacityLimiter(AT_ONCE)
        self.champions: SharedWork[Champion] = SharedWork(8, self.answering)
        self.details: SharedWork[ChampionDetail] = SharedWork(64, self.showing)
        self.reports: SharedWork[Report] = SharedWork(8, self.reporting)
        self.analyses: SharedWork[str] = SharedWork(0, CapacityLimiter(AT_ONCE))
