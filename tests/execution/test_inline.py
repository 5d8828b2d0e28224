"""The search in one process."""

from __future__ import annotations

import pytest

from evo_nas.errors import ExecutionError
from evo_nas.evaluation import Candidate, Outcome, Status
from evo_nas.execution.inline import InlineExecutor
from evo_nas.execution.worker import Evaluator


def test_the_evaluator_is_made_when_the_executor_is_entered_and_not_before() -> None:
    made = []

    def make() -> Evaluator:
        made.append(True)
        return lambda candidate: Outcome(Status.OK, fitness=1.0)

    executor = InlineExecutor(make)
    assert made == []
    with executor:
        executor.submit([Candidate(0, (), "", (), "random", 0, budget=1, asked_after=0)])
        assert [evaluation.fitness for evaluation in executor.collect(timeout_s=0.0)] == [1.0]
    assert made == [True]


def test_an_executor_that_was_not_started_says_what_to_do() -> None:
    executor = InlineExecutor(lambda: lambda candidate: Outcome(Status.OK, fitness=1.0))
    with pytest.raises(ExecutionError, match="the executor is not started; use it as a context manager"):
        executor.collect(timeout_s=0.0)
