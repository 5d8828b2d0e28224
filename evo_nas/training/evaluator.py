"""The evaluator that a worker holds: it turns a candidate into an outcome."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import torch

from evo_nas.config import FitnessOptions
from evo_nas.errors import DataError, GenomeError
from evo_nas.evaluation import Outcome, Status
from evo_nas.genome.costs import Costs
from evo_nas.genome.parameters import count_parameters, count_tables
from evo_nas.models.native import native_status
from evo_nas.training.batches import PreparedDataset, prepare
from evo_nas.training.cuts import PreparedCuts
from evo_nas.training.latency import measure_latency
from evo_nas.training.lineage import Lineage
from evo_nas.training.long_trainings import LONG_TRAININGS
from evo_nas.training.runtime import device_for, least_bytes, limit_memory
from evo_nas.training.trainer import train

if TYPE_CHECKING:
    from evo_nas.config.schema import TrainingConfig
    from evo_nas.evaluation import Candidate
    from evo_nas.genome.architecture import Architecture
    from evo_nas.genome.space import SearchSpace
    from evo_nas.models.network import Network
    from evo_nas.tasks.dataset import Dataset
    from evo_nas.weights import ComponentBank, WeightStore


class CandidateEvaluator:
    """Trains candidates on data that stay on one device; several threads may call it at the same time.

    Metrics of an outcome are ``validation_<metric>``, ``validation_loss`` and ``train_loss``, all of the
    epoch whose weights were kept. With several objectives its costs are among them, see `Costs.metrics` and
    `measure_latency`.

    Args:
        space: The search space that decodes genomes.
        data: The data, on the device that trains.
        training: How candidates are trained.
        memory_bytes: Memory for one training; None for no limit.
        lineage: What trainings begin with and leave; by default all begin from scratch and leave nothing.
        cuts: Gives the data of the cuts other than ``data``, which is number 0.
        fitness: How candidates are scored; only its objectives matter here.
    """

    def __init__(
        self,
        space: SearchSpace,
        data: PreparedDataset,
        training: TrainingConfig,
        *,
        memory_bytes: int | None = None,
        lineage: Lineage | None = None,
        cuts: PreparedCuts | None = None,
        fitness: FitnessOptions | None = None,
    ) -> None:
        self._fitness = fitness or FitnessOptions()
        self._space = space
        self._data = data
        self._cuts = cuts
        self._training = training
        self._memory_bytes = memory_bytes
        self._lineage = lineage or Lineage()

    def __call__(self, candidate: Candidate) -> Outcome:
        """Trains ``candidate`` for its budget of epochs with its seed; failures are outcomes, too.

        One that names a long training trains a stretch of that instead.

        It may be pruned at its rungs, and goes on where the candidate that it continues was pruned; where nothing is
        left of that, it begins again, which gives the same and takes longer.
        """
        if candidate.trains:
            return self._long(candidate)
        try:
            architecture = self._space.decode(candidate.genome)
        except GenomeError as error:
            return Outcome(Status.FAILED, error=f"GenomeError: {error}")
        try:
            data = self._of_cut(candidate.cut)
        except DataError as error:
            return Outcome(Status.FAILED, error=f"DataError: {error}")
        # Before anything is built, since running out of memory may end the whole worker.
        obstacle = self._obstacle(architecture)
        if obstacle:
            parameters = count_parameters(architecture, self._data.signature)
            tables = count_tables(architecture, self._data.signature)
            return Outcome(Status.TOO_BIG, parameters=parameters, error=obstacle, table_parameters=tables)
        trained = train(
            architecture,
            data,
            self._training,
            epochs=candidate.budget,
            seed=candidate.seed,
            memory_bytes=self._memory_bytes,
            course=self._lineage.course(candidate),
        )
        return self._with_costs(self._lineage.kept(candidate, trained), architecture, trained.network)

    def _long(self, candidate: Candidate) -> Outcome:
        """Trains a stretch of a long training."""
        kind, _, settings = candidate.trains.partition(" ")
        if kind not in LONG_TRAININGS:
            known = ", ".join(LONG_TRAININGS)
            return Outcome(Status.FAILED, error=f"ConfigError: {kind} is no long training; there are {known}")
        return LONG_TRAININGS[kind](
            candidate,
            settings,
            space=self._space,
            data=self._data,
            training=self._training,
            weights=self._lineage.weights,
        )

    def _of_cut(self, number: int) -> PreparedDataset:
        """Returns the data that a candidate learns from.

        Raises:
            DataError: There is no such cut.
        """
        if number == 0:
            return self._data
        if self._cuts is None:
            raise DataError(f"cut {number} does not exist; this evaluator has the first cut only, number 0")
        return self._cuts.of(number)

    def _with_costs(self, outcome: Outcome, architecture: Architecture, network: Network | None) -> Outcome:
        """Returns ``outcome`` with the costs of its network among its metrics, if they are wanted."""
        if not self._fitness.has_costs or not outcome.status.scored:
            return outcome
        costs = Costs.of(architecture, self._data.signature).metrics
        if self._fitness.measures_latency and network is not None:
            costs |= measure_latency(network)
        return replace(outcome, metrics={**outcome.metrics, **costs})

    def _obstacle(self, architecture: Architecture) -> str:
        """Returns why a network is too big to be built; an empty string if it may fit."""
        episodes = self._data.episodes
        # Of a family the examples of one task are run at once.
        rows = architecture.training.batch_size if episodes is None else episodes.support
        batch = self._data.train.least_batch(rows)
        if self._training.truncation is not None:
            batch = batch._replace(steps=min(batch.steps, self._training.truncation))
        needed = least_bytes(architecture, self._data.signature, batch)
        if self._memory_bytes is not None and needed > self._memory_bytes:
            return f"needs at least {needed} bytes; this worker has {self._memory_bytes}"
        return self._space.admission.obstacle(architecture)


@dataclass(frozen=True, slots=True)
class EvaluatorFactory:
    """Builds a `CandidateEvaluator` in the process that will use it; can be pickled.

    Attributes:
        space: The search space that decodes genomes.
        dataset: The data as arrays.
        training: How candidates are trained; a worker sees a GPU only if it has a share of one.
        gpu_share: Share of one GPU that belongs to the process; 0 and 1 set no limit.
        memory_bytes: Memory that belongs to the process; None for no limit.
        lanes: Threads that call the evaluator and divide the memory among themselves.
        fitness: How candidates are scored.
        weights: Where trainings leave weights and find those that they start from; None to keep none.
        bank: The components that all trainings share; None without a bank.
    """

    space: SearchSpace
    dataset: Dataset
    training: TrainingConfig
    gpu_share: float = 0.0
    memory_bytes: int | None = None
    lanes: int = 1
    fitness: FitnessOptions = field(default_factory=FitnessOptions)
    weights: WeightStore | None = None
    bank: ComponentBank | None = None

    def __call__(self) -> CandidateEvaluator:
        """Sets the threads and memory of this process and puts the data on the device.

        Raises:
            ConfigError: This process lacks the device, or the device cannot train in the wanted precision.
        """
        # With one thread the same candidate gives the same fitness, bit for bit.
        torch.set_num_threads(1)
        device = device_for(self.training)
        if device.type == "cpu":
            # Compiled now if it never was here: otherwise the seconds of the first candidate would have it.
            native_status()
        memory = limit_memory(device, gpu_share=self.gpu_share) or self.memory_bytes
        return CandidateEvaluator(
            self.space,
            prepare(self.dataset, device),
            self.training,
            memory_bytes=None if memory is None else memory // self.lanes,
            lineage=Lineage(self.weights, self.bank, keeps_parents=self.fitness.inheritance == "parent"),
            cuts=PreparedCuts(self.dataset, device),
            fitness=self.fitness,
        )
