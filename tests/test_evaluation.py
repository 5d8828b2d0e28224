import math
import operator

import pytest

from evo_nas.evaluation import Candidate, Evaluation, Outcome, Standing, Status, best_first


@pytest.mark.parametrize("status", [status for status in Status if not status.scored])
def test_a_failure_cannot_carry_a_fitness(status):
    with pytest.raises(ValueError, match="fitness"):
        Outcome(status, fitness=0.5)


@pytest.mark.parametrize("status", [Status.OK, Status.PRUNED])
def test_a_score_must_carry_a_fitness(status):
    with pytest.raises(ValueError, match="fitness None"):
        Outcome(status)


def test_the_score_of_a_whole_training_is_complete_and_nothing_else_is():
    candidate = Candidate(0, (), "", (), "random", 0, budget=1, asked_after=0)
    outcomes = [Outcome(status, fitness=0.5 if status.scored else None) for status in Status]
    complete = [each.status for outcome in outcomes if (each := Evaluation(candidate, outcome)).is_complete]
    assert complete == [Status.OK]


def test_no_fitness_makes_up_for_a_training_that_went_further():
    assert Standing(level=2, fitness=99.0) < Standing(level=6, fitness=0.5) < Standing(math.inf, fitness=0.1)


def test_of_equal_levels_the_fitness_decides_and_then_the_lower_loss():
    ranks = [Standing(6, 0.5, loss=2.0), Standing(6, 0.5, loss=1.0), Standing(6, 0.6, loss=9.0)]
    assert sorted([ranks[2], ranks[1], ranks[0]]) == ranks


@pytest.mark.parametrize("compare", [operator.lt, operator.gt, operator.le, operator.ge])
def test_inherited_weights_and_training_from_scratch_cannot_be_compared(compare):
    with pytest.raises(ValueError, match="cannot be compared with one from scratch"):
        compare(Standing(math.inf, 0.5, is_inherited=True), Standing(math.inf, 0.4))


def test_only_trainings_that_went_equally_far_from_the_same_start_have_a_difference():
    score = Standing(6, 0.5)
    assert score.is_comparable(Standing(6, 0.9))
    assert not score.is_comparable(Standing(math.inf, 0.5))
    assert not score.is_comparable(Standing(6, 0.5, is_inherited=True))


def test_a_standing_is_no_number_so_that_nothing_takes_it_for_one():
    with pytest.raises(TypeError):
        _ = Standing(6, 0.5) < 0.6
    with pytest.raises(TypeError):
        max(Standing(6, 0.5), 0.6)


@pytest.mark.parametrize("count", [None, 0, 1, 3, 5, 99])
def test_rankings_follow_each_other_and_equals_keep_their_order(count):
    standings = [
        Standing(6, 0.9), Standing(math.inf, 0.3), None, Standing(6, 0.5, is_inherited=True),
        Standing(math.inf, 0.3), Standing(2, 0.99), Standing(6, 0.7, is_inherited=True),
    ]  # fmt: skip
    order = best_first(range(len(standings)), lambda number: standings[number], count=count)
    assert order == [1, 4, 0, 5, 6, 3][:count]


def test_trainings_from_scratch_come_first_where_both_went_equally_far():
    standings = [Standing(math.inf, 0.9, is_inherited=True), Standing(math.inf, 0.1)]
    assert best_first(range(2), lambda number: standings[number]) == [1, 0]


def test_a_loss_becomes_a_fitness_in_the_curve_too():
    loss = Outcome(
        Status.OK, -0.5, {"validation_mse": 0.5}, "validation_mse", curve=(0.9, 0.5, 0.7), epochs=3
    )
    assert loss.fitness_curve == (-0.9, -0.5, -0.7)
    assert [loss.fitness_after(epochs) for epochs in range(5)] == [None, -0.9, -0.5, -0.5, None]


@pytest.mark.parametrize(("value", "fitness"), [(0.0, -0.0), (-0.0, 0.0)])
def test_a_loss_of_zero_is_negated_too(value, fitness):
    loss = Outcome(
        Status.OK, fitness, {"validation_nll": value}, "validation_nll", curve=(0.9, value), epochs=2
    )
    assert loss.fitness_curve == (-0.9, 0.0)
    assert loss.fitness_after(1) == -0.9


def test_an_accuracy_of_zero_is_not_negated():
    outcome = Outcome(
        Status.OK, 0.0, {"validation_accuracy": 0.0}, "validation_accuracy", curve=(0.0,), epochs=1
    )
    assert outcome.fitness_curve == (0.0,)
