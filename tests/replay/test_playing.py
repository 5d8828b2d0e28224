from __future__ import annotations

from evo_nas.evaluation import Status
from evo_nas.execution.simulated import Faults, Simulation
from evo_nas.replay import RecordedOrder, Replayer, TableSpace, play
from evo_nas.strategies.random import RandomSearch
from tests.replay.samples import EPOCHS, ONCE, failing, recording

KEYS = [f"row {number}" for number in range(10)]
RECORDINGS = {key: [recording(1 + number / 10)] for number, key in enumerate(KEYS)} | {"dead": [failing(3)]}
REPLAYER = Replayer(RECORDINGS)
SPACE = TableSpace({key: (number,) for number, key in enumerate(RECORDINGS)}, names=["row"])


def recorded(order: list[str]) -> RecordedOrder:
    return RecordedOrder(SPACE, order, seed=1, epochs=EPOCHS, fitness=ONCE)


def test_the_recorded_order_is_asked_and_nothing_else() -> None:
    order = [KEYS[3], "dead", KEYS[1]]
    played = play(recorded(order), REPLAYER, Simulation(workers=1))
    assert [each.candidate.canonical_hash for each in played.told] == order
    assert [each.status for each in played.told] == [Status.OK, Status.DIVERGED, Status.OK]


def test_the_clock_is_that_of_the_workers() -> None:
    alone = play(recorded(KEYS), REPLAYER, Simulation(workers=1))
    five = play(recorded(KEYS), REPLAYER, Simulation(workers=5))
    assert (alone.wall_s, alone.train_s) == (90.0, 90.0)
    assert (five.wall_s, five.train_s) == (18.0, 90.0)


def test_the_best_is_that_of_the_archive() -> None:
    best = play(recorded(KEYS), REPLAYER, Simulation(workers=3)).best
    assert best is not None
    assert best.candidate.canonical_hash == KEYS[0]
    assert play(recorded(["dead"]), REPLAYER, Simulation(workers=3)).best is None


def test_lost_workers_cost_time_and_nothing_else() -> None:
    quiet = play(recorded(KEYS), REPLAYER, Simulation(workers=2))
    faulty = play(recorded(KEYS), REPLAYER, Simulation(workers=2, faults=Faults(lost=0.3), attempts=50))
    assert faulty.wall_s > quiet.wall_s
    assert {each.candidate.canonical_hash for each in faulty.told} == set(KEYS)


def test_a_strategy_of_the_product_is_played_within_its_budget() -> None:
    strategy = RandomSearch(SPACE.as_search_space(), seed=1, epochs=EPOCHS, fitness=ONCE)
    played = play(strategy, REPLAYER, Simulation(workers=2), evaluations=6)
    assert len({each.candidate.canonical_hash for each in played.told}) == len(played.told) == 6


def test_a_resumed_order_goes_on_where_it_was() -> None:
    whole, resumed = recorded(KEYS), recorded(KEYS)
    asked = whole.ask(4)
    resumed.resume([], asked)
    assert [candidate.canonical_hash for candidate in resumed.ask(3)] == KEYS[4:7]
