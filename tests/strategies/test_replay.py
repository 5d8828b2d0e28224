from dataclasses import replace

import pytest

from evo_nas.evaluation import Evaluation, Outcome, Status
from evo_nas.genome.architecture import Signature
from evo_nas.genome.options import SpaceOptions
from evo_nas.genome.space import SearchSpace
from evo_nas.randomness import stream
from evo_nas.strategies.aging import AgingEvolution, AgingOptions
from evo_nas.strategies.replay import verify

SPACE = SearchSpace(SpaceOptions(), Signature(features=3, outputs=2), epochs=4)


def fresh(seed=1):
    return AgingEvolution(SPACE, AgingOptions(population=10, tournament=3, warmup=5), seed=seed, epochs=4)


@pytest.fixture
def run():
    """Forty evaluations that arrived in reverse batches of four, and two candidates in flight."""
    strategy, told = fresh(), []
    for _ in range(10):
        batch = strategy.ask(4)[::-1]
        evaluations = [
            Evaluation(
                candidate,
                Outcome(Status.OK, fitness=stream(1, "score", candidate.id).random(), parameters=9),
            )
            for candidate in batch
        ]
        strategy.tell(evaluations)
        told += evaluations
    return told, strategy.ask(2)


def test_an_honest_run_verifies(run):
    assert list(verify(fresh(), *run)) == []


def test_another_seed_does_not_verify(run):
    assert next(verify(fresh(seed=2), *run)).candidate == 0


@pytest.mark.parametrize("field", ["genome", "operator", "parents", "seed", "canonical_hash"])
def test_a_forged_field_is_named(run, field):
    told, in_flight = run
    forged = {"genome": (0,) * len(SPACE.genes), "operator": "magic", "parents": (1, 2, 3), "seed": -1}
    candidate = replace(told[30].candidate, **{field: forged.get(field, "0" * 32)})
    told[30] = replace(told[30], candidate=candidate)
    mismatches = list(verify(fresh(), told, in_flight))
    assert (candidate.id, field) in [(mismatch.candidate, mismatch.field) for mismatch in mismatches]


def test_a_forged_fitness_shows_in_the_children(run):
    told, in_flight = run
    told[4] = replace(told[4], outcome=replace(told[4].outcome, fitness=100.0))
    assert list(verify(fresh(), told, in_flight))


def test_a_reordered_log_does_not_verify(run):
    told, in_flight = run
    told[3], told[20] = told[20], told[3]
    assert next(verify(fresh(), told, in_flight)).field == "order"


def test_a_missing_candidate_does_not_verify(run):
    told, in_flight = run
    del told[-1]
    mismatches = list(verify(fresh(), told, in_flight))
    assert mismatches[0].field == "order"
