"""Which reference belongs to which actor and lease, with actors and references that only exist here."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from evo_nas.evaluation import Candidate
from evo_nas.execution import ray_actors
from evo_nas.execution.lease import Lease, Ticket
from evo_nas.execution.ray_actors import RayActors

LIMIT_S = 10.0


class Handle:
    """An actor that is asked and never answers; each of its references has a name."""

    def __init__(self) -> None:
        self.work = SimpleNamespace(remote=lambda candidates: f"result {candidates[0].id}")
        self.start = SimpleNamespace(remote=lambda make, limit_s: f"start {id(self)}")

    @classmethod
    def remote(cls) -> Handle:
        return cls()


class Clock:
    """Stands in for the module `time`."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def monotonic(self) -> float:
        return self.now_s


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(ray_actors, "time", made)
    return made


@pytest.fixture
def killed(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    handles: list[Any] = []
    monkeypatch.setattr(ray_actors.ray, "kill", handles.append)
    return handles


@pytest.fixture
def actors(clock: Clock, killed: list[Any]) -> RayActors:
    made = RayActors(Handle, lanes=2, time_limit_s=LIMIT_S)
    for _ in range(2):
        made.create("maker")
    return made


def lease(number: int, worker: str = "worker-0") -> Lease:
    candidate = Candidate(number, (), "", (), "random", 0, budget=1, asked_after=0)
    return Lease(1000 + number, worker, "here", (Ticket(candidate, submitted_at=0.0),))


def test_names_are_never_used_twice(actors: RayActors) -> None:
    actors.forget("worker-1")
    actors.create("maker")
    assert list(actors.by_name) == ["worker-0", "worker-2"]


def test_a_result_settles_its_lease_and_a_start_settles_none(actors: RayActors) -> None:
    sent = lease(7)
    actors.send(sent)
    starting = actors.by_name["worker-0"].starting
    assert (actors.owner_of("result 7"), actors.owner_of(starting)) == ("worker-0", "worker-0")
    assert actors.settle("result 7") is sent
    assert actors.settle(starting) is None
    assert (actors.owner_of("result 7"), actors.owner_of(starting)) == (None, None)


def test_what_a_forgotten_actor_owes_is_late_and_what_it_has_given_is_not(
    actors: RayActors, killed: list[Any]
) -> None:
    handle = actors.by_name["worker-0"].handle
    for number in (7, 8):
        actors.send(lease(number))
    actors.settle("result 7")
    actors.forget("worker-0")
    assert killed == [handle]
    assert (actors.is_late("result 7"), actors.is_late("result 8")) == (False, True)
    assert actors.owner_of("result 8") is None
    assert actors.settle_late("result 8") == 1008
    assert not actors.is_late("result 8")


def test_only_leases_that_have_a_lane_can_be_overdue(actors: RayActors, clock: Clock) -> None:
    for number in (7, 8, 9):
        actors.send(lease(number))
    clock.now_s += 10 * LIMIT_S - 1.0
    assert actors.overdue() == {}
    actors.settle("result 7")  # and the third lease begins
    clock.now_s += 1.0
    assert actors.overdue() == {"worker-0": ["result 8"]}
    clock.now_s += 10 * LIMIT_S
    assert actors.overdue() == {"worker-0": ["result 8", "result 9"]}


def test_without_a_time_limit_nothing_is_overdue(clock: Clock) -> None:
    actors = RayActors(Handle, lanes=1, time_limit_s=None)
    actors.create("maker")
    actors.send(lease(7))
    clock.now_s += 1e9
    assert actors.overdue() == {}


@pytest.mark.parametrize(("until_s", "waited_s"), [(5.0, 5.0), (150.0, 10 * LIMIT_S)])
def test_waiting_ends_when_a_lease_becomes_overdue(
    actors: RayActors, clock: Clock, monkeypatch: pytest.MonkeyPatch, until_s: float, waited_s: float
) -> None:
    waits: list[float] = []

    def wait(pending: list[Any], *, timeout: float, num_returns: int = 1) -> tuple[list[Any], list[Any]]:
        waits.append(timeout)
        return [], pending

    monkeypatch.setattr(ray_actors.ray, "wait", wait)
    actors.send(lease(7))
    assert actors.arrived(until=clock.now_s + until_s) == []
    assert waits == [waited_s]


def test_clearing_kills_the_actors_only_if_ray_still_runs(actors: RayActors, killed: list[Any]) -> None:
    actors.clear(kill=False)
    assert (killed, actors.by_name) == ([], {})
