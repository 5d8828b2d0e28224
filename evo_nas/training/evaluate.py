"""What a worker holds: from an asked candidate to its outcome."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from evo_nas.errors import GenomeError
from evo_nas.evaluation import Outcome, Status
from evo_nas.genome.parameters import count_parameters
from evo_nas.training.batches import PreparedDataset, prepare
from evo_nas.training.device import check_precision, resolve_device
from evo_nas.training.memory import least_bytes, limit_memory
from evo_nas.training.trainer import Regimen, train

if TYPE_CHECKING:
    from evo_nas.evaluation import Candidate
    from evo_nas.genome.space import SearchSpace
    from evo_nas.tasks.dataset import Dataset
    from evo_nas.training.schedule import ScheduleKind
    from evo_nas.training.step import Precision


class CandidateEvaluator:
    """Trains candidates on data that stay on one device from one candidate to the next; several threads may call it.

    Metrics of an outcome are ``validation_<metric>``, ``validation_loss`` and ``train_loss``, all of the
    epoch whose weights were kept.
    """

    def __init__(
        self,
        space: SearchSpace,
        data: PreparedDataset,
        *,
        time_limit_s: float | None,
        schedule: ScheduleKind = "constant",
        precision: Precision = "float32",
        memory_bytes: int | None = None,
    ) -> None:
        self._space = space
        self._data = data
        self._time_limit_s = time_limit_s
        self._schedule: ScheduleKind = schedule
        self._precision: Precision = precision
        self._memory_bytes = memory_bytes

    def __call__(self, candidate: Candidate) -> Outcome:
        """Trains ``candidate`` for its budget of epochs, with its seed; failures are outcomes."""
        try:
            architecture = self._space.decode(candidate.genome)
        except GenomeError as error:
            return Outcome(Status.FAILED, error=f"GenomeError: {error}")
        batch = self._data.train.least_batch(architecture.training.batch_size)
        needed = least_bytes(architecture, self._data.signature, batch)
        if self._memory_bytes is not None and needed > self._memory_bytes:
            return Outcome(
                Status.TOO_BIG,
                parameters=count_parameters(architecture, self._data.signature),
                error=f"needs at least {needed} bytes; this worker has {self._memory_bytes}",
            )
        regimen = Regimen(
            epochs=candidate.budget,
            seed=candidate.seed,
            time_limit_s=self._time_limit_s,
            max_parameters=self._space.options.max_parameters,
            schedule=self._schedule,
            precision=self._precision,
            memory_bytes=self._memory_bytes,
        )
        return train(architecture, self._data, regimen).outcome


@dataclass(frozen=True, slots=True)
class EvaluatorFactory:
    """Builds a `CandidateEvaluator` in the process that will use it; pickles.

    Attributes:
        space: What genomes mean.
        dataset: What is learnt, as arrays.
        device: ``auto``, ``cpu`` or ``cuda``; a worker without a share of a GPU sees none.
        threads: Threads of torch in the whole process; more than one cost the reproducibility of a fitness.
        time_limit_s: Seconds after which a training gives up; None for no limit.
        schedule: How the learning rate changes.
        precision: In which matrices are multiplied on a GPU where torch may choose.
        gpu_share: Share of one GPU that belongs to the process; 0 or a whole one is no limit.
        memory_bytes: Memory that belongs to the process; None for no limit.
        lanes: Threads that call the evaluator and divide the memory among themselves.
    """

    space: SearchSpace
    dataset: Dataset
    device: str = "auto"
    threads: int = 1
    time_limit_s: float | None = None
    schedule: ScheduleKind = "constant"
    precision: Precision = "float32"
    gpu_share: float = 0.0
    memory_bytes: int | None = None
    lanes: int = 1

    def __call__(self) -> CandidateEvaluator:
        """Sets the threads and memory of this process and puts the data on the device."""
        torch.set_num_threads(self.threads)
        device = resolve_device(self.device)
        check_precision(self.precision, device)
        memory = limit_memory(device, gpu_share=self.gpu_share) or self.memory_bytes
        return CandidateEvaluator(
            self.space,
            prepare(self.dataset, device),
            memory_bytes=None if memory is None else memory // self.lanes,
            time_limit_s=self.time_limit_s,
            schedule=self.schedule,
            precision=self.precision,
        )
