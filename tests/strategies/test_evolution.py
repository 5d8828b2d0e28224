"""What can be chosen in every strategy that breeds: who makes room, and whether mutation rates adapt themselves."""

from __future__ import annotations

import statistics

import pytest

from evo_nas.config import FitnessOptions
from evo_nas.randomness import stream
from evo_nas.strategies.aging import AgingEvolution, AgingOptions
from evo_nas.strategies.rates import FIRST, LEAST, MOST, MutationRates
from evo_nas.strategies.registry import STRATEGIES
from tests.strategies.landscape import EPOCHS, SPACE, searched, tell, told


def evolution(**options) -> AgingEvolution:
    return AgingEvolution(SPACE, AgingOptions(**options), seed=1, epochs=EPOCHS)


def falling(candidate) -> float:
    return -float(candidate.id)


def test_the_worst_makes_room_and_the_best_stays_if_the_options_say_so() -> None:
    strategy = evolution(population=10, tournament=10, warmup=5, removal="worst")
    tell(strategy, strategy.ask(25), falling)
    parents = {parent for candidate in strategy.ask(40) for parent in candidate.parents}
    assert parents <= set(range(10))
    assert strategy.statistics()["size"] == 10


@pytest.mark.parametrize("kind", ["aging", "islands", "genetic"])
def test_children_that_inherit_take_the_places_of_founders_that_seem_better(kind: str) -> None:
    options = {"population": 6, "tournament": 2} | ({"removal": "worst"} if kind == "aging" else {})
    strategy = STRATEGIES[kind](
        SPACE,
        STRATEGIES[kind].Options(**options),
        seed=1,
        epochs=EPOCHS,
        fitness=FitnessOptions(rungs=None, inheritance="parent"),
    )
    for _ in range(80):
        (candidate,) = strategy.ask(1)
        # The founders have the scores of long trainings, which no child reaches.
        strategy.tell(
            [told(candidate, lambda each: -1.0 * bool(each.parents), inherited_steps=len(candidate.parents))]
        )
    assert all(each.standing.is_inherited for each in strategy._living)


def test_removal_is_named_by_its_nearest_words() -> None:
    with pytest.raises(ValueError, match="'oldest' or 'worst'"):
        AgingOptions(removal="eldest")


def test_a_rate_follows_from_seed_number_and_mother_alone() -> None:
    strategy = evolution(population=10, warmup=5, rates="self_adaptive")
    asked = searched(strategy, 60, in_flight=3)
    one, other = MutationRates(1), MutationRates(1)
    for candidate in asked:
        one.learn(candidate)
    for candidate in asked[:30]:
        other.learn(candidate)
    for candidate in asked[:30]:
        if candidate.parents:
            number, mother = candidate.id, candidate.parents[0]
            assert one.of_child(number, mother) == other.of_child(number, mother)


def test_a_rate_stays_near_that_of_the_mother_and_within_its_bounds() -> None:
    rates = MutationRates(1)
    children = [rates.of_child(number, mother=-1) for number in range(400)]
    assert statistics.median(children) == pytest.approx(FIRST, abs=0.02)
    assert len(set(children)) == 400
    assert LEAST <= min(children) < FIRST < max(children) <= MOST


def test_a_rate_that_is_inherited_decides_how_much_children_are_changed() -> None:
    strategy = evolution(population=10, warmup=10, crossover=0.0)
    tell(strategy, strategy.ask(10))
    pool = strategy._living

    def changes(rate: float) -> float:
        counts = []
        for number in range(60):
            genome, (mother, *_), _ = strategy._breeder.breed(
                pool, stream(1, "test", number), rate_of=lambda _: rate
            )
            active = SPACE.active_genes(tuple(mother))
            counts.append(sum(genome[at] != mother[at] for at in active))
        return statistics.fmean(counts)

    assert changes(0.8) > changes(0.02) + 2


def test_mutation_rates_that_adapt_ask_other_candidates() -> None:
    fixed, adaptive = (
        searched(evolution(population=10, warmup=5, rates=rates), 30) for rates in ("fixed", "self_adaptive")
    )
    assert fixed[:5] == adaptive[:5]
    assert fixed != adaptive


@pytest.mark.parametrize("kind", ["aging", "islands", "genetic"])
def test_rates_that_adapt_are_the_same_after_a_resume(kind: str) -> None:
    def made():
        options = STRATEGIES[kind].Options(rates="self_adaptive", population=10)
        return STRATEGIES[kind](SPACE, options, seed=1, epochs=EPOCHS)

    whole, resumed = made(), made()
    history = []
    for _ in range(60):
        (candidate,) = whole.ask(1)
        history.append(told(candidate))
        whole.tell(history[-1:])
    resumed.resume(history, [])
    assert resumed.ask(10) == whole.ask(10)
