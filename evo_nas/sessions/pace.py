"""The current pace of a search and the time that it still needs."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from evo_nas.loop import Progress

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
        return _evaluations_left(progress) / rate if rate else None


def _evaluations_left(progress: Progress) -> float:
    """Returns how many more evaluations of average length the budget allows."""
    left = float(progress.budget.evaluations - progress.told)
    if progress.budget.train_s is None or not progress.train_s:
        return left
    train_s_left = max(0.0, progress.budget.train_s - progress.train_s)
    # The limit that is reached first ends the search.
    return min(left, train_s_left * progress.told / progress.train_s)
