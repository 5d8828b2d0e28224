"""The loop whose commits are made beside it: killed between any two steps, it loses, repeats and changes nothing."""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence

import pytest

from evo_nas.budgets import Budget
from evo_nas.errors import RunError
from evo_nas.evaluation import Candidate, Evaluation
from evo_nas.execution.executor import Executor, Occupancy
from evo_nas.execution.simulated import Faults, SimulatedExecutor, Simulation
from evo_nas.ledger import BackgroundCommitter, Committer, Ledger, committing, compaction
from evo_nas.loop import Search
from evo_nas.strategies.aging import AgingEvolution, AgingOptions
from evo_nas.strategies.verification import verify
from tests.checker import check_run, reader
from tests.ledger.samples import RECORD, MemoryStore
from tests.test_simulation import EPOCHS, SPACE, Crash, DoomedStore, arrivals, objective, strategy, told

SCHEDULES, MORE_SCHEDULES = 16, 200
RESUMPTIONS, MORE_RESUMPTIONS = 20, 200
"""What the suite plays, and the campaign."""


@pytest.fixture(autouse=True)
def eager_compaction(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compaction, "FAN_IN", 3)
    monkeypatch.setattr(compaction, "LARGE_ROWS", 12)


class SlowStore(DoomedStore):
    """Takes real time for a commit, and does nothing more once its process is gone."""

    gone = False

    def create(self, name: str, content: bytes) -> bool:
        if name.startswith("segments/"):
            time.sleep(0.001)
        return self._unless_gone(super().create, name, content)

    def delete(self, name: str) -> None:
        self._unless_gone(super().delete, name)

    def _unless_gone(self, operation: Callable[..., bool | None], *arguments: object) -> bool:
        if self.gone:
            raise Crash
        try:
            return bool(operation(*arguments))
        except Crash:
            self.gone = True
            raise


class Recording(SimulatedExecutor):
    """Remembers every candidate that was ever submitted."""

    submitted: list[Candidate]

    def submit(self, candidates: Sequence[Candidate]) -> None:
        self.submitted += candidates
        super().submit(candidates)


def play(seed: int) -> list[str]:
    """Searches under a schedule drawn from ``seed``, crash after crash; returns what is wrong in the end."""
    rng = random.Random(seed)
    budget = rng.randrange(20, 50)
    faults = Faults(lost=rng.choice((0, 0.1)), late=0.5, duplicated=rng.choice((0, 0.3)), delayed=0.2)
    simulation = Simulation(workers=rng.randrange(1, 5), seed=seed, mean_s=0.005, faults=faults)
    files: dict[str, bytes] = {}
    submitted: list[Candidate] = []
    acknowledged: dict[int, Evaluation] = {}
    wrong: list[str] = []
    for generation in range(4):
        is_last = generation == 3
        store = SlowStore(files, dies_at=0 if is_last else rng.randrange(1, 14), after=rng.random() < 0.5)
        executor = Recording(objective, simulation)
        executor.submitted = []
        with contextlib.suppress(Crash):
            ledger = Ledger.open(store) if "RUN.json" in files else Ledger.create(store, RECORD)
            with contextlib.closing(BackgroundCommitter(ledger)) as committer:
                search = Search.resumed(
                    strategy("aging", seed), executor, ledger, budget=Budget(budget), committer=committer
                )
                while not search.finished:
                    for evaluation in search.step(timeout_s=rng.choice((0.01, 1.0))):
                        acknowledged[evaluation.candidate.id] = evaluation
                    if not is_last and rng.random() < 0.02:
                        store.gone = True  # the thread dies with the loop, wherever it is
                        raise Crash
        wrong += forgotten(files, executor.submitted)
        submitted += executor.submitted
    survivor = MemoryStore.holding(files)
    history = reader(survivor).history()
    wrong += [str(mismatch) for mismatch in verify(strategy("aging", seed), history.told, history.in_flight)]
    return wrong + check_run(
        survivor,
        acknowledged=acknowledged,
        dispatched=[c.id for c in submitted],
        budget=budget,
        complete=True,
    )


def forgotten(files: dict[str, bytes], submitted: Sequence[Candidate]) -> Iterator[str]:
    """Yields the candidates that the latest process submitted, and that the run should know and does not.

    Those that were asked after the last commit are asked again; all others must be recorded, or a resumed search would
    ask other candidates in their place.
    """
    if "RUN.json" not in files:
        return
    history = reader(MemoryStore.holding(files)).history()
    known = {each.candidate.id: each.candidate for each in history.told}
    known |= {candidate.id: candidate for candidate in history.in_flight}
    for candidate in submitted:
        if candidate.asked_after < len(history.told) and candidate.id not in known:
            yield f"{candidate.id} was asked after {candidate.asked_after}, and {len(history.told)} are committed"


@pytest.mark.slow
def test_invariants_hold_wherever_the_loop_and_its_thread_are_killed() -> None:
    assert {seed: wrong for seed in range(SCHEDULES) if (wrong := play(seed))} == {}


@pytest.mark.campaign
@pytest.mark.timeout(7200)
def test_invariants_hold_wherever_the_loop_and_its_thread_are_killed_many_times() -> None:
    seeds = range(SCHEDULES, MORE_SCHEDULES)
    assert {seed: wrong for seed in seeds if (wrong := play(seed))} == {}


@pytest.mark.slow
def test_the_checker_sees_candidates_that_are_asked_during_a_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    def refill_always(search: Search) -> None:
        while (wanted := search._free_slots()) > 0 and search._ask(wanted):
            search._submit_ahead()

    monkeypatch.setattr(Search, "_refill", refill_always)
    assert any("are committed" in text for seed in range(SCHEDULES) for text in play(seed))


class Script(Executor):
    """Delivers evaluations in a given order, group by group; a group is what one commit takes.

    It goes on delivering while the commit of a group is under way, if the ids of the next batch are in flight.
    """

    def __init__(self, groups: list[list[list[int]]], *, slots: int, dies_at: int) -> None:
        self._groups = [list(group) for group in groups]
        self._slots = slots
        self._left = dies_at
        self._flying: dict[int, Candidate] = {}
        self.is_complete = False

    def free_slots(self) -> int:
        return max(0, self._slots - len(self._flying))

    def submit(self, candidates: Sequence[Candidate]) -> None:
        self._flying.update((candidate.id, candidate) for candidate in candidates)

    def collect(self, *, timeout_s: float) -> list[Evaluation]:
        self._left -= 1
        if self._left == 0:
            raise Crash
        if self.is_complete or not self._groups or not self._flying.keys() >= set(self._groups[0][0]):
            return []
        arrived = [self._flying.pop(key) for key in self._groups[0].pop(0)]
        if not self._groups[0]:
            del self._groups[0]
            self.is_complete = True
        return [Evaluation(candidate, objective(candidate)) for candidate in arrived]

    def occupancy(self) -> Occupancy:
        return Occupancy(workers=self._slots, busy=0, in_flight=len(self._flying))

    def close(self) -> None:
        self._flying.clear()


class ScriptedCommitter(Committer):
    """Begins a commit when its group is complete, and acknowledges it some looks later."""

    def __init__(self, ledger: Ledger, script: Script, *, looks: int, ahead: int) -> None:
        self._ledger = ledger
        self._script = script
        self._looks = self._left = looks
        self._ahead = ahead

    def start(self, evaluations: Sequence[Evaluation], *, born: Sequence[Candidate]) -> None:
        self._ledger.append(evaluations, born=born)
        self._left = self._looks
        self._script.is_complete = False

    def is_acknowledged(self, *, timeout_s: float = 0.0) -> bool:
        self._left -= 1
        return self._left < 0

    def pause_s(self) -> float:
        return 0.0 if self._script.is_complete else 1.0

    def ahead(self, evaluations: int) -> int:
        return self._ahead


def without_rungs(seed: int) -> AgingEvolution:
    """Returns a strategy that always asks as many as are wanted, so that every order may arrive."""
    options = AgingOptions(population=8, tournament=3, warmup=4)
    return AgingEvolution(SPACE, options, seed=seed, epochs=EPOCHS)


def grouped(batches: list[list[int]], rng: random.Random) -> list[list[list[int]]]:
    groups = []
    while batches:
        size = rng.randrange(1, 4)
        groups.append(batches[:size])
        batches = batches[size:]
    return groups


@pytest.mark.parametrize(
    "seed",
    [
        *range(RESUMPTIONS),
        *(pytest.param(seed, marks=pytest.mark.campaign) for seed in range(RESUMPTIONS, MORE_RESUMPTIONS)),
    ],
)
def test_with_the_same_arrivals_a_resumed_search_equals_the_uninterrupted_one(seed: int) -> None:
    rng = random.Random(seed)
    slots, ahead = rng.randrange(1, 7), rng.randrange(4)
    looks = (
        rng.randrange(4) if ahead else 0
    )  # nothing is asked ahead only if commits take no time worth mentioning
    groups = grouped(arrivals(seed, budget=30, slots=slots), rng)

    def live(files: dict[str, bytes], *, store_dies: int, loop_dies: int, after: bool) -> None:
        store = DoomedStore(files, dies_at=store_dies, after=after)
        committed = {evaluation.candidate.id for evaluation in told(files)} if "RUN.json" in files else set()
        left = [group for group in groups if not committed.issuperset(group[0])]
        ledger = Ledger.open(store) if "RUN.json" in files else Ledger.create(store, RECORD)
        script = Script(left, slots=slots, dies_at=loop_dies)
        committer = ScriptedCommitter(ledger, script, looks=looks, ahead=ahead)
        Search.resumed(without_rungs(seed), script, ledger, budget=Budget(30), committer=committer).run()

    whole: dict[str, bytes] = {}
    live(whole, store_dies=0, loop_dies=0, after=False)
    killed: dict[str, bytes] = {}
    while "RUN.json" not in killed or len(told(killed)) < 30:
        with contextlib.suppress(Crash):
            deaths = {"store_dies": rng.choice((0, rng.randrange(1, 12))), "loop_dies": rng.randrange(1, 30)}
            live(killed, after=rng.random() < 0.5, **deaths)
    assert [each.candidate for each in told(killed)] == [each.candidate for each in told(whole)]
    assert len(told(killed)) == 30


class GatedStore(MemoryStore):
    """Holds commits back until its gate is opened."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = threading.Event()

    def create(self, name: str, content: bytes) -> bool:
        if name.startswith("segments/"):
            assert self.gate.wait(60.0)
        return super().create(name, content)


def test_workers_get_what_was_asked_ahead_while_a_commit_is_under_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(BackgroundCommitter, "ahead", lambda committer, evaluations: 3)
    monkeypatch.setattr(committing, "PACE_S", 0.0)
    store = GatedStore()
    with Ledger.create(store, RECORD) as ledger, BackgroundCommitter(ledger) as committer:
        executor = Recording(objective, Simulation(workers=1, mean_s=1.0))
        executor.submitted = []
        search = Search.resumed(
            strategy("aging", 1), executor, ledger, budget=Budget(20), committer=committer
        )
        searching = threading.Thread(target=search.step, kwargs={"timeout_s": 60.0})
        searching.start()
        try:
            deadline = time.monotonic() + 60.0
            while len(executor.submitted) < 2 + 1 + 3:  # two at first, one for the first result, three ahead
                assert time.monotonic() < deadline
                time.sleep(0.001)
            assert search.progress().told == 0, "nothing is believed before its commit is durable"
            assert len(executor.submitted) == 2 + 1 + 3, (
                "after the first result one more, and three asked ahead"
            )
            assert {candidate.asked_after for candidate in executor.submitted} == {0}
        finally:
            store.gate.set()
            searching.join()
        assert search.progress().told > 0


def test_a_stopped_search_commits_what_has_arrived_in_the_meantime() -> None:
    store = MemoryStore()
    with Ledger.create(store, RECORD) as ledger, BackgroundCommitter(ledger) as committer:
        executor = SimulatedExecutor(objective, Simulation(workers=4, mean_s=0.001))
        search = Search.resumed(
            strategy("aging", 1), executor, ledger, budget=Budget(10_000), committer=committer
        )
        progress = search.run([lambda progress: search.stop() if progress.told >= 20 else None])
    assert progress.interrupted
    assert len(told(store.files)) == progress.told >= 20


def test_what_the_thread_cannot_commit_is_never_believed() -> None:
    class FullStore(MemoryStore):
        def create(self, name: str, content: bytes) -> bool:
            if name.startswith("segments/"):
                raise OSError(28, "No space left on device")
            return super().create(name, content)

    with (
        Ledger.create(FullStore(), RECORD) as ledger,
        contextlib.closing(BackgroundCommitter(ledger)) as committer,
    ):
        evolution = strategy("aging", 1)
        executor = SimulatedExecutor(objective, Simulation(workers=2, mean_s=0.001))
        search = Search.resumed(evolution, executor, ledger, budget=Budget(9), committer=committer)
        with pytest.raises(RunError, match="No space left"):
            search.run()
        assert search.progress().told == 0
        assert evolution.statistics() == {}
