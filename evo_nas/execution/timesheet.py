"""Where the seconds of the workers go."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class Activity(StrEnum):
    """What a second of a worker was spent on; all but the first are idle."""

    WORKING = "working"
    """Evaluating candidates whose report arrived."""
    TRANSIT = "transit"
    """Leases and reports on their way, or waiting for the head to take them."""
    STARVED = "starved"
    """Ready, and the head had nothing for it."""
    STARTING = "starting"
    """Process start, imports, data; waiting for room in the cluster is not counted, nobody has that."""
    LOST = "lost"
    """Work on leases that never came back."""


@dataclass(slots=True)
class _Shift:
    """One worker's time since it last got its first lease, or became idle."""

    since: float
    leased: bool = False
    reported_s: float = 0.0
    reported_at: float = 0.0


class Timesheet:
    """Adds up the seconds of all workers by activity, from what the head sees and workers report.

    Args:
        clock: In seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._shifts: dict[str, _Shift] = {}
        self._totals = dict.fromkeys(Activity, 0.0)

    def joined(self, worker: str, *, starting_s: float = 0.0) -> None:
        """A worker is ready, and took ``starting_s`` for it."""
        self._totals[Activity.STARTING] += starting_s
        self._shifts[worker] = _Shift(self._clock())

    def leased(self, worker: str) -> None:
        """A worker got a lease."""
        shift = self._shifts[worker]
        if not shift.leased:
            self._close(worker, shift)
            self._shifts[worker] = _Shift(self._clock(), leased=True)

    def reported(self, worker: str, elapsed_s: float, *, idle: bool) -> None:
        """A report of ``elapsed_s`` seconds of work arrived; ``idle`` if the worker has no other lease."""
        shift = self._shifts[worker]
        shift.reported_s += elapsed_s
        shift.reported_at = self._clock()
        if idle:
            self._close(worker, shift)
            self._shifts[worker] = _Shift(self._clock())

    def left(self, worker: str, *, lost: bool) -> None:
        """A worker is gone; what it was doing is lost if it had a lease."""
        shift = self._shifts.pop(worker)
        passed_s = self._clock() - shift.since
        if lost and shift.leased:
            self._totals[Activity.WORKING] += shift.reported_s
            self._totals[Activity.LOST] += max(0.0, passed_s - shift.reported_s)
        else:
            self._add(self._totals, shift)

    def seconds(self) -> Mapping[str, float]:
        """Returns the seconds so far by activity; work under way counts as such."""
        totals = self._totals.copy()
        for shift in self._shifts.values():
            if shift.leased:
                reported_at = shift.reported_at or shift.since
                totals[Activity.WORKING] += shift.reported_s + self._clock() - reported_at
                totals[Activity.TRANSIT] += max(0.0, reported_at - shift.since - shift.reported_s)
            else:
                self._add(totals, shift)
        return {activity.value: float(totals[activity]) for activity in Activity}

    def _close(self, worker: str, shift: _Shift) -> None:
        self._add(self._totals, shift)
        del self._shifts[worker]

    def _add(self, totals: dict[Activity, float], shift: _Shift) -> None:
        passed_s = self._clock() - shift.since
        if shift.leased:
            totals[Activity.WORKING] += shift.reported_s
            totals[Activity.TRANSIT] += max(0.0, passed_s - shift.reported_s)
        else:
            totals[Activity.STARVED] += passed_s
