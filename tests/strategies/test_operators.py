import math
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from deap import tools

from evo_nas.evaluation import Candidate, Evaluation, Outcome, Status
from evo_nas.genome.architecture import Signature
from evo_nas.genome.options import SpaceOptions
from evo_nas.genome.space import SearchSpace
from evo_nas.strategies.mutation import blocks_of
from evo_nas.strategies.noise import Noise
from evo_nas.strategies.operators import (
    Breeder,
    Individual,
    drawing_from,
    fitness_statistics,
)
from evo_nas.strategies.rewards import reward_of
from evo_nas.strategies.trials import Trial

SPACE = SearchSpace(SpaceOptions(), Signature(features=3, outputs=2), epochs=4)


def individuals(trials):
    return [Individual(each) for each in trials]


def scored(identity, fitness, *, loss=1.0, genome=(0,), parents=(), operator="random", inherited_steps=0):
    known = SPACE.canonical_hash(genome) if len(genome) > 1 else f"hash{identity}"
    candidate = Candidate(identity, genome, known, parents, operator, 0, 1, 0)
    outcome = Outcome(
        Status.OK, fitness=fitness, metrics={"validation_loss": loss}, inherited_steps=inherited_steps
    )
    return Trial(Evaluation(candidate, outcome))


def test_searches_in_two_threads_draw_each_from_its_own_stream():
    both_wait = threading.Barrier(2, timeout=60)

    def drawn(seed):
        rng = random.Random(seed)
        both_wait.wait()
        return [draw(rng) for _ in range(300)]

    def draw(rng):
        with drawing_from(rng):
            first = tools.selection.random.random()
            time.sleep(0)
            return first, tools.selection.random.random()

    with ThreadPoolExecutor(2) as threads:
        together = list(threads.map(drawn, [1, 2]))
    for seed, draws in zip([1, 2], together, strict=True):
        alone = random.Random(seed)
        assert draws == [(alone.random(), alone.random()) for _ in range(300)]
    assert tools.selection.random is random


def test_a_larger_tournament_picks_fitter_parents():
    population = individuals(scored(i, float(i), genome=SPACE.random(random.Random(i))) for i in range(50))

    def mean_parent(tournament):
        breeder = Breeder(SPACE, tournament=tournament, crossover=0.0)
        rng = random.Random(1)
        parents = [breeder.breed(population, rng)[1][0] for _ in range(100)]
        return sum(parent.trial.standing.fitness for parent in parents) / 100

    assert mean_parent(1) < 32
    assert mean_parent(10) > 40


def test_a_tournament_of_equals_is_won_by_the_lower_validation_loss():
    genome = SPACE.random(random.Random(1))
    population = individuals(scored(i, 1.0, loss=100.0 - i, genome=genome) for i in range(10))
    breeder = Breeder(SPACE, tournament=60, crossover=0.0)
    assert breeder.breed(population, random.Random(1))[1][0].trial.candidate.id == 9


def test_a_crossover_takes_the_cell_and_every_layer_whole_from_either_parent():
    low, high = SPACE.random(random.Random(1)), SPACE.random(random.Random(2))
    population = individuals([scored(0, 1.0, genome=low), scored(1, 1.0, genome=high)])
    breeder, rng = Breeder(SPACE, tournament=1, crossover=1.0), random.Random(1)
    mixed = 0
    for _ in range(60):
        child, parents, operator = breeder.breed(population, rng)
        if operator != "crossover":
            continue  # changed once more
        assert {parent.trial.candidate.id for parent in parents} == {0, 1}
        for block in blocks_of(SPACE):
            taken = [tuple(genome[at] for at in block) for genome in (child, low, high)]
            assert taken[0] in taken[1:]
        mixed += child not in (low, high)
    assert mixed > 20


def test_a_parent_is_never_crossed_with_itself():
    genome = SPACE.random(random.Random(1))
    population = individuals([scored(0, 1.0, genome=genome), scored(1, 1.0, genome=genome)])
    breeder, rng = Breeder(SPACE, tournament=1, crossover=0.9), random.Random(1)
    for _ in range(30):
        _, parents, operator = breeder.breed(population, rng)
        assert len(parents) == 1
        assert "crossover" not in operator


@pytest.mark.parametrize("crossover", [0.0, 0.5, 1.0])
def test_a_child_is_another_architecture_than_its_parents(crossover):
    population = individuals(
        scored(i, float(i), genome=genome) for i, (_, genome) in enumerate(SPACE.seeds())
    )
    breeder, rng = Breeder(SPACE, tournament=2, crossover=crossover), random.Random(1)
    for _ in range(100):
        child, parents, operator = breeder.breed(population, rng)
        assert operator
        assert SPACE.canonical_hash(child) not in {SPACE.canonical_hash(tuple(each)) for each in parents}


def test_an_operator_whose_children_do_well_is_chosen_more_often():
    population = individuals(
        scored(i, float(i), genome=genome) for i, (_, genome) in enumerate(SPACE.seeds())
    )
    breeder = Breeder(SPACE, tournament=2, crossover=0.0)

    def share_of_widths():
        rng = random.Random(1)
        return sum("width" in breeder.breed(population, rng)[2] for _ in range(300)) / 300

    before = share_of_widths()
    for child in range(100, 140):
        breeder.learn(scored(child, 99.0, operator="width"), [scored(1, 1.0)], population)
        breeder.learn(scored(child + 100, -1.0, operator="training"), [scored(1, 1.0)], population)
    assert share_of_widths() > 1.3 * before


def population_of(*fitness):
    return individuals(scored(i, each) for i, each in enumerate(fitness))


def test_the_reward_is_the_lead_over_the_best_parent_in_standard_deviations_of_the_population():
    population = population_of(0.0, 2.0, 4.0, 6.0)
    parents = [scored(7, 3.0), scored(8, 5.0)]
    assert reward_of(scored(9, 5.5), parents, population) == pytest.approx(0.5 / math.sqrt(5))
    assert reward_of(scored(9, 50.0), parents, population) == 1.0
    assert reward_of(scored(9, 4.0), parents, population) == 0.0


def test_a_child_as_good_as_its_parent_is_no_reward():
    assert reward_of(scored(9, 5.0), [scored(8, 5.0)], population_of(0.0, 5.0)) == 0.0


def test_a_lead_within_the_noise_is_no_reward():
    parents, population = [scored(8, 5.0)], population_of(0.0, 4.0)
    assert reward_of(scored(9, 5.9), parents, population, noise=Noise(1.0, pairs=9)) == 0.0
    assert reward_of(scored(9, 6.5), parents, population, noise=Noise(1.0, pairs=9)) == pytest.approx(0.25)


def test_a_child_with_inherited_weights_is_not_compared_with_trainings_from_scratch():
    child = scored(9, 99.0, inherited_steps=5)
    assert reward_of(child, [scored(8, 1.0)], population_of(0.0, 1.0)) == 0.0


def test_a_child_that_was_trained_longer_than_its_parent_is_no_better_for_that():
    paused = Candidate(8, (0,), "h", (), "random", 0, 4, 0, rungs=(2,), thresholds=(math.inf,))
    parent = Trial(Evaluation(paused, Outcome(Status.PRUNED, fitness=1.0, epochs=2)))
    assert reward_of(scored(9, 99.0), [parent], individuals([parent])) == 0.0


def test_a_failure_is_no_reward():
    candidate = Candidate(9, (0,), "h", (1,), "width", 0, 1, 0)
    failed = Trial(Evaluation(candidate, Outcome(Status.DIVERGED)))
    assert reward_of(failed, [scored(8, -9.0)], population_of(-9.0, -8.0)) == 0.0


def test_drawing_advances_the_stream_and_leaves_the_global_one_alone():
    random.seed(5)
    undisturbed = random.Random(5).random()
    rng, twin = random.Random(3), random.Random(3)
    with drawing_from(rng):
        chosen = tools.selRandom("abcdefgh", 4)
    assert chosen == [twin.choice("abcdefgh") for _ in range(4)]
    assert rng.random() == twin.random()
    assert random.random() == undisturbed


def test_deap_gets_the_global_stream_back_when_the_borrower_raises():
    with pytest.raises(KeyError), drawing_from(random.Random(3)):
        raise KeyError
    random.seed(5)
    assert tools.selRandom("abcdefgh", 1) == [random.Random(5).choice("abcdefgh")]


def test_threads_that_draw_meanwhile_change_no_child():
    population = individuals(scored(i, float(i), genome=SPACE.random(random.Random(i))) for i in range(10))

    def children():
        breeder, rng = Breeder(SPACE, tournament=3, crossover=0.5), random.Random(1)
        return [breeder.breed(population, rng)[0] for _ in range(100)]

    quiet, stop = children(), threading.Event()

    def draw():
        while not stop.is_set():
            random.random()

    noise = threading.Thread(target=draw)
    noise.start()
    try:
        assert children() == quiet
    finally:
        stop.set()
        noise.join()


def test_parents_are_untouched():
    population = individuals(scored(i, float(i), genome=SPACE.random(random.Random(i))) for i in range(5))
    before = [list(individual) for individual in population]
    breeder = Breeder(SPACE, tournament=2, crossover=0.5)
    rng = random.Random(1)
    for _ in range(50):
        breeder.breed(population, rng)
    assert [list(individual) for individual in population] == before


def test_statistics_describe_the_population():
    table = fitness_statistics(individuals([scored(0, 1.0), scored(1, 3.0)]))
    assert table == {"size": 2, "mean": 2.0, "std": 1.0, "min": 1.0, "max": 3.0}
    assert fitness_statistics([]) == {}
