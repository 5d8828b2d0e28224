"""`Growth`: how far trainings go at most, before the order of the best is known to change with more of it.

Bohdal et al., "PASHA: Efficient HPO and NAS with Progressive Resource Allocation", ICLR 2023.
"""

from __future__ import annotations

import math
from collections import deque
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

RANKED = 32
"""The latest trainings whose order counts; a bound on memory and time."""
DOUBT = 4.0
"""Standard errors of a difference within which two scores count as equal, once the noise is measured.

The order of up to `RANKED` trainings is looked at again and again. In simulated arrivals of 100 trainings whose order
nothing but noise changed, one error let the epochs grow always, three in 60 %, four in 10 %; a true change with a
standard deviation of twice the noise was seen by four in at least 98 %.
"""
CROSSING_SHARE = 0.9
"""Quantile of the distances between curves that cross twice, below which scores count as equal; the paper's."""


class Growth:
    """The epochs after which every training is paused, until they grow to the next level.

    They grow while the order at the two highest levels in use differs by more than noise. Once it does not, more epochs
    would not choose other networks.

    Args:
        levels: All rungs and the full epochs, ascending.
        noise: Returns the standard deviation of a fitness between seeds, or None while it is not known.
        waits: Whether the epochs grow only once the noise is known, since it will be measured. Otherwise it is
            estimated from curves that cross one another, which few trainings of few epochs do.
    """

    def __init__(
        self, levels: Sequence[int], noise: Callable[[], float | None], *, waits: bool = False
    ) -> None:
        self._levels = tuple(levels)
        self._noise = noise
        self._waits = waits
        # The paper begins with two levels, since one alone has nothing to be compared with.
        self._highest = min(1, len(levels) - 1)
        self._curves: deque[Sequence[float]] = deque(maxlen=RANKED)
        self._came = 0
        # The distances of curves that cross twice, each with the place of its older curve, after which it is forgotten.
        self._crossed: list[tuple[int, float]] = []

    @property
    def cap(self) -> int:
        """Epochs after which trainings are paused; the full epochs once nothing is."""
        return self._levels[self._highest]

    def reached(self, curve: Sequence[float]) -> None:
        """Takes in the fitness after each epoch of a training that reached the cap."""
        if self._highest == len(self._levels) - 1:
            return
        self._add(tuple(curve[: self.cap]))
        if not self._is_stable(self._alike()):
            self._highest += 1
            # Those that go on come again, with longer curves.
            self._curves.clear()
            self._crossed.clear()

    def _add(self, curve: Sequence[float]) -> None:
        self._curves.append(curve)
        self._came += 1
        oldest = self._came - len(self._curves)
        self._crossed = [each for each in self._crossed if each[0] >= oldest]
        for place, other in enumerate(self._curves, start=oldest):
            # Once may be progress; back again is noise.
            if _crossings(curve, other) >= 2:
                self._crossed.append((place, abs(curve[-1] - other[-1])))

    def _is_stable(self, alike: float) -> bool:
        before = self._levels[self._highest - 1]
        pairs = [(max(curve[:before]), max(curve)) for curve in self._curves]
        by_cap = sorted(pairs, key=lambda pair: -pair[1])
        by_rung = sorted(pairs, key=lambda pair: -pair[0])
        # Soft ranking: at each place stands one that the lower rung could not tell from the one it had there.
        return all(abs(here[0] - there[0]) <= alike for here, there in zip(by_cap, by_rung, strict=True))

    def _alike(self) -> float:
        """Returns the difference up to which two scores count as equal."""
        noise = self._noise()
        if noise is not None:
            return DOUBT * math.sqrt(2.0) * noise
        if self._waits:
            return math.inf
        crossed = sorted(distance for _, distance in self._crossed)
        return crossed[math.ceil(CROSSING_SHARE * len(crossed)) - 1] if crossed else 0.0


def _crossings(first: Iterable[float], second: Iterable[float]) -> int:
    """Returns how often one curve passes the other."""
    leads = [one > other for one, other in zip(first, second, strict=True) if one != other]
    return sum(before != after for before, after in pairwise(leads))
