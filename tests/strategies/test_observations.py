"""What a model is told: ranks, as they were when a fit was due."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from evo_nas.config.objectives import FITNESS
from evo_nas.evaluation import Candidate, Evaluation, Outcome, Status
from evo_nas.strategies.observations import Observations
from evo_nas.strategies.trials import REMEMBERED, Trial

if TYPE_CHECKING:
    from collections.abc import Sequence

WHOLE = {FITNESS: 1.0}


def trial(
    number: int, fitness: float | None, *, epochs: int = 8, status: Status = Status.OK, parameters: int = 100
) -> Trial:
    candidate = Candidate(
        id=number, genome=(number,), canonical_hash=str(number), parents=(), operator="random", seed=number,
        budget=8, asked_after=0,
    )  # fmt: skip
    status = Status.DIVERGED if fitness is None else status
    return Trial(
        Evaluation(candidate, Outcome(status, fitness=fitness, epochs=epochs, parameters=parameters))
    )


def observed(*trials: Trial, first: int = 4, objectives: Sequence[str] = (FITNESS,)) -> Observations:
    observations = Observations(first, objectives=objectives)
    for each in trials:
        observations.add(each)
    return observations


def targets(observations: Observations, weights: dict[str, float] | None = None) -> dict[int, float]:
    genomes, values = observations.training(weights or WHOLE, most=100)
    return {genome[0]: value for genome, value in zip(genomes, values, strict=True)}


def test_targets_are_normal_scores_of_ranks() -> None:
    found = targets(observed(trial(0, -1e9), trial(1, 0.5), trial(2, 0.6)))
    assert found == pytest.approx({0: -0.967, 1: 0.0, 2: 0.967}, abs=1e-3)


def test_equal_scores_have_equal_targets() -> None:
    found = targets(observed(trial(0, 0.5), trial(1, 0.7), trial(2, 0.5), trial(3, 0.1)))
    assert found[3] < found[0] == found[2] < found[1]


def test_what_was_pruned_stands_below_what_went_further_and_failures_share_the_last_place() -> None:
    pruned = trial(1, 0.9, epochs=3, status=Status.PRUNED)
    found = targets(observed(trial(0, 0.2), pruned, trial(2, None), trial(3, None), trial(4, 0.3)))
    assert found[2] == found[3] < found[1] < found[0] < found[4]


def test_a_trial_that_was_trained_again_counts_once_as_it_stands_now() -> None:
    again = trial(0, 0.1)
    observations = observed(again, trial(1, 0.5), again)
    assert len(observations) == 2


def test_a_fit_is_due_when_enough_are_scored_and_at_a_quarter_more() -> None:
    observations = observed(trial(0, None), *(trial(number, number / 10) for number in range(1, 4)))
    assert observations.fit_data is None
    due = []
    for number in range(4, 30):
        before = observations.fit_data
        observations.add(trial(number, number / 10))
        due += [number] if observations.fit_data is not before else []
    assert due == [4, 5, 6, 8, 10, 12, 15, 19, 24]


def test_a_fit_learns_from_what_was_known_when_it_was_due() -> None:
    first = [trial(number, number / 10) for number in range(4)]
    observations = observed(*first)
    at_once = observations.fit_data
    assert at_once is not None
    first[0].evaluations[0] = trial(0, 5.0).evaluations[0]
    assert observations.fit_data == at_once
    assert at_once[0] == ((0,), (1,), (2,), (3,))


def test_of_many_trials_the_best_and_the_latest_are_learnt_from() -> None:
    observations = observed(*(trial(number, 1.0 - number / 100) for number in range(40)))
    genomes, _ = observations.training(WHOLE, most=10)
    assert [number for (number,) in genomes] == [*range(5), *range(35, 40)]
    assert [each.candidate.id for each in observations.best(3)] == [0, 1, 2]


def test_the_oldest_are_forgotten() -> None:
    observations = observed(*(trial(number, number % 7) for number in range(REMEMBERED + 3)))
    assert len(observations) == REMEMBERED
    genomes, _ = observations.training(WHOLE, most=2 * REMEMBERED)
    assert genomes[0] == (3,)


def test_weights_say_which_of_several_objectives_counts() -> None:
    trials = [trial(number, number / 10, parameters=100 * (number + 1)) for number in range(5)]
    observations = observed(*trials, trial(5, None), objectives=(FITNESS, "parameters"))
    accurate = targets(observations, {FITNESS: 1.0, "parameters": 0.01})
    small = targets(observations, {FITNESS: 0.01, "parameters": 1.0})
    assert sorted(accurate, key=accurate.__getitem__) == [5, 0, 1, 2, 3, 4]
    assert sorted(small, key=small.__getitem__) == [5, 4, 3, 2, 1, 0]
