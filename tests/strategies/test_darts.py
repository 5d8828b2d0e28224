"""The order in which DARTS asks, and what it refuses."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from evo_nas.errors import ConfigError
from evo_nas.evaluation import Candidate, Evaluation, Outcome, Status
from evo_nas.genome.architecture import Signature
from evo_nas.genome.options import SpaceOptions
from evo_nas.genome.space import SearchSpace
from evo_nas.randomness import stream
from evo_nas.replay.table_space import TableSpace
from evo_nas.strategies.darts import Darts, DartsOptions
from evo_nas.testing.histories import evaluated

SIGNATURE = Signature(features=3, outputs=2)
SPACE = SearchSpace(SpaceOptions(), SIGNATURE, 4)


def darts(space: SearchSpace = SPACE, **options: Any) -> Darts:
    return Darts(space, DartsOptions.model_validate(options), seed=1, epochs=4)


def told(strategy: Darts, candidate: Candidate) -> Evaluation:
    evaluation = evaluated(candidate)
    strategy.tell([evaluation])
    return evaluation


def trained(strategy: Darts) -> Evaluation:
    """Trains the super-network to its end and returns the last stretch."""
    while True:
        evaluation = told(strategy, strategy.ask(1)[0])
        if evaluation.outcome.epochs == evaluation.candidate.budget:
            return evaluation


def test_stretches_follow_one_another_and_each_begins_where_the_last_ended() -> None:
    strategy = darts(epochs=10, stretches=3)
    first = told(strategy, strategy.ask(1)[0])
    second = told(strategy, strategy.ask(1)[0])
    third = strategy.ask(1)[0]
    assert [each.rungs for each in (first.candidate, second.candidate, third)] == [(4,), (7,), ()]
    assert third.starts_from == second.outcome.weights
    assert {each.budget for each in (first.candidate, second.candidate, third)} == {10}
    assert {each.seed for each in (first.candidate, second.candidate, third)} == {third.seed}


def test_other_workers_get_founders_and_then_random_networks_but_leave_most_of_the_budget() -> None:
    strategy = darts(meanwhile=20)
    first, *others = strategy.ask(40)
    assert first.trains
    assert len(others) == 20
    founders = [each.operator for each in others if each.operator.startswith("seed:")]
    assert len(founders) == len(SPACE.seeds())
    assert {each.operator for each in others[len(founders) :]} == {"random"}


def test_findings_come_in_their_order_then_founders_then_neighbours_of_the_best() -> None:
    strategy = darts()
    last = trained(strategy)
    asked = []
    for _ in range(4 + len(SPACE.seeds()) + 6):
        asked += strategy.ask(1)
        told(strategy, asked[-1])
    assert [each.genome for each in asked[:4]] == list(last.outcome.findings)
    assert all(each.parents == (last.candidate.id,) for each in asked[:4])
    assert [each.operator for each in asked[:4]] == ["darts", "one-shot", "one-shot", "one-shot"]
    founders = asked[4 : 4 + len(SPACE.seeds())]
    assert all(each.operator.startswith("seed:") for each in founders)
    neighbours = asked[4 + len(SPACE.seeds()) :]
    assert all(each.parents and each.operator not in ("random", "one-shot") for each in neighbours)


@pytest.mark.parametrize("status", [Status.DIVERGED, Status.TIMED_OUT, Status.POISONED, Status.FAILED])
def test_a_stretch_that_fails_ends_the_super_network_and_what_it_had_found_is_used(status: Status) -> None:
    strategy = darts(stretches=2)
    first = told(strategy, strategy.ask(1)[0])
    second = strategy.ask(1)[0]
    strategy.tell([Evaluation(second, Outcome(status, error="lost"))])
    asked = strategy.ask(4)
    assert [each.genome for each in asked] == list(first.outcome.findings)
    assert not strategy.wanted_weights()


def test_a_super_network_that_finds_nothing_leaves_founders_and_random_networks() -> None:
    strategy = darts(stretches=1)
    strategy.tell([Evaluation(strategy.ask(1)[0], Outcome(Status.DIVERGED))])
    asked = strategy.ask(len(SPACE.seeds()) + 2)
    assert {each.operator for each in asked[-2:]} == {"random"}


def test_the_weights_of_the_latest_stretch_are_wanted_until_the_next_one_is_told() -> None:
    strategy = darts(stretches=2)
    first = told(strategy, strategy.ask(1)[0])
    assert strategy.wanted_weights() == {first.outcome.weights}
    second = strategy.ask(1)[0]
    assert strategy.wanted_weights() == {first.outcome.weights}
    told(strategy, second)
    assert strategy.wanted_weights() == set()


def test_an_interrupted_super_network_is_asked_again_the_same() -> None:
    strategy, again = darts(), darts()
    first = told(strategy, strategy.ask(1)[0])
    lost = strategy.ask(3)
    again.resume([first], [])
    assert again.ask(3) == lost


def test_the_genome_of_a_stretch_is_the_network_around_the_evolved_cell() -> None:
    candidate = darts(width=SPACE.options.widths[0]).ask(1)[0]
    architecture = SPACE.decode(candidate.genome)
    assert [layer.width for layer in architecture.layers] == [SPACE.options.widths[0]]
    assert candidate.canonical_hash != SPACE.canonical_hash(candidate.genome)
    other = darts(width=SPACE.options.widths[0], order=2).ask(1)[0]
    assert other.canonical_hash != candidate.canonical_hash


@pytest.mark.parametrize(
    ("space", "options", "message"),
    [
        ({"evolve_cell": False}, {}, "set space.evolve_cell to true, or choose another strategy"),
        ({"linear_only": True, "cells": ["lru"]}, {}, "set space.linear_only to false"),
        ({}, {"width": 5}, "strategy.width is 5; must be one of space.widths"),
    ],
)
def test_what_cannot_be_relaxed_is_refused_with_what_to_change(space, options, message) -> None:
    made = SearchSpace(SpaceOptions.model_validate(space), SIGNATURE, 4)
    with pytest.raises(ConfigError, match=message):
        darts(made, **options)


def test_a_table_of_architectures_is_refused() -> None:
    table = TableSpace({"a": [1], "b": [2]}, names=["gates"])
    with pytest.raises(ConfigError, match="no cell evolves"):
        darts(table.as_search_space())


def test_more_stretches_than_epochs_permit_are_refused() -> None:
    with pytest.raises(ValueError, match="at most half the epochs, 5"):
        DartsOptions(epochs=10, stretches=6)


def test_options_follow_the_budget() -> None:
    small, large = (DartsOptions().following(evaluations) for evaluations in (12, 300))
    assert (small.stretches, small.meanwhile) == (1, 4)
    assert (large.stretches, large.meanwhile) == (4, 100)
    assert DartsOptions(stretches=2, meanwhile=0).following(300).stretches == 2


def test_a_score_or_findings_of_the_wrong_stage_cannot_be_made() -> None:
    genome = SPACE.random(stream(1, "some"))
    with pytest.raises(ValueError, match="has findings; must be trained"):
        Outcome(Status.DIVERGED, findings=(genome,), finding_scores=(1.0,))
    with pytest.raises(ValueError, match="1 findings and 0 scores"):
        Outcome(Status.TRAINED, findings=(genome,))
    with pytest.raises(ValueError, match="has fitness"):
        replace(Outcome(Status.TRAINED), fitness=1.0)
    with pytest.raises(
        ValueError, match="is a long training and has the status ok; must be trained or a failure"
    ):
        Evaluation(darts().ask(1)[0], Outcome(Status.OK, fitness=1.0))
