"""A worker as a Ray actor: its methods, its resources, and the causes of its loss."""

from __future__ import annotations

import socket
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import ray
from ray.exceptions import OutOfMemoryError, RayActorError, RayTaskError

from evo_nas.execution.lease import LossCause
from evo_nas.execution.worker import LeaseResult, evaluate_lease

if TYPE_CHECKING:
    from ray.exceptions import RayError

    from evo_nas.evaluation import Candidate
    from evo_nas.execution.worker import MakeEvaluator

_ENVIRONMENT = {
    # Read when torch is first imported; two spinning threads on a busy machine cost 5 to 25 times.
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OMP_WAIT_POLICY": "PASSIVE",
    # Read by glibc when a process starts: 256 MiB of freed memory are kept. By default the arrays of a step go
    # back to the system, which clears them for the next step.
    "MALLOC_TRIM_THRESHOLD_": str(2**28),
    "MALLOC_MMAP_THRESHOLD_": str(2**25),
}


@dataclass(frozen=True, slots=True)
class Started:
    """Name of a worker's machine, id of its node, and the seconds that the worker took to load everything."""

    host: str
    node_id: str
    seconds: float


class RayWorker:
    """Runs in a process of the cluster; its evaluator keeps the data loaded between leases.

    Ray shows the name of this class in the titles of its processes and in its dashboard. With several lanes, Ray
    calls `work` in as many threads.
    """

    def start(self, make_evaluator: MakeEvaluator, time_limit_s: float | None) -> Started:
        """Makes the evaluator and returns the place of this worker."""
        began = time.monotonic()
        self._evaluator = make_evaluator()
        self._time_limit_s = time_limit_s
        node_id: str = ray.get_runtime_context().get_node_id()
        return Started(socket.gethostname(), node_id, time.monotonic() - began)

    def work(self, candidates: tuple[Candidate, ...]) -> LeaseResult:
        """Evaluates a lease."""
        return evaluate_lease(self._evaluator, candidates, time_limit_s=self._time_limit_s)


def worker_class(*, cpus: float, gpus: float, memory: int | None, lanes: int) -> Any:
    """Returns the actor class of workers with these resources each; ``memory`` is in bytes."""
    # Ray restarts and retries nothing: it would not know which candidate to blame.
    return ray.remote(RayWorker).options(
        num_cpus=cpus,
        num_gpus=gpus,
        memory=memory,
        max_restarts=0,
        max_task_retries=0,
        max_concurrency=lanes,
        runtime_env={"env_vars": _ENVIRONMENT},
    )


def cause_of_loss(error: RayError, *, retiring: bool) -> LossCause:
    """Returns why a worker was lost; one that was ``retiring`` counts as lost with its node."""
    if isinstance(error, OutOfMemoryError):
        return LossCause.OUT_OF_MEMORY
    preempted = retiring or (isinstance(error, RayActorError) and error.preempted)
    return LossCause.PREEMPTED if preempted else LossCause.CRASHED


def loss_in_words(error: RayError) -> str:
    """Returns ``error`` as one line, without Ray's general advice."""
    if isinstance(error, OutOfMemoryError):
        return "OutOfMemoryError: Ray ended the worker since its machine ran out of memory"
    if isinstance(error, RayTaskError):
        return f"{type(error.cause).__name__}: {error.cause}"
    last = str(error).rstrip().rsplit("\n", 1)[-1].split(" Some common causes", 1)[0]
    return f"{type(error).__name__}: {last}"
