"""`Retrainer`: where the trainings of a verdict are made, and what they gave is scored."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Self

from evo_nas.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from evo_nas.champion.assessment import Assessed, Assessment
    from evo_nas.champion.retrain import Retrained, Retraining
    from evo_nas.config import TrainingConfig, WorkerOptions
    from evo_nas.experiment import ExecutorKind, Experiment
    from evo_nas.progress import Progress
    from evo_nas.runs import Run
    from evo_nas.tasks.dataset import Dataset


class Retrainer(ABC):
    """Makes trainings and scores; a context manager, since one that starts workers ends them.

    ::

    with InlineRetrainer() as retrainer:
        for made in contest.hold(retrainer.retrain, retrainer.assess):
            print(contest.done, made and made.name)
    """

    @abstractmethod
    def retrain(
        self, requests: Sequence[Retraining], dataset: Dataset, training: TrainingConfig
    ) -> Iterator[tuple[Retraining, Retrained, bytes | None] | None]:
        """Yields each training with its scores and its weights, in any order; None while it waits."""

    @abstractmethod
    def assess(
        self, requests: Sequence[Assessment], dataset: Dataset, training: TrainingConfig
    ) -> Iterator[tuple[Assessment, Assessed] | None]:
        """Yields each assessment with its scores, in any order; None while it waits."""

    @abstractmethod
    def search(self, experiment: Experiment, run: Run) -> Iterator[Progress]:
        """Searches ``run`` until its budget is spent, and yields its progress after each turn."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends what was started; it may be called more than once."""


class InlineRetrainer(Retrainer):
    """Makes one training after another in this process."""

    def retrain(
        self, requests: Sequence[Retraining], dataset: Dataset, training: TrainingConfig
    ) -> Iterator[tuple[Retraining, Retrained, bytes | None] | None]:
        """Makes the trainings here; see `retrain_here`."""
        from evo_nas.champion.retrain import retrain_here  # noqa: PLC0415 - it loads torch

        return retrain_here(requests, dataset, training)

    def assess(
        self, requests: Sequence[Assessment], dataset: Dataset, training: TrainingConfig
    ) -> Iterator[tuple[Assessment, Assessed] | None]:
        """Scores here; see `assess_here`."""
        from evo_nas.champion.assessment import assess_here  # noqa: PLC0415 - it loads torch

        return assess_here(requests, dataset, training)

    def search(self, experiment: Experiment, run: Run) -> Iterator[Progress]:
        """Searches here; see `search_here`."""
        from evo_nas.champion.random_opponent import search_here  # noqa: PLC0415 - it loads torch

        return search_here(experiment, run)


def retrainer_for(
    workers: WorkerOptions, *, executor: ExecutorKind = "ray", address: str | None = None
) -> Retrainer:
    """Returns the retrainer that makes as many trainings at a time as a search has workers.

    Args:
        workers: How many, and the resources of each.
        executor: ``inline`` for this process, ``ray`` for workers on this machine, ``cluster`` for those of the cluster
            that this process is part of.
        address: ``auto`` or ``host:port`` of a cluster that this process shall join.

    Raises:
        ConfigError: An address is given for trainings in this process.
    """
    if executor == "inline" and address is not None:
        raise ConfigError("inline is given beside an address; give one of them")
    # A single worker on this machine is no faster than this process, and takes seconds to start.
    if executor == "inline" or (executor == "ray" and address is None and workers.most == 1):
        return InlineRetrainer()
    from evo_nas.sessions.ray_retrainer import RayRetrainer  # noqa: PLC0415 - only workers need Ray

    is_cluster = executor == "cluster" or address is not None
    return RayRetrainer(workers, address=address, executor="cluster" if is_cluster else "ray")
