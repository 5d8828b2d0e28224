"""Faults on a virtual clock lose nothing, double nothing, and repeat themselves by seed."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evo_nas.errors import ConfigError
from evo_nas.evaluation import Candidate, Evaluation, Outcome, Status
from evo_nas.execution.simulated import Faults, SimulatedExecutor, Simulation

EVERYTHING = Faults(lost=0.2, late=0.5, duplicated=0.2, delayed=0.3)


def candidate(number: int) -> Candidate:
    return Candidate(number, (number,), f"{number:032x}", (), "random", number, budget=1, asked_after=0)


def identify(candidate: Candidate) -> Outcome:
    return Outcome(Status.OK, fitness=float(candidate.id))


def fed(executor: SimulatedExecutor, total: int) -> list[Evaluation]:
    """Keeps every slot filled until ``total`` candidates have come back."""
    evaluations: list[Evaluation] = []
    submitted = 0
    while len(evaluations) < total:
        count = min(executor.free_slots(), total - submitted)
        executor.submit([candidate(submitted + i) for i in range(count)])
        submitted += count
        evaluations += executor.collect(timeout_s=1000.0)
    assert executor.collect(timeout_s=1000.0) == []
    return evaluations


@given(
    seed=st.integers(0, 2**32),
    workers=st.integers(1, 9),
    lanes=st.integers(1, 4),
    mean_s=st.sampled_from([0.001, 0.05, 60.0]),
    time_limit_s=st.sampled_from([None, 20.0, 40.0]),
    lost=st.floats(0.0, 0.9),
    late=st.floats(0.0, 1.0),
    duplicated=st.floats(0.0, 1.0),
    delayed=st.floats(0.0, 1.0),
)
@settings(max_examples=300)
def test_no_fault_loses_or_doubles_a_candidate(
    seed: int, workers: int, lanes: int, mean_s: float, time_limit_s: float | None, **faults: float
) -> None:
    simulation = Simulation(
        workers, lanes=lanes, seed=seed, mean_s=mean_s, time_limit_s=time_limit_s, faults=Faults(**faults)
    )
    evaluations = fed(SimulatedExecutor(identify, simulation), 40)
    assert sorted(evaluation.candidate.id for evaluation in evaluations) == list(range(40))
    for evaluation in evaluations:
        assert evaluation.status is not Status.OK or evaluation.fitness == evaluation.candidate.id
        assert evaluation.status is not Status.POISONED or evaluation.attempt == 3
        assert 1 <= evaluation.attempt <= 3


def test_the_seed_decides_everything() -> None:
    def history(seed: int) -> list[Evaluation]:
        return fed(SimulatedExecutor(identify, Simulation(8, seed=seed, faults=EVERYTHING)), 200)

    assert history(1) == history(1)
    assert history(1) != history(2)


def test_every_kind_of_fault_happens() -> None:
    executor = SimulatedExecutor(identify, Simulation(8, faults=EVERYTHING))
    evaluations = fed(executor, 1000)
    by_status = {status: sum(e.status is status for e in evaluations) for status in Status}
    assert by_status[Status.POISONED] > 0
    assert by_status[Status.OK] > 900
    assert executor.occupancy().lost_workers > 100
    assert executor.occupancy().dropped > 100
    in_order = [evaluation.candidate.id for evaluation in evaluations]
    assert in_order != sorted(in_order)


def test_without_faults_nothing_is_retried_or_dropped() -> None:
    executor = SimulatedExecutor(identify, Simulation(8))
    assert {(e.status, e.attempt) for e in fed(executor, 200)} == {(Status.OK, 1)}
    assert executor.occupancy().lost_workers == executor.occupancy().dropped == 0


def test_results_arrive_when_their_duration_has_passed() -> None:
    executor = SimulatedExecutor(identify, Simulation(2), duration_s=lambda c: 10.0 * (c.id + 1))
    executor.submit([candidate(0), candidate(1), candidate(2)])
    arrivals = [executor.collect(timeout_s=100.0)[0] for _ in range(3)]
    assert [(e.candidate.id, e.finished_at, e.queue_s) for e in arrivals] == [
        (0, 10.0, 0.0),
        (1, 20.0, 0.0),
        (2, 40.0, 10.0),
    ]


def test_waiting_in_vain_takes_the_whole_timeout_of_virtual_time() -> None:
    executor = SimulatedExecutor(identify, Simulation(1), duration_s=lambda _: 60.0)
    executor.submit([candidate(0)])
    assert executor.collect(timeout_s=25.0) == []
    assert executor.now_s == 25.0
    assert executor.collect(timeout_s=0.0) == []
    assert [e.finished_at for e in executor.collect(timeout_s=100.0)] == [60.0]


def test_a_hanging_candidate_times_out_and_its_worker_is_replaced() -> None:
    executor = SimulatedExecutor(
        identify,
        Simulation(2, time_limit_s=30.0),
        duration_s=lambda c: math.inf if c.id == 3 else 5.0,
    )
    evaluations = fed(executor, 50)
    assert [e.candidate.id for e in evaluations if e.status is Status.TIMED_OUT] == [3]
    assert sum(e.status is Status.OK for e in evaluations) == 49
    assert executor.occupancy().lost_workers == 1


def test_a_hanging_candidate_is_found_out_among_its_neighbours_in_other_lanes() -> None:
    executor = SimulatedExecutor(
        identify,
        Simulation(2, lanes=4, time_limit_s=6.0),
        duration_s=lambda c: math.inf if c.id == 3 else 5.0,
    )
    evaluations = fed(executor, 100)
    assert [e.candidate.id for e in evaluations if e.status is Status.TIMED_OUT] == [3]
    assert {e.attempt for e in evaluations} == {1}
    assert executor.occupancy().lost_workers == 2  # in company, and then alone


def test_every_lane_is_fed() -> None:
    executor = SimulatedExecutor(identify, Simulation(3, lanes=8))
    fed(executor, 1000)
    assert executor.busy_share > 0.95


def test_a_hanging_candidate_without_a_time_limit_never_comes_back() -> None:
    executor = SimulatedExecutor(identify, Simulation(1), duration_s=lambda _: math.inf)
    executor.submit([candidate(0)])
    assert executor.collect(timeout_s=1e9) == []
    assert executor.occupancy().in_flight == 1


def test_ten_thousand_workers_are_never_idle() -> None:
    executor = SimulatedExecutor(identify, Simulation(10_000))
    executor.submit([candidate(number) for number in range(executor.free_slots())])
    evaluations: list[Evaluation] = []
    for number in itertools.count(20_000):
        evaluations += executor.collect(timeout_s=60.0)
        if len(evaluations) >= 10_000:
            break
        executor.submit([candidate(number)])
    assert executor.occupancy().busy == 10_000
    assert executor.busy_share == pytest.approx(1.0)


def test_a_slow_head_costs_busy_time() -> None:
    def busy_share(head_s: float) -> float:
        ticks = itertools.count(0.0, head_s)
        executor = SimulatedExecutor(
            identify, Simulation(100), duration_s=lambda _: 60.0, head_clock=lambda: next(ticks)
        )
        fed(executor, 1000)
        return executor.busy_share

    assert busy_share(head_s=0.1) == pytest.approx(1.0, abs=0.05)
    assert busy_share(head_s=300.0) < 0.5


def test_an_executor_that_was_abandoned_does_not_disturb_its_successor() -> None:
    abandoned = SimulatedExecutor(identify, Simulation(4, faults=EVERYTHING))
    abandoned.submit([candidate(number) for number in range(8)])
    abandoned.collect(timeout_s=1000.0)
    successor = SimulatedExecutor(identify, Simulation(4, faults=EVERYTHING))
    fresh = SimulatedExecutor(identify, Simulation(4, faults=EVERYTHING))
    assert fed(successor, 50) == fed(fresh, 50)


def test_impossible_simulations_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"faults\.late is 1\.5; must be a probability, 0 to 1"):
        Faults(late=1.5)
    with pytest.raises(ConfigError, match="workers is 0; must be at least 1"):
        Simulation(0)
