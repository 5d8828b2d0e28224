"""Searches without training, for the tests of strategies: scores follow from the architecture and a little luck."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from evo_nas.evaluation import Candidate, Evaluation, Outcome, Status
from evo_nas.genome.architecture import Signature
from evo_nas.genome.options import SpaceOptions
from evo_nas.genome.space import SearchSpace
from evo_nas.randomness import stream

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evo_nas.strategies.strategy import Strategy, StrategyOptions


EPOCHS = 4
SIGNATURE = Signature(features=3, outputs=2)
SPACE = SearchSpace(SpaceOptions(), SIGNATURE, EPOCHS)
"""The default space, with far more architectures than atoms."""
IN_FLIGHT = 6


def evaluated(candidate: Candidate) -> Evaluation:
    """Trains a candidate: its curve follows from its hash and a little from its seed, and it stops at a rung.

    One architecture in ten diverges, and so does one training in twenty. A stretch of a long training finds random
    genomes.
    """
    if candidate.trains:
        return _found(candidate)
    rng, luck = stream(7, "objective", candidate.canonical_hash), stream(7, "luck", candidate.seed)
    if rng.random() < 0.1 or luck.random() < 0.05:
        return Evaluation(candidate, Outcome(Status.DIVERGED))
    final, parameters = rng.random() + luck.gauss(0.0, 0.02), rng.randrange(100, 200)
    curve = [final * epoch / candidate.budget + 0.1 * rng.random() for epoch in range(1, candidate.budget)]
    curve.append(max(final, *curve, 0.0))
    limits = dict(zip(candidate.rungs, candidate.thresholds, strict=True))
    epochs = next((rung for rung in limits if max(curve[:rung]) < limits[rung]), candidate.budget)
    fitness = max(curve[:epochs])
    return Evaluation(
        candidate,
        Outcome(
            Status.OK if epochs == candidate.budget else Status.PRUNED,
            fitness=fitness,
            metrics={"validation_accuracy": fitness},
            metric="validation_accuracy",
            curve=tuple(curve[:epochs]),
            parameters=parameters,
            epochs=epochs,
            weights="" if epochs == candidate.budget else f"{candidate.canonical_hash}-{epochs}",
        ),
    )


def _found(candidate: Candidate) -> Evaluation:
    epochs, rng = next(iter(candidate.rungs), candidate.budget), stream(7, "findings", candidate.seed)
    findings = tuple(SPACE.random(rng) for _ in range(4))
    return Evaluation(
        candidate,
        Outcome(
            Status.TRAINED,
            curve=tuple(rng.random() for _ in range(epochs)),
            epochs=epochs,
            weights="" if epochs == candidate.budget else f"{candidate.canonical_hash}-{epochs}",
            findings=findings,
            finding_scores=tuple(sorted((rng.random() for _ in findings), reverse=True)),
        ),
    )


def training_of(candidate: Candidate) -> tuple[object, ...]:
    """Returns what determines a training, apart from how far it goes."""
    return candidate.genome, candidate.canonical_hash, candidate.seed, candidate.cut, candidate.budget


def searched(
    strategy: Strategy[StrategyOptions], evaluations: int, *, in_flight: int = 3
) -> tuple[list[Candidate], list[Evaluation]]:
    """Searches with several candidates in flight, which finish in a seeded order; returns all asked and all told."""
    arrivals = random.Random(0)
    asked: list[Candidate] = []
    told: list[Evaluation] = []
    flying: list[Candidate] = []
    while len(told) < evaluations:
        new = strategy.ask(in_flight - len(flying))
        asked += new
        flying += new
        evaluation = evaluated(flying.pop(arrivals.randrange(len(flying))))
        strategy.tell([evaluation])
        told.append(evaluation)
    return asked, told


def still_in_flight(asked: list[Candidate], told: list[Evaluation]) -> list[Candidate]:
    """Returns the candidates that were asked and not told."""
    done = {evaluation.candidate.id for evaluation in told}
    return [candidate for candidate in asked if candidate.id not in done]


@dataclass(frozen=True, slots=True)
class History:
    """A search that tests read.

    Attributes:
        asked: All candidates in the order of asking.
        told: All evaluations in the order of telling.
        statistics: What the strategy says of itself at the end.
    """

    asked: list[Candidate]
    told: list[Evaluation]
    statistics: Mapping[str, float]

    @classmethod
    def of(cls, strategy: Strategy[StrategyOptions], *, evaluations: int = 120) -> Self:
        """Searches with a fresh ``strategy`` and `IN_FLIGHT` candidates in flight."""
        asked, told = searched(strategy, evaluations, in_flight=IN_FLIGHT)
        return cls(asked, told, strategy.statistics())

    def asked_before(self, seq: int) -> list[Candidate]:
        """Returns the candidates that had been asked when evaluation ``seq`` was about to be told."""
        return [candidate for candidate in self.asked if candidate.asked_after < seq]

    def until(self, seq: int) -> tuple[list[Evaluation], list[Candidate]]:
        """Returns the first ``seq`` evaluations and what was in flight after them."""
        told = self.told[:seq]
        return told, still_in_flight(self.asked_before(seq), told)
