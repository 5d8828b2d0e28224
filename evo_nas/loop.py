"""The loop that ties a strategy, an executor and a ledger together."""

from __future__ import annotations

import math
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from evo_nas.archive import Archive, NoiseReport
from evo_nas.budgets import Budget, Ending, Spent
from evo_nas.run_clock import RunClock, TrainingPace

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from evo_nas.evaluation import Candidate, Evaluation, Status
    from evo_nas.execution.executor import Executor, Occupancy
    from evo_nas.ledger import Ledger
    from evo_nas.strategies.strategy import Strategy, StrategyOptions
    from evo_nas.strategies.trials import Trial

TURN_S = 0.5
"""Longest wait for results in one turn, in seconds; between turns the loop checks whether it was stopped."""
ASKED_AT_ONCE = 256
"""Most candidates asked before they are submitted, so that the first of many workers can start early."""


@dataclass(frozen=True, slots=True)
class Progress:
    """The state of a search; listeners get one each turn.

    Attributes:
        told: Evaluations that are committed and told to the strategy, over the whole run.
        told_at_start: Evaluations that this process found in the ledger when it started.
        asked: Candidates asked, over the whole run.
        budget: When the run is complete.
        by_status: Number of evaluations by status.
        best: The best trial of the whole run, by the mean of its trainings; None before the first complete one.
        fitness: Size, mean, std, min and max of the current population's fitness.
        occupancy: The state of the workers.
        elapsed_s: Seconds since this process started to search.
        finished: Whether the run is complete.
        interrupted: Whether the search was asked to stop before that.
        commit_s: Seconds that the last commit took.
        train_s: Seconds of training, over the whole run.
        wall_s: Seconds in which the run was searched, over the whole run.
        remembered: Evaluations whose results come from earlier runs, over the whole run.
        full_s: Seconds that one full training takes; 0 before the first.
        ending: The limit that was reached; None while the search goes on.
        noise: What repeated trainings say about the scores.
    """

    told: int
    told_at_start: int
    asked: int
    budget: Budget
    by_status: Mapping[Status, int]
    best: Trial | None
    fitness: Mapping[str, float]
    occupancy: Occupancy
    elapsed_s: float
    finished: bool
    interrupted: bool
    commit_s: float = 0.0
    train_s: float = 0.0
    wall_s: float = 0.0
    remembered: int = 0
    full_s: float = 0.0
    ending: Ending | None = None
    noise: NoiseReport = field(default_factory=NoiseReport)


Listener = Callable[[Progress], None]
"""Called after each turn, in the thread of the loop."""


class Search:
    """Asks, submits, collects, commits and tells until the budget is spent.

    Every result is durable before the strategy learns of it, so the state of a search is a function of its
    ledger: if it is killed at any point, a new `Search` over the same ledger continues as this one would have.
    Construct one with `Search.resumed`, also over a new ledger.

    Args:
        strategy: A fresh strategy.
        executor: Where candidates are trained; the caller starts and closes it.
        ledger: The ledger, open for writing.
        budget: The limits of the search.
    """

    def __init__(
        self, strategy: Strategy[StrategyOptions], executor: Executor, ledger: Ledger, *, budget: Budget
    ) -> None:
        self._strategy = strategy
        self._executor = executor
        self._ledger = ledger
        self._budget = budget
        self._archive = Archive()
        self._by_status: Counter[Status] = Counter()
        self._unrecorded: dict[int, Candidate] = {}
        self._told = self._asked = self._told_at_start = 0
        self._train_s = self._commit_s = 0.0
        self._remembered = 0
        self._clock = RunClock()
        self._pace = TrainingPace()
        self._better_after = 0
        self._better_at_s = 0.0
        self._exhausted = False
        self._ending: Ending | None = None
        self._stop = threading.Event()
        self._drained_by = -math.inf
        self._started = time.monotonic()
        self._is_resumed = False

    @classmethod
    def resumed(
        cls, strategy: Strategy[StrategyOptions], executor: Executor, ledger: Ledger, *, budget: Budget
    ) -> Self:
        """Returns a search that continues where ``ledger`` ends, with what was in flight submitted again."""
        search = cls(strategy, executor, ledger, budget=budget)
        search._resume()
        return search

    def run(self, listeners: Sequence[Listener] = ()) -> Progress:
        """Searches until the budget is spent or `stop` is called, and returns the final state.

        Raises:
            RunError: Results can no longer be committed; those committed so far are safe.
            ExecutionError: Workers cannot be kept alive.
        """
        self._started = time.monotonic()
        while not self.ended:
            self.step()
            if listeners:
                progress = self.progress()
                for listener in listeners:
                    listener(progress)
        return self.progress()

    def step(self, *, timeout_s: float = TURN_S) -> list[Evaluation]:
        """Makes one turn (ask, submit, collect, commit, tell) and returns what was told.

        Raises:
            ValueError: The search was not made by `resumed`; it would repeat what its ledger holds.
        """
        if not self._is_resumed:
            raise ValueError("the search is not resumed from its ledger; construct it with Search.resumed")
        self._ask()
        evaluations = self._executor.collect(timeout_s=timeout_s)
        if evaluations:
            # Commit before tell: a crash in between loses nothing that a later candidate depends on.
            self._commit(evaluations)
            self._strategy.tell(evaluations)
            self._count(evaluations)
        return evaluations

    def stop(self, *, drain_s: float = 0.0) -> None:
        """Ends `run` after the current turn; safe to call from a signal handler or another thread.

        Args:
            drain_s: Longest time in seconds that the search waits for candidates in flight; it asks for no new ones.
        """
        # The deadline comes before the flag: the loop must never see the flag with the deadline of the past.
        self._drained_by = time.monotonic() + drain_s
        self._stop.set()

    @property
    def finished(self) -> bool:
        """Whether the budget is spent and nothing is in flight."""
        return self._asked == self._told and (self._spent or self._exhausted)

    @property
    def ended(self) -> bool:
        """Whether nothing is left to do: the budget is spent, or the search was stopped and drained."""
        return self.finished or self._stopped

    def progress(self) -> Progress:
        """Returns the current state."""
        return Progress(
            told=self._told,
            told_at_start=self._told_at_start,
            asked=self._asked,
            budget=self._budget,
            by_status=dict(self._by_status),
            best=self._archive.best,
            noise=self._archive.report,
            fitness=self._strategy.statistics(),
            occupancy=self._executor.occupancy(),
            elapsed_s=time.monotonic() - self._started,
            finished=self.finished,
            interrupted=self._stop.is_set(),
            commit_s=self._commit_s,
            train_s=self._train_s,
            wall_s=self._clock.seconds(),
            remembered=self._remembered,
            full_s=self._pace.full_s,
            ending=self._ending,
        )

    @property
    def _stopped(self) -> bool:
        drained = self._asked == self._told or time.monotonic() >= self._drained_by
        return self._stop.is_set() and drained

    @property
    def _spent(self) -> bool:
        # Once reached, a limit stays reached: the best of what is in flight must not begin the search again.
        self._ending = self._ending or self._budget.ending(self._spending())
        return self._ending is not None

    def _spending(self) -> Spent:
        wall_s = self._clock.seconds()
        return Spent(
            asked=self._asked,
            told=self._told,
            train_s=self._train_s,
            wall_s=wall_s,
            full_s=self._pace.full_s,
            since_better=self._told - self._better_after,
            since_better_s=wall_s - self._better_at_s,
        )

    def _ask(self) -> None:
        # In portions until every worker has enough, so that the first can start while others are still asked.
        while (wanted := self._wanted()) > 0:
            candidates = self._strategy.ask(wanted)
            # An empty answer is final only when nothing is in flight: results may let the strategy find more.
            self._exhausted = not candidates and self._asked == self._told
            if not candidates:
                return
            self._executor.submit(candidates)
            self._asked += len(candidates)
            self._unrecorded.update((candidate.id, candidate) for candidate in candidates)

    def _wanted(self) -> int:
        over = self._spent or self._stop.is_set()
        left = 0 if over else self._budget.evaluations - self._asked
        # Told in every turn: an executor that knows the end is near can give back workers that it will not need.
        self._executor.expect(left)
        return min(self._executor.free_slots(), left, ASKED_AT_ONCE)

    def _resume(self) -> None:
        self._is_resumed = True
        history = self._ledger.history()
        self._strategy.resume(history.told, history.in_flight)
        self._clock.resume(history.told)
        self._count(history.told)
        self._told_at_start = self._told
        self._asked = self._told + len(history.in_flight)
        # These very candidates and no new ones: the strategy counts them as in flight, under their ids.
        self._executor.submit(history.in_flight)

    def _commit(self, evaluations: Sequence[Evaluation]) -> None:
        # Candidates asked since the last commit and still in flight are written with it, so that a resumed search
        # trains these very candidates; those that come back at once need no record of their own.
        for evaluation in evaluations:
            self._unrecorded.pop(evaluation.candidate.id, None)
        began = time.monotonic()
        self._ledger.append(evaluations, born=list(self._unrecorded.values()))
        self._commit_s = time.monotonic() - began
        self._unrecorded.clear()

    def _count(self, evaluations: Sequence[Evaluation]) -> None:
        for evaluation in evaluations:
            self._told += 1
            self._pace.observe(evaluation)
            before = self._archive.best
            self._archive.update([evaluation])
            if self._archive.best is not before:
                self._better_after, self._better_at_s = self._told, self._clock.seconds()
        self._remembered += sum(bool(evaluation.outcome.source) for evaluation in evaluations)
        self._train_s += sum(evaluation.outcome.train_s for evaluation in evaluations)
        self._by_status.update(evaluation.status for evaluation in evaluations)
