"""The surrogate is silent until it is known to be right, and then chooses among children."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest

from benchmarks.landscapes import cell_space, nk_problem
from evo_nas.config import FitnessOptions
from evo_nas.evaluation import Evaluation, Outcome, Status
from evo_nas.strategies import score_predictor
from evo_nas.strategies.aging import AgingEvolution, AgingOptions
from evo_nas.strategies.genome_features import features_of
from evo_nas.strategies.score_examples import Example, latest, ranks, values_of
from evo_nas.strategies.score_predictor import ScorePredictor
from evo_nas.strategies.surrogate import SurrogateEvolution, SurrogateOptions
from evo_nas.testing.histories import SPACE, evaluated, searched, still_in_flight

CELLS = cell_space()


def searched_landscape(strategy, seed, evaluations):
    """Searches an NK landscape one by one; returns the candidates, their values and the statistics on the way."""
    problem = nk_problem(CELLS, seed)
    asked, values, told = [], [], []
    for _ in range(evaluations):
        candidate = strategy.ask(1)[0]
        value = problem.value(candidate.genome)
        strategy.tell([Evaluation(candidate, Outcome(Status.OK, fitness=value, parameters=1))])
        asked.append(candidate)
        values.append(value)
        told.append(strategy.statistics())
    return asked, values, told


def surrogate(seed=1, **options):
    return SurrogateEvolution(CELLS, SurrogateOptions(**options), seed=seed, epochs=1)


def example(trial, score, *, level=np.inf, curve=(), is_inherited=False):
    return Example(trial, (), level, score, curve, is_inherited, ())


def test_until_it_is_right_it_is_aging_evolution_candidate_by_candidate():
    aging = AgingEvolution(CELLS, AgingOptions(), seed=1, epochs=1)
    plain, _, _ = searched_landscape(aging, 1, 200)
    asked, _, told = searched_landscape(surrogate(), 1, 200)
    silent = next(k for k, candidate in enumerate(asked) if candidate.operator.endswith("+ranked"))
    assert silent > 30
    assert [each.genome for each in asked[:silent]] == [each.genome for each in plain[:silent]]
    assert asked[silent].genome != plain[silent].genome
    assert told[silent - 1]["rank_decides"]
    assert told[silent - 1]["rank_p_value"] < SurrogateOptions().significance


def test_scores_that_say_nothing_keep_it_silent():
    strategy = SurrogateEvolution(SPACE, SurrogateOptions(significance=0.001), seed=1, epochs=4)
    asked, _ = searched(strategy, 200)
    assert not any(candidate.operator.endswith("+ranked") for candidate in asked)
    assert strategy.statistics()["rank_predictions"] > 100
    assert abs(strategy.statistics()["rank_correlation"]) < 0.15
    assert not strategy.statistics()["rank_decides"]


def test_it_climbs_higher_than_plain_evolution_with_the_same_seeds():
    leads = []
    for seed in (1, 2):
        aging = AgingEvolution(CELLS, AgingOptions().following(150), seed=seed, epochs=1)
        options = SurrogateOptions().following(150)
        _, plain, _ = searched_landscape(aging, seed, 150)
        strategy = SurrogateEvolution(CELLS, options, seed=seed, epochs=1)
        _, ranked, _ = searched_landscape(strategy, seed, 150)
        leads.append(max(ranked) - max(plain))
    assert sum(leads) > 0.02


def test_predictions_are_judged_by_what_no_fit_has_seen():
    strategy = surrogate()
    asked, values, told = searched_landscape(strategy, 1, 60)
    judged = [statistics.get("rank_predictions", 0) for statistics in told]
    assert judged[28] == 0
    # The first fit has seen 20, and is judged by the next ten.
    assert judged[29:39] == [10] * 10
    assert judged[39] == 20
    before = surrogate()
    for candidate, value in zip(before.ask(20), values[:20], strict=True):
        before.tell([Evaluation(candidate, Outcome(Status.OK, fitness=value, parameters=1))])
    predicted = before._predictor.predict([candidate.genome for candidate in asked[20:30]])[:, 0]
    told_values = np.array(values[20:30])
    signs = np.sign(predicted[:, None] - predicted) * np.sign(told_values[:, None] - told_values)
    assert told[29]["rank_correlation"] == pytest.approx(signs.sum() / 2 / 45)


def test_a_resume_makes_only_the_fits_again_that_it_needs(monkeypatch):
    whole = SurrogateEvolution(SPACE, seed=1, epochs=4)
    asked, told = searched(whole, 300, in_flight=4)
    fits = []
    fit = score_predictor._Ensemble
    monkeypatch.setattr(score_predictor, "_Ensemble", lambda *a, **k: fits.append(1) or fit(*a, **k))
    resumed = SurrogateEvolution(SPACE, seed=1, epochs=4)
    resumed.resume(told, still_in_flight(asked, told))
    assert resumed.statistics() == whole.statistics()
    assert resumed.ask(5) == whole.ask(5)
    assert 1 <= len(fits) <= 17


def test_predictions_are_judged_in_long_searches_too_and_the_oldest_examples_are_forgotten():
    predictor, problem, rng = ScorePredictor(CELLS, seed=1), nk_problem(CELLS, 1), random.Random(1)
    genomes = [CELLS.random(rng) for _ in range(200)]
    examples = [replace(example(0, problem.value(genome)), genome=genome) for genome in genomes]
    for trial in range(3_000):
        predictor.learn(replace(examples[trial % 200], trial=trial))
    judgement = predictor.judgement
    assert judgement.predictions >= 100
    assert judgement.correlation > 0.3
    assert judgement.p_value < 0.01
    assert len(predictor._examples) < 1_500


def test_when_statistics_are_asked_for_changes_nothing():
    quiet, watched = (SurrogateEvolution(CELLS, seed=2, epochs=1) for _ in range(2))
    problem = nk_problem(CELLS, 2)
    for _ in range(120):
        candidates = [quiet.ask(1)[0], watched.ask(1)[0]]
        assert candidates[0] == candidates[1]
        outcome = Outcome(Status.OK, fitness=problem.value(candidates[0].genome), parameters=1)
        for strategy, candidate in zip((quiet, watched), candidates, strict=True):
            strategy.tell([Evaluation(candidate, outcome)])
        watched.statistics()


def test_with_several_objectives_all_of_them_are_predicted():
    fitness = FitnessOptions(objectives=("fitness", "parameters"))
    strategy = SurrogateEvolution(
        CELLS, SurrogateOptions(significance=0.49), seed=1, epochs=1, fitness=fitness
    )
    problem, ranked = nk_problem(CELLS, 1), 0
    for _ in range(80):
        candidate = strategy.ask(1)[0]
        ranked += candidate.operator.endswith("+ranked")
        outcome = Outcome(
            Status.OK,
            fitness=problem.value(candidate.genome),
            parameters=len(CELLS.active_genes(candidate.genome)),
        )
        strategy.tell([Evaluation(candidate, outcome)])
    assert ranked > 10
    assert strategy._predictor.predict([candidate.genome]).shape == (1, 2)


def test_a_pruned_training_counts_as_those_like_it_went_on():
    # Scores double from the rung to the end.
    complete = [example(k, 2.0 * k, curve=(float(k), 2.0 * k)) for k in range(12)]
    pruned = example(12, 4.0, level=1, curve=(4.0,))
    values = values_of([*complete, pruned, example(13, None)])
    assert values[:12].tolist() == [2.0 * k for k in range(12)]
    assert values[12] == pytest.approx(8.0)
    assert values[13] == -np.inf


def test_while_hardly_any_training_went_further_all_are_compared_at_the_rung():
    paused = [example(k, float(k), level=2, curve=(0.0, float(k))) for k in range(20)]
    further = [example(20 + k, 9.0, curve=(0.0, 1.0, 9.0)) for k in range(3)]
    values = values_of([*paused, *further])
    assert values[:20].tolist() == [float(k) for k in range(20)]
    assert values[20:].tolist() == [1.0] * 3


def test_only_the_last_of_a_trial_counts_and_only_the_usual_start():
    first = [example(1, 0.1, level=2), example(2, 0.5), example(1, 0.9), example(3, None)]
    inherited = [example(4, 5.0, is_inherited=True)]
    kept = latest([*first, *inherited])
    assert [(each.trial, each.score) for each in kept] == [(1, 0.9), (2, 0.5), (3, None)]


def test_ranks_share_ties_and_leave_failures_the_last_place():
    assert ranks(np.array([3.0, -np.inf, 3.0, 7.0, -np.inf])).tolist() == [0.6, 0.2, 0.6, 0.9, 0.2]


def test_features_are_those_of_the_architecture_and_not_of_what_is_idle():
    rng = random.Random(1)
    genome = SPACE.random(rng)
    idle = [place for place in range(len(SPACE.genes)) if place not in SPACE.active_genes(genome)]
    changed = list(genome)
    for place in idle:
        changed[place] = rng.randrange(SPACE.genes[place].size)
    assert SPACE.canonical_hash(tuple(changed)) == SPACE.canonical_hash(genome)
    assert np.array_equal(features_of(SPACE, tuple(changed)), features_of(SPACE, genome))
    assert not np.array_equal(features_of(SPACE, SPACE.random(rng)), features_of(SPACE, genome))


def test_pruned_promoted_and_failed_trainings_are_all_learnt_from():
    strategy = SurrogateEvolution(SPACE, seed=1, epochs=4, fitness=FitnessOptions(rungs=(2, 3), reduction=2))
    for _ in range(60):
        strategy.tell([evaluated(strategy.ask(1)[0])])
    known = latest(strategy._predictor._examples)
    assert {each.level for each in known} >= {0.0, 2.0, np.inf}
    assert len({each.trial for each in known}) == len(known)
