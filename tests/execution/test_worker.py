"""What a worker does with a lease, in this process."""

from __future__ import annotations

import time

import pytest

from evo_nas.evaluation import Candidate, Outcome, Status
from evo_nas.execution.worker import evaluate, evaluate_lease


def candidates(count: int) -> list[Candidate]:
    return [
        Candidate(number, (number,), f"{number:032x}", (), "random", number, budget=1, asked_after=0)
        for number in range(count)
    ]


def takes(seconds: float) -> Outcome:
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        pass
    return Outcome(Status.OK, fitness=0.0)


def test_a_worker_returns_what_it_has_after_a_tenth_of_a_second() -> None:
    result = evaluate_lease(lambda _: takes(0.05), candidates(20), time_limit_s=None)
    assert 1 <= len(result.outcomes) <= 2
    assert len(result.started_s) == len(result.outcomes)
    assert result.elapsed_s >= result.started_s[-1] + 0.05


def test_a_worker_starts_one_candidate_however_long_it_takes() -> None:
    result = evaluate_lease(lambda _: takes(0.15), candidates(2), time_limit_s=None)
    assert len(result.outcomes) == 1


def test_an_error_is_an_outcome_that_names_it() -> None:
    def raising(candidate: Candidate) -> Outcome:
        raise ZeroDivisionError("no gradient")

    outcome = evaluate(raising, candidates(1)[0], time_limit_s=None)
    assert (outcome.status, outcome.error) == (Status.FAILED, "ZeroDivisionError: no gradient")


@pytest.mark.parametrize(("time_limit_s", "status"), [(0.001, Status.TIMED_OUT), (60.0, Status.OK)])
def test_a_score_that_comes_after_ten_times_the_time_limit_does_not_count(
    time_limit_s: float, status: Status
) -> None:
    assert evaluate(lambda _: takes(0.03), candidates(1)[0], time_limit_s=time_limit_s).status is status
