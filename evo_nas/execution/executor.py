"""`Executor`: the interface that every executor implements."""

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
    """The current state of the workers, for displays and reports.

    Attributes:
        workers: Workers that are alive and ready.
        busy: Workers with at least one candidate.
        in_flight: Candidates submitted and not collected.
        lost_workers: Workers lost since the start.
        dropped: Late or repeated results that were not counted, since the start.
        waiting: Workers that have not started, since the cluster has no place for them yet.
        obstacle: Why they have not started, once they have waited long.
        seconds: Seconds of all workers since the start, by activity.
        in_this_process: Whether this process itself is the only worker.
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
    """Trains candidates. It is used by one thread, as a context manager: entering starts the workers.

    Laws, which `evo_nas.testing.executors` holds every implementation to:

    * Every submitted candidate comes back from `collect` exactly once, even if workers are lost:
      a lost worker's candidates are dispatched again elsewhere with ``attempt + 1``, and after
      the permitted attempts come back as ``Status.POISONED``.
    * `collect` returns everything that has arrived; it waits at most ``timeout_s`` for the first
      result, and returns an empty list only after that or when nothing is in flight.
    * A candidate that takes longer than ten times its time limit comes back as ``Status.TIMED_OUT``: the limit is
      one of computing, which the evaluator keeps to, and an executor has only the clock to go by.
    * A candidate whose evaluator raises comes back as ``Status.FAILED``, and the worker goes on.
    """

    def start(self) -> None:
        """Starts the workers; called once, before anything else. Constructing an executor starts nothing."""

    @abstractmethod
    def free_slots(self) -> int:
        """Returns how many more candidates the workers can use now; 0 if they have enough."""

    def expect(self, candidates: int) -> None:
        """Tells how many more candidates will be submitted, so that the executor may release resources."""

    @abstractmethod
    def submit(self, candidates: Sequence[Candidate]) -> None:
        """Takes candidates for evaluation; those beyond `free_slots` wait in a queue."""

    @abstractmethod
    def collect(self, *, timeout_s: float) -> list[Evaluation]:
        """Returns the evaluations since the last call, in the order of arrival."""

    @abstractmethod
    def occupancy(self) -> Occupancy:
        """Returns the current state of the workers."""

    @abstractmethod
    def close(self) -> None:
        """Ends the workers at once and abandons what is in flight; it may be called more than once."""

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()
