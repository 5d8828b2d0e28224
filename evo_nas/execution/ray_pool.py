"""`RayPool`: long-lived Ray actors that are fed leases and never wait for the head."""

from __future__ import annotations

import logging
import math
import os
import secrets
import socket
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ray
import ray.cloudpickle
from ray.exceptions import OutOfMemoryError, RayError, RayTaskError

from evo_nas.errors import ConfigError, EvoNasError, ExecutionError
from evo_nas.execution.dispatch import Dispatcher, Lease, Loss, Report, work
from evo_nas.execution.executor import Executor, Occupancy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evo_nas.evaluation import Candidate, Evaluation
    from evo_nas.execution.executor import EvaluatorFactory

_log = logging.getLogger(__name__)
_OBJECT_STORE_BYTES = 80 * 2**20
_WORKER_ENVIRONMENT = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}
"""Read when torch is first imported; two spinning threads on a busy machine cost 5 to 25 times."""


@dataclass(frozen=True, slots=True)
class RayOptions:
    """How the pool is sized and when it gives up.

    Attributes:
        workers: Actors to keep; those that find no room wait for nodes to join.
        cpus_per_worker: CPUs that Ray sets aside for each.
        gpus_per_worker: GPUs that Ray sets aside for each; a fraction shares one.
        attempts: Dispatches of a candidate whose worker is lost before it is poisoned; at least 2.
        time_limit_s: Seconds after which an evaluator should stop; a worker that passes twice that is ended.
        startup_timeout_s: Seconds in which the first worker must be ready.
    """

    workers: int
    cpus_per_worker: float = 1.0
    gpus_per_worker: float = 0.0
    attempts: int = 3
    time_limit_s: float | None = None
    startup_timeout_s: float = 120.0

    def __post_init__(self) -> None:
        if self.workers < 1:
            raise ConfigError(f"workers is {self.workers}; must be at least 1")


class _Worker:
    """Lives in a process of the cluster; what the evaluator loaded stays between leases."""

    def start(self, factory: EvaluatorFactory, time_limit_s: float | None) -> str:
        """Builds the evaluator and returns the name of the machine."""
        self._evaluator = factory()
        self._time_limit_s = time_limit_s
        return socket.gethostname()

    def work(self, candidates: tuple[Candidate, ...]) -> Report:
        """Evaluates a lease."""
        return work(self._evaluator, candidates, time_limit_s=self._time_limit_s)


@dataclass(slots=True)
class _Actor:
    """An actor and what it owes: a reference for its start and for each lease, oldest first."""

    handle: Any
    starting: Any
    leases: dict[Any, Lease] = field(default_factory=dict)
    running_since: float = 0.0


class RayPool(Executor):
    """Trains candidates in Ray actors; the head decides about every retry and every replacement.

    Uses the Ray cluster that this process is connected to; if there is none, starts a private one on this
    machine and shuts it down at `close`. Ray replaces the handler of SIGTERM when it starts: install your own
    afterwards. SIGINT from a terminal does not reach the workers.

    Args:
        factory: Builds the evaluator once in each worker; sent once, its arrays without a copy.
        options: Size and limits.

    Raises:
        EvoNasError: The factory raised one in the first worker.
        ExecutionError: No worker could be started.
    """

    def __init__(self, factory: EvaluatorFactory, options: RayOptions) -> None:
        self._options = options
        self._dispatcher = Dispatcher(
            attempts=options.attempts, clock=time.time, time_limit_s=options.time_limit_s
        )
        self._actors: dict[str, _Actor] = {}
        self._owner: dict[Any, str] = {}
        self._worker_class = ray.remote(_Worker).options(
            num_cpus=options.cpus_per_worker,
            num_gpus=options.gpus_per_worker,
            max_restarts=0,
            max_task_retries=0,
            runtime_env={"env_vars": _WORKER_ENVIRONMENT},
        )
        self._created = 0
        self._ready = False
        self._losses_in_a_row = 0
        self._owns_ray = not ray.is_initialized()
        try:
            if self._owns_ray:
                _start_local(options, _size_bytes(factory))
            self._factory = ray.put(factory)
            for _ in range(options.workers):
                self._create()
            self._await_first()
        except BaseException:
            self.close()
            raise

    def free_slots(self) -> int:
        """Returns how many more candidates give each worker one running and one queued lease."""
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
            self._send()
            if time.monotonic() >= until:
                break
        return evaluations

    def occupancy(self) -> Occupancy:
        """Returns what the workers are doing now; those that still start or wait for room do not count."""
        return self._dispatcher.occupancy()

    def close(self) -> None:
        """Ends the workers, and Ray if this pool started it."""
        actors, self._actors, self._owner = self._actors, {}, {}
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
        self._actors[name] = _Actor(handle, starting)
        self._owner[starting] = name

    def _await_first(self) -> None:
        until = time.monotonic() + self._options.startup_timeout_s
        while not self._ready:
            if time.monotonic() >= until:
                raise ExecutionError(_no_room(self._options))
            for reference in self._arrived(until):
                self._receive(reference)

    def _arrived(self, until: float) -> list[Any]:
        """Returns the references that are ready, in the order of sending; waits for the first one."""
        pending = list(self._owner)
        wait_s = max(0.0, min(until, self._next_deadline()) - time.monotonic())
        if not ray.wait(pending, timeout=wait_s)[0]:
            return []
        ready: list[Any] = ray.wait(pending, num_returns=len(pending), timeout=0)[0]
        return ready

    def _receive(self, reference: Any) -> list[Evaluation]:
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
            self._dispatcher.join(name, node=value)
            return []
        actor.running_since = time.monotonic()
        self._losses_in_a_row = 0
        return self._dispatcher.finish(actor.leases.pop(reference).id, value)

    def _send(self) -> None:
        for lease in self._dispatcher.assign():
            actor = self._actors[lease.worker]
            if not actor.leases:
                actor.running_since = time.monotonic()
            reference = actor.handle.work.remote(lease.candidates)
            actor.leases[reference] = lease
            self._owner[reference] = lease.worker

    def _deadline(self, actor: _Actor) -> float:
        if self._options.time_limit_s is None or not actor.leases:
            return math.inf
        running = next(iter(actor.leases.values()))
        return actor.running_since + running.hard_limit_s(self._options.time_limit_s)

    def _next_deadline(self) -> float:
        if self._options.time_limit_s is None:
            return math.inf
        return min(map(self._deadline, self._actors.values()))

    def _end_overdue(self) -> list[Evaluation]:
        now = time.monotonic()
        overdue = [name for name, actor in self._actors.items() if self._deadline(actor) <= now]
        evaluations: list[Evaluation] = []
        for name in overdue:
            evaluations += self._replace(name, loss=Loss.OVERRUN, reason="passed twice the time limit")
        return evaluations

    def _lose(self, name: str, error: RayError) -> list[Evaluation]:
        reason = _reason(error)
        if not self._ready and isinstance(error, RayTaskError):
            if isinstance(error.cause, EvoNasError):
                raise error.cause
            raise ExecutionError(f"a worker cannot build the evaluator: {reason}") from error
        self._losses_in_a_row += 1
        if self._losses_in_a_row > self._options.attempts * max(3, self._options.workers):
            raise ExecutionError(
                f"{self._losses_in_a_row} workers were lost in a row without a result; the last one: {reason}"
            ) from error
        loss = Loss.OUT_OF_MEMORY if isinstance(error, OutOfMemoryError) else Loss.CRASHED
        return self._replace(name, loss=loss, reason=reason)

    def _replace(self, name: str, *, loss: Loss, reason: str) -> list[Evaluation]:
        _log.warning("%s is replaced: %s", name, reason)
        actor = self._actors.pop(name)
        for reference in (actor.starting, *actor.leases):
            self._owner.pop(reference, None)
        ray.kill(actor.handle)
        self._create()
        return self._dispatcher.lose(name, loss=loss, error=reason)


def _start_local(options: RayOptions, factory_bytes: int) -> None:
    """Starts a private Ray on this machine; only this process and its children know its token."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    # Ray itself would write the token to a file that everyone on the machine can read.
    token_known = {"RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"} & os.environ.keys()
    if not token_known and not Path("~/.ray/auth_token").expanduser().exists():
        os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)
    try:
        ray.init(
            address="local",
            num_cpus=math.ceil(options.workers * options.cpus_per_worker),
            object_store_memory=_OBJECT_STORE_BYTES + 2 * factory_bytes,
            include_dashboard=False,
            log_to_driver=False,
            logging_level=logging.ERROR,
        )
    except (OSError, RuntimeError, ValueError) as error:
        raise ExecutionError(f"Ray cannot be started on this machine: {error}") from error


def _size_bytes(factory: EvaluatorFactory) -> int:
    buffers: list[Any] = []
    pickled = ray.cloudpickle.dumps(factory, protocol=5, buffer_callback=buffers.append)
    return len(pickled) + sum(len(buffer.raw()) for buffer in buffers)


def _no_room(options: RayOptions) -> str:
    available = ray.available_resources()
    return (
        f"no worker was ready within startup_timeout_s = {options.startup_timeout_s:g} s; each of the "
        f"{options.workers} asks for {options.cpus_per_worker:g} CPUs and {options.gpus_per_worker:g} GPUs, "
        f"and Ray has {available.get('CPU', 0):g} CPUs and {available.get('GPU', 0):g} GPUs free; "
        "ask for less, free or add nodes, or raise startup_timeout_s"
    )


def _reason(error: RayError) -> str:
    """Returns what happened in one line, without Ray's advice."""
    if isinstance(error, OutOfMemoryError):
        return "OutOfMemoryError: Ray ended the worker since its machine ran out of memory"
    if isinstance(error, RayTaskError):
        return f"{type(error.cause).__name__}: {error.cause}"
    last = str(error).rstrip().rsplit("\n", 1)[-1].split(" Some common causes", 1)[0]
    return f"{type(error).__name__}: {last}"
