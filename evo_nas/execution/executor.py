"""The contract of every executor, and the one that evaluates in this very process."""

from __future__ import annotations

import socket
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, Self

from evo_nas.evaluation import Evaluation, Outcome, Status

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evo_nas.evaluation import Candidate

HARD_LIMIT_FACTOR = 2.0
"""An evaluator should stop at the time limit; at this multiple of it the executor does."""


class Evaluator(Protocol):
    """Turns a candidate into an outcome; lives in a worker and keeps the data loaded there."""

    def __call__(self, candidate: Candidate, /) -> Outcome:
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
        waiting: Workers that have not started, since there is no room for them yet.
        obstacle: What those are waiting for, once they have waited long.
        seconds: Seconds of all workers since the start, by what they did with them.
        in_this_process: Whether there is but one worker, the process that asks.
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
    """Trains candidates somewhere. Used by one thread, as a context manager.

    Laws, which `tests/contracts/test_executors.py` holds every implementation to:

    * Every submitted candidate comes back from `collect` exactly once, whatever happens to workers:
      a lost worker's candidates are dispatched again elsewhere with ``attempt + 1``, and after
      the permitted attempts come back as ``Status.POISONED``.
    * `collect` returns everything that has arrived; it waits at most ``timeout_s`` for the first
      result, and returns an empty list only after that or when nothing is in flight.
    * A candidate that takes longer than twice its time limit comes back as ``Status.TIMED_OUT``.
    * A candidate whose evaluator raises comes back as ``Status.FAILED``, and the worker goes on.
    """

    @abstractmethod
    def free_slots(self) -> int:
        """Returns how many more candidates keep the workers fed; 0 when they have enough."""

    def expect(self, candidates: int) -> None:
        """Learns how many more candidates will ever come; who holds resources may give some back."""

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
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()


def evaluate(evaluator: Evaluator, candidate: Candidate, *, time_limit_s: float | None) -> Outcome:
    """Returns the outcome of ``candidate``, whatever the evaluator does short of ending the process."""
    started = time.perf_counter()
    try:
        outcome = evaluator(candidate)
    except Exception as error:  # noqa: BLE001 - one child's failure must not end a search
        return Outcome(
            Status.FAILED,
            train_s=time.perf_counter() - started,
            error=f"{type(error).__name__}: {error}",
        )
    taken_s = time.perf_counter() - started
    if time_limit_s is not None and taken_s > HARD_LIMIT_FACTOR * time_limit_s:
        return overrun(taken_s, time_limit_s=time_limit_s)
    return outcome


def overrun(taken_s: float, *, time_limit_s: float) -> Outcome:
    """Returns the outcome of a candidate that did not stop at its time limit."""
    return Outcome(
        Status.TIMED_OUT,
        train_s=taken_s,
        error=f"took {taken_s:.1f} s; the time limit is {time_limit_s:g} s",
    )


class InlineExecutor(Executor):
    """Evaluates one candidate at a time in this process, inside `collect`.

    Nothing can interrupt an evaluation here: `collect` returns when it is done, whatever its timeout,
    and one that took longer than twice the limit is reported as timed out afterwards.

    Args:
        factory: Builds the evaluator, at once.
        time_limit_s: Seconds after which an evaluator should stop; None for no limit.
    """

    def __init__(self, factory: EvaluatorFactory, *, time_limit_s: float | None = None) -> None:
        self._evaluator = factory()
        self._time_limit_s = time_limit_s
        self._queue: deque[tuple[Candidate, float]] = deque()
        self._node = socket.gethostname()

    def free_slots(self) -> int:
        """Returns 1 when nothing is queued, otherwise 0."""
        return 0 if self._queue else 1

    def submit(self, candidates: Sequence[Candidate]) -> None:
        """Queues candidates."""
        now = time.monotonic()
        self._queue.extend((candidate, now) for candidate in candidates)

    def collect(self, *, timeout_s: float) -> list[Evaluation]:  # noqa: ARG002 - see the class
        """Evaluates the oldest queued candidate and returns it."""
        if not self._queue:
            return []
        candidate, submitted = self._queue.popleft()
        queue_s = time.monotonic() - submitted
        outcome = evaluate(self._evaluator, candidate, time_limit_s=self._time_limit_s)
        return [
            Evaluation(
                candidate,
                outcome,
                worker="inline",
                node=self._node,
                queue_s=queue_s,
                finished_at=time.time(),
            )
        ]

    def occupancy(self) -> Occupancy:
        """Returns one worker, which is this process."""
        return Occupancy(
            workers=1, busy=int(bool(self._queue)), in_flight=len(self._queue), in_this_process=True
        )

    def close(self) -> None:
        """Forgets what is queued."""
        self._queue.clear()
