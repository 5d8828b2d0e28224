"""The contract of every executor, and the one that evaluates in this very process."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evo_nas.evaluation import Candidate, Evaluation, Outcome


class Evaluator(Protocol):
    """Turns a candidate into an outcome; lives in a worker and keeps the data loaded there."""

    def __call__(self, candidate: Candidate) -> Outcome:
        """Trains ``candidate`` and reports; failures are outcomes, never exceptions."""


EvaluatorFactory = Callable[[], Evaluator]
"""Called once in each worker process; must pickle. Execution never knows what it builds."""


@dataclass(frozen=True, slots=True)
class Occupancy:
    """What the workers are doing now, for displays and reports.

    Attributes:
        workers: Workers that are alive and ready.
        busy: Workers with at least one candidate.
        in_flight: Candidates submitted and not collected.
        lost_workers: Workers lost since the start.
        dropped: Late or repeated results that were not counted, since the start.
    """

    workers: int
    busy: int
    in_flight: int
    lost_workers: int = 0
    dropped: int = 0


class Executor(ABC):
    """Trains candidates somewhere. Used by one thread, as a context manager.

    Laws, which `tests/contracts/test_executors.py` holds every implementation to:

    * Every submitted candidate comes back from `collect` exactly once, whatever happens to workers:
      a lost worker's candidates are dispatched again elsewhere with ``attempt + 1``, and after
      the permitted attempts come back as ``Status.POISONED``.
    * `collect` returns everything that has arrived; it waits at most ``timeout_s`` for the first
      result, and returns an empty list only after that or when nothing is in flight.
    * A candidate that overruns its time limit comes back as ``Status.TIMED_OUT``.
    """

    @abstractmethod
    def free_slots(self) -> int:
        """Returns how many more candidates keep the workers fed; 0 when they have enough."""

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

    def __enter__(self) -> Executor:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()
