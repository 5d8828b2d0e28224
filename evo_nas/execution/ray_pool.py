"""`RayPool`: trains candidates in long-lived Ray actors that never wait for the head."""

from __future__ import annotations

import logging
import math
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import ray
from ray.exceptions import RayError, RayTaskError

from evo_nas.errors import ConfigError, EvoNasError, ExecutionError
from evo_nas.execution.dispatch import Dispatcher
from evo_nas.execution.executor import Executor, Occupancy
from evo_nas.execution.lease import LossCause
from evo_nas.execution.placement import draining_nodes, explain_misfit, explain_waiting
from evo_nas.execution.ray_actors import RayActors
from evo_nas.execution.ray_start import start_private_ray
from evo_nas.execution.ray_worker import cause_of_loss, loss_in_words, worker_class

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from evo_nas.evaluation import Candidate, Evaluation
    from evo_nas.execution.worker import MakeEvaluator

_log = logging.getLogger(__name__)
LOOK_S = 2.0
"""Seconds between two checks of the nodes."""
GRACE_S = 1.0
"""Seconds that the head waits again for the result of a worker that seems overdue."""
PLACEMENT_S = 60.0
"""Seconds after which the pool says why a worker has not started; an autoscaler needs time to add a node."""
LEAST_PATIENCE = 3
"""A pool gives up after ``attempts`` losses in a row per worker; it counts as having at least this many workers.

One bad candidate costs a pool of a single worker ``attempts`` losses in a row, and must not end it.
"""


@dataclass(frozen=True, slots=True)
class RayOptions:
    """How the pool is sized and when it gives up.

    Attributes:
        workers: Actors to ask for; if there is no room for all, the others wait for nodes to join.
        lanes: Threads of each worker, each of which trains one candidate at a time.
        min_workers: Actors to keep when fewer candidates are left than workers; all of them for None.
        cpus_per_worker: CPUs that Ray reserves for each worker.
        gpus_per_worker: GPUs that Ray reserves for each worker; a fraction shares one.
        memory_per_worker: Bytes that Ray reserves for each worker; None to reserve none.
        attempts: Dispatches of a candidate whose worker is lost before it is poisoned; at least 2.
        time_limit_s: Seconds of computing after which an evaluator should stop; a worker that takes ten times as
            many on the clock is ended.
        startup_timeout_s: Seconds in which the first worker must be ready; None to let the pool wait for nodes.
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

    def __post_init__(self) -> None:
        for name in ("workers", "lanes"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} is {getattr(self, name)}; must be at least 1")

    @property
    def demand(self) -> dict[str, float]:
        """The resources of each worker by Ray's names."""
        demand = {
            "CPU": self.cpus_per_worker,
            "GPU": self.gpus_per_worker,
            "memory": self.memory_per_worker or 0,
        }
        return {name: amount for name, amount in demand.items() if amount}


class RayPool(Executor):
    """Trains candidates in Ray actors; the head decides about every retry and every replacement.

    It asks for all workers at once, so that an autoscaler sees the whole demand; a worker starts when a node has room
    for it. Workers on a node that will be removed are retired and started elsewhere. When fewer candidates are
    left than workers, the surplus workers give their resources back.

    It uses the Ray cluster that this process is connected to; if there is none, `start` starts a private one on this
    machine and `close` shuts it down.

    Args:
        make_evaluator: Called once in each worker. It is sent once, and its arrays are not copied.
        options: Size and limits.
        equip: Called when Ray runs and before the workers start; returns what makes the evaluator, such as with actors
            that the workers share.
    """

    def __init__(
        self,
        make_evaluator: MakeEvaluator,
        options: RayOptions,
        *,
        equip: Callable[[], MakeEvaluator] | None = None,
    ) -> None:
        self._make_evaluator = make_evaluator
        self._equip = equip
        self._shared_maker: Any = None
        self._options = options
        self._dispatcher = Dispatcher(
            attempts=options.attempts,
            clock=time.time,
            time_limit_s=options.time_limit_s,
            lanes=options.lanes,
        )
        actor_class = worker_class(
            cpus=options.cpus_per_worker,
            gpus=options.gpus_per_worker,
            memory=options.memory_per_worker,
            lanes=options.lanes,
        )
        self._actors = RayActors(actor_class, lanes=options.lanes, time_limit_s=options.time_limit_s)
        self._wanted = options.workers
        self._obstacle = ""
        self._looked_at = -math.inf
        self._ready = False
        self._owns_ray = False

    def start(self) -> None:
        """Asks for the workers, and waits for the first one unless the options let the pool wait for nodes.

        Ray replaces the handler of SIGTERM when it starts: install your own afterwards. SIGINT from a terminal does
        not reach the workers.

        Raises:
            ConfigError: This machine is too small for a worker.
            EvoNasError: Making the evaluator raised one in the first worker.
            ExecutionError: No worker could be started.
        """
        self._owns_ray = not ray.is_initialized()
        try:
            if self._owns_ray:
                cpus = math.ceil(self._options.workers * self._options.cpus_per_worker)
                start_private_ray(cpus, self._make_evaluator)
                self._refuse_misfit()
            self._shared_maker = ray.put(self._make_evaluator if self._equip is None else self._equip())
            self._balance()
            if self._options.startup_timeout_s is not None:
                self._await_first(self._options.startup_timeout_s)
        # Also after Ctrl-C: a start that was interrupted must not leave workers behind.
        except BaseException:
            self.close()
            raise

    def expect(self, candidates: int) -> None:
        """Dismisses workers that will not get any more candidates."""
        left = candidates + self._dispatcher.in_flight
        fewest = min(self._options.workers, self._options.min_workers or self._options.workers)
        self._wanted = max(fewest, min(self._options.workers, left))
        self._balance()

    def free_slots(self) -> int:
        """Returns how many more candidates give each lane one running and one queued lease."""
        return self._dispatcher.free_slots

    def submit(self, candidates: Sequence[Candidate]) -> None:
        """Sends candidates to workers as far as these can take more, and queues the others.

        Raises:
            ExecutionError: The pool was not started.
        """
        if self._shared_maker is None:
            raise ExecutionError("the pool is not started; use it as a context manager, or call start()")
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
            for reference in self._actors.arrived(until=until):
                evaluations += self._receive(reference)
            # Only after the results were read, so that a slow head does not end workers that are done.
            evaluations += self._end_overdue()
            evaluations += self._look_round()
            self._send()
            if time.monotonic() >= until:
                break
        return evaluations

    def occupancy(self) -> Occupancy:
        """Returns the current state of the workers; those that have not started count as waiting."""
        waiting = sum(actor.node_id is None for actor in self._actors.by_name.values())
        return replace(self._dispatcher.occupancy(), waiting=waiting, obstacle=self._obstacle)

    def close(self) -> None:
        """Ends the workers, and Ray if this pool started it."""
        owned, self._owns_ray = self._owns_ray, False
        # Shutting down an own Ray ends its workers; in a shared one they have to be killed.
        self._actors.clear(kill=not owned and ray.is_initialized())
        if owned:
            ray.shutdown()

    def _send(self) -> None:
        for lease in self._dispatcher.assign():
            self._actors.send(lease)

    def _balance(self) -> None:
        """Asks for missing workers and dismisses surplus ones: first those that wait, then those that are idle."""
        actors = self._actors.by_name
        staying = [name for name, actor in actors.items() if not actor.retiring]
        for _ in range(self._wanted - len(staying)):
            self._actors.create(self._shared_maker)
        waiting_first = sorted(staying, key=lambda name: actors[name].node_id is not None)
        # A waiting worker is idle, too; a busy one stays until a later call finds it idle.
        dismissable = [name for name in waiting_first if self._dispatcher.is_idle(name)]
        retired = [name for name, actor in actors.items() if actor.retiring]
        for name in (
            *dismissable[: max(0, len(staying) - self._wanted)],
            *filter(self._dispatcher.is_idle, retired),
        ):
            self._dispatcher.dismiss(name)
            self._actors.forget(name)

    def _look_round(self) -> list[Evaluation]:
        """Checks, every few seconds, for nodes that will be removed and for workers that have waited long."""
        now = time.monotonic()
        if now < self._looked_at + LOOK_S:
            return []
        self._looked_at = now
        evaluations: list[Evaluation] = []
        for node_id, deadline in draining_nodes().items():
            there = [name for name, actor in self._actors.by_name.items() if actor.node_id == node_id]
            for name in there:
                # Ray gives 0 if it does not know the time; then the workers are replaced when they are lost.
                evaluations += self._retire(name, overdue=0 < deadline <= time.time())
        self._balance()
        self._report_waiting(now)
        return evaluations

    def _retire(self, name: str, *, overdue: bool) -> list[Evaluation]:
        actor = self._actors.by_name[name]
        if not actor.retiring:
            actor.retiring = True
            self._dispatcher.retire(name)
            _log.info("%s gets nothing more: its node is about to go", name, extra={"worker": name})
        if not overdue or self._dispatcher.is_idle(name):
            return []
        return self._replace(name, cause=LossCause.PREEMPTED, reason="its node was taken away")

    def _refuse_misfit(self) -> None:
        """Refuses workers that are too large for this machine, which cannot grow as a cluster can."""
        misfit = explain_misfit(self._options.demand)
        if misfit:
            raise ConfigError(f"no worker fits on this machine: {misfit}, see `workers`")

    def _report_waiting(self, now: float) -> None:
        """Reports what workers wait for if they have waited long; before, an autoscaler may still be adding nodes."""
        waiting = [actor.created_at for actor in self._actors.by_name.values() if actor.node_id is None]
        obstacle = ""
        if waiting and now - min(waiting) >= PLACEMENT_S:
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
            for reference in self._actors.arrived(until=until):
                self._receive(reference)

    def _receive(self, reference: Any) -> list[Evaluation]:
        """Handles a reference that is ready: a start, a result, a late result, or the loss of a worker."""
        if self._actors.is_late(reference):
            self._drop(reference)
            return []
        name = self._actors.owner_of(reference)
        if name is None:  # an earlier reference of the same batch has reported the loss of this worker
            return []
        try:
            value = ray.get(reference)
        except RayError as error:
            return self._lose(name, error)
        lease = self._actors.settle(reference)
        if lease is not None:
            return self._dispatcher.finish(lease.id, value)
        self._ready = True
        self._actors.by_name[name].node_id = value.node_id
        self._dispatcher.join(name, node=value.host, starting_s=value.seconds)
        return []

    def _receive_arrived(self, name: str) -> list[Evaluation]:
        """Handles the results that arrived before their worker was lost."""
        evaluations: list[Evaluation] = []
        for reference in list(self._actors.by_name[name].sent):
            with suppress(RayError):
                if ray.wait([reference], timeout=0)[0]:
                    result = ray.get(reference)
                    lease = self._actors.settle(reference)
                    assert lease is not None
                    evaluations += self._dispatcher.finish(lease.id, result)
        return evaluations

    def _drop(self, reference: Any) -> None:
        """Counts the late result of a worker that was given up before."""
        lease_id = self._actors.settle_late(reference)
        try:
            result = ray.get(reference)
        except RayError:
            return
        assert not self._dispatcher.finish(lease_id, result)

    def _end_overdue(self) -> list[Evaluation]:
        evaluations: list[Evaluation] = []
        for name, overdue in self._actors.overdue().items():
            evaluations += self._end(name, overdue)
        return evaluations

    def _end(self, name: str, overdue: Sequence[Any]) -> list[Evaluation]:
        # If this process itself was suspended, the results have arrived and only have to be read.
        reported, missing = ray.wait(list(overdue), num_returns=len(overdue), timeout=GRACE_S)
        evaluations = [evaluation for reference in reported for evaluation in self._receive(reference)]
        actor = self._actors.by_name.get(name)
        if missing and actor is not None:
            overdue_ids = {actor.sent[reference].lease.id for reference in missing}
            evaluations += self._replace(
                name, cause=LossCause.OVERRUN, reason="passed ten times the time limit", overdue=overdue_ids
            )
        return evaluations

    def _lose(self, name: str, error: RayError) -> list[Evaluation]:
        reason = loss_in_words(error)
        # Before any worker was ready, an error in making the evaluator would repeat itself in all of them.
        if not self._ready and isinstance(error, RayTaskError):
            if isinstance(error.cause, EvoNasError):
                raise error.cause
            raise ExecutionError(f"a worker cannot build the evaluator: {reason}") from error
        # Other lanes may have reported before the loss; what they finished must not be blamed and done again.
        evaluations = self._receive_arrived(name)
        cause = cause_of_loss(error, retiring=self._actors.by_name[name].retiring)
        evaluations += self._replace(name, cause=cause, reason=reason)
        lost = self._dispatcher.losses_in_a_row
        if lost > self._options.attempts * max(LEAST_PATIENCE, self._options.workers):
            raise ExecutionError(
                f"{lost} workers were lost in a row without a result; the last one: {reason}"
            ) from error
        return evaluations

    def _replace(
        self, name: str, *, cause: LossCause, reason: str, overdue: Collection[int] | None = None
    ) -> list[Evaluation]:
        leases = [sent.lease for sent in self._actors.by_name[name].sent.values()]
        candidates = [candidate.id for lease in leases for candidate in lease.candidates]
        _log.warning("%s is replaced: %s", name, reason, extra={"worker": name, "candidates": candidates})
        self._actors.forget(name)
        evaluations = self._dispatcher.lose(name, cause=cause, error=reason, overdue=overdue)
        self._balance()
        return evaluations
