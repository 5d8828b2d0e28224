"""Windows that end anywhere in a series, as if nothing after them were known.

Each row is prepared once, so that the cost of many windows grows with the rows and not with their square.
"""

from __future__ import annotations

from dataclasses import dataclass
from heapq import heappop, heappush, heappushpop
from typing import TYPE_CHECKING

import numpy as np

from evo_nas.data.series_inputs import last_known, value_at

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt

    from evo_nas.data.holes import HoleFilling
    from evo_nas.data.series_inputs import Rows

    Inputs = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class FilledRows:
    """The rows of one series without holes.

    Attributes:
        inputs: float32 ``(rows, inputs)``.
        last_known: Row of the last known value of each input at or before each row, -1 where there is none; None unless
            holes are filled with values that come after them.
    """

    inputs: Inputs
    last_known: Rows | None = None

    @classmethod
    def of(cls, scaled: Inputs, filling: HoleFilling) -> FilledRows:
        """Returns standardised rows ``(rows, features)``, NaN for a hole, as `SeriesInputs.filled` has them.

        Args:
            scaled: The rows.
            filling: What becomes of holes.
        """
        last = last_known(scaled, [0])
        if filling.how == "previous":
            return cls(value_at(scaled, last))
        filled = filling(scaled)
        if filling.how == "mask":
            # As in training, where a hole of a series repeats its last known value.
            filled[:, : scaled.shape[1]] = value_at(scaled, last)
        return cls(filled, last if filling.how == "interpolate" else None)

    def before(self, end: int, window: int) -> Inputs:
        """Returns the ``window`` rows before row ``end``, float32 ``(window, inputs)``."""
        found = self.inputs[end - window : end]
        if self.last_known is None:
            return found
        # No line is drawn to a value that comes later: a hole at the end repeats the last one that is known.
        last = self.last_known[end - 1 : end]
        return np.where(np.arange(end - window, end)[:, None] > last, value_at(self.inputs, last), found)


def elapsed_before(
    stamps: npt.NDArray[np.datetime64], ends: Sequence[int], window: int
) -> Iterator[npt.NDArray[np.float64]]:
    """Yields for each end what `SeriesRows.elapsed` gives of the ``window`` rows before it, ``(window,)``.

    Args:
        stamps: Times of the rows ``(rows,)``.
        ends: Row after each window, ascending.
        window: Rows of a window.
    """
    lengths = np.diff(stamps).astype(np.float64)
    medians = running_medians(lengths.tolist())
    seen, usual = 0, 1.0
    for end in ends:
        while seen < end - 1:
            usual, seen = next(medians), seen + 1
        start = end - window
        first = np.zeros(1 if start == 0 else 0)
        yield np.concatenate([first, np.log(lengths[max(start - 1, 0) : end - 1] / usual)])


def running_medians(values: Sequence[float]) -> Iterator[float]:
    """Yields the median of the first value, of the first two, and so on."""
    lower: list[float] = []  # the smaller half, negated, so that its largest comes first
    upper: list[float] = []
    for value in values:
        heappush(lower, -heappushpop(upper, value))
        if len(lower) > len(upper):
            heappush(upper, -heappop(lower))
        yield upper[0] if len(upper) > len(lower) else (upper[0] - lower[0]) / 2
