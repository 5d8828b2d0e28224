import random
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from deap import tools

from evo_nas.evaluation import Candidate, Evaluation, Outcome, Status
from evo_nas.genome.architecture import Signature
from evo_nas.genome.gene import Gene
from evo_nas.genome.options import SpaceOptions
from evo_nas.genome.space import SearchSpace
from evo_nas.strategies.operators import (
    Breeder,
    drawing_from,
    fitness_statistics,
    gene_groups,
    individuals,
    mutate_active_gene,
    mutated_choice,
)
from evo_nas.strategies.trials import Trial

SPACE = SearchSpace(SpaceOptions(), Signature(features=3, outputs=2), epochs=4)


def scored(identity, fitness, *, loss=1.0, genome=(0,)):
    candidate = Candidate(identity, genome, f"hash{identity}", (), "random", 0, 1, 0)
    return Trial(
        Evaluation(candidate, Outcome(Status.OK, fitness=fitness, metrics={"validation_loss": loss}))
    )


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


@pytest.mark.parametrize("seed", range(30))
def test_a_mutation_changes_exactly_one_active_gene(seed):
    rng = random.Random(seed)
    parent = SPACE.random(rng)
    child = mutate_active_gene(parent, space=SPACE, groups=gene_groups(SPACE), rng=rng)
    changed = {position for position, (old, new) in enumerate(zip(parent, child, strict=True)) if old != new}
    assert len(changed & set(SPACE.active_genes(parent))) == 1


def test_mutations_reach_the_cell_the_network_and_the_training_about_equally_often():
    rng = random.Random(1)
    parent = dict(SPACE.seeds())["lstm"]
    groups = gene_groups(SPACE)
    active = set(SPACE.active_genes(parent))
    hits = Counter()
    for _ in range(600):
        child = mutate_active_gene(parent, space=SPACE, groups=groups, rng=rng)
        changed = {position for position in active if parent[position] != child[position]}
        hits[next(index for index, group in enumerate(groups) if changed & set(group))] += 1
    assert len(hits) == 3
    assert min(hits.values()) > 120


def test_an_ordered_gene_moves_to_a_neighbour_more_often_than_far_away():
    gene = Gene("width", tuple(range(10)), ordered=True)
    rng = random.Random(1)
    steps = Counter(abs(mutated_choice(gene, 5, rng) - 5) for _ in range(1000))
    assert steps[0] == 0
    assert steps[1] > 2 * sum(count for step, count in steps.items() if step > 1)


def test_an_unordered_gene_moves_to_every_other_choice_equally_often():
    gene = Gene("op", tuple("abcd"))
    rng = random.Random(1)
    counts = Counter(mutated_choice(gene, 2, rng) for _ in range(3000))
    assert set(counts) == {0, 1, 3}
    assert min(counts.values()) > 900


def test_the_end_of_an_ordered_gene_moves_inwards():
    gene = Gene("width", (1, 2, 3), ordered=True)
    rng = random.Random(1)
    assert {mutated_choice(gene, 0, rng) for _ in range(50)} <= {1, 2}


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


def test_crossover_mixes_both_parents_and_mutates_once():
    low, high = SPACE.random(random.Random(1)), SPACE.random(random.Random(2))
    population = individuals([scored(0, 1.0, genome=low), scored(1, 1.0, genome=high)])
    breeder = Breeder(SPACE, tournament=1, crossover=1.0)
    rng, mixed, foreign = random.Random(1), 0, 0
    for _ in range(40):
        child, parents, operator = breeder.breed(population, rng)
        assert operator == "crossover"
        assert len(parents) == 2
        assert all(0 <= value < gene.size for value, gene in zip(child, SPACE.genes, strict=True))
        mother, father = (set(enumerate(parent)) for parent in parents)
        if mother != father:
            taken = set(enumerate(child))
            mixed += bool(taken & (mother - father)) and bool(taken & (father - mother))
            foreign += bool(taken - mother - father)
    assert mixed > 5
    assert foreign > 0


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


@pytest.mark.parametrize("status", [status for status in Status if status is not Status.OK])
def test_only_complete_evaluations_become_individuals(status):
    outcome = Outcome(status, fitness=0.5 if status.scored else None)
    evaluation = Evaluation(Candidate(0, (0,), "h", (), "random", 0, 1, 0), outcome)
    assert individuals([Trial(evaluation)]) == []


def test_statistics_describe_the_population():
    table = fitness_statistics(individuals([scored(0, 1.0), scored(1, 3.0)]))
    assert table == {"size": 2, "mean": 2.0, "std": 1.0, "min": 1.0, "max": 3.0}
    assert fitness_statistics([]) == {}
