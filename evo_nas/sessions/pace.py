"""The current pace of a search and the time that it still needs."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from evo_nas.sessions.planning import expected_evaluations

if TYPE_CHECKING:
    from evo_nas.progress import Progress

WINDOW_S = 60.0


class Pace:
    """Evaluations per minute over the last minute.

    The times come from the progress and not from a clock, so that recorded progress gives the same pace.
    """

    def __init__(self) -> None:
        self._points: deque[tuple[float, int]] = deque()

    def observe(self, progress: Progress) -> None:
        """Records the state of the search."""
        if not self._points:
            self._points.append((0.0, progress.told_at_start))
        self._points.append((progress.elapsed_s, progress.told))
        # One point before the window stays, so that the pace covers the whole of it.
        while len(self._points) > 2 and self._points[1][0] <= progress.elapsed_s - WINDOW_S:
            self._points.popleft()

    @property
    def per_minute(self) -> float:
        """Evaluations per minute; 0 before the first."""
        if len(self._points) < 2:
            return 0.0
        (earlier, fewer), (now, told) = self._points[0], self._points[-1]
        return 60.0 * (told - fewer) / (now - earlier) if now > earlier else 0.0

    def remaining_s(self, progress: Progress) -> float | None:
        """Returns the seconds until the budget is spent at this pace; None while the pace is unknown."""
        rate = self.per_minute / 60.0
        if not rate:
            return None
        seconds = (expected_evaluations(progress) - progress.told) / rate
        # The minutes of a run are known better than its pace.
        budget = progress.budget
        if budget.wall_s is None:
            return seconds
        return min(seconds, max(0.0, budget.wall_s - progress.wall_s - budget.rest_s(progress.full_s)))
