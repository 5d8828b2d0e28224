"""Which trials no other beats in all objectives, and who wins tournaments among several."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from evo_nas.evaluation import Candidate, Evaluation, Outcome, Status
from evo_nas.strategies.front import LEAST_TRIALS, Front, cost_of, dominates, values_of
from evo_nas.strategies.noise import Noise
from evo_nas.strategies.operators import Individual, drawing_from
from evo_nas.strategies.pareto import select_from_fronts
from evo_nas.strategies.rewards import reward_of
from evo_nas.strategies.trials import Trial

TWO = ("fitness", "parameters")
THREE = ("fitness", "parameters", "energy")


def trial(number: int, fitness: float, parameters: int, *, energy: float | None = None, **changed) -> Trial:
    metrics = {"validation_accuracy": fitness} | ({} if energy is None else {"energy_uj": energy})
    outcome = Outcome(
        Status.OK,
        fitness=fitness,
        metrics=metrics,
        metric="validation_accuracy",
        parameters=parameters,
        epochs=4,
    )
    candidate = Candidate(number, (number,), f"hash{number}", (), "random", 0, 4, 0)
    return Trial(Evaluation(candidate, replace(outcome, **changed)))


def individuals(trials) -> list[Individual]:
    return [Individual(each) for each in trials]


def ids(trials) -> list[int]:
    return [each.candidate.id for each in trials]


def front_of(trials, objectives):
    front = Front(objectives)
    for each in trials:
        front.update(each)
    return front.members


def test_what_another_beats_in_all_objectives_is_not_in_the_front() -> None:
    trials = [
        trial(0, 0.9, 100),
        trial(1, 0.8, 50),
        trial(2, 0.8, 60),
        trial(3, 0.7, 50),
        trial(4, 0.95, 500),
    ]
    assert ids(front_of(trials, TWO)) == [4, 0, 1]
    assert ids(front_of(reversed(trials), TWO)) == [4, 0, 1]


def test_the_front_is_what_comparing_all_pairs_gives() -> None:
    rng = random.Random(1)
    trials = [
        trial(number, rng.randrange(8) / 8, rng.randrange(1, 9), energy=rng.randrange(1, 5))
        for number in range(200)
    ]
    values = {each.candidate.id: values_of(each, THREE) for each in trials}
    best = {
        mine
        for number, mine in values.items()
        if not any(dominates(other, mine) for other in values.values())
    }
    front = front_of(trials, THREE)
    assert {values[number] for number in ids(front)} == best
    assert len(front) == len(best) > 3
    fitness = [each.fitness for each in front]
    assert fitness == sorted(fitness, reverse=True)


def test_of_equal_networks_the_first_is_in_the_front() -> None:
    assert ids(front_of([trial(0, 0.9, 100), trial(1, 0.9, 100)], TWO)) == [0]


@pytest.mark.parametrize(
    "changed",
    [
        {"status": Status.PRUNED},
        {"inherited_steps": 10},
        {"metrics": {"validation_accuracy": 1.0}},
    ],
)
def test_only_complete_trainings_from_scratch_with_all_costs_enter_a_front(changed) -> None:
    other = trial(1, 1.0, 1, energy=1.0, **changed)
    assert values_of(other, THREE) is None
    assert ids(front_of([other, trial(0, 0.5, 100, energy=2.0)], THREE)) == [0]


def test_a_member_that_was_trained_again_stands_where_its_mean_is() -> None:
    front, lucky, other = Front(TWO), trial(0, 0.9, 100), trial(1, 0.8, 90)
    front.update(lucky)
    front.update(other)
    assert ids(front.members) == [0, 1]
    again = replace(lucky.main.candidate, id=2, repeats=0, seed=1)
    lucky.add(Evaluation(again, replace(lucky.outcome, fitness=0.5)))
    front.update(lucky)
    assert ids(front.members) == [1]


def test_a_member_of_another_cut_stands_where_what_is_known_of_that_cut_puts_it() -> None:
    known = {1: 0.0}
    other = trial(0, 0.9, 100).main
    shifted = Trial(replace(other, candidate=replace(other.candidate, cut=1)), known.__getitem__)
    front = Front(TWO)
    front.update(shifted)
    known[1] = 0.2  # networks score so much higher on that cut
    front.update(trial(1, 0.8, 100))
    assert ids(front.members) == [1]


def test_an_objective_in_which_all_are_equal_is_told_and_decides_nothing() -> None:
    front = Front(THREE)
    for number in range(LEAST_TRIALS):
        assert front.constant == ()
        front.update(trial(number, number / 10, 100 + number, energy=3.0))
    assert front.constant == ("energy",)
    assert ids(front.members) == list(reversed(range(LEAST_TRIALS)))
    front.update(trial(99, 0.0, 200, energy=2.0))
    assert front.constant == ()
    assert 99 in ids(front.members)


def test_a_front_grows_only_by_what_is_better_than_luck() -> None:
    front, noise = Front(TWO), Noise(0.05, 10)
    front.update(trial(0, 0.8, 100), noise)
    assert front.growth == 1
    front.update(trial(1, 0.85, 100), noise)  # fitter by less than sqrt(2) * 0.05
    front.update(trial(2, 0.7, 200), noise)  # dominated
    assert (ids(front.members), front.growth) == ([1], 1)
    front.update(trial(3, 0.95, 100), noise)
    front.update(trial(4, 0.2, 50), noise)  # cheaper than all
    assert (ids(front.members), front.growth) == ([3, 4], 3)


def test_costs_are_told_in_their_own_units() -> None:
    assert cost_of(trial(0, 0.9, 100, energy=2.5), "energy") == 2.5
    assert cost_of(trial(0, 0.9, 100), "energy") is None
    assert cost_of(trial(0, 0.9, 100), "parameters") == 100


def winners(
    population: list[Individual], *, tournament: int, noise: Noise | None = None, count: int = 400
) -> list[int]:
    with drawing_from(random.Random(0)):
        return [
            select_from_fronts(population, 1, tournament, lambda: noise, TWO)[0].trial.candidate.id
            for _ in range(count)
        ]


def test_a_tournament_is_won_by_the_better_front_wherever_on_it() -> None:
    population = individuals([trial(0, 0.9, 500), trial(1, 0.5, 100), trial(2, 0.5, 600), trial(3, 0.4, 550)])
    chosen = winners(population, tournament=6)
    assert {0, 1} <= set(chosen)
    assert chosen.count(2) + chosen.count(3) < 0.1 * len(chosen)


def test_of_one_front_the_less_crowded_win() -> None:
    crowd = [trial(number, 0.5 + number / 1000, 500 + number) for number in range(1, 9)]
    population = individuals([trial(0, 0.1, 10), *crowd, trial(9, 0.9, 5000)])
    chosen = winners(population, tournament=4)
    assert min(chosen.count(0), chosen.count(9)) > max(chosen.count(number) for number in range(2, 8))


def test_a_lead_inside_the_noise_dominates_nobody_of_equal_cost() -> None:
    population = individuals([trial(0, 0.901, 500), trial(1, 0.9, 500)])
    assert set(winners(population, tournament=24, count=50)) == {0}
    # Equal within the noise: the younger wins.
    assert set(winners(population, tournament=24, noise=Noise(0.05, 10), count=50)) == {1}


def test_one_that_was_pruned_or_has_no_costs_wins_only_alone() -> None:
    paused = Individual(trial(0, 1.0, 1, status=Status.PRUNED, epochs=2))
    whole = Individual(trial(1, 0.1, 900))
    chosen = winners([paused, whole], tournament=8, count=100)
    assert chosen.count(1) > 95


def test_a_child_is_rewarded_for_everybody_who_does_not_beat_it() -> None:
    population = individuals([trial(0, 0.9, 500), trial(1, 0.8, 400), trial(2, 0.7, 300), trial(3, 0.6, 200)])
    small, poor, parents = trial(9, 0.1, 100), trial(9, 0.65, 350), [population[0].trial]
    assert reward_of(small, parents, population, objectives=TWO) == 1.0
    assert reward_of(small, parents, population) == 0.0
    assert reward_of(poor, parents, population, objectives=TWO) == 0.75
