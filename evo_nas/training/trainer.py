"""Fits one architecture to a task."""

from __future__ import annotations

import math
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from evo_nas.evaluation import VALIDATION_LOSS, Outcome, Status
from evo_nas.genome.parameters import count_parameters, count_tables
from evo_nas.models.layers import set_dropout_generator
from evo_nas.models.network import Network
from evo_nas.models.seeded_init import SeededInit
from evo_nas.training.batches import BatchShape
from evo_nas.training.flat_optimizer import FlatOptimizer
from evo_nas.training.forward import Scores, StatefulForward, score
from evo_nas.training.graphed_steps import CudaGraphs, DirectSteps, GraphedSteps
from evo_nas.training.losses import TrainingLoss
from evo_nas.training.ridge_start import start_shortcut
from evo_nas.training.runtime import graph_bytes, least_bytes, training_thread
from evo_nas.training.schedule import SCHEDULES
from evo_nas.training.step import TrainStep

if TYPE_CHECKING:
    from torch import Tensor

    from evo_nas.config.schema import TrainingConfig
    from evo_nas.genome.architecture import Architecture
    from evo_nas.training.batches import Batch, PreparedDataset
    from evo_nas.training.graphed_steps import GraphFactory, Steps
    from evo_nas.training.step import Maxima, RunningLoss

LARGEST_LOSS = 1e4
"""A finite loss beyond this has diverged: tasks scale their targets, and a constant guess loses about 1."""
LARGEST_NORM = sys.float_info.max
LARGEST_FIRST_NORM = 1e5
"""A gradient norm beyond this in the first steps has diverged: of networks that learnt anything, none had above 1e4."""
LOOKS_AHEAD = 16
"""Steps that are launched on a GPU before their losses are checked."""


@dataclass(frozen=True, slots=True)
class Trained:
    """An outcome and, if it is scored, the network with the weights that were best on the validation part."""

    outcome: Outcome
    network: Network | None


def train(
    architecture: Architecture,
    data: PreparedDataset,
    training: TrainingConfig,
    *,
    epochs: int,
    seed: int,
    memory_bytes: int | None = None,
    graphs: GraphFactory | None = None,
) -> Trained:
    """Trains ``architecture`` from scratch.

    On a CPU with one thread the same arguments give the same weights, bit for bit, even if other threads train at the
    same time, since no generator of the process is used. Failures are statuses of the outcome, never exceptions.

    Args:
        architecture: The architecture to train.
        data: The data, on the device that trains.
        training: The settings; ``epochs`` and the device of ``data`` take the place of those in it.
        epochs: Passes over the training part, at least 1.
        seed: Determines initial weights, order of batches and dropout.
        memory_bytes: Memory that the graphs of steps may take; None for no limit.
        graphs: Makes the graphs by which steps are replayed; by default a GPU has CUDA graphs and a CPU has none.
    """
    fit = _Fit(architecture, data, training, epochs=epochs, seed=seed, memory_bytes=memory_bytes)
    try:
        with training_thread(data.device):
            if graphs is None and data.device.type == "cuda":
                graphs = CudaGraphs()
            network = fit.run(graphs)
    except Exception as error:  # noqa: BLE001 - a bad candidate must not end its worker
        return Trained(fit.outcome(_cause(error), error=_description(error)), None)
    return Trained(fit.outcome(Status.OK), network)


class _Ended(Exception):  # noqa: N818 - not an error of the program
    """Ends a training early, with a status and a reason."""

    def __init__(self, status: Status, reason: str) -> None:
        super().__init__(reason)
        self.status = status


@dataclass(frozen=True, slots=True)
class _Epoch:
    """The mean loss of an epoch's batches, and the validation scores after the epoch."""

    train_loss: float
    scores: Scores


class _Fit:
    """One training and its results so far."""

    def __init__(
        self,
        architecture: Architecture,
        data: PreparedDataset,
        training: TrainingConfig,
        *,
        epochs: int,
        seed: int,
        memory_bytes: int | None,
    ) -> None:
        self._architecture = architecture
        self._data = data
        self._training = training
        self._planned = epochs
        self._memory_bytes = memory_bytes
        self._parameters = count_parameters(architecture, data.signature)
        self._table_parameters = count_tables(architecture, data.signature)
        self._started = time.monotonic()
        self._epochs: list[_Epoch] = []
        self._backends: tuple[str, ...] = ()
        self._generator = torch.Generator().manual_seed(seed)
        self._on_device = self._generator
        if data.device.type != "cpu":
            self._on_device = torch.Generator(data.device).manual_seed(seed)
        self._schedule = SCHEDULES[training.schedule]()

    def run(self, graphs: GraphFactory | None) -> Network:
        """Returns the network with the weights of the best epoch; without ``graphs`` every step is launched."""
        capturable = graphs is not None
        network = self._new_network(device="cuda" if capturable else "cpu")
        self._backends = network.backends
        optimizer = FlatOptimizer(
            network,
            self._architecture.training,
            capturable=capturable,
            rate_factors=network.rate_factors,
        )
        forward = StatefulForward(network, self._data.train, truncation=self._training.truncation)
        step = TrainStep(
            forward,
            optimizer,
            self._loss(self._data.class_weights),
            precision=self._training.precision,
            capturable=capturable,
        )
        # Whether a piece is run again hangs on its gradient, so that no graph can hold the steps of truncation.
        steps = (
            DirectSteps(step)
            if graphs is None or self._training.truncation is not None
            else self._graphed(step, network, graphs)
        )
        # No copy yet: the first epoch always improves, and makes one.
        best_weights = optimizer.weights
        for _ in range(self._planned):
            network.train()
            forward.restart()
            train_loss = self._train_epoch(steps, step.running, optimizer)
            epoch = _Epoch(train_loss, self._scored(network))
            self._epochs.append(epoch)
            improved = self._best() is epoch
            self._schedule.end_epoch(improved=improved)
            if improved:
                best_weights = optimizer.weights.clone()
        optimizer.weights.copy_(best_weights)
        # The network outlives the training: it must not hold the optimizer's buffer or draw from this generator.
        optimizer.release()
        set_dropout_generator(network, None)
        return network.eval()

    def _new_network(self, *, device: str) -> Network:
        """Returns a network for a type of device; it is built on the CPU, so that only the seed decides its weights."""
        with SeededInit(self._generator):
            network = Network(self._architecture, self._data.signature, device=device)
        network.front.read_spellings(self._data.vocabulary)
        set_dropout_generator(network, self._on_device)
        network.to(self._data.device)
        began = time.monotonic()
        start_shortcut(network, self._data)
        # What is fitted once for all candidates counts against the time of none.
        self._started += time.monotonic() - began
        return network

    def _graphed(self, step: TrainStep, network: Network, graphs: GraphFactory) -> Steps:
        def recover() -> None:
            # A capture that failed leaves its generator unusable; a copy goes on where that one stopped.
            self._on_device = self._on_device.clone_state()
            set_dropout_generator(network, self._on_device)

        return GraphedSteps(step, lambda: graphs(self._on_device), fits=self._fits, recover=recover)

    def _loss(self, class_weights: Tensor | None = None) -> TrainingLoss:
        data = self._data
        return TrainingLoss(data.loss, class_weights, levels=data.levels, has_holes=data.has_target_holes)

    def _fits(self, batch: Batch) -> bool:
        """Returns whether the graph of a step on ``batch`` fits into the memory together with the training itself."""
        shape = BatchShape(*batch.inputs.shape[:2])
        kept = least_bytes(self._architecture, self._data.signature, shape)
        limit = self._memory_bytes
        return limit is None or kept + graph_bytes(self._architecture, self._data.signature, shape) <= limit

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
                VALIDATION_LOSS: best.scores.loss,
                f"validation_{metric.name}": best.scores.metric,
            },
            metric="" if best is None else f"validation_{metric.name}",
            curve=tuple(epoch.scores.metric for epoch in self._epochs),
            parameters=self._parameters,
            epochs=len(self._epochs),
            train_s=time.monotonic() - self._started,
            backends=self._backends,
            error=error,
            table_parameters=self._table_parameters,
        )

    def _train_epoch(self, steps: Steps, running: RunningLoss, optimizer: FlatOptimizer) -> float:
        """Trains for an epoch and returns the mean loss."""
        split, done = self._data.train, 0
        # Looking at a loss waits for a GPU, but costs nothing where each step was waited for anyway.
        every = 1 if isinstance(steps, DirectSteps) else LOOKS_AHEAD
        running.clear()
        batches = split.shuffled(self._architecture.training.batch_size, self._generator)
        for number, batch in enumerate(batches, start=1):
            self._check_time()
            progress = (len(self._epochs) + done / len(split)) / self._planned
            optimizer.scale_rate(self._schedule.factor(progress))
            steps(batch, progress=progress)
            if number % every == 0:
                is_first = not self._epochs and number <= LOOKS_AHEAD
                self._check_converging(running.maxima(), LARGEST_FIRST_NORM if is_first else LARGEST_NORM)
            # A stream's batches differ in steps, too, so its progress is counted in tokens.
            done += batch.inputs.shape[:2].numel() if split.is_stream else len(batch.inputs)
        self._check_converging(running.maxima(), LARGEST_NORM)
        return running.mean()

    def _scored(self, network: Network) -> Scores:
        """Returns the validation scores after an epoch."""
        data = self._data
        scores = score(network, data.validation, loss=self._loss(), metric=data.metric)
        self._check_time()
        if not (math.isfinite(scores.loss) and math.isfinite(scores.metric)):
            raise _Ended(Status.DIVERGED, f"validation gave {scores} after epoch {len(self._epochs) + 1}")
        return scores

    def _best(self) -> _Epoch:
        """Returns the epoch with the best metric; among equals the one with the lowest loss, then the earliest."""
        fitness = self._data.metric.fitness
        return max(self._epochs, key=lambda epoch: (fitness(epoch.scores.metric), -epoch.scores.loss))

    def _check_time(self) -> None:
        limit = self._training.time_limit_s
        if time.monotonic() - self._started > limit:
            raise _Ended(
                Status.TIMED_OUT, f"passed its time limit of {limit:g} s after {len(self._epochs)} epochs"
            )

    def _check_converging(self, maxima: Maxima, largest_norm: float) -> None:
        for name, value, bound in (
            ("loss", maxima.loss, LARGEST_LOSS),
            ("norm of the gradient", maxima.gradient_norm, largest_norm),
        ):
            if not value <= bound:  # written so that NaN is refused, too
                raise _Ended(Status.DIVERGED, f"{name} is {value:g} in epoch {len(self._epochs) + 1}")


def _cause(error: Exception) -> Status:
    """Returns the status of a candidate whose training raised ``error``."""
    if isinstance(error, _Ended):
        return error.status
    out_of_memory = isinstance(error, MemoryError | torch.OutOfMemoryError)
    # Torch has no type for a CPU allocation that fails, only this RuntimeError.
    return Status.TOO_BIG if out_of_memory or "DefaultCPUAllocator" in str(error) else Status.FAILED


def _description(error: Exception) -> str:
    return str(error) if isinstance(error, _Ended) else f"{type(error).__name__}: {error}"
