"""Runs the trainings of a verdict as Ray tasks, in parallel and with the resources of workers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import ray
from ray.exceptions import RayError, RayTaskError

from evo_nas.champion.assessment import assess_one
from evo_nas.champion.retrain import retrain_one
from evo_nas.errors import ExecutionError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from evo_nas.champion.assessment import Assessed, Assessment
    from evo_nas.champion.retrain import Retrained, Retraining
    from evo_nas.config import TrainingConfig, WorkerOptions
    from evo_nas.tasks.dataset import Dataset

_Request = TypeVar("_Request")
_Result = TypeVar("_Result")
TICK_S = 1.0
RETRIES = 3
"""How often Ray repeats a training whose worker or node was lost."""


class RayRetrain:
    """Runs the trainings and assessments of a verdict in the cluster that this process is part of.

    Args:
        workers: The resources of each; as many run at once as the search has workers.
    """

    def __init__(self, workers: WorkerOptions) -> None:
        self._workers = workers

    def __call__(
        self, requests: Sequence[Retraining], dataset: Dataset, training: TrainingConfig
    ) -> Iterator[tuple[Retraining, Retrained, bytes | None] | None]:
        """Yields each training when it is made, in the order in which they end, and None each second in between.

        Raises:
            ExecutionError: A training was lost more often than Ray repeats it.
        """
        for made in self._run(retrain_one, requests, dataset, training):
            yield None if made is None else (made[0], *made[1])

    def assess(
        self, requests: Sequence[Assessment], dataset: Dataset, training: TrainingConfig
    ) -> Iterator[tuple[Assessment, Assessed] | None]:
        """Yields each assessment when it is made, as the trainings.

        Raises:
            ExecutionError: As for trainings.
        """
        return self._run(assess_one, requests, dataset, training)

    def _run(
        self,
        make: Callable[[_Request, Dataset, TrainingConfig], _Result],
        requests: Sequence[_Request],
        dataset: Dataset,
        training: TrainingConfig,
    ) -> Iterator[tuple[_Request, _Result] | None]:
        if not requests:
            return
        # Stored once for all trainings; as a plain argument every task would carry its own copy.
        data = ray.put(dataset)
        run = ray.remote(make).options(
            num_cpus=self._workers.cpus,
            num_gpus=self._workers.gpus,
            memory=self._workers.memory_bytes,
            max_retries=RETRIES,
            # One thread, as workers have: only then does the same seed give the same weights.
            runtime_env={"env_vars": {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}},
        )
        waiting = list(requests)
        running: dict[Any, _Request] = {}
        try:
            while waiting or running:
                while waiting and len(running) < self._workers.most:
                    request = waiting.pop(0)
                    running[run.remote(request, data, training)] = request
                done, _ = ray.wait(list(running), timeout=TICK_S)
                if (
                    not done
                ):  # there may be no worker for a long time, and somebody may want to stop meanwhile
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
