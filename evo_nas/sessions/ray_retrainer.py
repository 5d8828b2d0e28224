"""`RayRetrainer`: makes the trainings of a verdict as Ray tasks, in parallel and with the resources of workers."""

from __future__ import annotations

import logging
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, TypeVar

import ray
from ray.exceptions import RayError, RayTaskError

from evo_nas.champion.assessment import assess_one
from evo_nas.champion.retrain import retrain_one
from evo_nas.errors import ExecutionError
from evo_nas.execution.placement import explain_misfit
from evo_nas.sessions.ray_running import demand_of, running_ray
from evo_nas.sessions.retrainer import Retrainer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Self

    from evo_nas.champion.assessment import Assessed, Assessment
    from evo_nas.champion.retrain import Retrained, Retraining
    from evo_nas.config import TrainingConfig, WorkerOptions
    from evo_nas.experiment import ExecutorKind, Experiment
    from evo_nas.progress import Progress
    from evo_nas.runs import Run
    from evo_nas.tasks.dataset import Dataset

_Request = TypeVar("_Request")
_Result = TypeVar("_Result")
_log = logging.getLogger(__name__)
TICK_S = 1.0
RETRIES = 3
"""How often Ray repeats a training whose worker or node was lost."""
PATIENCE_S = 60.0
"""Seconds without a result after which it is looked whether any node can hold a training at all."""


class RayRetrainer(Retrainer):
    """Makes trainings and assessments in the Ray that this process is part of, in a cluster, or on this machine.

    Without a Ray and an address it starts a private one with the first training. So what needs no training needs no
    Ray either.

    Args:
        workers: The resources of each; as many run at once as the search has workers.
        address: ``auto`` or ``host:port`` of the cluster that this process joins.
        executor: Where a search is run, ``ray`` on this machine or ``cluster``.
    """

    def __init__(
        self, workers: WorkerOptions, *, address: str | None = None, executor: ExecutorKind = "ray"
    ) -> None:
        self.workers = workers
        self._address = address
        self._executor: ExecutorKind = executor
        self._ray = ExitStack()
        self._has_ray = False

    def __enter__(self) -> Self:
        # A wrong address is said before data are read; a private Ray is sized by them.
        if self._address is not None:
            self.require_ray(None)
        return self

    def require_ray(self, shared: object) -> None:
        """Joins the cluster or starts a private Ray, unless that was done.

        Args:
            shared: Object for which a private Ray needs room, such as the data set.

        Raises:
            ConfigError: This machine is too small for a worker.
            ExecutionError: Ray cannot be started, or no cluster answers.
        """
        if not self._has_ray:
            self._ray.enter_context(running_ray(self.workers, shared=shared, address=self._address))
            self._has_ray = True

    def close(self) -> None:
        """Leaves the cluster, or ends the Ray that was started."""
        self._has_ray = False
        self._ray.close()

    def retrain(
        self, requests: Sequence[Retraining], dataset: Dataset, training: TrainingConfig
    ) -> Iterator[tuple[Retraining, Retrained, bytes | None] | None]:
        """Yields each training when it is made, in the order in which they end, and None each second in between.

        Raises:
            ConfigError: This machine is too small for a worker.
            ExecutionError: A training was lost more often than Ray repeats it, or there is no Ray.
        """
        for made in self._run(retrain_one, requests, dataset, training):
            yield None if made is None else (made[0], *made[1])

    def assess(
        self, requests: Sequence[Assessment], dataset: Dataset, training: TrainingConfig
    ) -> Iterator[tuple[Assessment, Assessed] | None]:
        """Yields each assessment when it is made, as the trainings; raises as `retrain` does."""
        return self._run(assess_one, requests, dataset, training)

    def search(self, experiment: Experiment, run: Run) -> Iterator[Progress]:
        """Searches ``run`` on workers of the same Ray, and yields its progress after each turn.

        Raises:
            RunError: Another process searches that run, or results can no longer be committed.
            ExecutionError: Workers cannot be kept alive, or there is no Ray.
        """
        self.require_ray(experiment.dataset)
        with experiment.open(run, executor=self._executor) as search:
            while not search.ended:
                search.step()
                yield search.progress()

    def _run(
        self,
        make: Callable[[_Request, Dataset, TrainingConfig], _Result],
        requests: Sequence[_Request],
        dataset: Dataset,
        training: TrainingConfig,
    ) -> Iterator[tuple[_Request, _Result] | None]:
        if not requests:
            return
        self.require_ray(dataset)
        # Stored once for all trainings; as a plain argument every task would carry its own copy.
        data = ray.put(dataset)
        run = ray.remote(make).options(
            num_cpus=self.workers.cpus,
            num_gpus=self.workers.gpus,
            memory=self.workers.memory_bytes,
            max_retries=RETRIES,
            # One thread, as workers have: only then does the same seed give the same weights.
            runtime_env={"env_vars": {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}},
        )
        waiting = list(requests)
        running: dict[Any, _Request] = {}
        explained_at = time.monotonic() + PATIENCE_S
        try:
            while waiting or running:
                while waiting and len(running) < self.workers.most:
                    request = waiting.pop(0)
                    running[run.remote(request, data, training)] = request
                done, _ = ray.wait(list(running), timeout=TICK_S)
                if not done:
                    if time.monotonic() >= explained_at:
                        explained_at = float("inf")
                        self._explain_waiting()
                    # There may be no worker for a long time, and somebody may want to stop meanwhile.
                    yield None
                for reference in done:
                    result = ray.get(reference)
                    yield running.pop(reference), result
        except RayTaskError as error:
            raise ExecutionError(
                f"a training of the verdict failed: {type(error.cause).__name__}: {error.cause}; those that were "
                "made are kept"
            ) from error
        except RayError as error:
            last = str(error).strip().rsplit("\n", 1)[-1]
            raise ExecutionError(
                f"a training of the verdict was lost ({type(error).__name__}: {last}); those that were made are "
                "kept: give the same command again"
            ) from error
        finally:
            # A caller that stops early leaves trainings behind that would hold the resources of workers.
            for reference in running:
                ray.cancel(reference, force=True)

    def _explain_waiting(self) -> None:
        """Logs why no training can start, if no node is large enough."""
        if misfit := explain_misfit(demand_of(self.workers)):
            _log.warning("no training has started: %s, unless an autoscaler is adding one", misfit)
