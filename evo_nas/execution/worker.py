"""Evaluates a lease of candidates in a worker, one after another."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from evo_nas.evaluation import Outcome, Status

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evo_nas.evaluation import Candidate

HARD_LIMIT_FACTOR = 10.0
"""An evaluator should stop at the time limit, which counts seconds of computing. On a shared machine they take many
more on the wall clock: four to seven times as many with ten processes on two cores. The executor, which can look at
that clock alone, stops an evaluator at this multiple of the limit."""
LEASE_S = 0.1
"""Seconds of work that a lease should hold, and after which a worker returns what it has.

Long enough that a round trip of a millisecond does not count, short enough that a loss costs little.
"""


class Evaluator(Protocol):
    """Turns a candidate into an outcome; it stays in its worker and keeps the data loaded."""

    def __call__(self, candidate: Candidate, /) -> Outcome:
        """Trains ``candidate``; failures are outcomes, never exceptions."""


MakeEvaluator = Callable[[], Evaluator]
"""Makes the evaluator; it is pickled and called once in each worker process."""


@dataclass(frozen=True, slots=True)
class LeaseResult:
    """What a worker returns for a lease.

    Attributes:
        outcomes: One for each candidate that was started, in the order of the lease.
        started_s: When each was started, in seconds from the start of the lease.
        elapsed_s: Seconds from the start to the end of the lease.
    """

    outcomes: tuple[Outcome, ...]
    started_s: tuple[float, ...]
    elapsed_s: float


def evaluate_lease(
    evaluator: Evaluator, candidates: Sequence[Candidate], *, time_limit_s: float | None
) -> LeaseResult:
    """Evaluates a lease in a lane: at least one candidate, then as many as start within `LEASE_S`."""
    start = time.perf_counter()
    outcomes: list[Outcome] = []
    started_s: list[float] = []
    for candidate in candidates:
        now_s = time.perf_counter() - start
        # The head guessed how many fit from recent candidates; what does not fit goes back to it, unstarted.
        if outcomes and now_s >= LEASE_S:
            break
        started_s.append(now_s)
        outcomes.append(evaluate(evaluator, candidate, time_limit_s=time_limit_s))
    return LeaseResult(tuple(outcomes), tuple(started_s), time.perf_counter() - start)


def evaluate(evaluator: Evaluator, candidate: Candidate, *, time_limit_s: float | None) -> Outcome:
    """Returns the outcome of ``candidate``, even if the evaluator raises an error."""
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
    # Executors that can interrupt would have ended it, and all of them must report the same status.
    if time_limit_s is not None and taken_s > HARD_LIMIT_FACTOR * time_limit_s:
        return overrun(taken_s, time_limit_s=time_limit_s)
    return outcome


def overrun(taken_s: float, *, time_limit_s: float) -> Outcome:
    """Returns the outcome of a candidate that did not stop at its time limit and took ``taken_s`` on the wall clock."""
    return Outcome(
        Status.TIMED_OUT,
        train_s=taken_s,
        error=f"took {taken_s:.1f} s on the wall clock; the time limit is {time_limit_s:g} s of computing",
    )
