"""Differential evolution: targets, children that compete with them, and controls that survive with what they made."""

from __future__ import annotations

import statistics

import pytest
from pydantic import ValidationError

from evo_nas.config import FitnessOptions
from evo_nas.evaluation import Status
from evo_nas.genome.gene import Gene
from evo_nas.randomness import stream
from evo_nas.strategies.differences import ANYWHERE, difference_added
from evo_nas.strategies.differential import (
    LEAST_STEP,
    MOST_STEP,
    RENEWED,
    USUAL,
    DifferentialEvolution,
    DifferentialOptions,
)
from evo_nas.strategies.random import RandomSearch
from tests.strategies.landscape import EPOCHS, SPACE, best, searched, tell, told

ORDERED = Gene("width", tuple(range(9)), ordered=True)
CHOICE = Gene("op", tuple("abcdef"))


def differential(seed: int = 1, **options) -> DifferentialEvolution:
    chosen = DifferentialOptions(**{"population": 6} | options)
    return DifferentialEvolution(SPACE, chosen, seed=seed, epochs=EPOCHS)


def sums(gene: Gene, *values: int, step: float, count: int = 2_000) -> list[int]:
    rng = stream(1, "test")
    return [difference_added(gene, values, step=step, rng=rng) for _ in range(count)]


def targets(strategy: DifferentialEvolution) -> list[int]:
    return [each.trial.candidate.id for each in strategy._targets]


@pytest.mark.parametrize("step", [0.1, 0.37, 1.0])
def test_a_sum_of_ordered_choices_is_right_on_average_and_never_far_from_it(step: float) -> None:
    drawn = sums(ORDERED, 4, 5, 2, step=step)
    assert statistics.fmean(drawn) == pytest.approx(4 + 3 * step, abs=0.05)
    assert max(abs(each - (4 + 3 * step)) for each in drawn) < 1 + step


def test_beyond_the_last_choice_it_is_halfway_to_it() -> None:
    assert statistics.fmean(sums(ORDERED, 6, 8, 0, step=1.0)) == pytest.approx(7.0)
    assert statistics.fmean(sums(ORDERED, 3, 0, 8, step=1.0)) == pytest.approx(1.5, abs=0.05)


def test_a_choice_without_order_is_base_or_plus_or_now_and_then_any_other() -> None:
    drawn = sums(CHOICE, 0, 3, 5, step=0.5)
    elsewhere = ANYWHERE * 0.5
    assert set(drawn) == set(range(CHOICE.size))
    expected = (1 - elsewhere) * 0.5 / 1.5 + elsewhere / 5
    assert drawn.count(3) / len(drawn) == pytest.approx(expected, abs=0.03)
    assert drawn.count(4) / len(drawn) == pytest.approx(elsewhere / 5, abs=0.02)
    # Where the difference takes away from the base, plus is drawn as often as the step is long.
    away = sums(CHOICE, 0, 3, 0, step=0.5)
    assert away.count(3) / len(away) == pytest.approx((1 - elsewhere) * 0.5 + elsewhere / 5, abs=0.03)


@pytest.mark.parametrize(
    "gene", [CHOICE, Gene("fixed", (1,)), Gene("one", (1,), ordered=True)], ids=lambda each: each.name
)
def test_no_difference_changes_no_gene_without_order(gene: Gene) -> None:
    value = gene.size - 1
    assert set(sums(gene, value, 0, 0, step=1.0, count=50)) == {value}


def test_targets_that_agree_on_an_ordered_choice_may_leave_it_for_the_next_one() -> None:
    drawn = sums(ORDERED, 4, 2, 2, step=1.0)
    assert set(drawn) == {3, 4, 5}
    assert drawn.count(4) > len(drawn) / 2
    assert sums(ORDERED, 4, 2, 2, step=0.1).count(4) > 0.9 * len(drawn)


def test_a_child_names_its_target_first_and_all_it_is_made_of() -> None:
    asked = searched(differential(), 60)
    children = [each for each in asked if each.parents]
    assert len(children) > 40
    assert all(3 <= len(set(each.parents)) == len(each.parents) <= 4 for each in children)
    assert {each.operator for each in children} == {"differential"}


def test_the_first_targets_are_founders_and_random_networks() -> None:
    strategy = differential()
    tell(strategy, strategy.ask(6))
    assert targets(strategy) == list(range(6))
    assert all(each.parents for each in strategy.ask(6))


def test_a_child_replaces_its_target_only_if_it_is_as_good() -> None:
    strategy = differential()
    tell(strategy, strategy.ask(6), lambda _: 0.0)
    worse, equal, better = strategy.ask(3)
    before = targets(strategy)
    tell(strategy, [worse], lambda _: -1.0)
    assert targets(strategy) == before
    tell(strategy, [equal], lambda _: 0.0)
    assert targets(strategy)[strategy._slot_of(equal.id)] == equal.id
    tell(strategy, [better], lambda _: 1.0)
    assert targets(strategy)[strategy._slot_of(better.id)] == better.id
    assert len(targets(strategy)) == 6


def test_what_failed_or_was_pruned_is_no_target() -> None:
    strategy = differential()
    asked = strategy.ask(12)
    strategy.tell([told(each, status=Status.DIVERGED) for each in asked[:6]])
    strategy.tell([told(each, status=Status.PRUNED) for each in asked[6:]])
    assert targets(strategy) == []
    assert not any(each.parents for each in strategy.ask(3))


def test_controls_survive_with_the_child_that_they_made_and_are_renewed_now_and_then() -> None:
    strategy = differential()
    asked = searched(strategy, 200)
    children = [each for each in asked[:200] if each.parents]
    kept = [strategy._controls[each.id].step == strategy._controls[each.parents[0]].step for each in children]
    assert sum(kept) / len(kept) == pytest.approx(1 - RENEWED, abs=0.06)
    assert all(LEAST_STEP <= control.step <= MOST_STEP for control in strategy._controls.values())
    assert all(0 <= control.crossover <= 1 for control in strategy._controls.values())


def test_controls_are_the_same_after_a_resume() -> None:
    whole, resumed = differential(), differential()
    history = []
    for _ in range(80):
        (candidate,) = whole.ask(1)
        history.append(told(candidate))
        whole.tell(history[-1:])
    resumed.resume(history, [])
    assert resumed._controls == whole._controls
    assert resumed.ask(10) == whole.ask(10)


def test_a_target_that_a_damaged_ledger_lost_leaves_the_usual_controls() -> None:
    strategy = differential()
    values = {strategy._control_of(number, target=10_000).step for number in range(30)}
    assert USUAL.step in values


def test_with_several_objectives_a_child_has_to_stand_before_its_target_on_the_front() -> None:
    fitness = FitnessOptions(objectives=("fitness", "parameters"))
    strategy = DifferentialEvolution(
        SPACE, DifferentialOptions(population=4), seed=1, epochs=EPOCHS, fitness=fitness
    )
    strategy.tell([told(each, lambda _: 0.5, parameters=100) for each in strategy.ask(4)])
    dominated, dominating = strategy.ask(2)
    strategy.tell([told(dominated, lambda _: 0.5, parameters=200)])
    assert dominated.id not in targets(strategy)
    strategy.tell([told(dominating, lambda _: 0.5, parameters=50)])
    assert dominating.id in targets(strategy)


def test_too_few_targets_are_refused() -> None:
    with pytest.raises(ValidationError, match="greater than or equal to 4"):
        DifferentialOptions(population=3)


def test_differences_find_better_than_chance_with_the_same_budget() -> None:
    evolved = [best(DifferentialEvolution(SPACE, seed=seed, epochs=EPOCHS)) for seed in range(3)]
    drawn = [best(RandomSearch(SPACE, seed=seed, epochs=EPOCHS)) for seed in range(3)]
    assert sum(evolved) > sum(drawn) + 0.05
