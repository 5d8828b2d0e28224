"""`SimulatedExecutor`: simulates thousands of workers and their faults on a virtual clock."""

from __future__ import annotations

import heapq
import math
from collections import deque
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from evo_nas.errors import ConfigError
from evo_nas.execution.dispatch import Dispatcher
from evo_nas.execution.executor import Executor, Occupancy
from evo_nas.execution.lease import Lease, LossCause, Ticket
from evo_nas.execution.worker import HARD_LIMIT_FACTOR, LEASE_S, LeaseResult, evaluate
from evo_nas.randomness import stream

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Collection, Sequence

    from evo_nas.evaluation import Candidate, Evaluation, Outcome


@dataclass(frozen=True, slots=True)
class Faults:
    """The probabilities of faults; they are drawn for each attempt of each candidate.

    Attributes:
        lost: Probability that the worker is lost while it runs the candidate.
        late: Probability that a lost worker still delivers its result after it was replaced.
        duplicated: Probability that a result is delivered twice.
        delayed: Probability that a result is held up on its way, so that later ones overtake it.
        delay_s: Longest time by which a late, duplicated or delayed result is held up.
        notice_s: Seconds until the loss of a worker is noticed.
        restart_s: Seconds until its replacement is ready.
    """

    lost: float = 0.0
    late: float = 0.0
    duplicated: float = 0.0
    delayed: float = 0.0
    delay_s: float = 60.0
    notice_s: float = 10.0
    restart_s: float = 5.0

    @property
    def are_none(self) -> bool:
        """Whether nothing goes wrong."""
        return not (self.lost or self.late or self.duplicated or self.delayed)

    def __post_init__(self) -> None:
        for name in ("lost", "late", "duplicated", "delayed"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise ConfigError(f"faults.{name} is {getattr(self, name)}; must be a probability, 0 to 1")


@dataclass(frozen=True, slots=True)
class Simulation:
    """The machines that are simulated.

    Attributes:
        workers: Workers that are ready at second 0.
        lanes: Candidates that a worker evaluates at the same time, each as fast as alone.
        seed: Seed of all random events.
        mean_s: Mean duration of a candidate, uniform between half and one and a half times that.
        attempts: Dispatches of a candidate before it is poisoned; at least 2.
        time_limit_s: Workers are ended when a candidate has taken ten times that; None for never.
        faults: The faults that may happen.
    """

    workers: int
    lanes: int = 1
    seed: int = 0
    mean_s: float = 60.0
    attempts: int = 3
    time_limit_s: float | None = None
    faults: Faults = Faults()

    def __post_init__(self) -> None:
        if self.workers < 1:
            raise ConfigError(f"workers is {self.workers}; must be at least 1")


@dataclass(slots=True, eq=False)
class _SimulatedWorker:
    """A worker, the leases that it has not started, and how many it runs."""

    name: str
    queue: deque[Lease] = field(default_factory=deque)
    running: int = 0
    dead: bool = False


@dataclass(slots=True)
class _Course:
    """The course of a lease: start times of its candidates, its duration, and the cause of a loss."""

    elapsed_s: float = 0.0
    started_s: list[float] = field(default_factory=list)
    loss: LossCause | None = None


class SimulatedExecutor(Executor):
    """Evaluates candidates on simulated workers; it never waits, since `collect` moves the clock.

    What happens to an attempt depends only on the seed, the candidate's id and the number of the attempt, not on
    which worker runs it or when. It holds no resources and may be dropped at any moment.

    Args:
        objective: Returns the outcome of a candidate's training; called when the result is delivered.
        simulation: The machines.
        duration_s: Seconds that a candidate takes, `math.inf` if it hangs; drawn from ``simulation`` if None.
        head_clock: A clock, such as `time.perf_counter`; the seconds that it advances between two calls also pass
            in the simulation, so that a slow head leaves workers idle. With None the head takes no time.
    """

    def __init__(
        self,
        objective: Callable[[Candidate], Outcome],
        simulation: Simulation,
        *,
        duration_s: Callable[[Candidate], float] | None = None,
        head_clock: Callable[[], float] | None = None,
    ) -> None:
        self.now_s = 0.0
        self._objective = objective
        self._simulation = simulation
        self._duration_s = duration_s
        self._is_quiet = simulation.faults.are_none
        self._head_clock = head_clock or (lambda: 0.0)
        self._left_at = self._head_clock()
        self._dispatcher = Dispatcher(
            attempts=simulation.attempts,
            clock=lambda: self.now_s,
            time_limit_s=simulation.time_limit_s,
            lanes=simulation.lanes,
        )
        self._workers: dict[str, _SimulatedWorker] = {}
        self._joined = 0
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._scheduled = 0
        self._arrived: list[Evaluation] = []
        self._running = 0
        self._worked_s = 0.0
        for _ in range(simulation.workers):
            self._join()

    @property
    def busy_share(self) -> float:
        """Share of the lanes' time so far in which they evaluated something."""
        available_s = self.now_s * self._simulation.workers * self._simulation.lanes
        return self._worked_s / available_s if available_s else 0.0

    def free_slots(self) -> int:
        """Returns how many more candidates give each lane one running and one queued lease."""
        return self._dispatcher.free_slots

    def submit(self, candidates: Sequence[Candidate]) -> None:
        """Takes candidates at the present virtual time."""
        self._catch_up()
        self._dispatcher.submit(candidates)
        self._send()
        self._left_at = self._head_clock()

    def collect(self, *, timeout_s: float) -> list[Evaluation]:
        """Moves the clock to the next result, by at most ``timeout_s``, and returns what has arrived."""
        self._catch_up()
        deadline = self.now_s + timeout_s
        while self._dispatcher.in_flight and not self._arrived and self._next_event_at <= deadline:
            self._run_until(self._next_event_at)
        if self._dispatcher.in_flight and not self._arrived:
            self._run_until(deadline)
        arrived, self._arrived = self._arrived, []
        self._left_at = self._head_clock()
        return arrived

    def occupancy(self) -> Occupancy:
        """Returns the current state of the workers."""
        return self._dispatcher.occupancy()

    def close(self) -> None:
        """Drops the candidates in flight and all pending events."""
        self._events.clear()

    @property
    def _next_event_at(self) -> float:
        return self._events[0][0] if self._events else math.inf

    def _at(self, time_s: float, event: Callable[[], None]) -> None:
        # Numbered, so that events of the same time happen in the order of scheduling, and repeatably.
        heapq.heappush(self._events, (time_s, self._scheduled, event))
        self._scheduled += 1

    def _catch_up(self) -> None:
        """Lets as much time pass as the head took since its last call."""
        self._run_until(self.now_s + self._head_clock() - self._left_at)

    def _run_until(self, time_s: float) -> None:
        """Runs all events that are due by ``time_s``."""
        while self._next_event_at <= time_s:
            at_s, _, event = heapq.heappop(self._events)
            self._pass(at_s)
            event()
            self._send()
        self._pass(time_s)

    def _pass(self, time_s: float) -> None:
        self._worked_s += self._running * (time_s - self.now_s)
        self.now_s = time_s

    def _join(self) -> None:
        worker = _SimulatedWorker(f"worker-{self._joined}")
        self._joined += 1
        self._workers[worker.name] = worker
        self._dispatcher.join(worker.name, node="simulated")

    def _send(self) -> None:
        for lease in self._dispatcher.assign():
            worker = self._workers[lease.worker]
            worker.queue.append(lease)
            self._start(worker)

    def _start(self, worker: _SimulatedWorker) -> None:
        """Starts the worker's next lease if it has one and a lane for it."""
        if worker.dead or not worker.queue or worker.running == self._simulation.lanes:
            return
        lease = worker.queue.popleft()
        worker.running += 1
        self._running += 1
        course = self._course(lease)
        if course.elapsed_s < math.inf:
            self._at(self.now_s + course.elapsed_s, partial(self._end, worker, lease, course))

    def _end(self, worker: _SimulatedWorker, lease: Lease, course: _Course) -> None:
        self._running -= 1
        worker.running -= 1
        if worker.dead:  # another lane has ended it in the meantime
            return
        faults = self._simulation.faults
        deliver = partial(self._deliver, lease, course)
        if self._is_quiet and course.loss is None:
            self._start(worker)
            self._at(self.now_s, deliver)
            return
        rng = self._rng("delivery", lease.tickets[0])
        worker.dead = course.loss is not None
        if course.loss is LossCause.OVERRUN:
            # The executor ends such a worker itself, so it knows at once and which lease is to blame.
            self._lose(worker, LossCause.OVERRUN, overdue=(lease.id,))
        elif course.loss:
            noticed_at = self.now_s + faults.notice_s
            self._at(noticed_at, partial(self._lose, worker, course.loss))
            if rng.random() < faults.late:
                self._at(noticed_at + rng.uniform(0.0, faults.delay_s), deliver)
        else:
            self._start(worker)
            held_s = rng.uniform(0.0, faults.delay_s) if rng.random() < faults.delayed else 0.0
            self._at(self.now_s + held_s, deliver)
            if rng.random() < faults.duplicated:
                self._at(self.now_s + held_s + rng.uniform(0.0, faults.delay_s), deliver)

    def _course(self, lease: Lease) -> _Course:
        """Draws the course of a lease by the rules of `evaluate_lease`."""
        time_limit_s = self._simulation.time_limit_s or math.inf
        course = _Course()
        for ticket in lease.tickets:
            if course.elapsed_s >= LEASE_S:
                break
            course.started_s.append(course.elapsed_s)
            duration_s, lost_after = self._fate(ticket)
            if lost_after is not None:
                course.loss = LossCause.CRASHED
                course.elapsed_s += lost_after * min(duration_s, HARD_LIMIT_FACTOR * time_limit_s)
                break
            if duration_s > HARD_LIMIT_FACTOR * time_limit_s:
                course.loss = LossCause.OVERRUN
                course.elapsed_s = lease.hard_limit_s(time_limit_s)
                break
            course.elapsed_s += duration_s
        return course

    def _fate(self, ticket: Ticket) -> tuple[float, float | None]:
        """Returns the seconds that an attempt takes, and the share of them after which its worker is lost, if it is."""
        if self._is_quiet and self._duration_s is not None:
            # To make a generator would take longer than all the rest.
            return self._duration_s(ticket.candidate), None
        rng = self._rng("course", ticket)
        # Drawn in any case, so that a given duration does not shift what is drawn after it.
        drawn_s = self._simulation.mean_s * rng.uniform(0.5, 1.5)
        duration_s = drawn_s if self._duration_s is None else self._duration_s(ticket.candidate)
        return duration_s, rng.random() if rng.random() < self._simulation.faults.lost else None

    def _rng(self, purpose: str, ticket: Ticket) -> random.Random:
        return stream(self._simulation.seed, purpose, ticket.candidate.id, ticket.attempt)

    def _deliver(self, lease: Lease, course: _Course) -> None:
        outcomes = tuple(
            evaluate(self._objective, candidate, time_limit_s=None)
            for candidate in lease.candidates[: len(course.started_s)]
        )
        result = LeaseResult(outcomes, tuple(course.started_s), course.elapsed_s)
        self._arrived += self._dispatcher.finish(lease.id, result)

    def _lose(
        self, worker: _SimulatedWorker, cause: LossCause, *, overdue: Collection[int] | None = None
    ) -> None:
        del self._workers[worker.name]
        error = "simulated loss of the worker"
        self._arrived += self._dispatcher.lose(worker.name, cause=cause, error=error, overdue=overdue)
        self._at(self.now_s + self._simulation.faults.restart_s, self._join)
