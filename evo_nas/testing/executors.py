"""The laws of `evo_nas.execution.executor.Executor` as tests."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol

import pytest

from evo_nas.evaluation import Candidate, Evaluation, Outcome, Status

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evo_nas.execution.executor import Executor
    from evo_nas.execution.worker import MakeEvaluator

OK, SLOW, RAISES = "ok", "slow", "raises"
"""Instructions for the evaluator, given in the candidate's ``operator``."""
TIME_LIMIT_S = 0.2
SLOW_S = 12.5 * TIME_LIMIT_S
"""Seconds that a slow candidate takes: beyond ten times the limit, where executors step in."""


class BuildExecutor(Protocol):
    """Builds an executor that is not started."""

    def __call__(self, make_evaluator: MakeEvaluator, /, *, time_limit_s: float | None = None) -> Executor:
        """Returns an executor whose workers evaluate with what ``make_evaluator`` makes."""


class Scripted:
    """An evaluator that does what the candidate's operator says."""

    def __call__(self, candidate: Candidate) -> Outcome:
        """Sleeps, raises, or returns `scripted_outcome`."""
        if candidate.operator == SLOW:
            time.sleep(SLOW_S)
        if candidate.operator == RAISES:
            raise ZeroDivisionError("no gradient")
        return scripted_outcome(candidate)


def scripted_outcome(candidate: Candidate) -> Outcome:
    """Returns an outcome with something in every field that a score has."""
    return Outcome(
        Status.OK,
        fitness=-float(candidate.id),
        metrics={"validation_mse": 0.25},
        metric="validation_mse",
        curve=(0.5, 0.25),
        parameters=12,
        epochs=2,
        train_s=0.125,
        backends=("native",),
    )


def scripted_candidate(number: int, does: str = OK) -> Candidate:
    """Returns a candidate that the scripted evaluator treats as ``does`` says."""
    return Candidate(number, (number, 7), f"{number:032x}", (1, 2), does, number, budget=3, asked_after=4)


class ExecutorContract:
    """The tests of every executor; a subclass supplies the fixture `build`, a class method of scope ``class``."""

    @pytest.fixture(scope="class")
    @classmethod
    def build(cls) -> BuildExecutor:
        """Returns a function that builds the executor under test."""
        raise NotImplementedError("override the fixture `build`: it returns what builds your executor")

    @pytest.fixture(scope="class")
    @classmethod
    def executor(cls, build: BuildExecutor) -> Iterator[Executor]:
        """Yields one started executor for all tests that leave it as it was, since starting may take seconds."""
        with build(Scripted) as started:
            yield started

    def test_every_candidate_comes_back_once_with_its_outcome(self, executor: Executor) -> None:
        submitted = [scripted_candidate(number) for number in range(200)]
        executor.submit(submitted[:150])
        executor.submit(submitted[150:])
        collected = collect(executor, 200)
        for asked in submitted:
            evaluation = collected[asked.id]
            assert evaluation.candidate == asked
            assert evaluation.outcome == scripted_outcome(asked)
            assert evaluation.attempt == 1

    def test_an_evaluation_says_which_worker_did_it_where_and_when(self, executor: Executor) -> None:
        executor.submit([scripted_candidate(0)])
        (evaluation,) = collect(executor, 1).values()
        assert evaluation.worker
        assert evaluation.node
        assert evaluation.queue_s >= 0.0
        assert evaluation.finished_at > 0.0

    def test_nothing_is_awaited_when_nothing_is_in_flight(self, executor: Executor) -> None:
        assert executor.collect(timeout_s=1e6) == []
        executor.submit([])
        assert executor.collect(timeout_s=1e6) == []

    def test_slots_fill_up_and_become_free_again(self, executor: Executor) -> None:
        for turn in range(3):
            free = executor.free_slots()
            assert free > 0
            executor.submit([scripted_candidate(100 * turn + number) for number in range(free)])
            assert executor.free_slots() == 0
            collect(executor, free)

    def test_occupancy_counts_what_is_in_flight(self, executor: Executor) -> None:
        executor.submit([scripted_candidate(number) for number in range(5)])
        occupancy = executor.occupancy()
        assert occupancy.in_flight == 5
        assert 1 <= occupancy.busy <= occupancy.workers
        collect(executor, 5)
        occupancy = executor.occupancy()
        assert (occupancy.in_flight, occupancy.busy) == (0, 0)
        assert (occupancy.lost_workers, occupancy.dropped) == (0, 0)

    def test_an_evaluator_that_raises_fails_its_candidate_alone(self, executor: Executor) -> None:
        executor.submit([scripted_candidate(number, RAISES if number == 4 else OK) for number in range(10)])
        collected = collect(executor, 10)
        assert {number for number, each in collected.items() if each.status is not Status.OK} == {4}
        assert collected[4].status is Status.FAILED
        assert collected[4].outcome.error == "ZeroDivisionError: no gradient"

    def test_a_candidate_over_ten_times_its_time_limit_has_timed_out(self, build: BuildExecutor) -> None:
        with build(Scripted, time_limit_s=TIME_LIMIT_S) as executor:
            executor.submit([scripted_candidate(number, SLOW if number == 4 else OK) for number in range(10)])
            collected = collect(executor, 10)
        assert {number for number, each in collected.items() if each.status is not Status.OK} == {4}
        assert collected[4].status is Status.TIMED_OUT
        assert f"the time limit is {TIME_LIMIT_S:g} s" in collected[4].outcome.error

    def test_closing_abandons_what_is_in_flight_and_may_be_repeated(self, build: BuildExecutor) -> None:
        with build(Scripted) as executor:
            executor.submit([scripted_candidate(number) for number in range(50)])
            executor.close()
        executor.close()


def collect(executor: Executor, count: int) -> dict[int, Evaluation]:
    """Collects ``count`` evaluations by candidate id; fails if one comes twice or too many come."""
    collected: dict[int, Evaluation] = {}
    while len(collected) < count:
        for evaluation in executor.collect(timeout_s=60.0):
            assert evaluation.candidate.id not in collected
            collected[evaluation.candidate.id] = evaluation
    assert executor.collect(timeout_s=0.0) == []
    return collected
