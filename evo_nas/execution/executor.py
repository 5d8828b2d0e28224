"""The contract of every executor."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping  # noqa: TC003 - what reads an Occupancy from JSON resolves its annotations
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evo_nas.evaluation import Candidate, Evaluation


@dataclass(frozen=True, slots=True)
class Occupancy:
    """What the workers are doing now, for displays and reports.

    Attributes:
        workers: Workers that are alive and ready.
        busy: Workers with at least one candidate.
        in_flight: Candidates submitted and not collected.
        lost_workers: Workers lost since the start.
        dropped: Late or repeated results that were not counted, since the start.
        waiting: Workers that have not started, since the cluster has no place for them yet.
        obstacle: What those are waiting for, once they have waited long.
        seconds: Seconds of all workers since the start, by what they did with them.
        in_this_process: Whether the only worker is the process that asks.
    """

    workers: int
    busy: int
    in_flight: int
    lost_workers: int = 0
    dropped: int = 0
    waiting: int = 0
    obstacle: str = ""
    seconds: Mapping[str, float] = field(default_factory=dict)
    in_this_process: bool = False


class Executor(ABC):
    """Trains candidates somewhere. Used by one thread, as a context manager: entering starts the workers.

    Laws, which `evo_nas.testing.executors` holds every implementation to:

    * Every submitted candidate comes back from `collect` exactly once, whatever happens to workers:
      a lost worker's candidates are dispatched again elsewhere with ``attempt + 1``, and after
      the permitted attempts come back as ``Status.POISONED``.
    * `collect` returns everything that has arrived; it waits at most ``timeout_s`` for the first
      result, and returns an empty list only after that or when nothing is in flight.
    * A candidate that takes longer than twice its time limit comes back as ``Status.TIMED_OUT``.
    * A candidate whose evaluator raises comes back as ``Status.FAILED``, and the worker goes on.
    """

    def start(self) -> None:
        """Starts the workers; called once, before anything else. Constructing an executor starts nothing."""

    @abstractmethod
    def free_slots(self) -> int:
        """Returns how many more candidates keep the workers fed; 0 when they have enough."""

    def expect(self, candidates: int) -> None:
        """Learns how many more candidates will ever come; an executor that holds resources may give some back."""

    @abstractmethod
    def submit(self, candidates: Sequence[Candidate]) -> None:
        """Takes candidates for evaluation; more than `free_slots` simply queue."""

    @abstractmethod
    def collect(self, *, timeout_s: float) -> list[Evaluation]:
        """Returns what has been evaluated since the last call, in order of arrival."""

    @abstractmethod
    def occupancy(self) -> Occupancy:
        """Returns what the workers are doing now."""

    @abstractmethod
    def close(self) -> None:
        """Ends the workers at once; what is in flight is abandoned. May be called twice."""

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()
