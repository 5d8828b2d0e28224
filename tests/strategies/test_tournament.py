"""A tournament is decided by fitness, and within the noise by cost and then by age; never by size alone."""

from __future__ import annotations

import random

import pytest

from evo_nas.evaluation import Candidate, Evaluation, Outcome, Status
from evo_nas.strategies.noise import Noise
from evo_nas.strategies.operators import Individual, drawing_from, select_within_noise
from evo_nas.strategies.trials import Trial, best_within_noise

NOISE = Noise(0.01, pairs=9)


def trial(number: int, fitness: float, *, parameters: int = 10_000, steps: int = 100) -> Trial:
    candidate = Candidate(number, (number,), f"{number:032x}", (), "random", number, 4, 0)
    return Trial(
        Evaluation(
            candidate, Outcome(Status.OK, fitness=fitness, parameters=parameters, steps=steps, epochs=4)
        )
    )


def winner(*trials: Trial, noise: Noise | None = NOISE) -> int:
    return best_within_noise(trials, noise).candidate.id


def test_a_lead_beyond_the_noise_wins_whatever_it_costs() -> None:
    assert winner(trial(0, 0.95, parameters=10**9), trial(1, 0.9)) == 0


def test_without_an_estimate_of_the_noise_the_score_decides() -> None:
    assert winner(trial(0, 0.951, parameters=10**9), trial(1, 0.95), noise=None) == 0


def test_of_equals_within_the_noise_the_cheaper_to_train_wins() -> None:
    dear, cheap = trial(1, 0.955, parameters=400_000), trial(0, 0.95, parameters=100_000)
    assert winner(dear, cheap) == 0


@pytest.mark.parametrize("small", [0, 1])
def test_of_equally_cheap_ones_the_younger_wins_and_not_the_smaller(small: int) -> None:
    sizes = {small: 4_000, 1 - small: 16_000}
    assert winner(trial(0, 0.95, parameters=sizes[0]), trial(1, 0.95, parameters=sizes[1])) == 1


def test_more_steps_cost_more() -> None:
    assert winner(trial(1, 0.95, steps=400), trial(0, 0.95, steps=100)) == 0


def test_a_mean_of_several_trainings_is_surer_than_one() -> None:
    sure, other = trial(0, 0.950), trial(1, 0.944)
    assert winner(sure, other) == 1
    for repeated in (sure, other):
        for number in range(10, 17):
            candidate = Candidate(number, (0,), "", (), "repeat", number, 4, 0, repeats=repeated.candidate.id)
            fitness = repeated.evaluations[0].fitness
            repeated.add(Evaluation(candidate, Outcome(Status.OK, fitness=fitness, epochs=4)))
    assert winner(sure, other) == 0


def test_deap_draws_the_aspirants_and_the_noise_is_asked_each_time() -> None:
    population = [Individual(trial(number, 0.9 + number / 1000)) for number in range(20)]
    asked = []

    def noise() -> Noise | None:
        asked.append(1)
        return None

    with drawing_from(random.Random(1)):
        chosen = select_within_noise(population, 40, 3, noise)
    assert len(asked) == 40
    assert len({id(each) for each in chosen}) > 5
    mean = sum(each.trial.candidate.id for each in chosen) / 40
    assert mean > 12
