"""`RayPool`: long-lived Ray actors that are fed leases and never wait for the head."""

from __future__ import annotations

import logging
import math
import time
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TYPE_CHECKING, Any

import ray
from ray.exceptions import RayError, RayTaskError

from evo_nas.errors import ConfigError, EvoNasError, ExecutionError
from evo_nas.execution.dispatch import Dispatcher, Lease, Loss, Report
from evo_nas.execution.executor import Executor, Occupancy
from evo_nas.execution.local_ray import start_local
from evo_nas.execution.ray_worker import cause_of_loss, loss_in_words, worker_class
from evo_nas.execution.room import draining_nodes, explain_misfit, explain_waiting

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from evo_nas.evaluation import Candidate, Evaluation
    from evo_nas.execution.executor import EvaluatorFactory

_log = logging.getLogger(__name__)
LOOK_S = 2.0
"""Seconds between looks at which nodes are there and which are about to go."""
GRACE_S = 1.0
"""Seconds that a worker which seems overdue gets to have reported after all."""


@dataclass(frozen=True, slots=True)
class RayOptions:
    """How the pool is sized and when it gives up.

    Attributes:
        workers: Actors to ask for; those that find no room wait for nodes to join.
        lanes: Candidates that each trains at the same time, in threads of its own.
        min_workers: Actors to keep when fewer candidates are left than workers; all of them for None.
        cpus_per_worker: CPUs that Ray sets aside for each.
        gpus_per_worker: GPUs that Ray sets aside for each; a fraction shares one.
        memory_per_worker: Bytes that Ray sets aside for each; none for None.
        attempts: Dispatches of a candidate whose worker is lost before it is poisoned; at least 2.
        time_limit_s: Seconds after which an evaluator should stop; a worker that passes twice that is ended.
        startup_timeout_s: Seconds in which the first worker must be ready; None to let the pool wait for nodes.
        placement_timeout_s: Seconds after which it is told why a worker has not started; an autoscaler needs some
            to add a node.
    """

    workers: int
    lanes: int = 1
    min_workers: int | None = None
    cpus_per_worker: float = 1.0
    gpus_per_worker: float = 0.0
    memory_per_worker: int | None = None
    attempts: int = 3
    time_limit_s: float | None = None
    startup_timeout_s: float | None = 120.0
    placement_timeout_s: float = 60.0

    def __post_init__(self) -> None:
        for name in ("workers", "lanes"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} is {getattr(self, name)}; must be at least 1")

    @property
    def demand(self) -> dict[str, float]:
        """What each worker asks of Ray, by the names of Ray's resources."""
        demand = {
            "CPU": self.cpus_per_worker,
            "GPU": self.gpus_per_worker,
            "memory": self.memory_per_worker or 0,
        }
        return {name: amount for name, amount in demand.items() if amount}


@dataclass(slots=True)
class _Sent:
    """A lease on its way, and when by this clock it became one of those that its worker runs."""

    lease: Lease
    running_since: float = math.inf


@dataclass(slots=True)
class _Actor:
    """An actor and what it owes: a reference for its start and for each lease, oldest first."""

    handle: Any
    starting: Any
    created_at: float
    node_id: str | None = None
    retiring: bool = False
    leases: dict[Any, _Sent] = field(default_factory=dict)


class RayPool(Executor):
    """Trains candidates in Ray actors; the head decides about every retry and every replacement.

    Asks for all workers at once, so that an autoscaler sees what is wanted; those that find a node start. Workers
    on a node that is about to go are retired and asked for elsewhere. When fewer candidates are left than
    workers, the others give their room back.

    Uses the Ray cluster that this process is connected to; if there is none, starts a private one on this
    machine and shuts it down at `close`. Ray replaces the handler of SIGTERM when it starts: install your own
    afterwards. SIGINT from a terminal does not reach the workers.

    Args:
        factory: Builds the evaluator once in each worker; sent once, its arrays without a copy.
        options: Size and limits.

    Raises:
        ConfigError: This machine is too small for a worker.
        EvoNasError: The factory raised one in the first worker.
        ExecutionError: No worker could be started.
    """

    def __init__(self, factory: EvaluatorFactory, options: RayOptions) -> None:
        self._options = options
        self._dispatcher = Dispatcher(
            attempts=options.attempts,
            clock=time.time,
            time_limit_s=options.time_limit_s,
            lanes=options.lanes,
        )
        self._actors: dict[str, _Actor] = {}
        self._owner: dict[Any, str] = {}
        self._worker_class = worker_class(
            cpus=options.cpus_per_worker,
            gpus=options.gpus_per_worker,
            memory=options.memory_per_worker,
            lanes=options.lanes,
        )
        self._created = 0
        self._wanted = options.workers
        self._late: dict[Any, int] = {}
        self._obstacle = ""
        self._looked_at = -math.inf
        self._ready = False
        self._owns_ray = not ray.is_initialized()
        try:
            if self._owns_ray:
                start_local(math.ceil(options.workers * options.cpus_per_worker), factory)
                self._refuse_misfit()
            self._factory = ray.put(factory)
            self._balance()
            if options.startup_timeout_s is not None:
                self._await_first(options.startup_timeout_s)
        except BaseException:
            self.close()
            raise

    def expect(self, candidates: int) -> None:
        """Gives back the room of workers that will get nothing more."""
        left = candidates + self._dispatcher.in_flight
        fewest = min(self._options.workers, self._options.min_workers or self._options.workers)
        self._wanted = max(fewest, min(self._options.workers, left))
        self._balance()

    def free_slots(self) -> int:
        """Returns how many more candidates give each lane one running and one queued lease."""
        return self._dispatcher.free_slots

    def submit(self, candidates: Sequence[Candidate]) -> None:
        """Sends candidates to workers as far as these have room, and queues the others."""
        self._dispatcher.submit(candidates)
        self._send()

    def collect(self, *, timeout_s: float) -> list[Evaluation]:
        """Returns everything that has arrived.

        Raises:
            ExecutionError: Workers are lost one after another without a result.
        """
        until = time.monotonic() + timeout_s
        evaluations: list[Evaluation] = []
        while self._dispatcher.in_flight and not evaluations:
            for reference in self._arrived(until):
                evaluations += self._receive(reference)
            evaluations += self._end_overdue()
            evaluations += self._look_round()
            self._send()
            if time.monotonic() >= until:
                break
        return evaluations

    def occupancy(self) -> Occupancy:
        """Returns what the workers are doing now; those that still start or wait for room are counted apart."""
        waiting = sum(actor.node_id is None for actor in self._actors.values())
        return replace(self._dispatcher.occupancy(), waiting=waiting, obstacle=self._obstacle)

    def close(self) -> None:
        """Ends the workers, and Ray if this pool started it."""
        actors, self._actors, self._owner, self._late = self._actors, {}, {}, {}
        if self._owns_ray:
            ray.shutdown()
        elif ray.is_initialized():
            for actor in actors.values():
                ray.kill(actor.handle)

    def _create(self) -> None:
        name = f"worker-{self._created}"
        self._created += 1
        handle: Any = self._worker_class.remote()
        starting = handle.start.remote(self._factory, self._options.time_limit_s)
        self._actors[name] = _Actor(handle, starting, created_at=time.monotonic())
        self._owner[starting] = name

    def _balance(self) -> None:
        """Asks for missing workers and dismisses those too many: first who waits, then who is idle."""
        staying = [name for name, actor in self._actors.items() if not actor.retiring]
        for _ in range(self._wanted - len(staying)):
            self._create()
        waiting_first = sorted(staying, key=lambda name: self._actors[name].node_id is not None)
        dismissable = [name for name in waiting_first if self._dispatcher.is_idle(name)]
        retired = [name for name, actor in self._actors.items() if actor.retiring]
        for name in (
            *dismissable[: max(0, len(staying) - self._wanted)],
            *filter(self._dispatcher.is_idle, retired),
        ):
            self._dispatcher.dismiss(name)
            self._forget(name)

    def _forget(self, name: str) -> None:
        actor = self._actors.pop(name)
        self._owner.pop(actor.starting, None)
        for reference, sent in actor.leases.items():
            if self._owner.pop(reference, None) is not None:
                self._late[reference] = sent.lease.id
        ray.kill(actor.handle)

    def _look_round(self) -> list[Evaluation]:
        """Every few seconds, sees which nodes are about to go and who has been waiting for long."""
        now = time.monotonic()
        if now < self._looked_at + LOOK_S:
            return []
        self._looked_at = now
        evaluations: list[Evaluation] = []
        for node_id, deadline in draining_nodes().items():
            for name in [name for name, actor in self._actors.items() if actor.node_id == node_id]:
                evaluations += self._retire(name, overdue=0 < deadline <= time.time())
        self._balance()
        self._report_waiting(now)
        return evaluations

    def _retire(self, name: str, *, overdue: bool) -> list[Evaluation]:
        actor = self._actors[name]
        if not actor.retiring:
            actor.retiring = True
            self._dispatcher.retire(name)
            _log.info("%s gets nothing more: its node is about to go", name, extra={"worker": name})
        if not overdue or self._dispatcher.is_idle(name):
            return []
        return self._replace(name, loss=Loss.PREEMPTED, reason="its node was taken away")

    def _refuse_misfit(self) -> None:
        """Says at once what this machine lacks; nobody will add to it."""
        misfit = explain_misfit(self._options.demand)
        if misfit:
            raise ConfigError(f"no worker fits on this machine: {misfit}, see `workers`")

    def _report_waiting(self, now: float) -> None:
        """Tells what workers wait for when it has been long; until then an autoscaler may be adding nodes."""
        waiting = [actor.created_at for actor in self._actors.values() if actor.node_id is None]
        obstacle = ""
        if waiting and now - min(waiting) >= self._options.placement_timeout_s:
            obstacle = explain_waiting(self._options.demand)
        if obstacle and obstacle != self._obstacle:
            _log.warning("%d workers have not started: %s", len(waiting), obstacle)
        self._obstacle = obstacle

    def _await_first(self, timeout_s: float) -> None:
        until = time.monotonic() + timeout_s
        while not self._ready:
            if time.monotonic() >= until:
                raise ExecutionError(
                    f"no worker was ready within startup_timeout_s = {timeout_s:g} s: "
                    f"{explain_waiting(self._options.demand)}; ask for less, free or add nodes"
                )
            for reference in self._arrived(until):
                self._receive(reference)

    def _arrived(self, until: float) -> list[Any]:
        """Returns the references that are ready, in the order of sending; waits for the first one."""
        pending = [*self._owner, *self._late]
        wait_s = max(0.0, min(until, self._next_deadline()) - time.monotonic())
        if not ray.wait(pending, timeout=wait_s)[0]:
            return []
        ready: list[Any] = ray.wait(pending, num_returns=len(pending), timeout=0)[0]
        return ready

    def _receive(self, reference: Any) -> list[Evaluation]:
        if reference in self._late:
            self._drop(reference)
            return []
        name = self._owner.get(reference)
        if name is None:  # an earlier reference of the same batch told that its worker is lost
            return []
        try:
            value = ray.get(reference)
        except RayError as error:
            return self._lose(name, error)
        del self._owner[reference]
        actor = self._actors[name]
        if reference == actor.starting:
            self._ready = True
            actor.node_id = value.node_id
            self._dispatcher.join(name, node=value.host, starting_s=value.seconds)
            return []
        return self._accept(actor, reference, value)

    def _accept(self, actor: _Actor, reference: Any, report: Report) -> list[Evaluation]:
        lease = actor.leases.pop(reference).lease
        self._run_oldest(actor)
        return self._dispatcher.finish(lease.id, report)

    def _accept_arrived(self, name: str) -> list[Evaluation]:
        """Takes what other lanes of a lost worker had reported before."""
        actor = self._actors[name]
        evaluations: list[Evaluation] = []
        for reference in list(actor.leases):
            with suppress(RayError):
                if reference in self._owner and ray.wait([reference], timeout=0)[0]:
                    evaluations += self._accept(actor, reference, ray.get(reference))
                    del self._owner[reference]
        return evaluations

    def _drop(self, reference: Any) -> None:
        """Counts the report of a worker that was given up before, if it is one."""
        lease_id = self._late.pop(reference)
        try:
            report = ray.get(reference)
        except RayError:
            return
        assert not self._dispatcher.finish(lease_id, report)

    def _send(self) -> None:
        for lease in self._dispatcher.assign():
            actor = self._actors[lease.worker]
            reference = actor.handle.work.remote(lease.candidates)
            actor.leases[reference] = _Sent(lease)
            self._run_oldest(actor)
            self._owner[reference] = lease.worker

    def _run_oldest(self, actor: _Actor) -> None:
        """Starts the clock of every lease that has a lane by now."""
        for sent in islice(actor.leases.values(), self._options.lanes):
            sent.running_since = min(sent.running_since, time.monotonic())

    def _deadlines(self, actor: _Actor) -> Iterator[tuple[Any, float]]:
        """Yields each running lease of ``actor`` and when it passes the hard limit."""
        if self._options.time_limit_s is not None:
            for reference, sent in islice(actor.leases.items(), self._options.lanes):
                yield reference, sent.running_since + sent.lease.hard_limit_s(self._options.time_limit_s)

    def _next_deadline(self) -> float:
        running = (deadline for actor in self._actors.values() for _, deadline in self._deadlines(actor))
        return min(running, default=math.inf)

    def _end_overdue(self) -> list[Evaluation]:
        now = time.monotonic()
        evaluations: list[Evaluation] = []
        for name, actor in list(self._actors.items()):
            overdue = [reference for reference, deadline in self._deadlines(actor) if deadline <= now]
            if overdue:
                evaluations += self._end(name, overdue)
        return evaluations

    def _end(self, name: str, overdue: list[Any]) -> list[Evaluation]:
        # Where it was this process that stood still, the reports are there and only have to be fetched.
        reported, missing = ray.wait(overdue, num_returns=len(overdue), timeout=GRACE_S)
        evaluations = [evaluation for reference in reported for evaluation in self._receive(reference)]
        if missing and name in self._actors:
            overdue_ids = {self._actors[name].leases[reference].lease.id for reference in missing}
            evaluations += self._replace(
                name, loss=Loss.OVERRUN, reason="passed twice the time limit", overdue=overdue_ids
            )
        return evaluations

    def _lose(self, name: str, error: RayError) -> list[Evaluation]:
        reason = loss_in_words(error)
        if not self._ready and isinstance(error, RayTaskError):
            if isinstance(error.cause, EvoNasError):
                raise error.cause
            raise ExecutionError(f"a worker cannot build the evaluator: {reason}") from error
        evaluations = self._accept_arrived(name)
        loss = cause_of_loss(error, retiring=self._actors[name].retiring)
        evaluations += self._replace(name, loss=loss, reason=reason)
        lost = self._dispatcher.losses_in_a_row
        if lost > self._options.attempts * max(3, self._options.workers):
            raise ExecutionError(
                f"{lost} workers were lost in a row without a result; the last one: {reason}"
            ) from error
        return evaluations

    def _replace(
        self, name: str, *, loss: Loss, reason: str, overdue: Collection[int] | None = None
    ) -> list[Evaluation]:
        leases = [sent.lease for sent in self._actors[name].leases.values()]
        candidates = [candidate.id for lease in leases for candidate in lease.candidates]
        _log.warning("%s is replaced: %s", name, reason, extra={"worker": name, "candidates": candidates})
        self._forget(name)
        evaluations = self._dispatcher.lose(name, loss=loss, error=reason, overdue=overdue)
        self._balance()
        return evaluations
