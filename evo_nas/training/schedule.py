"""How the learning rate changes during a training."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evo_nas.config.schema import ScheduleKind

PATIENCE = 2
"""Epochs without a better validation metric after which ``halving`` halves the rate."""


class Schedule(ABC):
    """Gives the factor of the learning rate for each step."""

    @abstractmethod
    def factor(self, progress: float) -> float:
        """Returns the factor at ``progress``, the share of the training that is done, 0 to 1."""

    def end_epoch(self, *, improved: bool) -> None:
        """Tells the schedule whether the epoch that ended was the best so far."""


class Constant(Schedule):
    """Keeps the learning rate as it is."""

    def factor(self, progress: float) -> float:  # noqa: ARG002 - the factor is always the same
        """Returns 1."""
        return 1.0


class Cosine(Schedule):
    """Lowers the rate along half a cosine to zero (Loshchilov and Hutter, 2017), without restarts."""

    def factor(self, progress: float) -> float:
        """Returns the factor at ``progress``."""
        return 0.5 * (1.0 + math.cos(math.pi * progress))


class Halving(Schedule):
    """Halves the rate whenever the validation metric has not improved for `PATIENCE` epochs."""

    def __init__(self) -> None:
        self._factor = 1.0
        self._stale = 0

    def factor(self, progress: float) -> float:  # noqa: ARG002 - only stagnation counts
        """Returns a power of one half."""
        return self._factor

    def end_epoch(self, *, improved: bool) -> None:
        """Halves the rate if there was no improvement for too long."""
        self._stale = 0 if improved else self._stale + 1
        if self._stale == PATIENCE:
            self._factor, self._stale = self._factor / 2, 0


SCHEDULES: Mapping[ScheduleKind, type[Schedule]] = {
    "constant": Constant,
    "cosine": Cosine,
    "halving": Halving,
}
