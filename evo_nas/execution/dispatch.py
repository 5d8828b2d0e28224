"""Which worker gets which candidates, and who is to blame when one is lost.

Pure bookkeeping without processes, so that the simulation and the Ray pool obey the very same rules:

* A worker has one lease running in each of its lanes and as many queued, so that it never waits for the head.
* A lease is as many candidates as fill about a tenth of a second, at most 64. A lane that has spent that
  long returns what it finished; the rest, never started, is dispatched again.
* When a worker is lost, its oldest leases were running, one a lane. Every candidate of them gets
  ``attempt + 1`` and from then on runs **alone**, with nothing else leased to its worker, so that a second loss
  can only be its own. Candidates of queued leases never started and are not blamed. (A worker that dies in the
  very instant of changing leases may take its last report with it: then the former lease is blamed, once.)
* A worker is ended when a lease of it passes the hard limit. Only that lease is blamed, and it counts as timed
  out only if it was one candidate without company; otherwise each of its candidates is tried alone.
* A worker whose machine is about to go is retired: it gets nothing more, and what it cannot finish is
  dispatched again with nobody blamed.
* A candidate that runs out of memory is retried once, alone: memory may have been another's.
"""

from __future__ import annotations

import math
import time
from collections import OrderedDict, deque
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from itertools import islice
from typing import TYPE_CHECKING

from evo_nas.errors import ConfigError
from evo_nas.evaluation import Evaluation, Outcome, Status
from evo_nas.execution.executor import HARD_LIMIT_FACTOR, Occupancy, evaluate, overrun
from evo_nas.execution.timesheet import Timesheet

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from evo_nas.evaluation import Candidate
    from evo_nas.execution.executor import Evaluator

LEASE_S = 0.1
"""Seconds of work that a lease should hold, and after which a worker returns what it has."""
MAX_LEASE = 64
LEASES_PER_LANE = 2
_FORGETTING = 0.25
"""Weight of the newest lease in the running mean of seconds per candidate."""
_OUT_OF_MEMORY = ("OutOfMemoryError", "MemoryError", "RuntimeError")
"""Errors by which an outcome is too big in deed; one that is too big by a rule names none."""


class Loss(Enum):
    """Why a worker is gone."""

    CRASHED = auto()
    OUT_OF_MEMORY = auto()
    """Memory is the genome's property: alone it gets one more try, then it is too big."""
    OVERRUN = auto()
    """The executor ended it, since its candidate passed the hard time limit."""
    PREEMPTED = auto()
    """Its machine was taken away, which says nothing about its candidates."""


_UNEXPLAINED = (Loss.CRASHED, Loss.OUT_OF_MEMORY)
"""Losses that may be no candidate's fault but that of what all workers share."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """A candidate on its way.

    Attributes:
        candidate: What is to be evaluated.
        submitted_at: Time of submission, in seconds of the dispatcher's clock.
        attempt: 1 plus the workers that were lost with it.
        alone: Whether it must have a worker to itself, since one was lost or ended with it.
    """

    candidate: Candidate
    submitted_at: float
    attempt: int = 1
    alone: bool = False


@dataclass(frozen=True, slots=True)
class Lease:
    """Candidates that a worker evaluates one after another in one call."""

    id: int
    worker: str
    node: str
    tickets: tuple[Ticket, ...]

    @property
    def candidates(self) -> tuple[Candidate, ...]:
        """What the worker is sent."""
        return tuple(ticket.candidate for ticket in self.tickets)

    def hard_limit_s(self, time_limit_s: float) -> float:
        """Returns the seconds after which one of its candidates must have passed the hard limit."""
        before_last = LEASE_S if len(self.tickets) > 1 else 0.0
        return before_last + HARD_LIMIT_FACTOR * time_limit_s


@dataclass(frozen=True, slots=True)
class Report:
    """What a worker returns for a lease.

    Attributes:
        outcomes: One for each candidate that was started, in the order of the lease.
        started_s: When each was started, in seconds from the start of the lease.
        elapsed_s: Seconds from the start to the end of the lease.
    """

    outcomes: tuple[Outcome, ...]
    started_s: tuple[float, ...]
    elapsed_s: float


def work(evaluator: Evaluator, candidates: Sequence[Candidate], *, time_limit_s: float | None) -> Report:
    """Evaluates a lease in a lane: at least one candidate, then for as long as a lease may take."""
    start = time.perf_counter()
    outcomes: list[Outcome] = []
    started_s: list[float] = []
    for candidate in candidates:
        now_s = time.perf_counter() - start
        if outcomes and now_s >= LEASE_S:
            break
        started_s.append(now_s)
        outcomes.append(evaluate(evaluator, candidate, time_limit_s=time_limit_s))
    return Report(tuple(outcomes), tuple(started_s), time.perf_counter() - start)


@dataclass(slots=True)
class _Worker:
    """Leases are in the order of sending; ``peers`` are the workers that have as many and may get more."""

    node: str
    retired: bool = False
    leases: deque[Lease] = field(default_factory=deque)
    peers: OrderedDict[str, None] | None = None


class Dispatcher:
    """Hands out leases and turns reports and losses into evaluations; O(1) per candidate.

    Args:
        attempts: Dispatches of a candidate before it is poisoned; at least 2, since the first loss may be
            another's fault.
        clock: Unix time in seconds, or the time of a simulation.
        time_limit_s: Named in the outcome of a candidate that overran it.
        lanes: Leases that a worker runs at the same time.

    Attributes:
        in_flight: Candidates submitted and not yet evaluated.
        dropped: Late or repeated results that were not counted.
        lost_workers: All of them, for whatever reason.
        losses_in_a_row: Workers that crashed or ran out of memory since the last report or verdict on memory. A
            poisoned candidate does not end the row: where every worker crashes, every candidate is poisoned.
    """

    def __init__(
        self, *, attempts: int, clock: Callable[[], float], time_limit_s: float | None, lanes: int = 1
    ) -> None:
        if attempts < 2:
            raise ConfigError(
                f"attempts is {attempts}; must be at least 2, since a worker may be lost "
                "through no fault of its candidate"
            )
        self.in_flight = 0
        self.dropped = 0
        self.lost_workers = 0
        self.losses_in_a_row = 0
        self._attempts = attempts
        self._clock = clock
        self._time_limit_s = time_limit_s
        self._queue: deque[Ticket] = deque()
        self._suspects: deque[Ticket] = deque()
        self._workers: dict[str, _Worker] = {}
        self._leases: dict[int, Lease] = {}
        self._leased = 0
        self._seconds: float | None = None
        self._timesheet = Timesheet(clock)
        self._lanes = lanes
        # Ordered sets of the workers that may get a lease, by how many they have.
        self._open: tuple[OrderedDict[str, None], ...] = tuple(
            OrderedDict() for _ in range(LEASES_PER_LANE * lanes)
        )

    @property
    def lease_size(self) -> int:
        """Candidates that fill a lease at their recent pace."""
        if self._seconds is None:
            return 1
        return max(1, min(MAX_LEASE, round(LEASE_S / max(self._seconds, 1e-9))))

    @property
    def free_slots(self) -> int:
        """Candidates that the workers could take beyond those in flight.

        While all workers are being replaced it is as if there were one, so that a loop can await something.
        """
        workers = max(1, sum(not worker.retired for worker in self._workers.values()))
        return max(0, len(self._open) * self.lease_size * workers - self.in_flight)

    def occupancy(self) -> Occupancy:
        """Returns what the workers are doing now."""
        return Occupancy(
            workers=len(self._workers),
            busy=sum(bool(worker.leases) for worker in self._workers.values()),
            in_flight=self.in_flight,
            lost_workers=self.lost_workers,
            dropped=self.dropped,
            seconds=self._timesheet.seconds(),
        )

    def submit(self, candidates: Sequence[Candidate]) -> None:
        """Queues candidates."""
        now = self._clock()
        self._queue.extend(Ticket(candidate, now) for candidate in candidates)
        self.in_flight += len(candidates)

    def join(self, worker: str, *, node: str, starting_s: float = 0.0) -> None:
        """Adds a worker that is ready, and took ``starting_s`` for it."""
        self._workers[worker] = _Worker(node)
        self._place(worker)
        self._timesheet.joined(worker, starting_s=starting_s)

    def is_idle(self, worker: str) -> bool:
        """Whether a worker has nothing to do now; one that has not joined has not."""
        return worker not in self._workers or not self._workers[worker].leases

    def retire(self, worker: str) -> None:
        """Gives a worker nothing more; it finishes what it has."""
        if worker in self._workers:
            self._workers[worker].retired = True
            self._place(worker)

    def dismiss(self, worker: str) -> None:
        """Removes an idle worker, which is not a loss."""
        assert self.is_idle(worker), f"{worker} is dismissed with leases"
        if self._remove(worker) is not None:
            self._timesheet.left(worker, lost=False)

    def assign(self) -> list[Lease]:
        """Returns the leases to send now, workers with the fewest first."""
        leases = []
        idle = self._open[0]
        while self._suspects and idle:
            leases.append(self._lease(next(iter(idle)), (self._suspects.popleft(),)))
        shares = sum((len(self._open) - held) * len(peers) for held, peers in enumerate(self._open))
        size = min(self.lease_size, math.ceil(len(self._queue) / max(1, shares)))
        while self._queue and (worker := self._next_worker()) is not None:
            leases.append(self._next_lease(worker, size))
        return leases

    def finish(self, lease_id: int, report: Report) -> list[Evaluation]:
        """Returns the evaluations of a lease; none if its worker was given up before or it came twice."""
        lease = self._leases.pop(lease_id, None)
        if lease is None:
            self.dropped += len(report.outcomes)
            return []
        self.losses_in_a_row = 0
        self._workers[lease.worker].leases.remove(lease)
        self._place(lease.worker)
        lane_s = report.elapsed_s / self._lanes
        self._timesheet.reported(lease.worker, lane_s, idle=self.is_idle(lease.worker))
        done = len(report.outcomes)
        self._put_back(lease.tickets[done:])
        self._learn(report.elapsed_s / done)
        began_at = self._clock() - report.elapsed_s
        evaluations = []
        for ticket, outcome, started_s in zip(
            lease.tickets[:done], report.outcomes, report.started_s, strict=True
        ):
            if _ran_out_of_memory(outcome) and not ticket.alone:
                self._suspects.append(replace(ticket, attempt=ticket.attempt + 1, alone=True))
                continue
            queue_s = began_at + started_s - ticket.submitted_at
            evaluations.append(self._evaluation(lease, ticket, outcome, queue_s=queue_s))
        return evaluations

    def lose(
        self, worker: str, *, loss: Loss, error: str, overdue: Collection[int] | None = None
    ) -> list[Evaluation]:
        """Removes a worker, queues its candidates again and returns those that are not tried again.

        A worker that never joined is only counted.

        Args:
            worker: Which.
            loss: Why.
            error: The same in words.
            overdue: Ids of the leases that alone are to blame; those that were running for None.
        """
        self.lost_workers += 1
        self.losses_in_a_row += loss in _UNEXPLAINED
        lost = self._remove(worker)
        if lost is None:
            return []
        self._timesheet.left(worker, lost=True)
        blamed: list[Lease] = []
        if loss is not Loss.PREEMPTED:
            running = islice(lost.leases, self._lanes)
            blamed += running if overdue is None else (held for held in lost.leases if held.id in overdue)
        for lease in reversed(lost.leases):
            del self._leases[lease.id]
            if lease not in blamed:
                self._put_back(lease.tickets)
        exact = self._lanes == 1 or len(lost.leases) == 1
        ended = [each for held in blamed for each in self._blame(held, loss=loss, error=error, exact=exact)]
        if any(evaluation.status is Status.TOO_BIG for evaluation in ended):
            self.losses_in_a_row = 0
        return ended

    def _put_back(self, tickets: Sequence[Ticket]) -> None:
        """Queues candidates before all others; those that must be alone stay so."""
        for ticket in reversed(tickets):
            (self._suspects if ticket.alone else self._queue).appendleft(ticket)

    def _blame(self, lease: Lease, *, loss: Loss, error: str, exact: bool) -> list[Evaluation]:
        exact = exact and len(lease.tickets) == 1
        ended = []
        for ticket in lease.tickets:
            outcome = self._last_outcome(ticket, exact=exact, loss=loss, error=error)
            if outcome is not None:
                ended.append(self._evaluation(lease, ticket, outcome))
            else:
                attempt = ticket.attempt + (loss is not Loss.OVERRUN)
                self._suspects.append(replace(ticket, attempt=attempt, alone=True))
        return ended

    def _last_outcome(self, ticket: Ticket, *, exact: bool, loss: Loss, error: str) -> Outcome | None:
        if loss is Loss.OVERRUN:
            assert self._time_limit_s is not None
            limit_s = self._time_limit_s
            return overrun(HARD_LIMIT_FACTOR * limit_s, time_limit_s=limit_s) if exact else None
        if loss is Loss.OUT_OF_MEMORY:
            return Outcome(Status.TOO_BIG, error=error) if ticket.alone else None
        if ticket.attempt < self._attempts:
            return None
        return Outcome(Status.POISONED, error=f"worker lost on each of {ticket.attempt} attempts: {error}")

    def _next_lease(self, worker: str, size: int) -> Lease:
        count = min(size, len(self._queue))
        return self._lease(worker, tuple(self._queue.popleft() for _ in range(count)))

    def _lease(self, worker: str, tickets: tuple[Ticket, ...]) -> Lease:
        lease = Lease(self._leased, worker, self._workers[worker].node, tickets)
        self._leased += 1
        self._leases[lease.id] = lease
        self._workers[worker].leases.append(lease)
        self._place(worker)
        self._timesheet.leased(worker)
        return lease

    def _next_worker(self) -> str | None:
        """Returns who gets the next lease, if anybody.

        Each waiting suspect keeps one worker, that with the fewest leases, from getting more, so that it
        becomes idle.
        """
        kept = len(self._suspects)
        for peers in self._open:
            if len(peers) > kept:
                return next(reversed(peers) if kept else iter(peers))
            kept -= len(peers)
        return None

    def _place(self, worker: str) -> None:
        """Files a worker under what it can take now."""
        entry = self._workers[worker]
        if entry.peers is not None:
            del entry.peers[worker]
        alone = bool(entry.leases) and entry.leases[0].tickets[0].alone
        full = len(entry.leases) >= len(self._open)
        entry.peers = None if entry.retired or alone or full else self._open[len(entry.leases)]
        if entry.peers is not None:
            entry.peers[worker] = None

    def _remove(self, worker: str) -> _Worker | None:
        entry = self._workers.pop(worker, None)
        if entry is not None and entry.peers is not None:
            del entry.peers[worker]
        return entry

    def _learn(self, seconds: float) -> None:
        known = seconds if self._seconds is None else self._seconds
        self._seconds = known + _FORGETTING * (seconds - known)

    def _evaluation(
        self, lease: Lease, ticket: Ticket, outcome: Outcome, *, queue_s: float = 0.0
    ) -> Evaluation:
        self.in_flight -= 1
        return Evaluation(
            ticket.candidate,
            outcome,
            attempt=ticket.attempt,
            worker=lease.worker,
            node=lease.node,
            queue_s=max(0.0, queue_s),
            finished_at=self._clock(),
        )


def _ran_out_of_memory(outcome: Outcome) -> bool:
    return outcome.status is Status.TOO_BIG and outcome.error.partition(":")[0] in _OUT_OF_MEMORY
