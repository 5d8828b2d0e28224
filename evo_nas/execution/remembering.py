"""`RememberingExecutor`: answers at once for candidates whose result is known already."""

from __future__ import annotations

import socket
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from evo_nas.evaluation import Evaluation
from evo_nas.execution.executor import Executor

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from evo_nas.evaluation import Candidate, Outcome
    from evo_nas.execution.executor import Occupancy

WORKER = "memory"
"""What a remembered evaluation names as its worker."""


class RememberingExecutor(Executor):
    """Passes candidates on to another executor, but for those whose result is known.

    Args:
        executor: Where the others are trained; it is started and closed with this one.
        recall: Returns the result of a candidate if it is known, otherwise None.
    """

    def __init__(self, executor: Executor, recall: Callable[[Candidate], Outcome | None]) -> None:
        self._executor = executor
        self._recall = recall
        self._known: list[Evaluation] = []
        self._node = socket.gethostname()

    def start(self) -> None:
        """Starts the workers of the other executor."""
        self._executor.start()

    def expect(self, candidates: int) -> None:
        """Passes on how many more candidates will be submitted."""
        self._executor.expect(candidates)

    def free_slots(self) -> int:
        """Returns how many more candidates the workers can use now."""
        # What is known takes a slot until it is collected: the loop must not ask for ever more before it tells.
        return max(0, self._executor.free_slots() - len(self._known))

    def submit(self, candidates: Sequence[Candidate]) -> None:
        """Takes candidates; only those of unknown result reach the workers."""
        unknown = []
        for candidate in candidates:
            outcome = self._recall(candidate)
            if outcome is None:
                unknown.append(candidate)
            else:
                self._known.append(
                    Evaluation(candidate, outcome, worker=WORKER, node=self._node, finished_at=time.time())
                )
        if unknown:
            self._executor.submit(unknown)

    def collect(self, *, timeout_s: float) -> list[Evaluation]:
        """Returns the known evaluations, or what has arrived from the workers."""
        if not self._known:
            return self._executor.collect(timeout_s=timeout_s)
        # The workers are asked in the next turn: some executors train in `collect`, whatever the timeout.
        known, self._known = self._known, []
        return known

    def occupancy(self) -> Occupancy:
        """Returns the state of the workers."""
        occupancy = self._executor.occupancy()
        return replace(occupancy, in_flight=occupancy.in_flight + len(self._known))

    def close(self) -> None:
        """Ends the workers."""
        self._known.clear()
        self._executor.close()
