"""The loop that ties a strategy, an executor and a ledger together."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Self

from evo_nas.budgets import Ending
from evo_nas.ledger.committing import LOOK_S, ImmediateCommitter
from evo_nas.progress import Progress, Tally

if TYPE_CHECKING:
    from evo_nas.budgets import Budget
    from evo_nas.evaluation import Candidate, Evaluation
    from evo_nas.execution.executor import Executor
    from evo_nas.ledger import Committer, Ledger
    from evo_nas.progress import Listener
    from evo_nas.strategies.strategy import Strategy, StrategyOptions

TURN_S = 0.5
"""Longest wait for results in one turn, in seconds; between turns the loop checks whether it was stopped."""
ASKED_AT_ONCE = 256
"""Most candidates asked before they are submitted, so that the first of many workers can start early."""

Believer = Callable[[Sequence["Evaluation"]], None]
"""Called in the thread of the loop with evaluations that are durable and were just told to the strategy."""


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
        committer: Commits to ``ledger``; by default inside the loop. The caller closes it before the ledger.
        believers: Called after each telling, such as to delete what only a result that was not durable had needed.
    """

    def __init__(
        self,
        strategy: Strategy[StrategyOptions],
        executor: Executor,
        ledger: Ledger,
        *,
        budget: Budget,
        committer: Committer | None = None,
        believers: Sequence[Believer] = (),
    ) -> None:
        self._strategy = strategy
        self._executor = executor
        self._ledger = ledger
        self._budget = budget
        self._committer = committer or ImmediateCommitter(ledger)
        self._believers = believers
        self._tally = Tally(strategy.objectives)
        self._asked = self._told_at_start = 0
        # A candidate is asked ahead, then in the executor; its evaluation arrives, is being committed, then told.
        self._ahead: deque[Candidate] = deque()
        self._arrived: list[Evaluation] = []
        self._committing: list[Evaluation] = []
        self._unrecorded: dict[int, Candidate] = {}
        self._exhausted = False
        self._ending: Ending | None = None
        self._stop = threading.Event()
        self._drained_by = -math.inf
        self._started = time.monotonic()
        self._is_resumed = False

    @classmethod
    def resumed(
        cls,
        strategy: Strategy[StrategyOptions],
        executor: Executor,
        ledger: Ledger,
        *,
        budget: Budget,
        committer: Committer | None = None,
        believers: Sequence[Believer] = (),
    ) -> Self:
        """Returns a search that continues where ``ledger`` ends, with what was in flight submitted again."""
        search = cls(strategy, executor, ledger, budget=budget, committer=committer, believers=believers)
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

        Nothing is told before its commit is acknowledged. If the commit is made beside the loop, the turn goes on with
        collecting and submitting until then.

        Raises:
            ValueError: The search was not made by `resumed`; it would repeat what its ledger holds.
        """
        if not self._is_resumed:
            raise ValueError("the search is not resumed from its ledger; construct it with Search.resumed")
        told = self._turn(timeout_s)
        while not told and self._uncommitted:
            told = self._turn(timeout_s)
        return told

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
        return self._asked == self._tally.told and (self._spent or self._exhausted)

    @property
    def ended(self) -> bool:
        """Whether nothing is left to do: the budget is spent, or the search was stopped, drained and has committed."""
        return self.finished or (self._drained and not self._uncommitted)

    def progress(self) -> Progress:
        """Returns the current state."""
        return Progress(
            told=self._tally.told,
            told_at_start=self._told_at_start,
            asked=self._asked,
            budget=self._widened,
            by_status=dict(self._tally.by_status),
            best=self._tally.best,
            noise=self._tally.noise,
            savings=self._tally.savings,
            front=self._tally.front.members,
            constant=self._tally.front.constant,
            fitness=self._strategy.statistics(),
            occupancy=self._executor.occupancy(),
            elapsed_s=time.monotonic() - self._started,
            finished=self.finished,
            interrupted=self._stop.is_set(),
            commit_s=self._committer.commit_s,
            train_s=self._tally.train_s,
            wall_s=self._tally.clock.seconds(),
            remembered=self._tally.remembered,
            full_s=self._tally.pace.full_s,
            ending=self._ending,
            uncounted=self._budget.uncounted(self._tally.at_once),
        )

    @property
    def _spent(self) -> bool:
        # Once reached, a limit stays reached: the best of what is in flight must not begin the search again. Only
        # a candidate in flight that diverges at once gives its place back.
        if self._ending in (None, Ending.EVALUATIONS):
            self._ending = self._widened.ending(self._tally.spent(self._asked))
        return self._ending is not None

    @property
    def _widened(self) -> Budget:
        return self._budget.widened(self._tally.at_once)

    @property
    def _drained(self) -> bool:
        return self._stop.is_set() and (
            self._asked == self._tally.told or time.monotonic() >= self._drained_by
        )

    @property
    def _uncommitted(self) -> int:
        """How many evaluations have arrived and are not told yet."""
        return len(self._arrived) + len(self._committing)

    @property
    def _in_executor(self) -> int:
        return self._asked - self._tally.told - self._uncommitted - len(self._ahead)

    def _turn(self, timeout_s: float) -> list[Evaluation]:
        self._refill()
        more_may_come = self._in_executor > 0 and not self._drained
        if not self._drained:
            self._arrived += self._collect(timeout_s)
        # Workers first: whoever became free gets what was asked ahead, and does not wait for the commit.
        self._submit_ahead()
        if not more_may_come or not self._committer.pause_s():
            self._commit()
        return self._believe()

    def _refill(self) -> None:
        self._submit_ahead()
        # While a commit is under way nothing is asked: the commit must record all candidates that were asked before
        # its evaluations are told. Otherwise a search that is resumed after it would ask others in their place.
        while not self._committing and (wanted := self._free_slots()) > 0:
            # In portions until every worker has enough, so that the first can start while others are still asked.
            if not self._ask(min(wanted, ASKED_AT_ONCE)):
                return
            self._submit_ahead()

    def _free_slots(self) -> int:
        # Told in every turn: an executor that knows the end is near can give back workers that it will not need.
        self._executor.expect(self._left + len(self._ahead))
        return self._executor.free_slots() - len(self._ahead)

    @property
    def _left(self) -> int:
        """How many more candidates may be asked."""
        over = self._spent or self._stop.is_set()
        return 0 if over else self._widened.evaluations - self._asked

    def _ask(self, wanted: int) -> bool:
        """Asks for candidates within the budget; returns whether there were any."""
        if (wanted := min(wanted, self._left)) <= 0:
            return False
        candidates = self._strategy.ask(wanted, left=self._left)
        # An empty answer is final only when nothing is in flight: results may let the strategy find more.
        self._exhausted = not candidates and self._asked == self._tally.told
        self._asked += len(candidates)
        self._ahead += candidates
        self._unrecorded.update((candidate.id, candidate) for candidate in candidates)
        return bool(candidates)

    def _submit_ahead(self) -> None:
        count = min(len(self._ahead), self._executor.free_slots())
        if count > 0:
            self._executor.submit([self._ahead.popleft() for _ in range(count)])

    def _collect(self, timeout_s: float) -> list[Evaluation]:
        if self._committing:
            is_starving = not self._ahead and self._executor.free_slots() > 0
            if is_starving or not self._in_executor:
                # Results are of no use before the commit is done.
                self._committer.is_acknowledged(timeout_s=LOOK_S)
                timeout_s = 0.0
            timeout_s = min(timeout_s, LOOK_S)
        elif self._arrived:
            timeout_s = min(timeout_s, self._committer.pause_s())
        return self._executor.collect(timeout_s=timeout_s)

    def _commit(self) -> None:
        if not self._arrived or self._committing:
            return
        if ahead := self._committer.ahead(len(self._arrived)):
            self._ask(self._free_slots() + ahead)
            self._submit_ahead()
        # Candidates asked since the last commit and still in flight are written with it, so that a resumed search
        # trains these very candidates; those that come back at once need no record of their own.
        for evaluation in self._arrived:
            self._unrecorded.pop(evaluation.candidate.id, None)
        self._committer.start(self._arrived, born=list(self._unrecorded.values()))
        self._committing, self._arrived = self._arrived, []
        self._unrecorded = {}

    def _believe(self) -> list[Evaluation]:
        """Tells what is durable by now, and returns it."""
        if not self._committing or not self._committer.is_acknowledged():
            return []
        evaluations, self._committing = self._committing, []
        self._strategy.tell(evaluations)
        self._tally.add(evaluations)
        for believer in self._believers:
            believer(evaluations)
        return evaluations

    def _resume(self) -> None:
        self._is_resumed = True
        history = self._ledger.history()
        self._strategy.resume(history.told, history.in_flight)
        self._tally.resume(history.told)
        self._told_at_start = self._tally.told
        self._asked = self._tally.told + len(history.in_flight)
        # These very candidates and no new ones: the strategy counts them as in flight, under their ids.
        self._ahead.extend(history.in_flight)
        self._submit_ahead()
