"""`InlineExecutor`: trains candidates in this process."""

from __future__ import annotations

import socket
import time
from collections import deque
from typing import TYPE_CHECKING

from evo_nas.errors import ExecutionError
from evo_nas.evaluation import Evaluation
from evo_nas.execution.executor import Executor, Occupancy
from evo_nas.execution.worker import evaluate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evo_nas.evaluation import Candidate
    from evo_nas.execution.worker import Evaluator, MakeEvaluator


class InlineExecutor(Executor):
    """Evaluates one candidate at a time in this process, inside `collect`.

    An evaluation cannot be interrupted here: `collect` returns when it is done, even after its timeout. One that took
    longer than ten times the limit is reported as timed out afterwards.

    Args:
        make_evaluator: Called when the executor is started.
        time_limit_s: Seconds after which an evaluator should stop; None for no limit.
    """

    def __init__(self, make_evaluator: MakeEvaluator, *, time_limit_s: float | None = None) -> None:
        self._make_evaluator = make_evaluator
        self._evaluator: Evaluator | None = None
        self._time_limit_s = time_limit_s
        self._queue: deque[tuple[Candidate, float]] = deque()
        self._node = socket.gethostname()

    def start(self) -> None:
        """Makes the evaluator, which loads the data."""
        self._evaluator = self._make_evaluator()

    def free_slots(self) -> int:
        """Returns 1 when nothing is queued, otherwise 0."""
        return 0 if self._queue else 1

    def submit(self, candidates: Sequence[Candidate]) -> None:
        """Queues candidates."""
        now = time.monotonic()
        self._queue.extend((candidate, now) for candidate in candidates)

    def collect(self, *, timeout_s: float) -> list[Evaluation]:  # noqa: ARG002 - see the class
        """Evaluates the oldest queued candidate and returns it.

        Raises:
            ExecutionError: The executor was not started.
        """
        if self._evaluator is None:
            raise ExecutionError("the executor is not started; use it as a context manager, or call start()")
        if not self._queue:
            return []
        candidate, submitted = self._queue.popleft()
        queue_s = time.monotonic() - submitted
        outcome = evaluate(self._evaluator, candidate, time_limit_s=self._time_limit_s)
        return [
            Evaluation(
                candidate,
                outcome,
                worker="inline",
                node=self._node,
                queue_s=queue_s,
                finished_at=time.time(),
            )
        ]

    def occupancy(self) -> Occupancy:
        """Returns one worker, which is this process."""
        return Occupancy(
            workers=1, busy=int(bool(self._queue)), in_flight=len(self._queue), in_this_process=True
        )

    def close(self) -> None:
        """Clears the queue."""
        self._queue.clear()
