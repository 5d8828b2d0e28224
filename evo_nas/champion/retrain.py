"""Trainings from scratch for the verdict: the request, the result, and how to run them."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any

from evo_nas.champion.exporters.native import weights_of
from evo_nas.genome.codec import to_json
from evo_nas.models.threads import one_thread
from evo_nas.tasks.quantiles import coverage
from evo_nas.training.adaptation import adapted_test_scores
from evo_nas.training.cuts import PreparedCuts
from evo_nas.training.forward import score_part
from evo_nas.training.runtime import device_for
from evo_nas.training.trainer import train

if TYPE_CHECKING:
    from evo_nas.config import TrainingConfig
    from evo_nas.genome.architecture import Architecture
    from evo_nas.models.network import Network
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
        scores_test: Whether the network is scored on the test part; only what is chosen already needs that.
    """

    name: str
    architecture: Architecture
    epochs: int
    seed: int
    keeps_weights: bool = False
    cut: int = 0
    scores_test: bool = True

    @property
    def key(self) -> str:
        """Identity of the training; equal keys give equal weights and scores."""
        facts = [
            json.loads(to_json(self.architecture)),
            self.epochs,
            self.seed,
            self.keeps_weights,
            self.cut,
            self.scores_test,
        ]
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Retrained:
    """The scores of one training.

    Attributes:
        parameters: Trainable parameters of the network; 0 if it was never built.
        validation: Validation metric on its cut, in the units of the data set itself; None if the training failed.
        test: Test metric; None if the training failed, the metric is not finite, or nobody asked for it.
        error: Why the training failed; empty if it succeeded.
        coverage: Share of the test values within the outermost quantiles; None without quantiles.
        train_s: Seconds of the training; equal trainings need not take equally long.
    """

    parameters: int
    validation: float | None = None
    test: float | None = None
    error: str = ""
    coverage: float | None = None
    train_s: float = field(default=0.0, compare=False)

    @property
    def succeeded(self) -> bool:
        """Whether the training came to its end, with every score that was asked for."""
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
    if request.scores_test:
        # A cut has its own statistics, and the test part prepared with them.
        result = _tested(result, trained.network, dataset.of_cut(request.cut), training)
    return result, weights_of(trained.network) if request.keeps_weights else None


def _tested(result: Retrained, network: Network, dataset: Dataset, training: TrainingConfig) -> Retrained:
    test = _test_score(network, dataset, training)
    return replace(
        result,
        test=test if math.isfinite(test) else None,
        error="" if math.isfinite(test) else "the test metric is not finite",
        coverage=_coverage(network, dataset),
    )


def _test_score(network: Network, dataset: Dataset, training: TrainingConfig) -> float:
    if training.adaptation is None:
        return score_part(network, dataset, "test").metric
    (scores,) = adapted_test_scores(network, dataset, training.adaptation, steps=[training.adaptation.steps])
    return scores.metric


def _coverage(network: Network, dataset: Dataset) -> float | None:
    if not dataset.quantiles:
        return None
    return score_part(network, replace(dataset, metric=coverage(dataset.quantiles)), "test").metric
