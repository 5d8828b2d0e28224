"""Decides which worker gets which candidates, and which candidates are to blame when a worker is lost.

Pure bookkeeping without processes, so that the simulation and the Ray pool obey the very same rules:

* A worker has one lease running in each of its lanes and as many queued, so that it never waits for the head.
  (A lane is a thread of a worker.)
* A lease is as many candidates as fill about a tenth of a second, at most 64. A lane that has spent that
  long returns what it finished; the rest, never started, is dispatched again.
* When a worker is lost, its oldest leases were running, one in each lane. Every candidate of them gets
  ``attempt + 1`` and from then on runs **alone**, with nothing else leased to its worker, so that a second loss
  can only be its own fault. Candidates of queued leases never started and are not blamed. (A worker that dies in
  the very instant of changing leases may take its last result with it: then the former lease is blamed, once.)
* A worker is ended when one of its leases passes the hard limit. Only that lease is blamed, and it counts as timed
  out only if it was a single candidate without company; otherwise each of its candidates is tried alone.
* A worker whose machine is about to go is retired: it gets nothing more, and what it cannot finish is
  dispatched again without blame.
* A candidate that runs out of memory is retried once, alone: another candidate may have used up the memory.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING

from evo_nas.errors import ConfigError
from evo_nas.evaluation import Evaluation, Outcome, Status
from evo_nas.execution.executor import Occupancy
from evo_nas.execution.lease import Lease, LossCause, Ticket
from evo_nas.execution.roster import Roster
from evo_nas.execution.utilization import Utilization
from evo_nas.execution.worker import HARD_LIMIT_FACTOR, LEASE_S, overrun

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from evo_nas.evaluation import Candidate
    from evo_nas.execution.worker import LeaseResult

MAX_LEASE = 64
"""Most candidates in a lease; more would only delay their results."""
LEASES_PER_LANE = 2
"""One that runs and one that waits, so that a lane never idles while the head reads a result."""
_FORGETTING = 0.25
"""Weight of the newest lease in the running mean of seconds per candidate."""
_OUT_OF_MEMORY = ("OutOfMemoryError", "MemoryError", "RuntimeError")
"""Errors of an outcome that really ran out of memory; an outcome that a rule calls too big names no error."""


class Dispatcher:
    """Hands out leases and turns results and losses into evaluations; O(1) per candidate.

    Args:
        attempts: Dispatches of a candidate before it is poisoned; at least 2, since the first loss may be
            the fault of another.
        clock: Unix time in seconds, or the time of a simulation.
        time_limit_s: Time limit of a candidate in seconds, for the outcome of one that exceeded it.
        lanes: Leases that a worker runs at the same time.

    Attributes:
        in_flight: Candidates submitted and not yet evaluated.
        dropped: Late or repeated results that were not counted.
        lost_workers: Number of lost workers, for any reason.
        losses_in_a_row: Workers that crashed or ran out of memory since the last result or verdict on memory. A
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
        self._lanes = lanes
        self._queue: deque[Ticket] = deque()
        self._suspects: deque[Ticket] = deque()
        self._roster = Roster(leases_each=LEASES_PER_LANE * lanes)
        self._leases: dict[int, Lease] = {}
        self._leased = 0
        self._mean_s: float | None = None
        self._utilization = Utilization(clock)

    @property
    def lease_size(self) -> int:
        """Candidates that fill a lease at their recent pace."""
        if self._mean_s is None:
            return 1
        return max(1, min(MAX_LEASE, round(LEASE_S / max(self._mean_s, 1e-9))))

    @property
    def free_slots(self) -> int:
        """Candidates that the workers could take beyond those in flight."""
        # At least one worker is assumed while all are being replaced, since the loop needs a candidate to wait for.
        workers = max(1, self._roster.active)
        return max(0, LEASES_PER_LANE * self._lanes * self.lease_size * workers - self.in_flight)

    def occupancy(self) -> Occupancy:
        """Returns the current state of the workers."""
        return Occupancy(
            workers=len(self._roster),
            busy=self._roster.busy,
            in_flight=self.in_flight,
            lost_workers=self.lost_workers,
            dropped=self.dropped,
            seconds=self._utilization.seconds(),
        )

    def submit(self, candidates: Sequence[Candidate]) -> None:
        """Queues candidates."""
        now = self._clock()
        self._queue.extend(Ticket(candidate, now) for candidate in candidates)
        self.in_flight += len(candidates)

    def join(self, worker: str, *, node: str, starting_s: float = 0.0) -> None:
        """Adds a worker that is ready, and took ``starting_s`` seconds for it."""
        self._roster.join(worker, node=node)
        self._utilization.joined(worker, starting_s=starting_s)

    def is_idle(self, worker: str) -> bool:
        """Whether a worker has nothing to do now; a worker that has not joined counts as idle."""
        return self._roster.is_idle(worker)

    def retire(self, worker: str) -> None:
        """Gives a worker nothing more; it finishes what it has."""
        self._roster.retire(worker)

    def dismiss(self, worker: str) -> None:
        """Removes an idle worker, which is not a loss."""
        assert self.is_idle(worker), f"{worker} is dismissed with leases"
        if self._roster.leave(worker) is not None:
            self._utilization.left(worker, lost=False)

    def assign(self) -> list[Lease]:
        """Returns the leases to send now, workers with the fewest first."""
        leases = []
        # Suspects go first, since each keeps a whole worker from getting anything else until it has run.
        while self._suspects and (idle := self._roster.idle_worker()) is not None:
            leases.append(self._lease(idle, (self._suspects.popleft(),)))
        # If candidates are few, they are spread over all workers and not given to the first ones.
        size = min(self.lease_size, math.ceil(len(self._queue) / max(1, self._roster.open_places)))
        # Every waiting suspect reserves a worker; otherwise a full queue would keep all workers busy without end.
        while self._queue and (worker := self._roster.next_worker(reserved=len(self._suspects))) is not None:
            count = min(size, len(self._queue))
            leases.append(self._lease(worker, tuple(self._queue.popleft() for _ in range(count))))
        return leases

    def finish(self, lease_id: int, result: LeaseResult) -> list[Evaluation]:
        """Returns the evaluations of a lease; none if its worker was given up before or the result came twice."""
        lease = self._leases.pop(lease_id, None)
        if lease is None:
            self.dropped += len(result.outcomes)
            return []
        self.losses_in_a_row = 0
        self._roster.take_back(lease)
        # Lanes share the seconds of their worker, so that all activities add up to its age.
        lane_s = result.elapsed_s / self._lanes
        self._utilization.reported(lease.worker, lane_s, idle=self.is_idle(lease.worker))
        done = len(result.outcomes)
        self._put_back(lease.tickets[done:])
        self._learn_pace(result.elapsed_s / done)
        return self._evaluations(lease, result)

    def lose(
        self, worker: str, *, cause: LossCause, error: str, overdue: Collection[int] | None = None
    ) -> list[Evaluation]:
        """Removes a lost worker, queues its candidates again and returns those that have had their last attempt.

        A worker that never joined is only counted.

        Args:
            worker: Name of the worker.
            cause: Why it was lost.
            error: The cause in words.
            overdue: Ids of the only leases to blame; None blames all that were running.
        """
        self.lost_workers += 1
        self.losses_in_a_row += cause.may_be_shared
        lost = self._roster.leave(worker)
        if lost is None:
            return []
        self._utilization.left(worker, lost=True)
        blamed = self._blamed(lost.leases, cause=cause, overdue=overdue)
        # From last to first, since each lease goes to the front of the queue.
        for lease in reversed(lost.leases):
            del self._leases[lease.id]
            if lease not in blamed:
                self._put_back(lease.tickets)
        in_company = self._lanes > 1 and len(lost.leases) > 1
        ended = [
            each
            for lease in blamed
            for each in self._blame(lease, cause=cause, error=error, in_company=in_company)
        ]
        if any(evaluation.status is Status.TOO_BIG for evaluation in ended):
            self.losses_in_a_row = 0
        return ended

    def _blamed(
        self, leases: deque[Lease], *, cause: LossCause, overdue: Collection[int] | None
    ) -> list[Lease]:
        if cause is LossCause.PREEMPTED:
            return []
        if overdue is not None:
            return [lease for lease in leases if lease.id in overdue]
        # Ray starts the calls of a worker in the order of sending, so the oldest were running.
        return list(islice(leases, self._lanes))

    def _blame(self, lease: Lease, *, cause: LossCause, error: str, in_company: bool) -> list[Evaluation]:
        """Queues the candidates of a lease to be tried alone; returns those that have had their last try."""
        exact = len(lease.tickets) == 1 and not in_company
        ended = []
        for ticket in lease.tickets:
            outcome = self._last_outcome(ticket, exact=exact, cause=cause, error=error)
            if outcome is not None:
                ended.append(self._evaluation(lease, ticket, outcome))
            else:
                # An overrun costs no attempt: alone, the guilty one times out and the others succeed.
                attempt = ticket.attempt + (cause is not LossCause.OVERRUN)
                self._suspects.append(replace(ticket, attempt=attempt, alone=True))
        return ended

    def _last_outcome(self, ticket: Ticket, *, exact: bool, cause: LossCause, error: str) -> Outcome | None:
        """Returns what a blamed candidate ends with; None if it is tried again."""
        if cause is LossCause.OVERRUN:
            assert self._time_limit_s is not None
            limit_s = self._time_limit_s
            return overrun(HARD_LIMIT_FACTOR * limit_s, time_limit_s=limit_s) if exact else None
        if cause is LossCause.OUT_OF_MEMORY:
            return Outcome(Status.TOO_BIG, error=error) if ticket.alone else None
        if ticket.attempt < self._attempts:
            return None
        return Outcome(Status.POISONED, error=f"worker lost on each of {ticket.attempt} attempts: {error}")

    def _put_back(self, tickets: Sequence[Ticket]) -> None:
        """Returns candidates to the front of their queue; those that must run alone stay so."""
        for ticket in reversed(tickets):
            (self._suspects if ticket.alone else self._queue).appendleft(ticket)

    def _lease(self, worker: str, tickets: tuple[Ticket, ...]) -> Lease:
        lease = Lease(self._leased, worker, self._roster.node_of(worker), tickets)
        self._leased += 1
        self._leases[lease.id] = lease
        self._roster.give(lease)
        self._utilization.leased(worker)
        return lease

    def _learn_pace(self, seconds: float) -> None:
        known = seconds if self._mean_s is None else self._mean_s
        # An exponential mean, so that leases follow the recent pace.
        self._mean_s = known + _FORGETTING * (seconds - known)

    def _evaluations(self, lease: Lease, result: LeaseResult) -> list[Evaluation]:
        # The clocks of two machines differ, so the lease counts as ended when its result arrived here.
        began_at = self._clock() - result.elapsed_s
        tickets = lease.tickets[: len(result.outcomes)]
        evaluations = []
        for ticket, outcome, started_s in zip(tickets, result.outcomes, result.started_s, strict=True):
            if _ran_out_of_memory(outcome) and not ticket.alone:
                self._suspects.append(replace(ticket, attempt=ticket.attempt + 1, alone=True))
                continue
            queue_s = began_at + started_s - ticket.submitted_at
            evaluations.append(self._evaluation(lease, ticket, outcome, queue_s=queue_s))
        return evaluations

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
