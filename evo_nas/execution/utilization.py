"""`Utilization`: how the workers spent their time."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class Activity(StrEnum):
    """What a worker does with its time; all activities but the first are overhead."""

    WORKING = "working"
    """Evaluating candidates whose result arrived."""
    TRANSIT = "transit"
    """Leases and results on their way, or waiting for the head to take them."""
    STARVED = "starved"
    """Ready, but the head had no candidate for the worker."""
    STARTING = "starting"
    """Process start, imports, data; the wait for a place in the cluster is not counted, since it uses nothing."""
    LOST = "lost"
    """Work on leases that never came back."""


@dataclass(slots=True)
class _Period:
    """A period of a worker's time, either with leases throughout or without any."""

    since: float
    leased: bool = False
    reported_s: float = 0.0
    reported_at: float = 0.0


class Utilization:
    """Adds up the seconds of all workers by activity, from what the head sees and workers report.

    Args:
        clock: Time in seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._periods: dict[str, _Period] = {}
        self._totals = dict.fromkeys(Activity, 0.0)

    def joined(self, worker: str, *, starting_s: float = 0.0) -> None:
        """Notes that a worker is ready, and took ``starting_s`` seconds for it."""
        self._totals[Activity.STARTING] += starting_s
        self._periods[worker] = _Period(self._clock())

    def leased(self, worker: str) -> None:
        """Notes that a worker got a lease."""
        period = self._periods[worker]
        if not period.leased:
            self._add(self._totals, period)
            self._periods[worker] = _Period(self._clock(), leased=True)

    def reported(self, worker: str, elapsed_s: float, *, idle: bool) -> None:
        """Notes the result of a lease after ``elapsed_s`` seconds of work; ``idle`` if no other lease is left."""
        period = self._periods[worker]
        period.reported_s += elapsed_s
        period.reported_at = self._clock()
        if idle:
            self._add(self._totals, period)
            self._periods[worker] = _Period(self._clock())

    def left(self, worker: str, *, lost: bool) -> None:
        """Notes that a worker is gone; what it was doing is lost if it had a lease."""
        period = self._periods.pop(worker)
        passed_s = self._clock() - period.since
        if lost and period.leased:
            self._totals[Activity.WORKING] += period.reported_s
            self._totals[Activity.LOST] += max(0.0, passed_s - period.reported_s)
        else:
            self._add(self._totals, period)

    def seconds(self) -> Mapping[str, float]:
        """Returns the seconds so far by activity; work under way counts as such."""
        totals = self._totals.copy()
        for period in self._periods.values():
            if period.leased:
                # The time since the last result counts as work, or a long training would look like transit.
                reported_at = period.reported_at or period.since
                totals[Activity.WORKING] += period.reported_s + self._clock() - reported_at
                totals[Activity.TRANSIT] += max(0.0, reported_at - period.since - period.reported_s)
            else:
                self._add(totals, period)
        return {activity.value: float(totals[activity]) for activity in Activity}

    def _add(self, totals: dict[Activity, float], period: _Period) -> None:
        passed_s = self._clock() - period.since
        if period.leased:
            # Workers measure with their own clocks, which may show slightly more than has passed here.
            totals[Activity.WORKING] += period.reported_s
            totals[Activity.TRANSIT] += max(0.0, passed_s - period.reported_s)
        else:
            totals[Activity.STARVED] += passed_s
