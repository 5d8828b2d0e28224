"""A cheap problem for tests of strategies: every gene of the first layer and of training wants to be in the middle."""

from __future__ import annotations

import random
from collections.abc import Callable

from evo_nas.evaluation import Candidate, Evaluation, Outcome, Status
from evo_nas.genome.architecture import Signature
from evo_nas.genome.options import SpaceOptions
from evo_nas.genome.space import SearchSpace
from evo_nas.strategies.strategy import Strategy, StrategyOptions

EPOCHS = 4
SPACE = SearchSpace(SpaceOptions(seeds=[]), Signature(features=3, outputs=2), EPOCHS)
Score = Callable[[Candidate], float]
_SHARED = [
    (at, gene.size)
    for at, gene in enumerate(SPACE.genes)
    if gene.name.startswith(("layer1.", "training.")) and gene.size > 2
]


def closeness(candidate: Candidate) -> float:
    """How near the genes come to the middle, at most 0."""
    return -sum(abs(candidate.genome[at] / (size - 1) - 0.5) for at, size in _SHARED) / len(_SHARED)


def told(
    candidate: Candidate,
    score: Score = closeness,
    *,
    status: Status = Status.OK,
    parameters: int = 1,
    inherited_steps: int = 0,
) -> Evaluation:
    outcome = Outcome(
        status,
        fitness=score(candidate) if status.scored else None,
        parameters=parameters,
        epochs=EPOCHS,
        inherited_steps=inherited_steps,
    )
    return Evaluation(candidate, outcome)


def tell(strategy: Strategy[StrategyOptions], candidates: list[Candidate], score: Score = closeness) -> None:
    strategy.tell([told(candidate, score) for candidate in candidates])


def searched(
    strategy: Strategy[StrategyOptions], evaluations: int, score: Score = closeness, *, in_flight: int = 1
) -> list[Candidate]:
    """Returns all candidates of a search whose trainings end in a seeded order, those in flight included."""
    arrivals, asked, flying = random.Random(0), list[Candidate](), list[Candidate]()
    for _ in range(evaluations):
        new = strategy.ask(in_flight - len(flying))
        asked += new
        flying += new
        tell(strategy, [flying.pop(arrivals.randrange(len(flying)))], score)
    return asked


def best(strategy: Strategy[StrategyOptions], evaluations: int = 200) -> float:
    return max(map(closeness, searched(strategy, evaluations)))
