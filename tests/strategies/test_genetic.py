"""A generational genetic algorithm: whole generations, elites, and no worker that waits."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from evo_nas.evaluation import Status
from evo_nas.strategies.genetic import GeneticAlgorithm, GeneticOptions
from evo_nas.strategies.random import RandomSearch
from tests.strategies.landscape import EPOCHS, SPACE, best, searched, tell, told


def genetic(**options) -> GeneticAlgorithm:
    chosen = GeneticOptions(**{"population": 8, "tournament": 3, "elites": 0} | options)
    return GeneticAlgorithm(SPACE, chosen, seed=1, epochs=EPOCHS)


def rising(candidate) -> float:
    return float(candidate.id)


def parents_of(candidates) -> set[int]:
    return {parent for candidate in candidates for parent in candidate.parents}


def test_children_come_from_the_generation_before_alone() -> None:
    asked = searched(genetic(), 40)
    assert not parents_of(asked[:8])
    for generation in range(1, 5):
        first = 8 * generation
        children = asked[first : first + 8]
        assert all(child.parents for child in children)
        assert parents_of(children) <= set(range(first - 8, first))


def test_elites_live_on_while_they_are_the_best() -> None:
    strategy = genetic(elites=2, tournament=8)
    asked = searched(strategy, 60, lambda candidate: -float(candidate.id))
    assert {0, 1} <= {each.trial.candidate.id for each in strategy._generation}
    assert 0 in parents_of(asked[50:])
    # With two elites six more make a generation.
    assert not parents_of(asked[:8])
    assert parents_of(asked[14:20]) <= {0, 1, *range(8, 14)}


def test_workers_do_not_wait_for_a_slow_training() -> None:
    strategy = genetic()
    _slow, *others = strategy.ask(9)
    tell(strategy, others, rising)
    children = strategy.ask(20)
    assert all(child.parents for child in children)
    assert parents_of(children) <= {each.id for each in others}


def test_a_late_child_belongs_to_the_generation_that_is_being_filled() -> None:
    strategy = genetic(tournament=8)
    late, *others = strategy.ask(9)
    tell(strategy, others, rising)
    tell(strategy, [late], lambda _: 1_000.0)
    assert late.id not in parents_of(strategy.ask(10))
    tell(strategy, strategy.ask(7), rising)
    assert late.id in parents_of(strategy.ask(20))


def test_failures_make_no_generation_complete() -> None:
    strategy = genetic()
    strategy.tell([told(each, status=Status.DIVERGED) for each in strategy.ask(20)])
    assert not parents_of(strategy.ask(3))
    assert strategy.statistics() == {}


def test_a_generation_needs_room_beside_its_elites() -> None:
    with pytest.raises(ValidationError, match="elites is 8; must be below the population, 8"):
        genetic(elites=8)


def test_many_elites_ask_for_a_generation_with_room_beside_them() -> None:
    options = GeneticOptions(elites=30).following(300)
    assert options.population == 31
    strategy = GeneticAlgorithm(SPACE, options, seed=1, epochs=EPOCHS)
    assert not parents_of(searched(strategy, 31))


def test_generations_grow_with_the_budget() -> None:
    sizes = [GeneticOptions().following(evaluations).population for evaluations in (40, 500, 1_000)]
    assert sizes == sorted(set(sizes))
    assert GeneticOptions(population=3).following(40).elites < 3


def test_generations_find_better_than_chance_with_the_same_budget() -> None:
    evolved = [best(GeneticAlgorithm(SPACE, seed=seed, epochs=EPOCHS)) for seed in range(3)]
    drawn = [best(RandomSearch(SPACE, seed=seed, epochs=EPOCHS)) for seed in range(3)]
    assert sum(evolved) > sum(drawn) + 0.05
