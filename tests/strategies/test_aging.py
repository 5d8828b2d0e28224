import pytest
from pydantic import ValidationError

from evo_nas.evaluation import Evaluation, Outcome, Status
from evo_nas.genome.architecture import Signature
from evo_nas.genome.options import SpaceOptions
from evo_nas.genome.space import SearchSpace
from evo_nas.strategies.aging import AgingEvolution, AgingOptions
from evo_nas.strategies.random import RandomSearch

SPACE = SearchSpace(SpaceOptions(), Signature(features=3, outputs=2), epochs=4)


def evolution(**options):
    return AgingEvolution(SPACE, AgingOptions(**options), seed=1, epochs=4)


def tell(strategy, candidates, *, fitness=lambda candidate: float(candidate.id), status=Status.OK):
    strategy.tell(
        [
            Evaluation(
                candidate,
                Outcome(status, fitness=fitness(candidate) if status.scored else None, parameters=1),
            )
            for candidate in candidates
        ]
    )


def test_known_cells_found_the_population_beside_random_ones():
    operators = [candidate.operator for candidate in evolution(warmup=20).ask(20)]
    founders = [f"seed:{name}" for name, _ in SPACE.seeds()]
    assert operators[: len(founders)] == founders
    assert {"seed:lstm", "seed:gru", "seed:gru+norm+differences, wide"} <= set(founders)
    assert set(operators[len(founders) :]) == {"random"}


def test_breeding_starts_after_the_warm_up():
    strategy = evolution(warmup=6)
    founders = strategy.ask(10)
    tell(strategy, founders[:5])
    assert not strategy.ask(1)[0].parents
    tell(strategy, founders[5:6])
    assert strategy.ask(1)[0].parents


def test_nothing_breeds_while_everything_fails():
    strategy = evolution(warmup=5)
    tell(strategy, strategy.ask(30), status=Status.DIVERGED)
    assert {candidate.operator for candidate in strategy.ask(5)} == {"random"}
    assert strategy.statistics() == {}


def test_the_oldest_dies_even_if_it_is_the_best():
    strategy = evolution(population=10, tournament=10, warmup=5)
    founders = strategy.ask(25)
    tell(strategy, founders, fitness=lambda candidate: -float(candidate.id))
    parents = {parent for candidate in strategy.ask(40) for parent in candidate.parents}
    assert min(parents) >= 15
    assert strategy.statistics()["size"] == 10


def test_failures_never_take_a_place_in_the_population():
    strategy = evolution(population=4, tournament=2, warmup=2)
    first, rest = strategy.ask(4), strategy.ask(20)
    tell(strategy, first)
    tell(strategy, rest, status=Status.TIMED_OUT)
    parents = {parent for candidate in strategy.ask(30) for parent in candidate.parents}
    assert parents <= {0, 1, 2, 3}


def test_no_crossover_means_one_parent_each():
    strategy = evolution(warmup=5, crossover=0.0)
    tell(strategy, strategy.ask(10))
    children = strategy.ask(30)
    assert not any("crossover" in candidate.operator for candidate in children)
    assert {len(candidate.parents) for candidate in children} == {1}


def test_evolution_climbs_higher_than_its_founders():
    widths = next(index for index, gene in enumerate(SPACE.genes) if gene.name == "layer1.width")
    rates = next(index for index, gene in enumerate(SPACE.genes) if gene.name == "training.learning_rate")

    def fitness(candidate):
        return candidate.genome[widths] - abs(candidate.genome[rates] - 7)

    strategy = evolution(population=30, tournament=10)
    asked = []
    for _ in range(200):
        asked += strategy.ask(1)
        tell(strategy, asked[-1:], fitness=fitness)
    assert max(map(fitness, asked)) == SPACE.genes[widths].size - 1
    last, first = asked[-20:], asked[:20]
    assert sum(map(fitness, last)) / 20 > sum(map(fitness, first)) / 20 + 3


def closeness(candidate):
    """How near a genome comes to the middle of every gene of the first layer and the training."""
    shared = [
        position
        for position, gene in enumerate(SPACE.genes)
        if gene.name.startswith(("layer1.", "training.")) and gene.size > 2
    ]
    distances = (abs(candidate.genome[at] / (SPACE.genes[at].size - 1) - 0.5) for at in shared)
    return -sum(distances) / len(shared)


def best_found(strategy, *, budget=250):
    asked = []
    for _ in range(budget):
        asked += strategy.ask(1)
        tell(strategy, asked[-1:], fitness=closeness)
    return max(map(closeness, asked))


def test_evolution_finds_better_than_chance_with_the_same_budget():
    evolved = [best_found(AgingEvolution(SPACE, seed=seed, epochs=4)) for seed in range(5)]
    drawn = [best_found(RandomSearch(SPACE, seed=seed, epochs=4)) for seed in range(5)]
    assert sum(evolved) > sum(drawn) + 0.05


def test_the_score_of_a_candidate_stopped_at_a_rung_does_not_enter_the_population():
    strategy = evolution(population=4, tournament=2, warmup=2)
    tell(strategy, strategy.ask(4), status=Status.PRUNED)
    assert strategy.statistics() == {}
    assert not strategy.ask(1)[0].parents


@pytest.mark.parametrize("evaluations", [10, 40, 100, 1_000, 100_000])
def test_options_that_are_left_out_follow_the_budget_and_leave_the_first_population(evaluations):
    followed = AgingOptions().following(evaluations)
    assert followed.following(7) == followed
    assert 2 <= followed.tournament <= followed.population <= max(10, evaluations / 4)
    assert followed.warmup <= evaluations / 2


def test_more_evaluations_are_spent_on_a_larger_population():
    sizes = [AgingOptions().following(evaluations).population for evaluations in (40, 100, 300, 1_000)]
    assert sizes == sorted(set(sizes))


def test_options_that_are_given_stay_as_they_are():
    given = AgingOptions(population=7, tournament=3, warmup=2)
    assert given.following(1_000) == given
    assert AgingOptions(tournament=25).following(40).population == 25
    assert AgingOptions(population=2).following(40).tournament == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"population": 1}, "greater than or equal to 2"),
        ({"population": 10, "tournament": 11}, "tournament is 11; must be at most the population, 10"),
        ({"crossover": 1.5}, "less than or equal to 1"),
        ({"warmup": 0}, "greater than or equal to 1"),
    ],
)
def test_impossible_options_are_refused(options, message):
    with pytest.raises(ValidationError, match=message):
        AgingOptions(**options)
