"""When a search asks, commits, believes and ends."""

from __future__ import annotations

import errno

import pytest

from evo_nas.budgets import Budget
from evo_nas.errors import RunError
from evo_nas.evaluation import Candidate, Outcome, Status
from evo_nas.execution.simulated import SimulatedExecutor, Simulation
from evo_nas.genome.architecture import Signature
from evo_nas.genome.options import SpaceOptions
from evo_nas.genome.space import SearchSpace
from evo_nas.ledger import Ledger, LedgerReader
from evo_nas.loop import Search
from evo_nas.randomness import stream
from evo_nas.strategies.aging import AgingEvolution, AgingOptions
from tests.ledger.samples import RECORD, MemoryStore

SPACE = SearchSpace(SpaceOptions(cell_nodes=6), Signature(features=2, outputs=1), epochs=2)


def strategy(seed: int) -> AgingEvolution:
    return AgingEvolution(SPACE, AgingOptions(population=8, tournament=3, warmup=4), seed=seed, epochs=2)


def objective(candidate: Candidate) -> Outcome:
    rng = stream(3, "objective", candidate.canonical_hash)
    if rng.random() < 0.1:
        return Outcome(Status.DIVERGED, train_s=1.0, epochs=1)
    return Outcome(Status.OK, fitness=rng.random(), parameters=rng.randrange(50, 60), train_s=1.0)


def test_what_cannot_be_committed_is_never_believed() -> None:
    class FullStore(MemoryStore):
        def create(self, name: str, content: bytes) -> bool:
            if name.startswith("segments/"):
                raise OSError(errno.ENOSPC, "No space left on device")
            return super().create(name, content)

    evolution = strategy(1)
    ledger = Ledger.create(FullStore(), RECORD)
    search = Search.resumed(
        evolution, SimulatedExecutor(objective, Simulation(workers=2)), ledger, budget=Budget(9)
    )
    with pytest.raises(RunError, match="No space left"):
        search.run()
    assert search.progress().told == 0
    assert evolution.statistics() == {}


def test_an_exhausted_space_ends_the_search() -> None:
    tiny = SpaceOptions(
        layers={"min": 1, "max": 1}, widths=[4], cells=["lstm", "gru"], evolve_cell=False, norms=["none"],
        skips=False, poolings=["last"], heads=[0], fronts=["none"], optimizers=["adam"], clips=[1.0], batch_sizes=[8],
        learning_rates={"min": 1e-2, "max": 1e-2, "count": 1},
    )  # fmt: skip
    space = SearchSpace(tiny, Signature(features=2, outputs=1), epochs=2)
    evolution = AgingEvolution(space, AgingOptions(population=8, tournament=3), seed=1, epochs=2)
    executor = SimulatedExecutor(objective, Simulation(workers=2))
    ledger = Ledger.create(MemoryStore(), RECORD)
    progress = Search.resumed(evolution, executor, ledger, budget=Budget(100)).run()
    assert progress.finished
    assert progress.told == 2


def test_a_budget_of_training_time_ends_the_search() -> None:
    executor = SimulatedExecutor(objective, Simulation(workers=2))
    search = Search.resumed(
        strategy(1), executor, Ledger.create(MemoryStore(), RECORD), budget=Budget(1000, train_s=12.0)
    )
    progress = search.run()
    assert progress.finished
    assert 12 <= progress.told <= 12 + progress.asked - 12 < 20


def test_a_search_that_is_drained_commits_what_was_in_flight_and_asks_no_more() -> None:
    store = MemoryStore()
    with Ledger.create(store, RECORD) as ledger:
        executor = SimulatedExecutor(objective, Simulation(workers=3))
        search = Search.resumed(strategy(1), executor, ledger, budget=Budget(30))
        progress = search.run([lambda progress: search.stop(drain_s=1e6) if progress.told >= 10 else None])
    assert progress.interrupted
    assert 10 < progress.told == progress.asked == len(LedgerReader(store).history().told) < 30


def test_a_raised_budget_goes_on_and_a_spent_one_asks_nothing() -> None:
    store = MemoryStore()
    with Ledger.create(store, RECORD) as ledger:
        Search.resumed(
            strategy(1), SimulatedExecutor(objective, Simulation(workers=2)), ledger, budget=Budget(5)
        ).run()
    for budget in (5, 9):
        with Ledger.open(store) as ledger:
            executor = SimulatedExecutor(objective, Simulation(workers=2))
            assert Search.resumed(strategy(1), executor, ledger, budget=Budget(budget)).run().told == budget


@pytest.mark.parametrize("workers", [1, 5])
def test_a_candidate_that_diverges_at_once_takes_no_place_of_the_budget(workers: int) -> None:
    def sometimes(candidate: Candidate) -> Outcome:
        if stream(3, "objective", candidate.canonical_hash).random() < 0.1:
            return Outcome(Status.DIVERGED, train_s=0.1)
        return Outcome(Status.OK, fitness=0.5, epochs=2, train_s=1.0)

    store = MemoryStore()
    with Ledger.create(store, RECORD) as ledger:
        executor = SimulatedExecutor(sometimes, Simulation(workers=workers))
        progress = Search.resumed(strategy(1), executor, ledger, budget=Budget(40)).run()
    at_once = progress.by_status[Status.DIVERGED]
    assert 0 < at_once == progress.uncounted
    assert progress.by_status[Status.OK] == 40
    assert progress.told == progress.budget.evaluations == 40 + at_once
    assert LedgerReader(store).totals().at_once == at_once
    with Ledger.open(store) as ledger:
        executor = SimulatedExecutor(sometimes, Simulation(workers=workers))
        search = Search.resumed(strategy(1), executor, ledger, budget=Budget(40))
        assert search.finished


def test_a_search_in_which_every_candidate_diverges_ends() -> None:
    executor = SimulatedExecutor(lambda _: Outcome(Status.DIVERGED, train_s=0.1), Simulation(workers=2))
    ledger = Ledger.create(MemoryStore(), RECORD)
    progress = Search.resumed(strategy(1), executor, ledger, budget=Budget(40)).run()
    assert progress.finished
    assert (progress.told, progress.uncounted) == (50, 10)


def test_constructing_a_search_reads_and_submits_nothing_and_it_cannot_run_before_it_is_resumed() -> None:
    store = MemoryStore()
    with Ledger.create(store, RECORD) as ledger:
        executor = SimulatedExecutor(objective, Simulation(workers=2))
        Search.resumed(strategy(1), executor, ledger, budget=Budget(9)).step(timeout_s=1e6)
    with Ledger.open(store) as ledger:
        executor = SimulatedExecutor(objective, Simulation(workers=2))
        search = Search(strategy(1), executor, ledger, budget=Budget(9))
        assert executor.occupancy().in_flight == 0
        with pytest.raises(ValueError, match="construct it with Search.resumed"):
            search.run()


def test_a_resumed_search_submits_what_was_in_flight_and_knows_what_was_told() -> None:
    store = MemoryStore()
    with Ledger.create(store, RECORD) as ledger:
        executor = SimulatedExecutor(objective, Simulation(workers=3))
        before = Search.resumed(strategy(1), executor, ledger, budget=Budget(9))
        while before.progress().told < 3:
            before.step(timeout_s=1e6)
    history = LedgerReader(store).history()
    with Ledger.open(store) as ledger:
        executor = SimulatedExecutor(objective, Simulation(workers=3))
        search = Search.resumed(strategy(1), executor, ledger, budget=Budget(9))
        progress = search.progress()
        assert executor.occupancy().in_flight == len(history.in_flight) > 0
    assert progress.told == progress.told_at_start == len(history.told)
    best, best_before = progress.best, before.progress().best
    assert best is not None
    assert best_before is not None
    assert best.candidate == best_before.candidate


def test_the_score_at_a_rung_is_not_the_best() -> None:
    def stopped_early(candidate: Candidate) -> Outcome:
        status = Status.PRUNED if candidate.id % 2 else Status.OK
        return Outcome(status, fitness=float(candidate.id), parameters=9)

    with Ledger.create(MemoryStore(), RECORD) as ledger:
        executor = SimulatedExecutor(stopped_early, Simulation(workers=1))
        progress = Search.resumed(strategy(1), executor, ledger, budget=Budget(10)).run()
    assert progress.by_status == {Status.OK: 5, Status.PRUNED: 5}
    assert progress.best is not None
    assert progress.best.candidate.id == 8
