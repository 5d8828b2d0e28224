"""Pruned trainings that go on, in a whole strategy."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import zip_longest

import pytest

from evo_nas.config import FitnessOptions
from evo_nas.evaluation import Candidate, Evaluation, Outcome, Status
from evo_nas.genome.architecture import Signature
from evo_nas.genome.options import SpaceOptions
from evo_nas.genome.space import SearchSpace
from evo_nas.strategies import promotions
from evo_nas.strategies.aging import AgingEvolution, AgingOptions
from evo_nas.strategies.promotions import OPERATOR, WAITING, Bracket, Promotions
from evo_nas.strategies.random import RandomSearch

SPACE = SearchSpace(SpaceOptions(), Signature(features=3, outputs=2), epochs=8)
HALVING = FitnessOptions(rungs=(2, 4), reduction=2)


def search(fitness: FitnessOptions = HALVING, *, epochs: int = 8) -> RandomSearch:
    return RandomSearch(SPACE, seed=1, epochs=epochs, fitness=fitness)


def trained(candidate: Candidate, *heights: float, inherited_steps: int = 0) -> Evaluation:
    """Trains a candidate whose fitness has these heights after the epochs; the last one stays."""
    curve = [*heights, *[heights[-1]] * (candidate.budget - len(heights))]
    limits = dict(zip(candidate.rungs, candidate.thresholds, strict=True))
    epochs = next((rung for rung in limits if max(curve[:rung]) < limits[rung]), candidate.budget)
    score = max(curve[:epochs])
    return Evaluation(
        candidate,
        Outcome(
            Status.OK if epochs == candidate.budget else Status.PRUNED,
            fitness=score,
            metrics={"validation_accuracy": score},
            metric="validation_accuracy",
            curve=tuple(curve[:epochs]),
            epochs=epochs,
            weights=f"weights-{candidate.id}",
            inherited_steps=inherited_steps,
        ),
    )


def told(strategy: RandomSearch, *heights: Sequence[float]) -> list[Evaluation]:
    """Asks for as many candidates at once and tells them one by one."""
    evaluations = [
        trained(candidate, *each) for candidate, each in zip(strategy.ask(len(heights)), heights, strict=True)
    ]
    for evaluation in evaluations:
        strategy.tell([evaluation])
    return evaluations


def known(strategy: RandomSearch, *heights: Sequence[float], inherits: Sequence[bool] = ()) -> None:
    """Tells as many candidates' complete results, as a memory of earlier runs gives them."""
    for candidate, each, inherited in zip_longest(strategy.ask(len(heights)), heights, inherits):
        free = replace(candidate, rungs=(), thresholds=())
        outcome = trained(free, *each, inherited_steps=10 * bool(inherited)).outcome
        strategy.tell([Evaluation(candidate, outcome)])


def begun() -> RandomSearch:
    """Returns a search whose first candidate, which cannot be pruned, is in flight."""
    strategy = search()
    strategy.ask(1)
    return strategy


def test_until_one_is_complete_one_candidate_cannot_be_pruned() -> None:
    strategy = search()
    first, second = strategy.ask(2)
    assert (first.rungs, first.thresholds) == ((2, 4), (-math.inf, -math.inf))
    assert (second.rungs, second.thresholds) == ((2, 4), (WAITING, WAITING))
    strategy.tell([Evaluation(first, Outcome(Status.DIVERGED))])
    (third,) = strategy.ask(1)
    assert third.thresholds == (-math.inf, -math.inf)
    strategy.tell([trained(third, 0.1)])
    assert strategy.ask(1)[0].thresholds == (WAITING, WAITING)


def test_the_others_wait_at_the_rungs_of_which_nothing_is_known() -> None:
    strategy = begun()
    (waiting,) = told(strategy, [0.5])
    assert (waiting.status, waiting.outcome.epochs, waiting.is_paused) == (Status.PRUNED, 2, False)
    assert strategy.ask(1)[0].operator != OPERATOR


def test_what_waits_goes_on_when_enough_is_known_to_say_that_it_is_among_the_best() -> None:
    strategy = begun()
    first, second = told(strategy, [0.5], [0.7])
    promoted, new = strategy.ask(2)
    assert (promoted.continues, promoted.rungs, promoted.thresholds) == (
        second.candidate.id,
        (4,),
        (WAITING,),
    )
    assert (new.continues, new.thresholds) == (None, (0.7, WAITING))
    assert strategy.ask(1)[0].continues != first.candidate.id


def test_with_as_many_workers_as_candidates_only_the_best_go_on() -> None:
    strategy = search(FitnessOptions(rungs=(2, 4), reduction=3))
    strategy.ask(1)
    others = told(strategy, *[[number / 10] for number in range(9)])
    assert {(each.status, each.outcome.epochs) for each in others} == {(Status.PRUNED, 2)}
    assert [each.continues for each in strategy.ask(4)] == [9, 8, 7, None]


@pytest.mark.parametrize("budget", [1, 2, 5, 12, 40])
@pytest.mark.parametrize("workers", [1, 4, 40])
def test_a_budget_is_spent_to_the_last_and_not_on_beginnings_alone(budget: int, workers: int) -> None:
    strategy = search(FitnessOptions(rungs=(2, 4), reduction=3))
    asked, flying, history = 0, [], []
    while asked < budget or flying:
        new = strategy.ask(min(workers - len(flying), budget - asked), left=budget - asked)
        asked += len(new)
        flying += new
        assert flying, "something is always in flight until the budget is spent"
        history.append(trained(flying[0], (flying.pop(0).id * 37 % 101) / 101))
        strategy.tell(history[-1:])
    assert asked == budget
    complete = sum(each.is_complete for each in history)
    assert complete >= 1
    assert complete >= 2 or budget < 40


def test_what_extrapolates_waits_until_as_many_have_finished_as_a_line_needs() -> None:
    strategy = search(FitnessOptions(rungs=(2, 4), pruning="extrapolation"))
    asked = strategy.ask(12)
    assert [each.thresholds[0] for each in asked] == [-math.inf] * 10 + [WAITING] * 2
    for number, candidate in enumerate(asked):
        strategy.tell([trained(candidate, number / 20)])
    promoted, new = strategy.ask(2)
    assert promoted.continues == asked[-1].id
    assert 0 < new.thresholds[0] < 0.5


def test_a_threshold_is_that_of_the_best_half_when_the_candidate_was_asked() -> None:
    strategy = search()
    known(strategy, [0.1, 0.2, 0.3], [0.1, 0.4, 0.4], [0.0, 0.3, 0.5])
    (candidate,) = strategy.ask(1)
    assert candidate.thresholds == (0.4, 0.5)


def test_the_best_score_up_to_a_rung_counts() -> None:
    strategy = search()
    known(strategy, [0.9, 0.1], [0.1, 0.2])
    assert strategy.ask(1)[0].thresholds == (0.9, 0.9)


def test_a_failure_is_no_score_at_a_rung() -> None:
    strategy = search()
    for candidate in strategy.ask(4):
        strategy.tell([Evaluation(candidate, Outcome(Status.DIVERGED, curve=(0.1, 0.1, 0.1), epochs=3))])
    assert strategy.ask(2)[1].thresholds == (WAITING, WAITING)


def paused(strategy: RandomSearch) -> Evaluation:
    """Tells a search of a candidate that is pruned at 2 and, after worse ones, belongs to the best half."""
    known(strategy, [0.5], [0.7])
    (pruned,) = told(strategy, [0.1, 0.6])
    assert (pruned.status, pruned.outcome.epochs) == (Status.PRUNED, 2)
    assert strategy.ask(1)[0].operator != OPERATOR
    told(strategy, [0.1])
    return pruned


def test_a_pruned_training_goes_on_once_it_belongs_to_the_best() -> None:
    strategy = search()
    pruned = paused(strategy)
    (promoted,) = strategy.ask(1)
    assert promoted == replace(
        pruned.candidate,
        id=promoted.id,
        parents=(pruned.candidate.id,),
        operator=OPERATOR,
        asked_after=4,
        rungs=(4,),
        thresholds=(0.7,),
        continues=pruned.candidate.id,
        starts_from=f"weights-{pruned.candidate.id}",
    )
    assert strategy.ask(1)[0].operator != OPERATOR


def test_a_training_may_be_pruned_again_and_go_on_again() -> None:
    strategy = search()
    paused(strategy)
    (first,) = told(strategy, [0.1, 0.6])
    assert (first.candidate.operator, first.status, first.outcome.epochs) == (OPERATOR, Status.PRUNED, 4)
    told(strategy, [0.6], [0.6])
    (second,) = strategy.ask(1)
    assert (second.continues, second.rungs) == (first.candidate.id, ())


def test_a_continued_training_counts_once_at_the_rungs_below() -> None:
    strategy = search()
    pruned = paused(strategy)
    (promoted,) = strategy.ask(1)
    before = strategy.ask(1)[0].thresholds[0]
    strategy.tell([trained(promoted, 0.1, 0.6, 0.9, 0.9)])
    assert strategy.ask(1)[0].thresholds[0] == before == pruned.fitness


def test_the_highest_rung_is_promoted_from_first() -> None:
    rule = Promotions(HALVING, 8)
    assert rule.plan(Bracket(8)).rungs == (2, 4)
    assert rule.plan(Bracket(8), above=2).rungs == (4,)
    assert rule.plan(Bracket(3)).rungs == (2,)
    assert rule.plan(Bracket(2)).rungs == ()


def test_only_trainings_of_the_same_budget_compete() -> None:
    class TwoBudgets(RandomSearch):
        def _propose(self, k, rng):
            return replace(super()._propose(k, rng), epochs=8 if k % 2 else 5)

    strategy = TwoBudgets(SPACE, seed=1, epochs=8, fitness=HALVING)
    known(strategy, *[[0.5], [0.8]] * 3)
    short, long = strategy.ask(2)
    assert (short.budget, short.thresholds) == (5, (0.5, 0.5))
    assert (long.budget, long.thresholds) == (8, (0.8, 0.8))


def test_inherited_weights_and_training_from_scratch_do_not_compete() -> None:
    class Inherits(RandomSearch):
        def _propose(self, k, rng):
            return replace(super()._propose(k, rng), starts_from="a parent" if k % 2 else "")

    strategy = Inherits(SPACE, seed=1, epochs=8, fitness=HALVING)
    known(strategy, *[[0.3], [0.9]] * 3, inherits=[False, True] * 3)
    scratch, inherited = strategy.ask(2)
    assert scratch.thresholds == (0.3, 0.3)
    assert inherited.thresholds == (0.9, 0.9)


def test_what_was_paused_long_ago_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(promotions, "REMEMBERED", 3)
    strategy = search()
    known(strategy, [0.5], [0.7])
    told(strategy, [0.1, 0.6])
    told(strategy, [0.65], [0.66], [0.67])
    told(strategy, *[[0.1]] * 20)
    assert all(each.operator != OPERATOR or each.continues != 2 for each in strategy.ask(20))


@pytest.mark.parametrize(("remembered", "fewest"), [(2, 1), (5, 2), (1000, 5)])
def test_a_resumed_search_promotes_the_same(
    monkeypatch: pytest.MonkeyPatch, remembered: int, fewest: int
) -> None:
    monkeypatch.setattr(promotions, "REMEMBERED", remembered)
    whole = search()
    history: list[Evaluation] = []
    for number in range(150):
        (candidate,) = whole.ask(1)
        resumed = search()
        resumed.resume(history, [])
        assert resumed.ask(1) == [candidate]
        history.append(trained(candidate, *[(number * height) % 17 / 17 for height in (1, 5, 7, 3, 11)]))
        whole.tell(history[-1:])
    assert sum(each.candidate.operator == OPERATOR for each in history) >= fewest


GROWING = FitnessOptions(rungs=(2, 4), reduction=2, grow=True)


def test_while_the_epochs_grow_every_training_is_paused_at_the_cap() -> None:
    strategy = search(GROWING)
    (candidate,) = strategy.ask(1)
    assert (candidate.rungs, candidate.thresholds) == ((2, 4), (-math.inf, math.inf))
    evaluations = told(strategy, [0.1], [0.5], [0.9])
    assert {(each.status, each.outcome.epochs) for each in evaluations} == {(Status.PRUNED, 4)}
    assert all(each.is_paused for each in evaluations)
    assert strategy.ask(1)[0].operator != OPERATOR


def test_what_was_paused_at_the_cap_goes_on_when_that_grows_the_best_first() -> None:
    strategy = search(GROWING)
    evaluations = told(strategy, [0.1, 0.2, 0.3, 0.4], [0.1, 0.3, 0.3, 0.35], [0.1])
    first, second = strategy.ask(2)
    assert (first.continues, first.rungs) == (evaluations[0].candidate.id, ())
    assert second.operator != OPERATOR
    assert second.rungs == (2, 4)
    assert second.thresholds[1] == 0.4


def test_paused_trainings_breed_and_rejected_ones_do_not() -> None:
    options = AgingOptions(population=8, tournament=2, warmup=4)
    strategy = AgingEvolution(SPACE, options, seed=1, epochs=8, fitness=GROWING)
    for number, candidate in enumerate(strategy.ask(4)):
        strategy.tell([trained(candidate, 0.2 * number)])
    assert strategy.statistics()["size"] == 4
    assert strategy.ask(1)[0].parents
    (late,) = strategy.ask(1)
    rejected = trained(late, 0.0)
    assert (rejected.status, rejected.is_paused) == (Status.PRUNED, False)
    strategy.tell([rejected])
    assert strategy.statistics()["size"] == 4


def test_a_promoted_individual_lives_once_and_only_the_furthest_are_compared() -> None:
    options = AgingOptions(population=8, tournament=2, warmup=4)
    strategy = AgingEvolution(SPACE, options, seed=1, epochs=8, fitness=GROWING)
    candidates = strategy.ask(2)
    curves = ([0.1, 0.2, 0.3, 0.4], [0.1, 0.3, 0.3, 0.35])
    for candidate, curve in zip(candidates, curves, strict=True):
        strategy.tell([trained(candidate, *curve)])
    (promoted,) = strategy.ask(1)
    assert promoted.operator == OPERATOR
    strategy.tell([trained(promoted, 0.1, 0.2, 0.3, 0.3)])
    assert strategy.statistics() == {"size": 1, "mean": 0.3, "std": 0.0, "min": 0.3, "max": 0.3}


def test_in_halving_with_random_search_most_training_is_spared() -> None:
    strategy = search(FitnessOptions(rungs=(2, 4), reduction=3))
    spent = 0
    for number in range(120):
        (candidate,) = strategy.ask(1)
        evaluation = trained(candidate, (number * 37 % 101) / 101)
        spent += evaluation.outcome.epochs
        strategy.tell([evaluation])
    assert spent < 0.55 * 120 * 8
