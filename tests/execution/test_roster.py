"""Which worker is next, by how many leases each holds."""

from __future__ import annotations

from itertools import count

import pytest

from evo_nas.evaluation import Candidate
from evo_nas.execution.lease import Lease, Ticket
from evo_nas.execution.roster import Roster

_numbers = count()


def lease(worker: str, *, alone: bool = False) -> Lease:
    candidate = Candidate(0, (), "", (), "random", 0, budget=1, asked_after=0)
    return Lease(next(_numbers), worker, "here", (Ticket(candidate, submitted_at=0.0, alone=alone),))


@pytest.fixture
def roster() -> Roster:
    made = Roster(leases_each=2)
    for worker in ("w0", "w1", "w2"):
        made.join(worker, node=f"node of {worker}")
    return made


def given(roster: Roster, *, reserved: int = 0) -> list[str]:
    """Gives leases until no worker may get another one; returns their workers, in order."""
    workers = []
    while (worker := roster.next_worker(reserved=reserved)) is not None:
        roster.give(lease(worker))
        workers.append(worker)
    return workers


def test_workers_take_turns_until_each_is_full(roster: Roster) -> None:
    assert roster.open_places == 6
    assert given(roster) == ["w0", "w1", "w2", "w0", "w1", "w2"]
    assert (roster.open_places, roster.busy) == (0, 3)


def test_a_worker_that_gave_a_lease_back_is_next(roster: Roster) -> None:
    held = lease("w1")
    roster.give(held)
    given(roster)
    roster.take_back(held)
    assert given(roster) == ["w1"]


def test_reserved_workers_get_nothing_and_stay_the_same(roster: Roster) -> None:
    assert given(roster, reserved=1) == ["w2", "w1", "w2", "w1"]
    assert roster.idle_worker() == "w0"


def test_more_reserved_workers_than_there_are_leave_none(roster: Roster) -> None:
    assert given(roster, reserved=3) == []


def test_a_worker_with_a_candidate_that_must_be_alone_gets_nothing_more(roster: Roster) -> None:
    held = lease("w0", alone=True)
    roster.give(held)
    assert "w0" not in given(roster)
    roster.take_back(held)
    assert given(roster) == ["w0", "w0"]


def test_a_retired_worker_keeps_what_it_has_and_gets_nothing_more(roster: Roster) -> None:
    roster.give(lease("w0"))
    roster.retire("w0")
    roster.retire("never-joined")
    assert "w0" not in given(roster)
    assert not roster.is_idle("w0")
    assert (roster.active, len(roster)) == (2, 3)


def test_a_worker_that_leaves_hands_back_its_leases_in_order(roster: Roster) -> None:
    held = [lease("w0"), lease("w0")]
    for each in held:
        roster.give(each)
    member = roster.leave("w0")
    assert member is not None
    assert (list(member.leases), member.node) == (held, "node of w0")
    assert roster.leave("w0") is None
    assert roster.is_idle("w0")
    assert "w0" not in given(roster)
