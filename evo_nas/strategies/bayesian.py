"""Bayesian optimisation: a Gaussian process predicts every network, and the one that promises most is asked.

The process compares networks gene by gene and cell by cell (`gaussian_process`); the promise is the logarithm of the
expected improvement (Ament et al., NeurIPS 2023), which is maximised by a local search from the best networks that are
known, as in NASBOT (Kandasamy et al., "Neural Architecture Search with Bayesian Optimisation and Optimal Transport",
NeurIPS 2018) and BANANAS (White, Neiswanger and Savani, AAAI 2021). Those in flight are believed to become what is
expected of them, so that a batch is no heap of neighbours.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from evo_nas.strategies.bayesian_optimizer import BayesianOptimizer
from evo_nas.strategies.mutation import mutated, operators_of
from evo_nas.strategies.strategy import REDRAWS, Proposal, Strategy, StrategyOptions

if TYPE_CHECKING:
    import random
    from collections.abc import Iterable, Sequence
    from typing import Self, Unpack

    from evo_nas.evaluation import Candidate
    from evo_nas.genome.space import Genome, SearchSpace
    from evo_nas.strategies.bayesian_optimizer import Scorer
    from evo_nas.strategies.strategy import Terms
    from evo_nas.strategies.trials import Trial

LEAST_INITIAL, MOST_INITIAL = 10, 20
INCUMBENTS = 5
"""The best trials where the local search begins, and the most promising genomes where each further round does."""
ROUNDS = 3
DRAWN_SHARE = 0.02
"""Of the candidates; a random cell costs as much as ten mutants, and seldom wins once something is known."""
ANOTHER = 0.2
"""Chance that a mutant is changed once more, and then again."""


class BayesianOptions(StrategyOptions):
    """Options of Bayesian optimisation.

    Attributes:
        initial: Scored candidates before the first fit; until then the founders of the space are asked, and then random
            networks. A fifth of the evaluations, 10 to 20, unless given.
        candidates: Genomes that are compared for each candidate; the time of an ask grows with them.
        trials: Trials that the process learns from at most, the best and the latest; the time of an ask grows with
            their square.
    """

    initial: int | None = Field(
        default=None, ge=2, description="since one score predicts nothing", examples=[20]
    )
    candidates: int = Field(
        default=200, ge=4, description="a random one, and one for each round of the local search"
    )
    trials: int = Field(default=500, ge=10)

    def following(self, evaluations: int) -> Self:
        """Returns these options with those filled in that follow the budget and were left out."""
        initial = self.initial or min(MOST_INITIAL, max(LEAST_INITIAL, evaluations // 5))
        return self.model_copy(update={"initial": initial})


@dataclass(frozen=True, slots=True)
class _Point:
    """A genome of the local search, and the trial that the search reached it from."""

    genome: Genome
    parents: tuple[int, ...]
    promise: float = -math.inf


class BayesianOptimization(Strategy[BayesianOptions]):
    """Asks for the networks of which a Gaussian process expects most.

    It learns from every trial by its rank: what was pruned stands below what went further, and failures last, so that
    it avoids what fails.
    """

    kind: ClassVar[str] = "bayesian"
    Options = BayesianOptions
    extra: ClassVar[str] = "bayes"

    def __init__(
        self, space: SearchSpace, options: BayesianOptions | None = None, **terms: Unpack[Terms]
    ) -> None:
        super().__init__(space, options, **terms)
        assert self._options.initial is not None, "it follows the budget"
        self._optimizer = BayesianOptimizer(
            space,
            kind=self.kind,
            initial=self._options.initial,
            trials=self._options.trials,
            objectives=self.objectives,
        )
        self._operators = operators_of(space, fixed=self._frozen)
        self._shares = [operator.share for operator in self._operators]

    def _propose(self, k: int, rng: random.Random) -> Proposal | None:
        if not self._optimizer.is_ready:
            return self._founder(k) or self._by_chance(rng)
        pending = self._optimizer.pending(self._in_flight, self._unsettled)
        best = self._most_promising(self._optimizer.scorer(pending, rng), rng)
        if best is not None:
            return best
        # All that is near is known. A model for every draw would make the end of a small space slow.
        drawn = (self._by_chance(rng) for _ in range(REDRAWS))
        return next(filter(self._is_new, drawn), None)

    def _learn(self, trials: Sequence[Trial]) -> None:
        for trial in trials:
            self._optimizer.observations.add(trial)

    def _remember_asked(self, candidates: Iterable[Candidate]) -> None:
        asked = tuple(candidates)
        super()._remember_asked(asked)
        self._optimizer.remember(asked)

    def _most_promising(self, score: Scorer, rng: random.Random) -> Proposal | None:
        """Returns the best genome that a local search finds; None if it finds no new one."""
        seen: dict[str, _Point] = {}
        starts = [
            _Point(trial.candidate.genome, (trial.candidate.id,))
            for trial in self._optimizer.observations.best(INCUMBENTS)
        ]
        drawn = max(1, round(DRAWN_SHARE * self._options.candidates))
        points = [_Point(self._by_chance(rng).genome, ()) for _ in range(drawn)]
        for _ in range(ROUNDS):
            # Where all that is remembered has failed, there is nowhere to start from but at what was drawn.
            wanted = (self._options.candidates - drawn) // ROUNDS if starts else 0
            points += [self._mutant(rng.choice(starts), rng) for _ in range(wanted)]
            new = self._new(points, seen)
            for key, promise in zip(new, score([point.genome for point in new.values()]), strict=True):
                seen[key] = _Point(new[key].genome, new[key].parents, promise)
            points, starts = [], sorted(seen.values(), key=_promise_of, reverse=True)[:INCUMBENTS] or starts
        best = max(seen.values(), key=_promise_of, default=None)
        return None if best is None else Proposal(best.genome, best.parents, "acquisition")

    def _mutant(self, start: _Point, rng: random.Random) -> _Point:
        genome = start.genome
        while self._operators:
            operator = rng.choices(self._operators, self._shares)[0]
            genome = mutated(genome, operator, space=self._space, rng=rng)
            if rng.random() >= ANOTHER:
                break
        return _Point(genome, start.parents)

    def _new(self, points: Sequence[_Point], seen: dict[str, _Point]) -> dict[str, _Point]:
        """Returns by their identity the points that may be asked and were not seen."""
        found = dict[str, _Point]()
        for point in points:
            proposal = Proposal(point.genome, point.parents, "acquisition")
            key = self._space.canonical_hash(point.genome)
            if key not in seen and key not in found and self._is_new(proposal):
                found[key] = point
        return found


def _promise_of(point: _Point) -> float:
    return point.promise
