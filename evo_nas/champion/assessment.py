"""The final scores of the contestants: the only place where the test part is looked at.

What is kept of a contestant is the mean of its retrainings, and what is scored is exactly that.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import TYPE_CHECKING, Any

from safetensors.torch import load

from evo_nas.config.objectives import LATENCY_METRIC
from evo_nas.genome.codec import to_json
from evo_nas.models.ensemble import model_of
from evo_nas.models.network import Network
from evo_nas.models.threads import one_thread
from evo_nas.tasks.dataset import Sequences
from evo_nas.tasks.example_sums import ExampleSums
from evo_nas.tasks.quantiles import coverage
from evo_nas.training.adaptation import adapted_test_scores
from evo_nas.training.forward import example_sums, score_part
from evo_nas.training.latency import measure_latency
from evo_nas.training.losses import LINKS
from evo_nas.training.runtime import device_for

if TYPE_CHECKING:
    from evo_nas.champion.exporters.native import Member
    from evo_nas.config import TrainingConfig
    from evo_nas.models.ensemble import Model
    from evo_nas.tasks.dataset import Dataset

MOST_ANSWERS = 2**27
"""Outputs on the test part that are held at once, half a GiB, to compare models by single examples."""


@dataclass(frozen=True, slots=True)
class Assessment:
    """The request to score a model and each of its networks.

    Attributes:
        name: Description for displays.
        members: The networks that answer together.
    """

    name: str
    members: tuple[Member, ...]

    @property
    def key(self) -> str:
        """Identity of the assessment; equal keys give equal scores."""
        facts = [
            (
                "assessment",
                json.loads(to_json(each.architecture)),
                hashlib.sha256(each.weights).hexdigest(),
                each.share,
            )
            for each in self.members
        ]
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Assessed:
    """The scores of a model.

    Attributes:
        validation: Its validation metric; None if it or the test metric is not finite.
        test: Its test metric.
        tests: The test metric of each of its networks alone.
        coverage: Share of the test values within the outermost quantiles; None without quantiles.
        latency_ms: Milliseconds from the arrival of the last step to the answer, for one sequence, the median.
        single_latency_ms: The same for its first network alone.
        sums: The statistic of the metric for each test example, as `ExampleSums.to_text`; empty where the answers are
            too many to keep, or each example is adapted to first.
    """

    validation: float | None = None
    test: float | None = None
    tests: tuple[float, ...] = ()
    coverage: float | None = None
    latency_ms: float | None = None
    single_latency_ms: float | None = None
    sums: str = ""

    @property
    def example_sums(self) -> ExampleSums | None:
        """The sums over the test examples; None where they are not known."""
        return ExampleSums.from_text(self.sums) if self.sums else None

    @property
    def succeeded(self) -> bool:
        """Whether there are both a validation and a test score."""
        return self.validation is not None and self.test is not None

    def to_values(self) -> dict[str, Any]:
        """Returns plain JSON values."""
        return asdict(self)

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> Assessed:
        """Returns the scores that `to_values` gave; other keys are ignored."""
        known = cls(**{field.name: values[field.name] for field in fields(cls)})
        return replace(known, tests=tuple(known.tests))


Assess = Callable[
    ["Sequence[Assessment]", "Dataset", "TrainingConfig"], Iterator["tuple[Assessment, Assessed] | None"]
]
"""Makes assessments, here or elsewhere, and yields each with its scores, in any order; None while it waits."""


def assess_here(
    requests: Sequence[Assessment], dataset: Dataset, training: TrainingConfig
) -> Iterator[tuple[Assessment, Assessed]]:
    """Makes the assessments one after another in this process."""
    for request in requests:
        yield request, assess_one(request, dataset, training)


def assess_one(request: Assessment, dataset: Dataset, training: TrainingConfig) -> Assessed:
    """Scores a model on the validation and test part of ``dataset``."""
    with one_thread():
        networks = [_network(member, dataset, training) for member in request.members]
        if training.adaptation is not None:
            return _adapted(networks[0], dataset, training)
        model = model_of(
            networks, link=LINKS[dataset.objective], shares=[member.share for member in request.members]
        )
        scores = [score_part(each, dataset, "test").metric for each in (model, *networks)]
        validation = score_part(model, dataset, "validation").metric
        if not all(map(math.isfinite, (validation, *scores))):
            return Assessed()
        test, *tests = scores
        return Assessed(
            validation=validation,
            test=test,
            tests=tuple(tests),
            coverage=_coverage(model, dataset),
            latency_ms=_latency_ms(model),
            single_latency_ms=_latency_ms(networks[0]),
            sums=_sums(model, dataset),
        )


def _sums(model: Model, dataset: Dataset) -> str:
    test = dataset.test
    steps = test.inputs.shape[1] if isinstance(test, Sequences) and dataset.signature.per_step else 1
    if len(test) * steps * dataset.signature.outputs > MOST_ANSWERS:
        return ""
    return example_sums(model, dataset, "test").to_text()


def _network(member: Member, dataset: Dataset, training: TrainingConfig) -> Network:
    network = Network(member.architecture, dataset.signature)
    network.load_state_dict(load(member.weights))
    return network.to(device_for(training)).eval()


def _adapted(network: Network, dataset: Dataset, training: TrainingConfig) -> Assessed:
    assert training.adaptation is not None, "only networks that adapt are scored so"
    steps = [training.adaptation.steps]
    # Both parts are of tasks that it never saw, and it adapts to each of them first.
    (validation,) = adapted_test_scores(
        network, replace(dataset, test=dataset.validation), training.adaptation, steps=steps
    )
    (test,) = adapted_test_scores(network, dataset, training.adaptation, steps=steps)
    if not (math.isfinite(validation.metric) and math.isfinite(test.metric)):
        return Assessed()
    latency_ms = _latency_ms(network)
    return Assessed(
        validation.metric, test.metric, (test.metric,), latency_ms=latency_ms, single_latency_ms=latency_ms
    )


def _coverage(model: Model, dataset: Dataset) -> float | None:
    if not dataset.quantiles:
        return None
    return score_part(model, replace(dataset, metric=coverage(dataset.quantiles)), "test").metric


def _latency_ms(model: Model) -> float:
    return measure_latency(model)[LATENCY_METRIC]
