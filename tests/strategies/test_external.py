"""Suggestions take their share of the candidates, and the record says which candidate each became."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from evo_nas.config import FitnessOptions, checked, configured
from evo_nas.errors import ConfigError
from evo_nas.sections import as_begun, following_budget
from evo_nas.strategies.aging import AgingEvolution
from evo_nas.strategies.external import External, ExternalOptions
from evo_nas.strategies.suggestions import Suggestion, number_in
from evo_nas.strategies.verification import verify
from evo_nas.testing.histories import EPOCHS, SPACE, evaluated, searched, still_in_flight
from evo_nas.weights import BANK

RUNGS = FitnessOptions(rungs=(2, 3), reduction=2)


class Box:
    """An inbox in memory."""

    def __init__(self, genomes=(), name="gpt"):
        self.held = [Suggestion(number, name, genome) for number, genome in enumerate(genomes, start=1)]

    def suggestions(self):
        return list(self.held)

    def add(self, genome):
        self.held.append(Suggestion(len(self.held) + 1, "late", genome))


def drawn(count, seed=99):
    rng = random.Random(seed)
    return [SPACE.random(rng) for _ in range(count)]


def external(box=None, *, fitness=None, seed=1, **options):
    terms = {} if fitness is None else {"fitness": fitness}
    if box is not None:
        terms["inbox"] = box
    return External(SPACE, ExternalOptions(**options), seed=seed, epochs=EPOCHS, **terms)


def suggested(candidates):
    return [each for each in candidates if number_in(each.operator) is not None]


def test_while_nothing_waits_it_is_the_strategy_beside_candidate_by_candidate():
    plain, _ = searched(AgingEvolution(SPACE, seed=1, epochs=EPOCHS, fitness=RUNGS), 80)
    asked, _ = searched(external(Box(), fitness=RUNGS), 80)
    assert asked == plain


def test_suggestions_are_taken_in_order_with_about_their_share_of_the_candidates():
    founders = len(SPACE.seeds())
    asked, _ = searched(external(Box(drawn(300)), share=0.3), 200)
    ours = suggested(asked)
    assert [each.operator for each in ours] == [f"external:gpt:{n}" for n in range(1, len(ours) + 1)]
    assert not suggested(asked[:founders])
    assert 0.2 < len(ours) / (len(asked) - founders) < 0.4
    assert [each.genome for each in ours] == drawn(300)[: len(ours)]


def test_a_share_of_one_leaves_the_strategy_beside_what_nobody_suggests():
    founders = len(SPACE.seeds())
    asked, _ = searched(external(Box(drawn(5)), share=1.0), founders + 10)
    assert [number_in(each.operator) for each in asked[founders : founders + 6]] == [1, 2, 3, 4, 5, None]


def test_a_suggestion_that_became_known_is_passed_over():
    box = Box([SPACE.seeds()[0][1], *drawn(1)])
    asked, _ = searched(external(box, share=1.0), 30)
    assert [each.operator for each in suggested(asked)] == ["external:gpt:2"]
    assert len({each.canonical_hash for each in asked}) == len(asked)


def test_what_is_no_genome_of_the_space_is_passed_over():
    genes = len(SPACE.genes)
    box = Box([(), (999,) * genes, (-1,) * genes, *drawn(1)])
    asked, _ = searched(external(box, share=1.0), 30)
    assert [each.operator for each in suggested(asked)] == ["external:gpt:4"]


def test_the_strategy_beside_learns_of_all_candidates():
    strategy = external(Box(drawn(40)), share=0.5, beside={"kind": "aging", "warmup": 5})
    asked, _ = searched(strategy, 80)
    ours = {each.id for each in suggested(asked)}
    parents = {parent for each in asked for parent in each.parents}
    assert ours & parents
    assert strategy.statistics()["size"] > 10
    assert strategy.statistics()["suggestions"] == len(ours)


@pytest.mark.parametrize("fitness", [None, RUNGS, FitnessOptions(seeds_per_candidate=3)])
def test_a_run_with_suggestions_that_came_late_can_be_derived_again(fitness):
    box, genomes = Box(), drawn(12)
    strategy = external(box, fitness=fitness, share=0.7)
    asked, told = [], []
    for turn in range(90):
        if turn % 7 == 3 and genomes:
            box.add(genomes.pop())
        new = strategy.ask(2 - (len(asked) - len(told)))
        asked += new
        evaluation = evaluated(asked[len(told)])
        strategy.tell([evaluation])
        told.append(evaluation)
    assert len(suggested(asked)) == 12
    # All are in the inbox now, and yet each is taken where it was.
    assert not list(verify(external(box, fitness=fitness, share=0.7), told, still_in_flight(asked, told)))


def test_a_record_that_names_another_suggestion_is_found():
    box = Box(drawn(6))
    asked, told = searched(external(box, share=1.0), 30)
    forged = [
        replace(each, candidate=replace(each.candidate, operator="external:gpt:6"))
        if each.candidate.operator == "external:gpt:1"
        else each
        for each in told
    ]
    mismatches = list(verify(external(box, share=1.0), forged, still_in_flight(asked, told)))
    assert {each.field for each in mismatches} >= {"genome", "canonical_hash"}
    lost = Box()
    lost.held = box.held[1:]
    assert list(verify(external(lost, share=1.0), told, still_in_flight(asked, told)))


def test_a_resumed_search_takes_no_suggestion_twice_and_forgets_none():
    box = Box(drawn(40))
    whole, resumed = external(box, share=0.5), external(box, share=0.5)
    asked, told = searched(whole, 60, in_flight=4)
    lost = whole.ask(6)
    assert suggested(lost)
    resumed.resume(told, still_in_flight(asked, told))
    assert resumed.ask(6) == lost


def test_with_rungs_a_suggestion_has_the_regularisation_that_all_have():
    strategy = external(Box(drawn(20)), share=1.0, fitness=RUNGS)
    asked, _ = searched(strategy, 60)
    assert suggested(asked)
    for each in suggested(asked):
        assert each.genome == SPACE.with_default_regularisation(each.genome)


def test_options_of_the_strategy_beside_are_checked_and_spelled_out():
    options = checked(ExternalOptions, {"beside": {"kind": "aging", "population": 30}}, at="strategy")
    assert options.beside["crossover"] == 0.1
    assert options.following(100).beside["warmup"] == 20
    for beside, message in (
        ({"kind": "aging", "popluation": 3}, "did you mean population"),
        ({"kind": "agin"}, "did you mean aging"),
        ({"kind": "external"}, "permitted: "),
        ({}, "kind is None"),
        ({"kind": ["aging"]}, "permitted: "),
    ):
        with pytest.raises(ConfigError, match=message):
            checked(ExternalOptions, {"beside": beside}, at="strategy")
    with pytest.raises(ConfigError, match="share"):
        checked(ExternalOptions, {"share": 0.0}, at="strategy")


def test_nothing_inherits_beside_a_strategy_that_does_not_breed():
    with pytest.raises(ConfigError, match="breeds no children"):
        external(fitness=FitnessOptions(inheritance="parent"), beside={"kind": "random"})


def test_what_the_strategy_beside_needs_is_said_before_anything_starts():
    with pytest.raises(ConfigError, match="name another, such as parameters"):
        external(beside={"kind": "nsga2"})
    with pytest.raises(ConfigError, match="beside: kind is darts; permitted: "):
        checked(ExternalOptions, {"beside": {"kind": "darts"}}, at="strategy")


def test_where_trainings_share_a_bank_suggestions_begin_with_it_too():
    bank = FitnessOptions(inheritance="bank")
    asked, _ = searched(external(Box(drawn(9)), share=1.0, fitness=bank), 40)
    assert {each.starts_from for each in suggested(asked)} == {BANK}


@pytest.mark.parametrize("kind", ["differential", "genetic", "islands", "random", "reinforce", "surrogate"])
def test_any_strategy_may_be_beside_it(kind):
    box = Box(drawn(8))
    strategy = external(box, share=0.5, beside={"kind": kind})
    asked, told = searched(strategy, 45, in_flight=3)
    assert len(suggested(asked)) == 8
    fresh = external(box, share=0.5, beside={"kind": kind})
    assert not list(verify(fresh, told, still_in_flight(asked, told)))
    resumed = external(box, share=0.5, beside={"kind": kind})
    resumed.resume(told, still_in_flight(asked, told))
    assert resumed.ask(4) == strategy.ask(4)


def test_a_raised_budget_keeps_what_the_run_began_with_and_a_changed_option_is_seen():
    def config(evaluations, **beside):
        return configured(
            {
                "name": "external",
                "task": {"kind": "digits"},
                "strategy": {"kind": "external", "beside": {"kind": "aging", **beside}},
                "budget": {"evaluations": evaluations},
            }
        )

    begun = following_budget(config(40))
    assert begun.strategy["beside"]["population"] == 10
    assert as_begun(config(400), begun).strategy["beside"] == begun.strategy["beside"]
    changed = as_begun(config(400, population=50), begun).strategy["beside"]
    assert (changed["population"], changed["warmup"]) == (50, begun.strategy["beside"]["warmup"])
