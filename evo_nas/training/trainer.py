"""Fits one architecture to a task."""

from __future__ import annotations

import logging
import math
from dataclasses import replace
from typing import TYPE_CHECKING

import torch

from evo_nas.evaluation import Outcome, Status
from evo_nas.genome.parameters import count_parameters, count_tables
from evo_nas.models.layers import set_dropout_generator
from evo_nas.models.network import Network
from evo_nas.models.seeded_init import SeededInit
from evo_nas.training.adaptation import TaskFamily, adapted_scores
from evo_nas.training.batches import BatchShape
from evo_nas.training.checkpoint import Checkpoint, ForeignCheckpointError, identity_of
from evo_nas.training.clock import TrainingClock
from evo_nas.training.course import Course, Trained
from evo_nas.training.endings import (
    LARGEST_FIRST_NORM,
    LARGEST_NORM,
    EndedError,
    cause_of,
    check_converging,
    description_of,
)
from evo_nas.training.flat_optimizer import FlatOptimizer
from evo_nas.training.forward import StatefulForward, score
from evo_nas.training.graphed_steps import CudaGraphs, DirectSteps, GraphedSteps
from evo_nas.training.history import Epoch, TrainingHistory
from evo_nas.training.losses import TrainingLoss
from evo_nas.training.meta import MetaStep, make_twice_differentiable
from evo_nas.training.passes import Passes
from evo_nas.training.ridge_start import start_shortcut
from evo_nas.training.runtime import graph_bytes, least_bytes, training_thread
from evo_nas.training.schedule import SCHEDULES
from evo_nas.training.step import TrainStep
from evo_nas.training.training_state import TrainingState

if TYPE_CHECKING:
    from torch import Tensor

    from evo_nas.config.schema import TrainingConfig
    from evo_nas.genome.architecture import Architecture
    from evo_nas.training.batches import Batch, PreparedDataset
    from evo_nas.training.forward import Scores
    from evo_nas.training.graphed_steps import GraphFactory, Steps
    from evo_nas.training.step import RunningLoss

_log = logging.getLogger(__name__)
LOOKS_AHEAD = 16
"""Steps that are launched on a GPU before their losses are checked."""


def train(  # noqa: PLR0913 - a training, its machine, and its course
    architecture: Architecture,
    data: PreparedDataset,
    training: TrainingConfig,
    *,
    epochs: int,
    seed: int,
    memory_bytes: int | None = None,
    graphs: GraphFactory | None = None,
    course: Course | None = None,
) -> Trained:
    """Trains ``architecture``, from scratch unless ``course`` says otherwise.

    On a CPU with one thread the same arguments give the same weights, bit for bit, even if other threads train at the
    same time, since no generator of the process is used. A training that was pruned and goes on from its checkpoint
    gives the weights of one that was not. Failures are statuses of the outcome, never exceptions.

    The curve, the epochs and the steps of an outcome are those of the whole training; its seconds are those of this
    call, so that nothing is counted twice where a pruned training goes on.

    Args:
        architecture: The architecture to train.
        data: The data, on the device that trains.
        training: The settings; ``epochs`` and the device of ``data`` take the place of those in it.
        epochs: Epochs of the whole training, at least 1.
        seed: Determines initial weights, order of batches and dropout.
        memory_bytes: Memory that the graphs of steps may take; None for no limit.
        graphs: Makes the graphs by which steps are replayed; by default a GPU has CUDA graphs and a CPU has none.
        course: Where it begins and may end; by default at its first and its last epoch.
    """
    course = course or Course()
    fit = _Fit(
        architecture, data, training, epochs=epochs, seed=seed, memory_bytes=memory_bytes, course=course
    )
    try:
        with training_thread(data.device):
            # A step of meta-learning waits for the device anyway, and differs from task to task.
            if graphs is None and data.device.type == "cuda" and training.adaptation is None:
                graphs = CudaGraphs()
            network, checkpoint = fit.run(graphs)
    except ForeignCheckpointError as error:
        _log.warning("a training begins from scratch, since its checkpoint cannot be used: %s", error)
        return train(
            architecture,
            data,
            training,
            epochs=epochs,
            seed=seed,
            memory_bytes=memory_bytes,
            graphs=graphs,
            course=replace(course, checkpoint=None),
        )
    except Exception as error:  # noqa: BLE001 - a bad candidate must not end its worker
        return Trained(fit.outcome(cause_of(error), error=description_of(error)), None)
    if checkpoint is None:
        return Trained(fit.outcome(Status.OK), network)
    return Trained(fit.outcome(Status.PRUNED), network, checkpoint)


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
        course: Course,
    ) -> None:
        self._architecture = architecture
        self._data = data
        self._training = training
        self._planned = epochs
        self._memory_bytes = memory_bytes
        self._parameters = count_parameters(architecture, data.signature)
        self._table_parameters = count_tables(architecture, data.signature)
        self._clock = TrainingClock(data.device, limit_s=training.time_limit_s)
        self._course = course
        self._seed = seed
        self._steps = self._inherited_steps = 0
        self._history = TrainingHistory(data.metric)
        self._backends: tuple[str, ...] = ()
        self._generator = torch.Generator().manual_seed(seed)
        self._on_device = self._generator
        if data.device.type != "cpu":
            self._on_device = torch.Generator(data.device).manual_seed(seed)
        self._schedule = SCHEDULES[training.schedule]()
        self._family = None if training.adaptation is None else TaskFamily.of(data, training.adaptation)

    def run(self, graphs: GraphFactory | None) -> tuple[Network, bytes | None]:
        """Returns the network with the weights of its best epoch, and the checkpoint of a training that was pruned.

        Without ``graphs`` every step is launched.
        """
        capturable = graphs is not None
        checkpoint = self._found_checkpoint()
        network = self._new_network(
            device="cuda" if capturable else self._data.device.type, begins_anew=checkpoint is None
        )
        self._backends = network.backends
        optimizer = FlatOptimizer(
            network,
            self._architecture.training,
            capturable=capturable,
            rate_factors=network.rate_factors,
        )
        forward = StatefulForward(network, self._data.train, truncation=self._training.truncation)
        passes = Passes(
            self._data.train if self._family is None else self._family.train,
            self._architecture.training.batch_size,
            generator=self._generator,
            steps=self._training.steps_per_epoch,
            restart=forward.restart,
        )
        step = self._step(network, optimizer, forward, capturable=capturable)
        # Whether a piece is run again hangs on its gradient, so that no graph can hold the steps of truncation.
        steps = (
            DirectSteps(step)
            if graphs is None or self._training.truncation is not None or isinstance(step, MetaStep)
            else self._graphed(step, network, graphs)
        )
        # No copy yet: the first epoch always improves, and makes one.
        best_weights = optimizer.weights
        if checkpoint is not None:
            best_weights = self._go_on(checkpoint, self._state(optimizer, forward, passes))
        left: bytes | None = None
        while left is None and len(self._history) < self._planned:
            network.train()
            train_loss = self._train_epoch(steps, step.running, optimizer, passes)
            if self._ends_epoch(Epoch(train_loss, self._scored(network))):
                best_weights = optimizer.weights.clone()
            if self._course.watch is not None and self._history.fitness is not None:
                self._course.watch(len(self._history), self._history.fitness)
            if self._is_pruned():
                left = self._checkpoint(self._state(optimizer, forward, passes), best_weights)
        optimizer.weights.copy_(best_weights)
        # The network outlives the training: it must not hold the optimizer's buffer or draw from this generator.
        optimizer.release()
        set_dropout_generator(network, None)
        return network.eval(), left

    def _state(self, optimizer: FlatOptimizer, forward: StatefulForward, passes: Passes) -> TrainingState:
        # Made when it is needed, since a failed capture of a graph replaces the generator of the device.
        return TrainingState(optimizer, forward, passes, self._generator, self._on_device)

    def _new_network(self, *, device: str, begins_anew: bool) -> Network:
        """Returns a network for a type of device; it is built on the CPU, so that only the seed decides its weights.

        One that does not begin anew gets its weights from a checkpoint afterwards.
        """
        with SeededInit(self._generator):
            network = Network(self._architecture, self._data.signature, device=device)
        network.front.read_spellings(self._data.vocabulary)
        set_dropout_generator(network, self._on_device)
        if self._family is not None and self._family.options.algorithm == "maml":
            make_twice_differentiable(network)
        network.to(self._data.device)
        if begins_anew:
            # What is fitted once for all candidates counts against the time of none.
            with self._clock.stopped():
                start_shortcut(network, self._data)
            if self._course.inherit is not None:
                self._inherited_steps = self._course.inherit(network)
        return network

    def _step(
        self, network: Network, optimizer: FlatOptimizer, forward: StatefulForward, *, capturable: bool
    ) -> TrainStep | MetaStep:
        loss = self._loss(self._data.class_weights)
        if self._family is not None:
            return MetaStep(network, optimizer, loss, self._family, generator=self._generator)
        return TrainStep(forward, optimizer, loss, precision=self._training.precision, capturable=capturable)

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
        history, is_scored = self._history, status.scored
        return Outcome(
            status=status,
            fitness=history.fitness if is_scored else None,
            metrics=history.metrics() if is_scored else {},
            metric=f"validation_{self._data.metric.name}" if is_scored else "",
            curve=history.curve,
            parameters=self._parameters,
            epochs=len(self._history),
            train_s=self._clock.wall_s,
            backends=self._backends,
            error=error,
            table_parameters=self._table_parameters,
            cpu_s=self._clock.counted_s,
            steps=self._steps,
            inherited_steps=self._inherited_steps,
        )

    def _train_epoch(
        self, steps: Steps, running: RunningLoss, optimizer: FlatOptimizer, passes: Passes
    ) -> float:
        """Trains for an epoch and returns the mean loss."""
        # Looking at a loss waits for a GPU, but costs nothing where each step was waited for anyway.
        every = 1 if isinstance(steps, DirectSteps) else LOOKS_AHEAD
        epoch = len(self._history) + 1
        running.clear()
        for number, (batch, done) in enumerate(passes.epoch(), start=1):
            self._check_time()
            progress = (len(self._history) + done) / self._planned
            optimizer.scale_rate(self._schedule.factor(progress))
            steps(batch, progress=progress)
            self._steps += 1
            if number % every == 0:
                is_first = not self._history and number <= LOOKS_AHEAD
                largest = LARGEST_FIRST_NORM if is_first else LARGEST_NORM
                check_converging(running.maxima(), largest, epoch=epoch)
        check_converging(running.maxima(), LARGEST_NORM, epoch=epoch)
        return running.mean()

    def _is_pruned(self) -> bool:
        done, fitness = len(self._history), self._history.fitness
        threshold = self._course.thresholds.get(done)
        return done < self._planned and threshold is not None and fitness is not None and fitness < threshold

    def _ends_epoch(self, epoch: Epoch) -> bool:
        """Counts an epoch and returns whether it is the best so far."""
        improved = self._history.add(epoch)
        self._schedule.end_epoch(improved=improved)
        return improved

    def _found_checkpoint(self) -> Checkpoint | None:
        """Returns the checkpoint to go on from; None if there is none for this training."""
        content = self._course.checkpoint
        return None if content is None else Checkpoint.from_bytes(content, training=self._identity)

    def _go_on(self, checkpoint: Checkpoint, state: TrainingState) -> Tensor:
        """Goes on from a checkpoint, and returns the weights of its best epoch."""
        try:
            best_weights = state.go_on(checkpoint)
        except (
            ValueError,
            RuntimeError,
            StopIteration,
        ) as error:  # what torch and the data say of a strange state
            raise ForeignCheckpointError(f"its state is none of this training ({error})") from error
        # The schedule follows from the scores, so that it needs no place of its own in a checkpoint.
        for epoch in TrainingHistory.epochs_of(checkpoint.scores):
            self._ends_epoch(epoch)
        self._steps, self._inherited_steps = checkpoint.steps, checkpoint.inherited_steps
        return best_weights

    def _checkpoint(self, state: TrainingState, best_weights: Tensor) -> bytes:
        place = state.passes.place
        checkpoint = Checkpoint(
            training=self._identity,
            scores=self._history.to_tensor(),
            tensors=state.tensors(best_weights),
            steps=self._steps,
            inherited_steps=self._inherited_steps,
            taken=0 if place is None else place.taken,
        )
        # At once, since the weights are going to be replaced by those of the best epoch.
        return checkpoint.to_bytes()

    @property
    def _identity(self) -> str:
        return identity_of(
            self._architecture, self._data.signature, self._training, epochs=self._planned, seed=self._seed
        )

    def _scored(self, network: Network) -> Scores:
        """Returns the validation scores after an epoch."""
        data = self._data
        scores = (
            score(network, data.validation, loss=self._loss(), metric=data.metric)
            if self._family is None
            else adapted_scores(network, self._family, loss=self._loss(), metric=data.metric)
        )
        self._check_time()
        if not (math.isfinite(scores.loss) and math.isfinite(scores.metric)):
            raise EndedError(
                Status.DIVERGED, f"validation gave {scores} after epoch {len(self._history) + 1}"
            )
        return scores

    def _check_time(self) -> None:
        if self._clock.is_over:
            limit, clock = self._training.time_limit_s, self._clock
            raise EndedError(
                Status.TIMED_OUT,
                f"passed its time limit of {limit:g} s after {len(self._history)} epochs: "
                f"{clock.counted_s:.1f} s of computing in {clock.wall_s:.1f} s",
            )
