"""The laws of `Executor`, held against every implementation."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator

import pytest
from ray import cloudpickle

from evo_nas.evaluation import Candidate, Evaluation, Outcome, Status
from evo_nas.execution.executor import Executor, InlineExecutor
from evo_nas.execution.ray_pool import RayOptions, RayPool
from evo_nas.execution.simulated import SimulatedExecutor, Simulation

OK, SLOW, RAISES = "ok", "slow", "raises"
TIME_LIMIT_S = 1.0
Build = Callable[..., Executor]


def candidate(number: int, does: str = OK) -> Candidate:
    return Candidate(number, (number, 7), f"{number:032x}", (1, 2), does, number, budget=3, asked_after=4)


def result(candidate: Candidate) -> Outcome:
    return Outcome(
        Status.OK,
        fitness=-float(candidate.id),
        metrics={"validation_mse": 0.25},
        curve=(0.5, 0.25),
        parameters=12,
        epochs=2,
        train_s=0.125,
    )


class Scripted:
    """Does what the candidate's operator says."""

    def __call__(self, candidate: Candidate) -> Outcome:
        if candidate.operator == SLOW:
            time.sleep(2.5 * TIME_LIMIT_S)
        if candidate.operator == RAISES:
            raise ZeroDivisionError("no gradient")
        return result(candidate)


def inline(*, time_limit_s: float | None = None) -> Executor:
    return InlineExecutor(Scripted, time_limit_s=time_limit_s)


def simulated(*, time_limit_s: float | None = None) -> Executor:
    def raising(candidate: Candidate) -> Outcome:
        return Scripted()(candidate) if candidate.operator == RAISES else result(candidate)

    def duration_s(candidate: Candidate) -> float:
        return 2.5 * TIME_LIMIT_S if candidate.operator == SLOW else 0.01

    return SimulatedExecutor(raising, Simulation(2, time_limit_s=time_limit_s), duration_s=duration_s)


def ray_pool(*, time_limit_s: float | None = None) -> Executor:
    cloudpickle.register_pickle_by_value(sys.modules[__name__])
    return RayPool(Scripted, RayOptions(workers=2, time_limit_s=time_limit_s))


@pytest.fixture(scope="module", params=[inline, simulated, pytest.param(ray_pool, marks=pytest.mark.ray)])
def build(request: pytest.FixtureRequest) -> Build:
    if request.param is ray_pool:
        request.getfixturevalue("local_ray")
    return request.param


@pytest.fixture(scope="module")
def executor(build: Build) -> Iterator[Executor]:
    with build() as shared:
        yield shared


def collect(executor: Executor, count: int) -> dict[int, Evaluation]:
    """Collects ``count`` evaluations; one that comes twice or was never submitted is an error."""
    collected: dict[int, Evaluation] = {}
    while len(collected) < count:
        for evaluation in executor.collect(timeout_s=60.0):
            assert evaluation.candidate.id not in collected
            collected[evaluation.candidate.id] = evaluation
    assert executor.collect(timeout_s=0.0) == []
    return collected


def test_every_candidate_comes_back_once_with_its_outcome(executor: Executor) -> None:
    submitted = [candidate(number) for number in range(200)]
    executor.submit(submitted[:150])
    executor.submit(submitted[150:])
    collected = collect(executor, 200)
    for asked in submitted:
        evaluation = collected[asked.id]
        assert evaluation.candidate == asked
        assert evaluation.outcome == result(asked)
        assert evaluation.attempt == 1


def test_an_evaluation_says_who_did_it_where_and_when(executor: Executor) -> None:
    executor.submit([candidate(0)])
    (evaluation,) = collect(executor, 1).values()
    assert evaluation.worker
    assert evaluation.node
    assert evaluation.queue_s >= 0.0
    assert evaluation.finished_at > 0.0


def test_nothing_is_awaited_when_nothing_is_in_flight(executor: Executor) -> None:
    assert executor.collect(timeout_s=1e6) == []
    executor.submit([])
    assert executor.collect(timeout_s=1e6) == []


def test_slots_fill_up_and_become_free_again(executor: Executor) -> None:
    for turn in range(3):
        free = executor.free_slots()
        assert free > 0
        executor.submit([candidate(100 * turn + number) for number in range(free)])
        assert executor.free_slots() == 0
        collect(executor, free)


def test_occupancy_counts_what_is_in_flight(executor: Executor) -> None:
    executor.submit([candidate(number) for number in range(5)])
    occupancy = executor.occupancy()
    assert occupancy.in_flight == 5
    assert 1 <= occupancy.busy <= occupancy.workers
    collect(executor, 5)
    occupancy = executor.occupancy()
    assert (occupancy.in_flight, occupancy.busy) == (0, 0)
    assert (occupancy.lost_workers, occupancy.dropped) == (0, 0)


def test_an_evaluator_that_raises_fails_its_candidate_alone(executor: Executor) -> None:
    executor.submit([candidate(number, RAISES if number == 4 else OK) for number in range(10)])
    collected = collect(executor, 10)
    assert {number for number, e in collected.items() if e.status is not Status.OK} == {4}
    assert collected[4].status is Status.FAILED
    assert collected[4].outcome.error == "ZeroDivisionError: no gradient"


def test_a_candidate_over_twice_its_time_limit_has_timed_out(build: Build) -> None:
    with build(time_limit_s=TIME_LIMIT_S) as executor:
        executor.submit([candidate(number, SLOW if number == 4 else OK) for number in range(10)])
        collected = collect(executor, 10)
    assert {number for number, e in collected.items() if e.status is not Status.OK} == {4}
    assert collected[4].status is Status.TIMED_OUT
    assert "the time limit is 1 s" in collected[4].outcome.error


def test_closing_abandons_what_is_in_flight_and_may_be_repeated(build: Build) -> None:
    executor = build()
    executor.submit([candidate(number) for number in range(50)])
    executor.close()
    executor.close()
