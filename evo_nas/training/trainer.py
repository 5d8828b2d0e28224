"""Fits one architecture to a task."""

from __future__ import annotations

import math
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from evo_nas.evaluation import Outcome, Status
from evo_nas.genome.parameters import count_parameters
from evo_nas.models.layers import set_dropout_generator
from evo_nas.models.network import Network
from evo_nas.models.seeded_init import SeededInit
from evo_nas.training.batches import Extent
from evo_nas.training.capture import CapturedSteps, DirectSteps
from evo_nas.training.cuda_graph import CudaGraph
from evo_nas.training.flat_optimizer import FlatOptimizer
from evo_nas.training.lane import lane
from evo_nas.training.losses import TrainingLoss
from evo_nas.training.memory import graph_bytes, least_bytes
from evo_nas.training.reading import Reading
from evo_nas.training.schedule import SCHEDULES
from evo_nas.training.scoring import Scores, score
from evo_nas.training.step import TrainStep

if TYPE_CHECKING:
    from collections.abc import Callable

    from evo_nas.genome.architecture import Architecture
    from evo_nas.training.batches import Batch, PreparedDataset
    from evo_nas.training.capture import Graph, Steps
    from evo_nas.training.schedule import ScheduleKind
    from evo_nas.training.step import Precision, Tally, Worst

LARGEST_LOSS = 1e4
"""A finite loss beyond this has diverged: tasks scale their targets, and a constant guess loses about 1."""
LOOKS_AHEAD = 16
"""Steps that are launched on a GPU before the first of them is looked at."""


@dataclass(frozen=True, slots=True)
class Regimen:
    """What training does not take from the architecture.

    Attributes:
        epochs: Passes over the training part, at least 1.
        seed: Determines initial weights, order of batches and dropout.
        time_limit_s: Seconds after which training gives up; None for no limit.
        max_parameters: Largest network that is built; None for no limit.
        schedule: How the learning rate changes.
        precision: In which matrices are multiplied where torch may choose; ``bfloat16`` for GPUs alone.
        memory_bytes: Memory that the training may take; None for all there is.
        rehearsal: Whether the CPU does all as a GPU does, with stand-ins for its graphs; for tests.
    """

    epochs: int
    seed: int
    time_limit_s: float | None = None
    max_parameters: int | None = None
    schedule: ScheduleKind = "constant"
    precision: Precision = "float32"
    memory_bytes: int | None = None
    rehearsal: bool = False


@dataclass(frozen=True, slots=True)
class Trained:
    """An outcome and, if it is scored, the network with the weights that were best on the validation part."""

    outcome: Outcome
    network: Network | None


def train(architecture: Architecture, data: PreparedDataset, regimen: Regimen) -> Trained:
    """Trains ``architecture`` from scratch.

    On a CPU with one thread the same arguments give the same weights, bit for bit, whatever other threads train
    beside it: no generator of the process is touched. Failures are statuses of the outcome, never exceptions.
    """
    fit = _Fit(architecture, data, regimen)
    try:
        with lane(data.device):
            network = fit.run()
    except Exception as error:  # noqa: BLE001 - a bad candidate must not end its worker
        return Trained(fit.outcome(_cause(error), error=_description(error)), None)
    return Trained(fit.outcome(Status.OK), network)


class _Ended(Exception):  # noqa: N818 - not an error of the program
    """Training cannot go on, and why."""

    def __init__(self, status: Status, reason: str) -> None:
        super().__init__(reason)
        self.status = status


@dataclass(frozen=True, slots=True)
class _Epoch:
    """What one epoch gave: the mean loss of its batches, and the validation scores after it."""

    train_loss: float
    scores: Scores


class _Fit:
    """One training, and what has come of it so far."""

    def __init__(self, architecture: Architecture, data: PreparedDataset, regimen: Regimen) -> None:
        self._architecture = architecture
        self._data = data
        self._regimen = regimen
        self._parameters = count_parameters(architecture, data.signature)
        self._started = time.monotonic()
        self._epochs: list[_Epoch] = []
        self._backends: tuple[str, ...] = ()
        self._kind = "cuda" if regimen.rehearsal else data.device.type
        self._generator = torch.Generator().manual_seed(regimen.seed)
        self._on_device = self._generator
        if data.device.type != "cpu":
            self._on_device = torch.Generator(data.device).manual_seed(regimen.seed)
        self._loss = TrainingLoss(data.loss, data.class_weights)
        self._schedule = SCHEDULES[regimen.schedule]()

    def run(self) -> Network:
        """Returns the network with the weights of the best epoch."""
        self._check_size()
        network = self._new_network()
        self._backends = network.backends
        capturable = self._kind == "cuda"
        optimizer = FlatOptimizer(network, self._architecture.training, capturable=capturable)
        reading = Reading(network, self._data.train)
        step = TrainStep(
            reading, optimizer, self._loss, precision=self._regimen.precision, capturable=capturable
        )
        steps = self._captured(step, network) if capturable else DirectSteps(step)
        best_weights = optimizer.weights
        for _ in range(self._regimen.epochs):
            network.train()
            reading.restart()
            train_loss = self._descend(steps, step.tally, optimizer)
            epoch = _Epoch(train_loss, self._scored(network))
            self._epochs.append(epoch)
            improved = self._best() is epoch
            self._schedule.end_epoch(improved=improved)
            if improved:
                best_weights = optimizer.weights.clone()
        optimizer.weights.copy_(best_weights)
        optimizer.release()
        set_dropout_generator(network, None)
        return network.eval()

    def _new_network(self) -> Network:
        with SeededInit(self._generator):
            network = Network(self._architecture, self._data.signature, device=self._kind)
        set_dropout_generator(network, self._on_device)
        return network.to(self._data.device)

    def _captured(self, step: TrainStep, network: Network) -> Steps:
        def recover() -> None:
            self._on_device = self._on_device.clone_state()
            set_dropout_generator(network, self._on_device)

        return CapturedSteps(step, self._graphs(), fits=self._fits, recover=recover)

    def _graphs(self) -> Callable[[], Graph]:
        """Returns what gives new graphs for this training's steps."""
        if self._regimen.rehearsal:
            from evo_nas.training.rehearsal import RehearsedGraph  # noqa: PLC0415 - imports a compiler

            return RehearsedGraph
        pool = torch.cuda.graph_pool_handle()
        return lambda: CudaGraph([self._on_device], pool)

    def _fits(self, batch: Batch) -> bool:
        limit = self._regimen.memory_bytes
        extent = Extent(*batch.inputs.shape[:2])
        kept = least_bytes(self._architecture, self._data.signature, extent)
        return limit is None or kept + graph_bytes(self._architecture, extent) <= limit

    def outcome(self, status: Status, *, error: str = "") -> Outcome:
        """Returns the outcome of a training that ended with ``status``."""
        metric, best = self._data.metric, self._best() if status.scored else None
        return Outcome(
            status=status,
            fitness=None if best is None else metric.fitness(best.scores.metric),
            metrics={}
            if best is None
            else {
                "train_loss": best.train_loss,
                "validation_loss": best.scores.loss,
                f"validation_{metric.name}": best.scores.metric,
            },
            curve=tuple(epoch.scores.metric for epoch in self._epochs),
            parameters=self._parameters,
            epochs=len(self._epochs),
            train_s=time.monotonic() - self._started,
            backends=self._backends,
            error=error,
        )

    def _descend(self, steps: Steps, tally: Tally, optimizer: FlatOptimizer) -> float:
        """Trains for an epoch and returns the mean loss."""
        split, done = self._data.train, 0
        every = LOOKS_AHEAD if self._kind == "cuda" else 1
        tally.clear()
        batches = split.shuffled(self._architecture.training.batch_size, self._generator)
        for number, batch in enumerate(batches, start=1):
            self._check_time()
            progress = (len(self._epochs) + done / len(split)) / self._regimen.epochs
            optimizer.scale_rate(self._schedule.factor(progress))
            steps(batch, progress=progress)
            if number % every == 0:
                self._check_converging(tally.worst())
            done += batch.inputs.shape[:2].numel() if split.is_stream else len(batch.inputs)
        self._check_converging(tally.worst())
        return tally.mean_loss()

    def _scored(self, network: Network) -> Scores:
        data = self._data
        scores = score(network, data.validation, loss=data.loss, metric=data.metric)
        self._check_time()
        if not (math.isfinite(scores.loss) and math.isfinite(scores.metric)):
            raise _Ended(Status.DIVERGED, f"validation gave {scores} after epoch {len(self._epochs) + 1}")
        return scores

    def _best(self) -> _Epoch:
        """Returns the epoch with the best metric; of equal ones that with the least loss, then the first."""
        fitness = self._data.metric.fitness
        return max(self._epochs, key=lambda epoch: (fitness(epoch.scores.metric), -epoch.scores.loss))

    def _check_size(self) -> None:
        limit = self._regimen.max_parameters
        if limit is not None and self._parameters > limit:
            raise _Ended(Status.TOO_BIG, f"{self._parameters} parameters are more than the {limit} permitted")

    def _check_time(self) -> None:
        limit = self._regimen.time_limit_s
        if limit is not None and time.monotonic() - self._started > limit:
            raise _Ended(
                Status.TIMED_OUT, f"passed its time limit of {limit:g} s after {len(self._epochs)} epochs"
            )

    def _check_converging(self, worst: Worst) -> None:
        for name, value, bound in (
            ("loss", worst.loss, LARGEST_LOSS),
            ("norm of the gradient", worst.norm, sys.float_info.max),
        ):
            if not value <= bound:  # not a number, too
                raise _Ended(Status.DIVERGED, f"{name} is {value:g} in epoch {len(self._epochs) + 1}")


def _cause(error: Exception) -> Status:
    if isinstance(error, _Ended):
        return error.status
    out_of_memory = isinstance(error, MemoryError | torch.OutOfMemoryError)
    # Torch has no type for a CPU allocation that fails, only this RuntimeError.
    return Status.TOO_BIG if out_of_memory or "DefaultCPUAllocator" in str(error) else Status.FAILED


def _description(error: Exception) -> str:
    return str(error) if isinstance(error, _Ended) else f"{type(error).__name__}: {error}"
