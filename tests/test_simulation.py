"""The whole loop under seeded schedules: lost workers, late, doubled or reordered results, crashes."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Sequence
from functools import cache

import pytest

from evo_nas.budgets import Budget
from evo_nas.config import FitnessOptions, checked
from evo_nas.errors import ConfigError
from evo_nas.evaluation import Candidate, Evaluation, Outcome, Status
from evo_nas.execution.executor import Executor, Occupancy
from evo_nas.execution.simulated import Faults, SimulatedExecutor, Simulation
from evo_nas.genome.architecture import Signature
from evo_nas.genome.options import SpaceOptions
from evo_nas.genome.space import SearchSpace
from evo_nas.ledger import Ledger, compaction
from evo_nas.loop import Search
from evo_nas.randomness import stream
from evo_nas.strategies.registry import STRATEGIES
from evo_nas.strategies.strategy import ONCE, Strategy, StrategyOptions
from evo_nas.strategies.verification import verify
from tests.checker import check_run, reader
from tests.contracts.fitted import fitted
from tests.ledger.samples import RECORD, MemoryStore, start

EPOCHS = 8
KINDS = sorted(STRATEGIES)
SIGNATURE = Signature(features=2, outputs=1, steps=4)
"""Of short sequences, on which 2 in 3 random cells are stable and not 1 in 6: drawing them took most of the time."""
SPACE = SearchSpace(SpaceOptions(cell_nodes=6), SIGNATURE, EPOCHS)
SCORINGS = (
    ONCE,
    FitnessOptions(rungs=(2, 4), reduction=2),
    FitnessOptions(rungs=(2, 4), reduction=2, grow=True),
)
"""A run has one of them, by its seed."""
SCHEDULES, FEW_SCHEDULES, CAMPAIGN = 21, 9, 1000
"""Of each strategy: as many with each way of scoring, fewer where an ask is slow, and all that the campaign plays."""
RESUMPTIONS, MORE_RESUMPTIONS = len(KINDS) * len(SCORINGS), 150
"""Each strategy once with each way of scoring; the campaign goes on."""


@pytest.fixture(autouse=True)
def eager_compaction(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compaction, "FAN_IN", 3)
    monkeypatch.setattr(compaction, "LARGE_ROWS", 12)


class Crash(BaseException):
    """The process that searches is gone."""


class DoomedStore(MemoryStore):
    """A store whose process dies at the n-th operation, just before or just after doing it."""

    def __init__(self, files: dict[str, bytes], *, dies_at: int, after: bool) -> None:
        self.files = files
        self._left = dies_at
        self._after = after

    def create(self, name: str, content: bytes) -> bool:
        self._left -= 1
        if self._left == 0 and not self._after:
            raise Crash
        created = super().create(name, content)
        if self._left == 0:
            raise Crash
        return created

    def delete(self, name: str) -> None:
        self._left -= 1
        if self._left == 0:
            raise Crash
        super().delete(name)


@cache
def space_of(kind: str) -> SearchSpace:
    """Returns a space that the strategy can serve, made once since it remembers what it decoded."""
    special = fitted(kind).space
    return SearchSpace(fitted(kind).space_options, SIGNATURE, EPOCHS) if special else SPACE


def strategy(kind: str, seed: int) -> Strategy[StrategyOptions]:
    """Builds a strategy with options for a small budget; the way of scoring follows from the seed."""
    chosen, needed = STRATEGIES[kind], fitted(kind)
    options = checked(chosen.Options, {**needed.options, **needed.few}).following(20)
    fitness = SCORINGS[seed // len(KINDS) % len(SCORINGS)]
    if len(needed.objectives) > 1:
        fitness = fitness.model_copy(update={"objectives": needed.objectives, "grow": False})
    try:
        return chosen(space_of(kind), options, seed=seed, epochs=EPOCHS, fitness=fitness)
    except ConfigError as error:
        if "pip install" in str(error):
            pytest.skip(str(error))
        raise


def objective(candidate: Candidate) -> Outcome:
    rng = stream(3, "objective", candidate.canonical_hash)
    if rng.random() < 0.1:
        # One that diverges at once would take no place of the budget.
        return Outcome(Status.DIVERGED, train_s=1.0, epochs=1)
    if candidate.trains:
        epochs = next(iter(candidate.rungs), candidate.budget)
        return Outcome(
            Status.TRAINED,
            epochs=epochs,
            train_s=1.0,
            weights=f"{candidate.canonical_hash}-{epochs}",
            findings=tuple(SPACE.random(rng) for _ in range(2)),
            finding_scores=(2.0, 1.0),
        )
    parameters = rng.randrange(50, 60)
    curve = [rng.random() * epoch for epoch in range(1, candidate.budget + 1)]
    limits = zip(candidate.rungs, candidate.thresholds, strict=True)
    epochs = next((rung for rung, least in limits if max(curve[:rung]) < least), candidate.budget)
    score = max(curve[:epochs])
    return Outcome(
        Status.OK if epochs == candidate.budget else Status.PRUNED,
        fitness=score,
        metrics={"validation_accuracy": score},
        metric="validation_accuracy",
        curve=tuple(curve[:epochs]),
        parameters=parameters,
        epochs=epochs,
        train_s=1.0,
        weights=f"{candidate.canonical_hash}-{epochs}",
    )


class Recording(SimulatedExecutor):
    """Remembers which candidates were ever submitted."""

    submitted: set[int]

    def submit(self, candidates: Sequence[Candidate]) -> None:
        self.submitted.update(candidate.id for candidate in candidates)
        super().submit(candidates)


def play(kind: str, seed: int) -> list[str]:
    """Searches under a schedule drawn from ``seed``, crash after crash; returns what is wrong in the end."""
    rng = random.Random(seed)
    budget = rng.randrange(8, 22)
    faults = Faults(lost=rng.choice((0, 0.1, 0.3)), late=0.5, duplicated=rng.choice((0, 0.3)), delayed=0.2)
    simulation = Simulation(workers=rng.randrange(1, 5), seed=seed, attempts=3, faults=faults)
    files: dict[str, bytes] = {}
    submitted: set[int] = set()
    acknowledged: dict[int, Evaluation] = {}
    generation = 0
    while True:
        generation += 1
        dies_at = rng.randrange(1, 9) if generation < 4 else 0
        store = DoomedStore(files, dies_at=dies_at, after=rng.random() < 0.5)
        executor = Recording(objective, simulation)
        executor.submitted = submitted
        try:
            create = "RUN.json" not in files
            ledger = Ledger.create(store, RECORD) if create else Ledger.open(store)
            search = Search.resumed(strategy(kind, seed), executor, ledger, budget=Budget(budget))
            while not search.finished:
                for evaluation in search.step(timeout_s=rng.choice((1, 30, 300))):
                    acknowledged[evaluation.candidate.id] = evaluation
                if generation < 4 and rng.random() < 0.05:
                    raise Crash
        except Crash:
            continue
        break
    survivor = MemoryStore()
    survivor.files = files
    history = reader(survivor).history()
    forged = [str(mismatch) for mismatch in verify(strategy(kind, seed), history.told, history.in_flight)]
    return forged + check_run(
        survivor, acknowledged=acknowledged, dispatched=submitted, budget=budget, complete=True
    )


def test_the_checker_sees_an_evaluation_that_two_commits_have(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Ledger, "_check", lambda ledger, ids: None)
    store = MemoryStore()
    start(store, (0, 1), (1, 2))
    assert len(reader(store).history().told) == 3
    assert check_run(store) == ["2: rows with id [1] count more than once"]


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("kind", KINDS)
def test_invariants_hold_under_many_schedules(kind: str) -> None:
    schedules = FEW_SCHEDULES if fitted(kind).is_slow else SCHEDULES
    seeds = range(KINDS.index(kind), schedules * len(KINDS), len(KINDS))
    assert {seed: wrong for seed in seeds if (wrong := play(kind, seed))} == {}


@pytest.mark.campaign
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("kind", KINDS)
def test_invariants_hold_under_a_thousand_schedules_of_each_strategy(kind: str) -> None:
    assert {seed: wrong for seed in range(CAMPAIGN) if (wrong := play(kind, 10_000 + seed))} == {}


class Scripted(Executor):
    """Delivers evaluations in a given order of arrival, batch by batch, across restarts."""

    def __init__(self, arrivals: list[list[int]], *, slots: int) -> None:
        self._arrivals = [[*batch] for batch in arrivals]
        self._slots = slots
        self._flying: dict[int, Candidate] = {}

    def free_slots(self) -> int:
        return self._slots - len(self._flying)

    def submit(self, candidates: Sequence[Candidate]) -> None:
        self._flying.update((candidate.id, candidate) for candidate in candidates)

    def collect(self, *, timeout_s: float) -> list[Evaluation]:
        # Near the end of its budget a search with rungs may wait before it asks for all that are to arrive.
        batch = next(batch for batch in self._arrivals if self._flying.keys() & batch)
        arrived = [self._flying.pop(key) for key in batch if key in self._flying]
        batch[:] = [key for key in batch if key not in {candidate.id for candidate in arrived}]
        return [Evaluation(candidate, objective(candidate)) for candidate in arrived]

    def occupancy(self) -> Occupancy:
        return Occupancy(workers=self._slots, busy=0, in_flight=len(self._flying))

    def close(self) -> None:
        self._flying.clear()


def arrivals(seed: int, *, budget: int, slots: int) -> list[list[int]]:
    """Draws an order in which the ids of a whole search may arrive."""
    rng = random.Random(seed)
    asked, flying, batches = 0, [], []
    while asked < budget or flying:
        new = min(slots - len(flying), budget - asked)
        flying += range(asked, asked + new)
        asked += new
        rng.shuffle(flying)
        size = rng.randrange(1, len(flying) + 1)
        batches.append(flying[:size])
        del flying[:size]
    return batches


def search_in(
    store: MemoryStore, seed: int, script: list[list[int]], *, slots: int, kind: str = "aging"
) -> Search:
    ledger = Ledger.open(store) if "RUN.json" in store.files else Ledger.create(store, RECORD)
    return Search.resumed(strategy(kind, seed), Scripted(script, slots=slots), ledger, budget=Budget(30))


def yet_to_arrive(order: list[list[int]], files: dict[str, bytes]) -> list[list[int]]:
    """Returns the batches of ``order`` without what was committed to ``files``."""
    committed = {evaluation.candidate.id for evaluation in told(files)} if "RUN.json" in files else set()
    return [left for batch in order if (left := [key for key in batch if key not in committed])]


@pytest.mark.parametrize(
    "seed",
    [
        *range(RESUMPTIONS),
        *(pytest.param(seed, marks=pytest.mark.campaign) for seed in range(RESUMPTIONS, MORE_RESUMPTIONS)),
    ],
)
def test_with_the_same_arrivals_a_resumed_search_equals_the_uninterrupted_one(seed):
    kind = KINDS[seed % len(KINDS)]
    rng = random.Random(seed)
    slots = rng.randrange(1, 7)
    order = arrivals(seed, budget=30, slots=slots)
    whole = MemoryStore()
    search_in(whole, seed, [*order], slots=slots, kind=kind).run()
    killed: dict[str, bytes] = {}
    while script := yet_to_arrive(order, killed):
        dies_at = rng.choice((0, rng.randrange(1, 12)))
        store = DoomedStore(killed, dies_at=dies_at, after=rng.random() < 0.5)
        with contextlib.suppress(Crash):
            search = search_in(store, seed, script, slots=slots, kind=kind)
            for _ in range(min(len(script), rng.randrange(1, 6))):
                search.step()
    assert [e.candidate for e in told(killed)] == [e.candidate for e in told(whole.files)]
    assert len(told(killed)) == 30


def test_the_searches_that_are_killed_here_prune_and_promote() -> None:
    for seed in (len(KINDS), 2 * len(KINDS)):
        store = MemoryStore()
        search_in(store, seed, arrivals(seed, budget=30, slots=3), slots=3).run()
        assert sum(e.status is Status.PRUNED for e in told(store.files)) > 5
        assert sum(e.candidate.continues is not None for e in told(store.files)) > 1


def told(files: dict[str, bytes]) -> list[Evaluation]:
    store = MemoryStore()
    store.files = files
    return reader(store).history().told


def test_a_stopped_search_commits_what_arrived_and_goes_on_later():
    store = MemoryStore()
    order = arrivals(1, budget=30, slots=3)
    search = search_in(store, 1, order, slots=3)
    progress = search.run([lambda progress: search.stop() if progress.told >= 10 else None])
    assert progress.interrupted
    assert not progress.finished
    assert len(told(store.files)) == progress.told >= 10
    assert search_in(store, 1, order, slots=3).run().told == 30
