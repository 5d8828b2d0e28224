"""Searches with rungs on recorded curves, killed again and again, lose nothing and can be derived."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from evo_nas.budgets import Budget
from evo_nas.config import FitnessOptions
from evo_nas.evaluation import Evaluation, Status
from evo_nas.execution.simulated import Faults, SimulatedExecutor, Simulation
from evo_nas.ledger import Ledger
from evo_nas.loop import Search
from evo_nas.replay import RecordedTask
from evo_nas.strategies.aging import AgingEvolution, AgingOptions
from evo_nas.strategies.verification import verify
from tests.checker import check_run, reader
from tests.ledger.samples import RECORD, MemoryStore
from tests.replay.samples import EPOCHS, failing, recording, rungs

BUDGET = 60
WIDTHS, DEPTHS = 12, 8


def landscape() -> RecordedTask:
    """Returns recorded cells of which deep, wide ones end better and some diverge."""
    recordings, features = {}, {}
    for width in range(WIDTHS):
        for depth in range(DEPTHS):
            key = f"{width} wide, {depth} deep"
            dies = (width * depth) % 11 == 7
            recordings[key] = [
                failing(4) if dies else recording(5 - 0.2 * width - 0.3 * depth, second_s=1 + depth)
            ]
            features[key] = (width, depth)
    return RecordedTask(recordings, features, ["width", "depth"], {"narrow": "0 wide, 0 deep"})


TASK = landscape()


def strategy(fitness: FitnessOptions) -> AgingEvolution:
    options = AgingOptions(population=12, tournament=3, warmup=8)
    return AgingEvolution(TASK.space.as_search_space(), options, seed=1, epochs=EPOCHS, fitness=fitness)


def searched(seed: int, fitness: FitnessOptions, *, is_killed: bool = True) -> MemoryStore:
    """Searches on faulty workers and starts anew after every kill; returns the store of the run."""
    rng = random.Random(seed)
    store = MemoryStore()
    faults = Faults(lost=0.1, late=0.5, duplicated=0.1, delayed=0.2)
    while True:
        ledger = Ledger.open(store) if "RUN.json" in store.files else Ledger.create(store, RECORD)
        simulation = Simulation(workers=rng.randrange(1, 6), seed=seed, attempts=9, faults=faults)
        executor = SimulatedExecutor(TASK.replayer, simulation, duration_s=TASK.replayer.duration_s)
        search = Search.resumed(strategy(fitness), executor, ledger, budget=Budget(BUDGET))
        while not search.finished:
            search.step(timeout_s=300)
            if is_killed and rng.random() < 0.1:
                break
        else:
            return store


@pytest.mark.parametrize("fitness", [
    rungs(3, reduction=3),
    rungs(2, 5, reduction=2),
    rungs(2, 5, pruning="median"),
    rungs(3, pruning="extrapolation"),
    rungs(2, 5, grow=True),
], ids=["halving", "two rungs", "median", "extrapolation", "growing"])  # fmt: skip
@pytest.mark.parametrize("seed", range(2))
def test_a_killed_search_with_rungs_keeps_all_laws(seed: int, fitness: FitnessOptions) -> None:
    store = searched(seed, fitness)
    history = reader(store).history()
    assert check_run(store, budget=BUDGET, complete=True) == []
    assert list(verify(strategy(fitness), history.told, history.in_flight)) == []
    assert any(each.status is Status.PRUNED for each in history.told)


@pytest.mark.parametrize("seed", range(2))
def test_a_continued_training_goes_on_from_its_rung_also_after_kills(seed: int) -> None:
    told = reader(searched(seed, rungs(3, reduction=3))).history().told
    by_id = {each.candidate.id: each for each in told}
    continued = [each for each in told if each.candidate.continues is not None]
    assert continued
    for each in continued:
        begun = by_id[each.candidate.continues]
        assert each.outcome.curve[: begun.outcome.epochs] == begun.outcome.curve
        assert each.outcome.train_s + begun.outcome.train_s == pytest.approx(whole(each))


def whole(evaluation: Evaluation) -> float:
    """Returns the seconds of the training without a rung."""
    (recorded,) = TASK.recordings[evaluation.candidate.canonical_hash]
    return sum(recorded.epoch_s)


def test_no_training_is_continued_twice_and_none_without_need() -> None:
    told = reader(searched(3, rungs(3, reduction=3))).history().told
    assert (
        max(
            Counter(
                each.candidate.continues for each in told if each.candidate.continues is not None
            ).values()
        )
        == 1
    )
