"""Differences between two arms that were trained with the same seeds."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evo_nas.cli.formatting import figure

if TYPE_CHECKING:
    from collections.abc import Sequence

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Difference:
    """The mean of paired differences and half of its 95 % interval by Student's t.

    Attributes:
        mean: Mean difference.
        half: Half the width of the interval; infinite with fewer than two pairs.
        pairs: Number of pairs.
    """

    mean: float
    half: float
    pairs: int

    @classmethod
    def of(cls, ours: Sequence[float], theirs: Sequence[float]) -> Difference:
        """Returns how much higher ``ours`` are than ``theirs``, which have the same seeds in the same order."""
        from scipy.stats import t  # noqa: PLC0415 - only a report needs it

        differences = [mine - other for mine, other in zip(ours, theirs, strict=True)]
        count = len(differences)
        if count < 2:
            return cls(statistics.fmean(differences), math.inf, count)
        error = statistics.stdev(differences) / math.sqrt(count)
        return cls(
            statistics.fmean(differences), float(t.ppf((1 + CONFIDENCE) / 2, count - 1)) * error, count
        )

    @property
    def is_gain(self) -> bool:
        """Whether the whole interval is above zero."""
        return self.mean - self.half > 0

    @property
    def is_loss(self) -> bool:
        """Whether the whole interval is below zero."""
        return self.mean + self.half < 0

    def __str__(self) -> str:
        sign = "+" if self.mean > 0 else "-" if self.mean < 0 else ""
        return f"{sign}{figure(abs(self.mean))} ± {figure(self.half) if math.isfinite(self.half) else '?'}"
