"""Trainings from scratch for the verdict: the request, the result, and how to run them.

None of them looks at the test part: only `assessment` does, for what is chosen already.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any

from evo_nas.champion.exporters.native import weights_of
from evo_nas.genome.codec import to_json
from evo_nas.models.threads import one_thread
from evo_nas.training.cuts import PreparedCuts
from evo_nas.training.runtime import device_for
from evo_nas.training.trainer import train

if TYPE_CHECKING:
    from evo_nas.config import TrainingConfig
    from evo_nas.config.schema import ScheduleKind
    from evo_nas.genome.architecture import Architecture
    from evo_nas.tasks.dataset import Dataset


@dataclass(frozen=True, slots=True)
class Retraining:
    """The request to train a network from scratch.

    Attributes:
        name: Description of the training for displays.
        architecture: The architecture to train.
        epochs: Passes over the training part.
        seed: Seed of the training.
        keeps_weights: Whether the result includes the weights.
        cut: Which cut of the training and validation rows it learns from; see `Dataset.of_cut`.
        schedule: How its learning rate changes; None as in the search.
    """

    name: str
    architecture: Architecture
    epochs: int
    seed: int
    keeps_weights: bool = False
    cut: int = 0
    schedule: ScheduleKind | None = None

    @property
    def key(self) -> str:
        """Identity of the training; equal keys give equal weights and scores."""
        facts: list[Any] = [
            json.loads(to_json(self.architecture)),
            self.epochs,
            self.seed,
            self.keeps_weights,
            self.cut,
        ]
        if self.schedule is not None:
            facts.append(self.schedule)
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Retrained:
    """The score of one training.

    Attributes:
        parameters: Trainable parameters of the network; 0 if it was never built.
        validation: Validation metric on its cut, in the units of the data set itself; None if the training failed.
        error: Why the training failed; empty if it succeeded.
        train_s: Seconds of the training; equal trainings need not take equally long.
    """

    parameters: int
    validation: float | None = None
    error: str = ""
    train_s: float = field(default=0.0, compare=False)

    @property
    def succeeded(self) -> bool:
        """Whether the training came to its end, with a score."""
        return self.validation is not None and not self.error

    def to_values(self) -> dict[str, Any]:
        """Returns plain JSON values."""
        return asdict(self)

    @classmethod
    def from_values(cls, values: dict[str, Any]) -> Retrained:
        """Returns the result that `to_values` gave; other keys are ignored."""
        return cls(**{each.name: values[each.name] for each in fields(cls)})


Retrain = Callable[
    ["Sequence[Retraining]", "Dataset", "TrainingConfig"],
    Iterator["tuple[Retraining, Retrained, bytes | None] | None"],
]
"""Makes trainings, here or elsewhere, and yields each with its scores and its weights, in any order; None while it
waits."""


def retrain_here(
    requests: Sequence[Retraining], dataset: Dataset, training: TrainingConfig
) -> Iterator[tuple[Retraining, Retrained, bytes | None]]:
    """Runs the trainings one after another in this process."""
    cuts = PreparedCuts(dataset, device_for(training))
    for request in requests:
        with one_thread():
            result, weights = _retrain(request, cuts, dataset, training)
        yield request, result, weights


def retrain_one(
    request: Retraining, dataset: Dataset, training: TrainingConfig
) -> tuple[Retrained, bytes | None]:
    """Runs one training in a process that has not prepared the data yet."""
    with one_thread():
        return _retrain(request, PreparedCuts(dataset, device_for(training)), dataset, training)


def _retrain(
    request: Retraining, cuts: PreparedCuts, dataset: Dataset, training: TrainingConfig
) -> tuple[Retrained, bytes | None]:
    # The limit belongs to the search; here every training must finish, even on a slower machine.
    unlimited = training.without_time_limit()
    if request.schedule is not None:
        unlimited = unlimited.model_copy(update={"schedule": request.schedule})
    data = cuts.of(request.cut)
    trained = train(request.architecture, data, unlimited, epochs=request.epochs, seed=request.seed)
    if trained.network is None:
        reason = trained.outcome.error or str(trained.outcome.status)
        return Retrained(trained.outcome.parameters, error=reason), None
    result = Retrained(
        sum(parameter.numel() for parameter in trained.network.parameters()),
        validation=trained.outcome.metrics[f"validation_{dataset.metric.name}"],
        train_s=trained.outcome.train_s,
    )
    return result, weights_of(trained.network) if request.keeps_weights else None
