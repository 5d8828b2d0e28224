"""Islands: they evolve apart, genes migrate, and the worst island dies out and is refilled from the others."""

from __future__ import annotations

from evo_nas.config import FitnessOptions
from evo_nas.evaluation import Status
from evo_nas.strategies.islands import Islands, IslandsOptions
from evo_nas.strategies.random import RandomSearch
from tests.strategies.landscape import EPOCHS, SPACE, best, searched, tell, told


def islands(**options) -> Islands:
    return Islands(
        SPACE, IslandsOptions(**{"islands": 3, "population": 4, "tournament": 2, "warmup": 6} | options),
        seed=1, epochs=EPOCHS,
    )  # fmt: skip


def home_of(number: int) -> int:
    """Returns the island, of the three of `islands`, that a candidate belongs to."""
    strategy = islands()
    return strategy._islands.index(strategy._island_of(number))


def worse_on_the_second(candidate) -> float:
    return 1.0 - (home_of(candidate.id) == 1) - candidate.id / 1000


def numbers(strategy: Islands, island: int) -> list[int]:
    return [each.trial.candidate.id for each in strategy._islands[island].members]


def test_without_migration_and_extinction_islands_stay_apart() -> None:
    asked = searched(islands(migration=0.0, extinction=0), 120, in_flight=4)
    bred = [each for each in asked if each.parents]
    assert len(bred) > 80
    assert all(home_of(parent) == home_of(each.id) for each in bred for parent in each.parents)


def test_the_mother_of_a_migrating_child_lives_elsewhere_and_its_father_at_home() -> None:
    asked = searched(islands(migration=0.5, extinction=0, crossover=0.9), 150)
    migrants = [each for each in asked if each.parents and home_of(each.parents[0]) != home_of(each.id)]
    assert 30 < len(migrants) < 110
    fathers = [home_of(each.parents[1]) == home_of(each.id) for each in migrants if len(each.parents) > 1]
    assert fathers
    assert all(fathers)


def test_the_island_whose_best_is_the_lowest_dies_out() -> None:
    strategy = islands(extinction=18)
    tell(strategy, strategy.ask(17), worse_on_the_second)
    assert numbers(strategy, 1)
    tell(strategy, strategy.ask(1), worse_on_the_second)
    assert numbers(strategy, 1) == []
    assert len(numbers(strategy, 0)) == len(numbers(strategy, 2)) == 4


def test_an_empty_island_is_refilled_by_mutants_of_the_best_and_children_of_other_islands() -> None:
    strategy = islands(extinction=18)
    tell(strategy, strategy.ask(18), worse_on_the_second)
    children = [each for each in strategy.ask(60) if home_of(each.id) == 1]
    # By then candidate 0 is the best of all, and lives on the first island.
    mutants = [each for each in children if each.parents == (0,)]
    assert len(mutants) >= 5
    assert not any("crossover" in each.operator for each in mutants)
    assert {home_of(parent) for each in children for parent in each.parents} == {0, 2}


def test_children_of_an_island_that_died_out_do_not_bring_it_back() -> None:
    strategy = islands(extinction=18)
    early = strategy.ask(24)
    tell(strategy, early[:18], worse_on_the_second)
    tell(strategy, early[18:], worse_on_the_second)
    assert numbers(strategy, 1) == []
    late = strategy.ask(6)
    tell(strategy, late, worse_on_the_second)
    assert numbers(strategy, 1) == [each.id for each in late if home_of(each.id) == 1]


def test_no_second_island_dies_out_while_one_is_refilled() -> None:
    strategy = islands(extinction=3)
    tell(strategy, strategy.ask(18), worse_on_the_second)
    assert sum(not island.members for island in strategy._islands) == 1


def test_a_full_island_loses_its_worst() -> None:
    strategy = islands(extinction=0)
    tell(strategy, strategy.ask(30), lambda candidate: -abs(candidate.id - 12.0))
    natives = [number for number in range(30) if home_of(number) == 0]
    assert len(natives) > 6
    assert sorted(numbers(strategy, 0)) == sorted(sorted(natives, key=lambda number: abs(number - 12))[:4])


def test_an_island_whose_candidates_fail_is_founded_by_the_others() -> None:
    strategy = islands(extinction=0, migration=0.0)
    founders = strategy.ask(9)
    strategy.tell(
        [told(each, status=Status.DIVERGED if home_of(each.id) == 1 else Status.OK) for each in founders]
    )
    assert all(each.parents for each in strategy.ask(9))


def test_every_island_is_founded_where_one_worker_trains_each_network_twice() -> None:
    options = IslandsOptions(islands=2, extinction=0)
    strategy = Islands(SPACE, options, seed=1, epochs=EPOCHS, fitness=FitnessOptions(seeds_per_candidate=2))
    asked = searched(strategy, 100)
    assert [each.repeats is not None for each in asked[:4]] == [False, True, False, True]
    assert all(len(island.members) >= 8 for island in strategy._islands)


def test_more_evaluations_found_more_islands() -> None:
    followed = [IslandsOptions().following(evaluations) for evaluations in (40, 500, 1_000, 10_000)]
    assert [each.islands for each in followed] == [2, 2, 4, 10]
    assert all(each.following(7) == each for each in followed)
    assert IslandsOptions(extinction=0).following(500).extinction == 0


def test_islands_find_better_than_chance_with_the_same_budget() -> None:
    evolved = [best(Islands(SPACE, seed=seed, epochs=EPOCHS)) for seed in range(3)]
    drawn = [best(RandomSearch(SPACE, seed=seed, epochs=EPOCHS)) for seed in range(3)]
    assert sum(evolved) > sum(drawn) + 0.05
