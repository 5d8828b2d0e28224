"""Leases, attempts and blame, without a process or a clock."""

from __future__ import annotations

import pytest

from evo_nas.errors import ConfigError
from evo_nas.evaluation import Candidate, Evaluation, Outcome, Status
from evo_nas.execution.dispatch import MAX_LEASE, Dispatcher
from evo_nas.execution.lease import Lease, LossCause
from evo_nas.execution.worker import LeaseResult


def candidate(number: int) -> Candidate:
    return Candidate(number, (number,), f"{number:032x}", (), "random", number, budget=1, asked_after=0)


def candidates(count: int, *, first: int = 0) -> list[Candidate]:
    return [candidate(number) for number in range(first, first + count)]


def result_of(lease: Lease, *, seconds_each: float, done: int | None = None) -> LeaseResult:
    count = len(lease.tickets) if done is None else done
    outcomes = tuple(
        Outcome(Status.OK, fitness=float(ticket.candidate.id)) for ticket in lease.tickets[:count]
    )
    return LeaseResult(outcomes, tuple(seconds_each * i for i in range(count)), seconds_each * count)


def ids(lease: Lease) -> list[int]:
    return [ticket.candidate.id for ticket in lease.tickets]


def dispatcher(*, workers: int, attempts: int = 3, lanes: int = 1, now_s: float = 100.0) -> Dispatcher:
    made = Dispatcher(attempts=attempts, clock=lambda: now_s, time_limit_s=10.0, lanes=lanes)
    for number in range(workers):
        made.join(f"w{number}", node="here")
    return made


def at_pace(seconds_each: float, *, workers: int = 1) -> Dispatcher:
    """Returns a dispatcher that has seen candidates of this duration, with nothing in flight."""
    made = dispatcher(workers=workers)
    made.submit(candidates(1, first=-1))
    for lease in made.assign():
        made.finish(lease.id, result_of(lease, seconds_each=seconds_each))
    return made


def lose(made: Dispatcher, worker: str, cause: LossCause = LossCause.CRASHED) -> list[Evaluation]:
    return made.lose(worker, cause=cause, error="gone")


def test_each_worker_gets_one_running_and_one_queued_lease() -> None:
    made = dispatcher(workers=2)
    made.submit(candidates(5))
    assert [(lease.worker, ids(lease)) for lease in made.assign()] == [
        ("w0", [0]),
        ("w1", [1]),
        ("w0", [2]),
        ("w1", [3]),
    ]
    assert made.assign() == []


@pytest.mark.parametrize(("seconds", "size"), [(60.0, 1), (0.1, 1), (0.05, 2), (0.01, 10), (1e-6, MAX_LEASE)])
def test_a_lease_holds_a_tenth_of_a_second_of_work(seconds: float, size: int) -> None:
    made = at_pace(seconds)
    made.submit(candidates(1000))
    assert [len(lease.tickets) for lease in made.assign()] == [size, size]
    assert made.free_slots == 0


def test_few_quick_candidates_are_shared_out() -> None:
    made = at_pace(1e-6, workers=2)
    made.submit(candidates(8))
    leases = made.assign()
    assert [len(lease.tickets) for lease in leases] == [2, 2, 2, 2]
    assert [lease.worker for lease in leases].count("w0") == 2


def test_slots_are_free_for_two_leases_a_worker() -> None:
    made = at_pace(0.01, workers=3)
    assert made.free_slots == 60
    made.submit(candidates(25))
    assert made.free_slots == 35


def test_a_slot_is_free_while_every_worker_is_being_replaced() -> None:
    made = dispatcher(workers=1)
    lose(made, "w0")
    assert made.occupancy().workers == 0
    assert made.free_slots > 0


def test_what_a_lease_did_not_get_to_goes_first_in_the_next() -> None:
    made = at_pace(0.01)
    made.submit(candidates(40))
    running, _ = made.assign()
    evaluations = made.finish(running.id, result_of(running, seconds_each=0.05, done=2))
    assert [evaluation.candidate.id for evaluation in evaluations] == [0, 1]
    assert ids(made.assign()[0])[:3] == [2, 3, 4]
    assert made.in_flight == 38


def test_time_in_the_queue_ends_when_a_candidate_starts() -> None:
    now_s = [100.0]
    made = Dispatcher(attempts=3, clock=lambda: now_s[0], time_limit_s=None)
    made.join("w0", node="here")
    made.submit(candidates(1))
    now_s[0] = 107.0
    (lease,) = made.assign()
    (evaluation,) = made.finish(lease.id, result_of(lease, seconds_each=2.0))
    assert (evaluation.queue_s, evaluation.finished_at, evaluation.node) == (5.0, 107.0, "here")


def test_the_running_candidate_of_a_lost_worker_is_blamed_and_the_queued_one_is_not() -> None:
    made = dispatcher(workers=1)
    made.submit(candidates(2))
    made.assign()
    assert lose(made, "w0") == []
    made.join("w1", node="here")
    (suspect,) = made.assign()
    assert [(ticket.candidate.id, ticket.attempt) for ticket in suspect.tickets] == [(0, 2)]
    made.finish(suspect.id, result_of(suspect, seconds_each=1.0))
    (innocent,) = made.assign()
    assert [(ticket.candidate.id, ticket.attempt) for ticket in innocent.tickets] == [(1, 1)]


def test_every_candidate_of_a_lost_lease_has_a_worker_to_itself_from_then_on() -> None:
    made = at_pace(0.03)
    made.submit(candidates(3))
    assert [ids(lease) for lease in made.assign()] == [[0, 1], [2]]
    lose(made, "w0")
    for name in ("w1", "w2", "w3"):
        made.join(name, node="here")
    made.submit(candidates(4, first=10))
    leases = made.assign()
    assert [ids(lease) for lease in leases[:2]] == [[0], [1]]
    assert {lease.worker for lease in leases[:2]}.isdisjoint(lease.worker for lease in leases[2:])


def test_a_waiting_suspect_gets_a_worker_though_the_queue_never_empties() -> None:
    made = dispatcher(workers=2)
    made.submit(candidates(100))
    leases = made.assign()
    lose(made, "w0")  # and no replacement joins
    mine = [lease for lease in leases if lease.worker == "w1"]
    made.finish(mine[0].id, result_of(mine[0], seconds_each=1.0))
    assert made.assign() == []
    made.finish(mine[1].id, result_of(mine[1], seconds_each=1.0))
    assert ids(made.assign()[0]) == [0]


def test_a_candidate_is_poisoned_when_its_last_attempt_loses_the_worker() -> None:
    made = dispatcher(workers=4, attempts=3)
    made.submit(candidates(1))
    for attempt in (1, 2):
        (lease,) = made.assign()
        assert lease.tickets[0].attempt == attempt
        assert lose(made, lease.worker) == []
    (lease,) = made.assign()
    (evaluation,) = lose(made, lease.worker)
    assert (evaluation.status, evaluation.attempt, evaluation.worker) == (Status.POISONED, 3, lease.worker)
    assert "gone" in evaluation.outcome.error
    assert (made.in_flight, made.lost_workers) == (0, 3)


def test_a_candidate_that_exhausts_memory_again_when_alone_is_too_big() -> None:
    made = dispatcher(workers=2, attempts=5)
    made.submit(candidates(1))
    (lease,) = made.assign()
    assert lose(made, lease.worker, LossCause.OUT_OF_MEMORY) == []
    (lease,) = made.assign()
    (evaluation,) = lose(made, lease.worker, LossCause.OUT_OF_MEMORY)
    assert (evaluation.status, evaluation.attempt) == (Status.TOO_BIG, 2)


def test_a_candidate_that_overran_alone_in_its_lease_has_timed_out() -> None:
    made = dispatcher(workers=1)
    made.submit(candidates(2))
    made.assign()
    (evaluation,) = lose(made, "w0", LossCause.OVERRUN)
    assert (evaluation.candidate.id, evaluation.status, evaluation.attempt) == (0, Status.TIMED_OUT, 1)
    assert made.in_flight == 1


def test_an_overrun_lease_costs_its_candidates_no_attempt_but_their_company() -> None:
    made = at_pace(0.01, workers=1)
    made.submit(candidates(6))
    made.assign()
    assert lose(made, "w0", LossCause.OVERRUN) == []
    for name in ("w1", "w2", "w3"):
        made.join(name, node="here")
    alone = made.assign()[:3]
    assert [[(ticket.candidate.id, ticket.attempt) for ticket in lease.tickets] for lease in alone] == [
        [(0, 1)],
        [(1, 1)],
        [(2, 1)],
    ]
    (evaluation,) = lose(made, alone[1].worker, LossCause.OVERRUN)
    assert (evaluation.candidate.id, evaluation.status) == (1, Status.TIMED_OUT)


def test_late_and_repeated_results_are_dropped_and_counted() -> None:
    made = dispatcher(workers=2)
    made.submit(candidates(2))
    late, twice = made.assign()
    assert len(made.finish(twice.id, result_of(twice, seconds_each=1.0))) == 1
    assert made.finish(twice.id, result_of(twice, seconds_each=1.0)) == []
    lose(made, late.worker)
    assert made.finish(late.id, result_of(late, seconds_each=1.0)) == []
    assert (made.dropped, made.in_flight) == (2, 1)


def test_losing_an_idle_worker_blames_no_candidate() -> None:
    made = dispatcher(workers=1)
    assert lose(made, "w0") == []
    assert lose(made, "never-joined") == []
    assert made.occupancy().lost_workers == 2


def test_losses_that_may_be_the_fault_of_what_workers_share_are_counted_in_a_row() -> None:
    made = dispatcher(workers=8)
    made.submit(candidates(8))
    leases = made.assign()
    for worker, cause in (("w0", LossCause.CRASHED), ("w1", LossCause.PREEMPTED), ("w2", LossCause.OVERRUN)):
        lose(made, worker, cause)
    lose(made, "never-joined", LossCause.PREEMPTED)
    assert made.losses_in_a_row == 1
    lose(made, "never-joined")
    assert made.losses_in_a_row == 2
    made.finish(leases[0].id, result_of(leases[0], seconds_each=1.0))  # of a worker that was given up before
    assert made.losses_in_a_row == 2
    made.finish(leases[7].id, result_of(leases[7], seconds_each=1.0))
    assert made.losses_in_a_row == 0


def test_a_candidate_found_too_big_ends_a_row_of_losses_and_a_poisoned_one_does_not() -> None:
    made = dispatcher(workers=4, attempts=2)
    made.submit(candidates(1))
    lose(made, made.assign()[0].worker)
    assert lose(made, made.assign()[0].worker)[0].status is Status.POISONED
    assert made.losses_in_a_row == 2
    made.submit(candidates(1))
    lose(made, made.assign()[0].worker, LossCause.OUT_OF_MEMORY)
    assert made.losses_in_a_row == 3
    assert lose(made, made.assign()[0].worker, LossCause.OUT_OF_MEMORY)[0].status is Status.TOO_BIG
    assert made.losses_in_a_row == 0


def test_one_attempt_is_refused() -> None:
    with pytest.raises(ConfigError, match="attempts is 1; must be at least 2"):
        dispatcher(workers=1, attempts=1)


def test_a_retired_worker_gets_nothing_more_and_finishes_what_it_has() -> None:
    made = dispatcher(workers=2)
    made.submit(candidates(6))
    leases = [lease for lease in made.assign() if lease.worker == "w0"]
    made.retire("w0")
    for lease in leases:
        assert not made.is_idle("w0")
        assert len(made.finish(lease.id, result_of(lease, seconds_each=1.0))) == 1
    assert "w0" not in {lease.worker for lease in made.assign()}
    assert made.is_idle("w0")
    made.dismiss("w0")
    assert (made.occupancy().workers, made.occupancy().lost_workers) == (1, 0)


def test_slots_of_retired_workers_are_not_offered() -> None:
    made = dispatcher(workers=3)
    before = made.free_slots
    made.retire("w1")
    assert made.free_slots == before * 2 // 3


def test_a_preempted_worker_costs_its_candidates_neither_attempt_nor_company() -> None:
    made = at_pace(0.03)
    made.submit(candidates(4))
    assert [ids(lease) for lease in made.assign()] == [[0, 1], [2, 3]]
    assert lose(made, "w0", LossCause.PREEMPTED) == []
    made.join("w1", node="there")
    leases = made.assign()
    assert [ids(lease) for lease in leases] == [[0, 1], [2, 3]]
    assert {(ticket.attempt, ticket.alone) for lease in leases for ticket in lease.tickets} == {(1, False)}


def test_a_suspect_whose_worker_is_preempted_is_still_tried_alone() -> None:
    made = at_pace(0.03)
    made.submit(candidates(2))
    assert [ids(lease) for lease in made.assign()] == [[0], [1]]
    lose(made, "w0")
    made.join("w1", node="here")
    assert [ids(lease) for lease in made.assign()] == [[0]]
    assert lose(made, "w1", LossCause.PREEMPTED) == []
    made.submit(candidates(4, first=10))
    made.join("w2", node="there")
    leases = made.assign()
    assert [[(ticket.candidate.id, ticket.attempt) for ticket in lease.tickets] for lease in leases] == [
        [(0, 2)]
    ]


def out_of_memory(lease: Lease, error: str) -> LeaseResult:
    return LeaseResult(
        (Outcome(Status.TOO_BIG, error=error),) * len(lease.tickets), (0.0,) * len(lease.tickets), 1.0
    )


@pytest.mark.parametrize(
    "error",
    ["OutOfMemoryError: CUDA out of memory", "MemoryError: ", "RuntimeError: DefaultCPUAllocator: no"],
)
def test_a_candidate_that_runs_out_of_memory_is_retried_once_alone(error: str) -> None:
    made = dispatcher(workers=1)
    made.submit(candidates(1))
    (first,) = made.assign()
    assert made.finish(first.id, out_of_memory(first, error)) == []
    (second,) = made.assign()
    assert [(ticket.attempt, ticket.alone) for ticket in second.tickets] == [(2, True)]
    (evaluation,) = made.finish(second.id, out_of_memory(second, error))
    assert (evaluation.status, evaluation.attempt, made.in_flight) == (Status.TOO_BIG, 2, 0)


def test_a_candidate_that_is_too_big_by_a_rule_is_not_retried() -> None:
    made = dispatcher(workers=1)
    made.submit(candidates(1))
    (lease,) = made.assign()
    (evaluation,) = made.finish(
        lease.id, out_of_memory(lease, "70000 parameters are more than 5000 permitted")
    )
    assert (evaluation.status, evaluation.attempt) == (Status.TOO_BIG, 1)


def test_each_lane_gets_one_running_and_one_queued_lease_and_workers_are_fed_evenly() -> None:
    made = dispatcher(workers=2, lanes=3)
    assert made.free_slots == 12
    made.submit(candidates(20))
    leases = made.assign()
    assert [lease.worker for lease in leases] == ["w0", "w1"] * 6
    made.finish(leases[4].id, result_of(leases[4], seconds_each=1.0))
    assert [(lease.worker, ids(lease)) for lease in made.assign()] == [("w0", [12])]


def test_every_lease_that_ran_in_a_lost_worker_is_suspect_and_no_queued_one() -> None:
    made = dispatcher(workers=1, lanes=2)
    made.submit(candidates(4))
    made.assign()
    assert lose(made, "w0") == []
    for name in ("w1", "w2", "w3"):
        made.join(name, node="here")
    leases = made.assign()
    assert [[(ticket.candidate.id, ticket.attempt) for ticket in lease.tickets] for lease in leases] == [
        [(0, 2)],
        [(1, 2)],
        [(2, 1)],
        [(3, 1)],
    ]
    assert [lease.worker for lease in leases] == ["w1", "w2", "w3", "w3"]


def test_a_worker_with_lanes_drains_for_a_suspect_though_the_queue_never_empties() -> None:
    made = dispatcher(workers=3, lanes=2)
    made.submit(candidates(1000))
    running = made.assign()
    lose(made, "w0")  # and no replacement joins; two suspects wait for two workers
    running = [lease for lease in running if lease.worker != "w0"]
    alone = set()
    for _ in range(20):
        oldest = running.pop(0)
        made.finish(oldest.id, result_of(oldest, seconds_each=1.0))
        given = made.assign()
        alone |= {lease.tickets[0].candidate.id for lease in given if lease.tickets[0].alone}
        running += given
    assert alone == {0, 3}


def test_of_an_overdue_worker_only_the_overdue_lease_is_tried_alone() -> None:
    made = dispatcher(workers=1, lanes=2)
    made.submit(candidates(4))
    _, second, *_ = made.assign()
    assert made.lose("w0", cause=LossCause.OVERRUN, error="gone", overdue={second.id}) == []
    made.join("w1", node="here")
    made.join("w2", node="here")
    leases = made.assign()
    assert [(ids(lease), lease.tickets[0].alone, lease.tickets[0].attempt) for lease in leases] == [
        ([1], True, 1),
        ([0], False, 1),
        ([2], False, 1),
        ([3], False, 1),
    ]
    (evaluation,) = lose(made, leases[0].worker, LossCause.OVERRUN)
    assert (evaluation.candidate.id, evaluation.status) == (1, Status.TIMED_OUT)


def test_seconds_of_lanes_add_up_to_those_of_their_worker() -> None:
    now_s = [100.0]
    made = Dispatcher(attempts=3, clock=lambda: now_s[0], time_limit_s=None, lanes=2)
    made.join("w0", node="here")
    made.submit(candidates(2))
    leases = made.assign()
    now_s[0] = 110.0
    for lease in leases:
        made.finish(lease.id, result_of(lease, seconds_each=9.0))
    assert {name: s for name, s in made.occupancy().seconds.items() if s} == {"working": 9.0, "transit": 1.0}
