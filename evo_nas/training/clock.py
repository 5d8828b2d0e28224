"""What a training costs, and when it has taken too long."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch

from evo_nas.execution.worker import HARD_LIMIT_FACTOR

if TYPE_CHECKING:
    from collections.abc import Iterator

WALL_FACTOR = 0.8 * HARD_LIMIT_FACTOR
"""A training also ends after so many times its limit on the wall clock, before its executor would end its worker."""


class TrainingClock:
    """Counts the seconds of one training in the thread that trains.

    Where the training runs on a CPU with one thread of torch, the processor time of this thread counts, so that a
    machine with much else to do does not make a training dearer. On a GPU the device works and not the thread, and
    several threads of torch have clocks of their own: there the wall clock counts.

    Args:
        device: Where the network is trained.
        limit_s: Seconds that count after which the training has taken too long; infinity for no limit.
    """

    def __init__(self, device: torch.device, *, limit_s: float) -> None:
        self._limit_s = limit_s
        self._counts_processor_time = device.type == "cpu" and torch.get_num_threads() == 1
        self._wall_began = time.monotonic()
        self._began = self._now()

    @property
    def wall_s(self) -> float:
        """Seconds since the training began."""
        return time.monotonic() - self._wall_began

    @property
    def counted_s(self) -> float:
        """Seconds that count, of the processor or of the wall clock."""
        return self._now() - self._began

    @property
    def is_over(self) -> bool:
        """Whether the training has taken too long."""
        return self.counted_s > self._limit_s or self.wall_s > WALL_FACTOR * self._limit_s

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Does not count what its body takes."""
        wall, counted = time.monotonic(), self._now()
        yield
        self._wall_began += time.monotonic() - wall
        self._began += self._now() - counted

    def _now(self) -> float:
        return time.thread_time() if self._counts_processor_time else time.monotonic()
