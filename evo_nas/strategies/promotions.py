"""`Promotions`: the rungs of every candidate, and the pruned trainings that go on later."""

from __future__ import annotations

import heapq
import math
import sys
from collections import OrderedDict, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evo_nas.evaluation import Status
from evo_nas.strategies.growth import Growth
from evo_nas.strategies.proposal import Proposal
from evo_nas.strategies.pruning import RULES, resolve_rungs
from evo_nas.strategies.revisits import Revisit
from evo_nas.strategies.trials import REMEMBERED

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterator, Set

    from evo_nas.config import FitnessOptions
    from evo_nas.evaluation import Candidate, Evaluation, Outcome
    from evo_nas.strategies.trials import Trial

WAITING = sys.float_info.max
"""A threshold that no fitness reaches."""
OPERATOR = "promotion"
"""Operator of a candidate that continues a pruned training."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Where a training may be pruned.

    Attributes:
        rungs: Epochs, ascending.
        thresholds: For each rung the fitness below which it is pruned there: minus infinity where nothing is pruned,
            `WAITING` where every training waits until enough is known, infinity where none goes further.
    """

    rungs: tuple[int, ...] = ()
    thresholds: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, order=True)
class Bracket:
    """Trainings whose scores at a rung can be compared.

    A schedule with a horizon, such as cosine, has annealed a short training at a rung where a long one is in its
    middle; so only those of the same budget compete there.

    Attributes:
        budget: Epochs of the whole training.
        is_inherited: Whether they start from weights of another network.
    """

    budget: int
    is_inherited: bool = False


class Promotions(Revisit):
    """Plans the rungs of candidates, learns from the results, and promotes what was pruned too early.

    A threshold is as old as its candidate. When later scores lower it, or the highest level in use grows, a pruned
    training may belong to the best after all; it then goes on before anything new is tried, as in asynchronous
    successive halving. It may do so until `REMEMBERED` more results have come.

    Until some trainings are complete, as many are always under way that cannot be pruned: the scouts. They tell what a
    training costs, and the search has something to show, however few candidates it may ask.

    Args:
        fitness: How candidates are scored.
        epochs: Epochs of training of most candidates, for which the rungs are chosen.
        noise: Returns the standard deviation of a fitness between seeds; None while it is not known.

    Raises:
        ConfigError: The rungs do not suit the epochs.
    """

    def __init__(
        self, fitness: FitnessOptions, epochs: int, *, noise: Callable[[], float | None] = lambda: None
    ) -> None:
        self._fitness = fitness
        self._rungs = resolve_rungs(fitness, epochs)
        self._noise = noise
        self._ladders: dict[Bracket, Ladder] = {}
        self._paused = OrderedDict[int, "Paused"]()
        self._queues = defaultdict[tuple[Bracket, int], list[tuple[float, int]]](list)
        self._promoted: set[int] = set()
        self._scouts: set[int] = set()
        self._complete = 0
        self._learned = 0

    @property
    def share(self) -> float:
        """How often a new candidate goes on from a rung, in the mean: 1/r + 1/r^2 + ... if one of r does."""
        reduction = 2 if self._fitness.pruning == "median" else self._fitness.reduction
        # While the epochs grow, what is paused goes on only when they do, which may be never.
        return 1 / (reduction - 1) if self._rungs and not self._fitness.grow else 0.0

    def plan(self, bracket: Bracket, *, above: int = 0) -> Plan:
        """Returns the rungs of a new candidate, as of now.

        Args:
            bracket: What it competes with.
            above: Epochs that are behind it already.
        """
        if not self._rungs:
            return Plan()
        ladder = self._ladder(bracket)
        rungs = tuple(rung for rung in ladder.rungs if above < rung <= ladder.cap)
        if not above and len(self._scouts) + self._complete < ladder.scouts:
            return Plan(rungs, (-math.inf,) * len(rungs))
        return Plan(rungs, tuple(map(ladder.threshold_for_new, rungs)))

    def asked(self, candidate: Candidate) -> None:
        """Takes in that a pruned training goes on, or that one cannot be pruned."""
        if candidate.continues is None:
            if candidate.rungs and max(candidate.thresholds) == -math.inf:
                self._scouts.add(candidate.id)
            return
        # A resumed run hears of the promotion before it hears of what was promoted.
        if self._paused.pop(candidate.continues, None) is None:
            self._promoted.add(candidate.continues)

    def learn(self, trial: Trial) -> None:
        """Takes in the latest training of ``trial``; only its first one, and what continues that, counts here."""
        if not self._rungs:
            return
        evaluation = trial.evaluations[-1]
        candidate, outcome = evaluation.candidate, evaluation.outcome
        self._learned += 1
        self._forget()
        is_promoted = candidate.id in self._promoted
        self._promoted.discard(candidate.id)
        self._scouts.discard(candidate.id)
        self._complete += outcome.status.complete
        if outcome.fitness is None or candidate.repeats is not None:
            return
        bracket = Bracket(candidate.budget, outcome.inherited_steps > 0)
        self._ladder(bracket).learn(evaluation)
        if outcome.status is Status.PRUNED and not is_promoted:
            self._paused[candidate.id] = Paused(candidate, outcome, self._learned)
            self._enqueue(bracket, outcome.epochs, (-outcome.fitness, candidate.id))

    def wanted_weights(self) -> Set[str]:
        """Returns the digests of what paused trainings left."""
        return {paused.outcome.weights for paused in self._paused.values()} - {""}

    def propose(self, k: int, rng: random.Random) -> Proposal | None:  # noqa: ARG002 - the contract's signature
        """Returns the best paused training that belongs to the best of its rung, the highest rung first."""
        for bracket, rung in sorted(self._queues, key=lambda place: (place[1], place[0]), reverse=True):
            ladder = self._ladder(bracket)
            chosen = self._first(self._queues[bracket, rung]) if rung < ladder.cap else None
            if chosen is not None and ladder.promotes(chosen.fitness, rung):
                return chosen.promotion
        return None

    def _ladder(self, bracket: Bracket) -> Ladder:
        if bracket not in self._ladders:
            rungs = tuple(rung for rung in self._rungs if rung < bracket.budget)
            self._ladders[bracket] = Ladder(self._fitness, rungs, bracket.budget, self._noise)
        return self._ladders[bracket]

    def _forget(self) -> None:
        """Forgets what was paused long ago: the memory of a search is bounded, and so is that of its weights."""
        # By age and not by number, so that a resumed run, which never holds what was promoted, forgets the same.
        while self._paused and next(iter(self._paused.values())).since <= self._learned - REMEMBERED:
            self._paused.popitem(last=False)

    def _enqueue(self, bracket: Bracket, rung: int, entry: tuple[float, int]) -> None:
        queue = self._queues[bracket, rung]
        if len(queue) >= 2 * REMEMBERED:
            queue[:] = [each for each in queue if each[1] in self._paused]
            heapq.heapify(queue)
        heapq.heappush(queue, entry)

    def _first(self, queue: list[tuple[float, int]]) -> Paused | None:
        while queue and queue[0][1] not in self._paused:
            heapq.heappop(queue)
        return self._paused[queue[0][1]] if queue else None


class Ladder:
    """The rungs of one bracket, what is known there, and how far trainings go at most."""

    def __init__(
        self, fitness: FitnessOptions, rungs: tuple[int, ...], budget: int, noise: Callable[[], float | None]
    ) -> None:
        self.rungs = rungs
        self.rule = RULES[fitness.pruning](fitness.reduction)
        self._growth = Growth((*rungs, budget), noise, waits=fitness.repeats > 0) if fitness.grow else None
        # While the epochs grow, all trainings are paused at the cap in any case.
        self.scouts = 0 if fitness.grow else self.rule.scouts
        self._budget = budget

    @property
    def cap(self) -> int:
        """Epochs that trainings reach at most."""
        return self._budget if self._growth is None else self._growth.cap

    def threshold_for_new(self, rung: int) -> float:
        """Returns the fitness below which a candidate that is asked now is pruned at ``rung``."""
        if rung == self.cap:
            return math.inf
        return WAITING if self._waits_at(rung) else self.rule.threshold(rung)

    def promotes(self, fitness: float, rung: int) -> bool:
        """Whether a training with this fitness at ``rung`` belongs to the best, as far as known now."""
        return not self._waits_at(rung) and fitness >= self.rule.threshold(rung)

    def learn(self, evaluation: Evaluation) -> None:
        """Takes in the scores that a training has at the rungs."""
        candidate, outcome = evaluation.candidate, evaluation.outcome
        assert outcome.fitness is not None, "only what was scored is learned from"
        # The rungs below were counted when the training that it continues was told.
        new = self.rungs if candidate.continues is None else candidate.rungs
        for rung, score in self._scores(outcome):
            if rung in new:
                self.rule.reached(rung, score)
        if outcome.status.complete:
            self.rule.finished(dict(self._scores(outcome)), outcome.fitness)
        if self._growth is not None and len(outcome.curve) >= self.cap:
            self._growth.reached(outcome.fitness_curve)

    def _waits_at(self, rung: int) -> bool:
        return self._growth is None and self.rule.waits_at(rung)

    def _scores(self, outcome: Outcome) -> Iterator[tuple[int, float]]:
        for rung in self.rungs:
            score = outcome.fitness_after(rung)
            if score is not None:
                yield rung, score


@dataclass(frozen=True, slots=True)
class Paused:
    """A pruned training that may go on.

    Attributes:
        candidate: Its candidate.
        outcome: Its result at the rung.
        since: How many results had been learned when it was.
    """

    candidate: Candidate
    outcome: Outcome
    since: int

    @property
    def fitness(self) -> float:
        """Its fitness at the rung."""
        assert self.outcome.fitness is not None, "a pruned training has a score"
        return self.outcome.fitness

    @property
    def promotion(self) -> Proposal:
        """The proposal to continue it."""
        return Proposal(
            self.candidate.genome,
            parents=(self.candidate.id,),
            operator=OPERATOR,
            epochs=self.candidate.budget,
            cut=self.candidate.cut,
            continues=self.candidate.id,
            starts_from=self.outcome.weights,
            done=self.outcome.epochs,
            is_inherited=self.outcome.inherited_steps > 0,
        )
