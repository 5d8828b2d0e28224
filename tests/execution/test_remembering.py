"""What is remembered is answered at once, and everything else is trained."""

from __future__ import annotations

import pytest

from evo_nas.evaluation import Candidate, Outcome
from evo_nas.execution.executor import Executor
from evo_nas.execution.inline import InlineExecutor
from evo_nas.execution.remembering import RememberingExecutor
from evo_nas.execution.worker import MakeEvaluator
from evo_nas.testing.executors import (
    RAISES,
    SLOW,
    BuildExecutor,
    ExecutorContract,
    Scripted,
    scripted_candidate,
    scripted_outcome,
)


def recall_odd(candidate: Candidate) -> Outcome | None:
    is_known = candidate.id % 2 == 1 and candidate.operator not in (RAISES, SLOW)
    return scripted_outcome(candidate) if is_known else None


class TestRememberingExecutor(ExecutorContract):
    @pytest.fixture(scope="class")
    @classmethod
    def build(cls) -> BuildExecutor:
        def build(make_evaluator: MakeEvaluator, *, time_limit_s: float | None = None) -> Executor:
            return RememberingExecutor(InlineExecutor(make_evaluator, time_limit_s=time_limit_s), recall_odd)

        return build


def test_what_is_known_comes_before_what_is_trained_and_says_so() -> None:
    with RememberingExecutor(InlineExecutor(Scripted), recall_odd) as executor:
        executor.submit([scripted_candidate(0), scripted_candidate(1), scripted_candidate(3)])
        known = executor.collect(timeout_s=0)
        trained = executor.collect(timeout_s=0)
    assert [(each.candidate.id, each.worker) for each in known] == [(1, "memory"), (3, "memory")]
    assert [(each.candidate.id, each.worker) for each in trained] == [(0, "inline")]


def test_what_is_known_needs_no_worker() -> None:
    executor = RememberingExecutor(InlineExecutor(Scripted), recall_odd)
    executor.submit([scripted_candidate(1)])
    assert executor.occupancy().busy == 0
    assert executor.free_slots() == 0
    assert len(executor.collect(timeout_s=0)) == 1
    assert executor.free_slots() == 1
