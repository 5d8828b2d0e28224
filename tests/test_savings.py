"""What rungs have spared."""

from __future__ import annotations

from evo_nas.evaluation import Status
from evo_nas.savings import Savings, SavingsCounter


def counted(*results: tuple[int, Status, int, int | None], budget: int = 18) -> Savings:
    """Counts evaluations, given by id, status, epochs, and the id that they continue."""
    counter = SavingsCounter()
    for number, status, epochs, continues in results:
        counter.add(number, status, epochs=epochs, budget=budget, continues=continues)
    return counter.savings


def test_nothing_pruned_spares_nothing() -> None:
    savings = counted((0, Status.OK, 18, None), (1, Status.DIVERGED, 1, None))
    assert savings == Savings(epochs=18, full_epochs=18)
    assert savings.share == Savings().share == 0.0


def test_pruned_trainings_are_counted_by_their_rung_and_spare_the_rest() -> None:
    savings = counted((0, Status.PRUNED, 6, None), (1, Status.PRUNED, 2, None), (2, Status.PRUNED, 2, None))
    assert savings == Savings({2: 2, 6: 1}, epochs=10, full_epochs=54)
    assert list(savings.pruned) == [2, 6]
    assert savings.share == 1 - 10 / 54


def test_what_a_promoted_training_had_behind_it_counts_once() -> None:
    savings = counted((0, Status.PRUNED, 2, None), (3, Status.PRUNED, 6, 0), (7, Status.OK, 18, 3))
    assert savings == Savings({}, promoted=2, epochs=18, full_epochs=18)


def test_a_promoted_training_that_fails_stands_pruned_no_more() -> None:
    assert counted((0, Status.PRUNED, 2, None), (1, Status.DIVERGED, 3, 0)) == Savings({}, 1, 2, 18)
