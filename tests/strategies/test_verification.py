from dataclasses import replace

import pytest

from evo_nas.evaluation import Evaluation, Outcome, Status
from evo_nas.genome.architecture import Signature
from evo_nas.genome.options import SpaceOptions
from evo_nas.genome.space import SearchSpace
from evo_nas.randomness import stream
from evo_nas.strategies.aging import AgingEvolution, AgingOptions
from evo_nas.strategies.verification import derivable, verify
from evo_nas.testing.histories import searched, still_in_flight
from evo_nas.testing.strategies import SCORINGS

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


def test_a_run_that_repeats_confirms_and_prunes_verifies():
    def made():
        return AgingEvolution(SPACE, seed=1, epochs=4, fitness=SCORINGS["confirmed"])

    strategy = made()
    asked, told = searched(strategy, 90)
    assert {"repeat", "confirmation"} <= {candidate.operator for candidate in asked}
    assert list(verify(made(), told, still_in_flight(asked, told))) == []


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


def test_without_a_loss_the_whole_history_can_be_derived(run):
    assert derivable(*run, lost=()) == run


def test_what_was_asked_before_evaluations_were_lost_can_be_derived_and_verifies(run):
    told, in_flight = run
    left = told[:20] + told[24:]
    derived, asked = derivable(left, in_flight, lost=[(20, 23)])
    assert derived == told[:20]
    assert list(verify(fresh(), derived, asked)) == []


def test_a_candidate_that_was_in_flight_when_evaluations_were_lost_can_be_derived():
    strategy = fresh()
    first, second, third = strategy.ask(3)
    told = [
        Evaluation(each, Outcome(Status.OK, fitness=0.5, parameters=9)) for each in (first, third, second)
    ]
    strategy.tell(told)
    later = strategy.ask(2)
    derived, asked = derivable([told[0], told[2]], later, lost=[(1, 1)])
    assert ([each.candidate.id for each in derived], [each.id for each in asked]) == ([0], [1])


def test_ids_after_the_first_unknown_one_cannot_be_derived(run):
    told, in_flight = run
    # Of the first batch of four, candidate 3 was told first; its loss leaves a gap in the ids.
    derived, asked = derivable(told[1:], in_flight, lost=[(0, 0)])
    assert derived == []
    assert sorted(each.id for each in asked) == [0, 1, 2]
