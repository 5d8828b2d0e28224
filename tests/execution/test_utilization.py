"""Seconds of workers by activity, on a clock that the test moves."""

from __future__ import annotations

import pytest

from evo_nas.execution.utilization import Utilization


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def utilization(clock: Clock) -> Utilization:
    made = Utilization(clock)
    made.joined("w", starting_s=5.0)
    return made


def spent(utilization: Utilization) -> dict[str, float]:
    return {activity: seconds for activity, seconds in utilization.seconds().items() if seconds}


def test_a_ready_worker_without_a_lease_starves(clock: Clock, utilization: Utilization) -> None:
    clock.now_s = 3.0
    assert spent(utilization) == {"starting": 5.0, "starved": 3.0}


def test_what_a_leased_worker_does_not_report_is_transit(clock: Clock, utilization: Utilization) -> None:
    clock.now_s = 1.0
    utilization.leased("w")
    utilization.leased("w")
    clock.now_s = 6.0
    utilization.reported("w", 4.0, idle=False)
    clock.now_s = 11.0
    utilization.reported("w", 5.0, idle=True)
    clock.now_s = 13.0
    assert spent(utilization) == {"starting": 5.0, "starved": 3.0, "working": 9.0, "transit": 1.0}


def test_work_under_way_counts_as_work(clock: Clock, utilization: Utilization) -> None:
    utilization.leased("w")
    clock.now_s = 7.0
    assert spent(utilization) == {"starting": 5.0, "working": 7.0}


def test_gaps_between_leases_show_while_work_goes_on(clock: Clock, utilization: Utilization) -> None:
    utilization.leased("w")
    clock.now_s = 5.0
    utilization.reported("w", 4.0, idle=False)
    clock.now_s = 8.0
    assert spent(utilization) == {"starting": 5.0, "working": 7.0, "transit": 1.0}


def test_what_a_lost_worker_had_not_reported_is_lost(clock: Clock, utilization: Utilization) -> None:
    utilization.leased("w")
    clock.now_s = 4.0
    utilization.reported("w", 3.0, idle=False)
    clock.now_s = 10.0
    utilization.left("w", lost=True)
    clock.now_s = 100.0
    assert spent(utilization) == {"starting": 5.0, "working": 3.0, "lost": 7.0}


def test_a_dismissed_worker_has_lost_nothing(clock: Clock, utilization: Utilization) -> None:
    clock.now_s = 4.0
    utilization.left("w", lost=False)
    assert spent(utilization) == {"starting": 5.0, "starved": 4.0}
