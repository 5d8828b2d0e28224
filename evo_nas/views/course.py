"""What a run's charts are drawn from, bounded in size and added to as evaluations arrive.

`Points` keeps every k-th evaluation, `Course` each improvement, and `Clock` what a stretch of time was spent on. All of
them give the same, however the evaluations are cut into pieces.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Numbers = npt.NDArray[np.float64]
    Rows = npt.NDArray[np.void]

MOST_POINTS = 4096
MOST_STEPS = 4096
BINS = 256
POINT = np.dtype(
    [
        ("seq", np.int64),
        ("id", np.int64),
        ("seconds", np.float64),
        ("cost", np.float64),
        ("fitness", np.float64),
        ("status", np.int16),
        ("epochs", np.int32),
        ("parameters", np.int64),
        ("operator", np.int32),
        ("is_inherited", np.bool_),
    ]
)
"""One evaluation: its place and id, seconds since the first began, seconds of computing of all until then, fitness (NaN
without a score), and the numbers of its status and operator in the lists of the digest."""
STEP = np.dtype([("seq", np.int64), ("seconds", np.float64), ("cost", np.float64), ("fitness", np.float64)])
"""A best that was found: when, and its fitness as far as it was known then."""


class Points:
    """Keeps every k-th evaluation; k doubles whenever there are more than a bound."""

    def __init__(self) -> None:
        self.rows: Rows = np.empty(0, POINT)
        self._stride = 1

    def add(self, rows: Rows) -> None:
        """Adds evaluations in the order of telling."""
        self.rows = np.concatenate([self.rows, rows[rows["seq"] % self._stride == 0]])
        while len(self.rows) > MOST_POINTS:
            self._stride *= 2
            self.rows = self.rows[self.rows["seq"] % self._stride == 0]


class Course:
    """Keeps each best so far, and the evaluations that were one.

    Attributes:
        steps: When the best changed, and what it became.
        rows: The evaluations that became the best when they were told.
    """

    def __init__(self) -> None:
        self.steps: Rows = np.empty(0, STEP)
        self.rows: Rows = np.empty(0, POINT)

    def add(self, rows: Rows, fitness: Numbers, *, new: npt.NDArray[np.bool_]) -> None:
        """Adds changes of the best.

        Args:
            rows: The evaluations at which the best changed.
            fitness: Its fitness from then on, a mean where it was trained several times.
            new: Whether the best is that evaluation, and not one that was known before.
        """
        steps = np.empty(len(rows), STEP)
        for name in ("seq", "seconds", "cost"):
            steps[name] = rows[name]
        steps["fitness"] = fitness
        self.steps = _bounded(np.concatenate([self.steps, steps]))
        self.rows = _bounded(np.concatenate([self.rows, rows[new]]))

    @property
    def last(self) -> float | None:
        """The fitness of the best; None before the first."""
        return float(self.steps["fitness"][-1]) if len(self.steps) else None


class Clock:
    """What equal stretches of time since the start were spent on; they become twice as long when there are too many."""

    def __init__(self) -> None:
        self.width_s = 1.0
        self._busy_s = np.zeros(BINS)
        self._cost_s = np.zeros(BINS)
        self._told = np.zeros(BINS)

    def add(self, began: Numbers, ended: Numbers, cost_s: Numbers) -> None:
        """Adds trainings by their beginning and end in seconds since the start, and what they cost."""
        began, ended = np.maximum(began, 0.0), np.maximum(ended, 0.0)
        while ended.max(initial=0.0) >= BINS * self.width_s:
            self.width_s *= 2
            for name in ("_busy_s", "_cost_s", "_told"):
                halved = getattr(self, name).reshape(-1, 2).sum(axis=1)
                setattr(self, name, np.concatenate([halved, np.zeros(BINS // 2)]))
        edges = np.arange(BINS + 1, dtype=np.float64) * self.width_s
        self._busy_s += np.diff(_ramp(edges, began) - _ramp(edges, ended))
        bins = (ended / self.width_s).astype(np.int64)
        self._cost_s += np.bincount(bins, cost_s, BINS)
        self._told += np.bincount(bins, minlength=BINS)

    def table(self) -> tuple[Numbers, Numbers, Numbers, Numbers]:
        """Returns the ends of the stretches, evaluations and cost in s until then, and how many trained at once."""
        used = int(np.flatnonzero(self._told)[-1]) + 1 if self._told.any() else 0
        ends = np.arange(1, used + 1, dtype=np.float64) * self.width_s
        return (
            ends,
            np.cumsum(self._told[:used]),
            np.cumsum(self._cost_s[:used]),
            self._busy_s[:used] / self.width_s,
        )


def thinned(rows: Rows, most: int) -> Rows:
    """Returns at most ``most`` of ``rows``, evenly, the last one among them."""
    if len(rows) <= most:
        return rows
    return rows[np.linspace(len(rows) - 1, 0, most).round().astype(np.int64)[::-1]] if most else rows[:0]


def values_at(steps: Rows, places: Sequence[int] | npt.NDArray[np.int64]) -> list[float]:
    """Returns the fitness of the best as of each place in the order of telling, from the first best on."""
    found = np.searchsorted(steps["seq"], places, side="right") - 1
    fitness: list[float] = steps["fitness"][found[found >= 0]].tolist()
    return fitness


def _ramp(edges: Numbers, times: Numbers) -> Numbers:
    """Returns for each edge the sum of the seconds from each of ``times`` before it until it."""
    ordered = np.sort(times)
    sums = np.concatenate([[0.0], np.cumsum(ordered)])
    counts = np.searchsorted(ordered, edges)
    ramp: Numbers = counts * edges - sums[counts]
    return ramp


def _bounded(rows: Rows) -> Rows:
    # So many improvements are rare; then every second one goes, and the newest stays.
    return rows[::-1][::2][::-1] if len(rows) > MOST_STEPS else rows
