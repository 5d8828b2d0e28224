from dataclasses import replace

import pytest

from evo_nas.budgets import Budget, Ending, Spent

NOTHING = Spent(asked=0)


def test_a_search_goes_on_while_no_limit_is_reached() -> None:
    budget = Budget(10, train_s=60, wall_s=600, verdict_trainings=16, flat_share=0.5)
    assert budget.ending(Spent(asked=9, told=9, train_s=59, wall_s=429, full_s=10, since_better=4)) is None


@pytest.mark.parametrize(
    ("spent", "ending"),
    [
        (Spent(asked=10), Ending.EVALUATIONS),
        (Spent(asked=9, train_s=60), Ending.TRAINING),
    ],
)
def test_the_limit_that_was_reached_is_named(spent: Spent, ending: Ending) -> None:
    assert Budget(10, train_s=60).ending(spent) is ending


def test_time_is_left_for_the_verdict_and_for_what_is_in_flight() -> None:
    budget = Budget(10**8, wall_s=600, verdict_trainings=16)
    assert budget.ending(Spent(asked=50, wall_s=429, full_s=10)) is None
    assert budget.ending(Spent(asked=50, wall_s=430, full_s=10)) is Ending.MINUTES


def test_a_search_of_minutes_begins_although_it_knows_no_pace() -> None:
    budget = Budget(10**8, wall_s=1, verdict_trainings=16)
    assert budget.ending(replace(NOTHING, wall_s=2)) is None
    assert budget.ending(replace(NOTHING, wall_s=2, asked=1)) is Ending.MINUTES


@pytest.mark.parametrize(("since", "ending"), [(29, None), (30, Ending.FLAT)])
def test_a_search_ends_when_nothing_better_was_found_for_a_share_of_its_evaluations(
    since: int, ending: Ending | None
) -> None:
    spent = Spent(asked=50, told=50, since_better=since)
    assert Budget(100, flat_share=0.3).ending(spent) is ending
    assert Budget(100).ending(spent) is None


def test_where_minutes_are_the_budget_the_share_is_of_them() -> None:
    budget, spent = (
        Budget(10**8, wall_s=600, flat_share=0.5),
        Spent(asked=9, told=9, wall_s=350, since_better=9),
    )
    assert budget.ending(replace(spent, since_better_s=299)) is None
    assert budget.ending(replace(spent, since_better_s=300)) is Ending.FLAT


def test_before_anything_was_told_nothing_is_flat() -> None:
    assert Budget(1, flat_share=0.5).ending(NOTHING) is None


def test_candidates_that_diverge_at_once_take_no_place() -> None:
    budget = Budget(40)
    assert budget.widened(3).ending(Spent(asked=42)) is None
    assert budget.widened(3).ending(Spent(asked=43)) is Ending.EVALUATIONS


def test_a_quarter_of_the_budget_may_diverge_at_once_without_taking_a_place() -> None:
    assert Budget(40).uncounted(10) == 10
    assert Budget(40).uncounted(40) == 10
    assert Budget(3).uncounted(3) == 0
