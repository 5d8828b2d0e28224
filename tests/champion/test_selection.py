"""The champion is chosen by a lower bound of its fitness, so that the luckiest score does not win."""

from __future__ import annotations

import random
import statistics
from pathlib import Path

import pytest

from evo_nas.champion.selection import ASSUMED_SHARE, Prior, Ranking, select_champion
from evo_nas.errors import ChampionError
from evo_nas.evaluation import Candidate, Evaluation, Outcome, Status
from evo_nas.strategies.noise import REPEAT, Noise


def trained(
    number: int,
    fitness: float | None,
    *,
    repeats: int | None = None,
    status: Status = Status.OK,
    inherited: int = 0,
    parameters: int = 10,
) -> Evaluation:
    candidate = Candidate(
        number, (number,), str(number), (), REPEAT if repeats is not None else "random", number, 3, 0,
        repeats=repeats,
    )  # fmt: skip
    return Evaluation(
        candidate,
        Outcome(
            status,
            fitness=fitness,
            epochs=3 if status is Status.OK else 1,
            inherited_steps=inherited,
            parameters=parameters,
        ),
    )


TYPICAL = [trained(number, 0.5 + 0.01 * number) for number in range(20)]


def test_a_lucky_score_of_one_training_yields_to_a_mean_of_many() -> None:
    confirmed = [
        trained(100, 0.74),
        *(
            trained(101 + place, 0.74 + shift, repeats=100)
            for place, shift in enumerate((-0.02, 0.02, 0.01, -0.01))
        ),
    ]
    lucky = trained(200, 0.75)
    assert select_champion([*TYPICAL, *confirmed, lucky], "a run").candidate.id == 100
    # The mean alone would have chosen the other one.
    assert select_champion([*TYPICAL, confirmed[0], lucky], "a run").candidate.id == 200


def test_the_estimate_of_the_best_of_many_is_not_too_high() -> None:
    rng, errors, naive = random.Random(1), [], []
    for _ in range(100):
        truths = [rng.gauss(0.9, 0.01) for _ in range(60)]
        scores = [rng.gauss(truth, 0.01) for truth in truths]
        prior = Prior.fitted([(score, 1) for score in scores], Noise(0.01, 10))
        best = max(range(60), key=scores.__getitem__)
        errors.append(prior.estimate(scores[best], 1).expected - truths[best])
        naive.append(scores[best] - truths[best])
    assert statistics.fmean(naive) > 0.012
    assert abs(statistics.fmean(errors)) < 0.003


def test_networks_that_learn_nothing_do_not_make_leads_look_real() -> None:
    scores = [(0.9 + 0.01 * place, 1) for place in range(-10, 11)]
    without = Prior.fitted(scores, Noise(0.02, 10))
    # As many fail as are better than all, so that the middle stays.
    failing = Prior.fitted([*scores, (0.1, 1), (0.1, 1), (0.1, 1)], Noise(0.02, 10))
    assert failing.std == pytest.approx(without.std, abs=0.02)
    assert statistics.stdev(score for score, _ in [*scores, (0.1, 1), (0.1, 1), (0.1, 1)]) > 0.2


def test_unmeasured_noise_is_a_stated_share_of_the_spread() -> None:
    prior = Prior.fitted([(0.1 * place, 1) for place in range(101)], None)
    assert not prior.is_measured
    assert prior.noise**2 == pytest.approx(ASSUMED_SHARE * (prior.noise**2 + prior.std**2))


def test_more_trainings_bring_the_bound_closer_to_the_mean() -> None:
    prior = Prior(0.5, 0.1, 0.1, is_measured=True)
    bounds = [prior.estimate(0.8, trainings).bound for trainings in (1, 2, 8)]
    assert bounds == sorted(bounds)
    assert prior.estimate(0.8, 1).expected == pytest.approx(0.65)


def test_equal_scores_without_noise_keep_their_order() -> None:
    told = [trained(number, 0.5) for number in range(4)]
    assert [trial.candidate.id for trial, _ in Ranking.of(told, "a run").trials] == [0, 1, 2, 3]


@pytest.mark.parametrize(
    "other",
    [
        trained(9, 0.99, status=Status.PRUNED),
        trained(9, 0.99, inherited=5),
        trained(9, None, status=Status.DIVERGED),
    ],
    ids=["pruned", "inherited", "failed"],
)
def test_only_full_trainings_from_scratch_are_ranked(other: Evaluation) -> None:
    ranking = Ranking.of([trained(1, 0.5), other], "a run")
    assert [trial.candidate.id for trial, _ in ranking.trials] == [1]


def test_one_that_failed_with_another_seed_is_chosen_only_where_there_is_nothing_else() -> None:
    unstable = [trained(1, 0.9), trained(2, None, repeats=1, status=Status.DIVERGED)]
    assert select_champion([*unstable, trained(3, 0.5)], "a run").candidate.id == 3
    assert select_champion(unstable, "a run").candidate.id == 1


def test_pruned_ones_are_ranked_where_nothing_was_trained_in_full() -> None:
    told = [trained(number, fitness, status=Status.PRUNED) for number, fitness in enumerate((0.2, 0.9))]
    assert select_champion(told, "a run").candidate.id == 1


def test_a_run_without_a_score_names_a_candidate_to_look_at(tmp_path: Path) -> None:
    with pytest.raises(ChampionError, match=r"none of its 1 evaluations.*--candidate 4"):
        select_champion([trained(4, None, status=Status.FAILED)], tmp_path)


def test_with_several_objectives_those_that_none_beats_come_first() -> None:
    told = [
        trained(0, 0.9, parameters=100),
        trained(1, 0.8, parameters=200),
        trained(2, 0.7, parameters=50),
    ]
    ranking = Ranking.of(told, "a run", objectives=("fitness", "parameters"))
    assert [trial.candidate.id for trial, _ in ranking.trials] == [0, 2, 1]
    assert ranking.front == 2
