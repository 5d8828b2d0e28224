"""The laws of `Strategy`, held against every registered kind."""

import math
import random

import pytest

from evo_nas.evaluation import Candidate, Evaluation, Outcome, Status
from evo_nas.genome.architecture import Signature
from evo_nas.genome.options import SpaceOptions
from evo_nas.genome.space import SearchSpace
from evo_nas.randomness import derive_seed, stream
from evo_nas.strategies.registry import STRATEGIES

SPACE = SearchSpace(SpaceOptions(), Signature(features=3, outputs=2), epochs=4)
TINY_SPACE = SearchSpace(
    SpaceOptions(
        layers={"min": 1, "max": 1}, widths=[4, 8], cells=["lstm", "gru"], evolve_cell=False, norms=["none"],
        skips=False, poolings=["last"], heads=[0], optimizers=["adam"],
        learning_rates={"min": 1e-2, "max": 1e-2, "count": 1}, clips=[1.0], batch_sizes=[8],
    ),
    Signature(features=3, outputs=2),
    epochs=4,
)  # fmt: skip


@pytest.fixture(params=sorted(STRATEGIES))
def make(request):
    def strategy(*, seed=1, space=SPACE):
        return STRATEGIES[request.param](space, seed=seed, epochs=4)

    return strategy


def evaluate(candidate: Candidate) -> Evaluation:
    """Scores a candidate by its hash; one in ten diverges."""
    rng = stream(7, "objective", candidate.canonical_hash)
    if rng.random() < 0.1:
        return Evaluation(candidate, Outcome(Status.DIVERGED))
    return Evaluation(candidate, Outcome(Status.OK, fitness=rng.random(), parameters=rng.randrange(100, 200)))


def run(strategy, evaluations, *, in_flight=3, arrival_seed=0):
    """Runs asynchronously with a seeded order of arrival; returns the candidates asked and evaluations told."""
    arrivals = random.Random(arrival_seed)
    asked, told, flying = [], [], []
    while len(told) < evaluations:
        new = strategy.ask(in_flight - len(flying))
        asked += new
        flying += new
        evaluation = evaluate(flying.pop(arrivals.randrange(len(flying))))
        strategy.tell([evaluation])
        told.append(evaluation)
    return asked, told


def test_ids_ascend_without_gaps(make):
    asked, _ = run(make(), 60)
    assert [candidate.id for candidate in asked] == list(range(len(asked)))


def test_equal_seeds_and_arrivals_ask_the_same_candidates(make):
    assert run(make(), 60) == run(make(), 60)


def test_another_seed_asks_other_candidates(make):
    first, _ = run(make(seed=1), 40)
    second, _ = run(make(seed=2), 40)
    assert [candidate.genome for candidate in first] != [candidate.genome for candidate in second]


def test_the_size_of_the_batch_does_not_matter(make):
    one_by_one, at_once = make(), make()
    assert [one_by_one.ask(1)[0] for _ in range(8)] == at_once.ask(8)


def test_the_global_generator_is_neither_used_nor_disturbed(make):
    random.seed(1)
    first, _ = run(make(), 40)
    random.seed(2)
    undisturbed = random.Random(2).random()
    second, _ = run(make(), 40)
    assert first == second
    assert random.random() == undisturbed


def test_no_architecture_is_asked_twice(make):
    asked, _ = run(make(), 120, in_flight=6)
    hashes = [candidate.canonical_hash for candidate in asked]
    assert len(set(hashes)) == len(hashes)


def test_every_candidate_is_feasible_and_names_its_own_architecture(make):
    for candidate in run(make(), 60)[0]:
        assert SPACE.is_feasible(candidate.genome)
        assert SPACE.canonical_hash(candidate.genome) == candidate.canonical_hash


def test_parents_were_told_before_the_child_was_asked(make):
    asked, told = run(make(), 80, in_flight=5)
    position = {evaluation.candidate.id: seq for seq, evaluation in enumerate(told)}
    for candidate in asked:
        assert all(position[parent] < candidate.asked_after for parent in candidate.parents)


@pytest.mark.parametrize("killed_after", [0, 1, 19, 20, 21, 55])
def test_a_resumed_strategy_goes_on_like_the_uninterrupted_one(make, killed_after):
    whole, resumed = make(), make()
    asked, told = run(whole, killed_after, in_flight=4)
    done = {evaluation.candidate.id for evaluation in told}
    resumed.resume(told, [candidate for candidate in asked if candidate.id not in done])
    assert resumed.ask(5) == whole.ask(5)


def test_candidates_asked_after_the_last_commit_are_asked_again_the_same(make):
    whole, resumed = make(), make()
    asked, told = run(whole, 30, in_flight=4)
    lost = whole.ask(3)
    done = {evaluation.candidate.id for evaluation in told}
    resumed.resume(told, [candidate for candidate in asked if candidate.id not in done])
    assert resumed.ask(3) == lost


def test_an_exhausted_space_yields_fewer_candidates_than_wanted(make):
    asked = make(space=TINY_SPACE).ask(10)
    assert len({candidate.canonical_hash for candidate in asked}) == len(asked) == 4


def test_nearly_all_of_a_small_space_is_found_before_it_counts_as_exhausted(make):
    space = SearchSpace(
        SpaceOptions(
            layers={"min": 1, "max": 1}, widths=[4, 8, 16], cells=["lstm", "gru"], evolve_cell=False,
            skips=False, poolings=["last", "mean"], heads=[0], learning_rates={"count": 4}, clips=[1.0],
        ),
        Signature(features=3, outputs=2),
        epochs=4,
    )  # fmt: skip
    size = math.prod(gene.size for gene in space.genes)
    strategy, asked = make(space=space), []
    while candidates := strategy.ask(1):
        asked += candidates
        strategy.tell([evaluate(candidate) for candidate in candidates])
    assert 0.9 * size <= len(asked) <= size


def test_the_seed_of_a_training_follows_from_run_architecture_and_budget_alone(make):
    for candidate in make(seed=3).ask(4):
        assert candidate.seed == derive_seed(3, "training", candidate.canonical_hash, candidate.budget)


def test_telling_what_was_never_asked_is_refused(make):
    strategy, other = make(), make()
    strategy.ask(1)
    stranger = evaluate(other.ask(2)[1])
    with pytest.raises(ValueError, match="not in flight"):
        strategy.tell([stranger])


def test_telling_twice_is_refused(make):
    strategy = make()
    evaluation = evaluate(strategy.ask(1)[0])
    strategy.tell([evaluation])
    with pytest.raises(ValueError, match="not in flight"):
        strategy.tell([evaluation])


def test_a_used_strategy_cannot_be_resumed(make):
    strategy = make()
    strategy.ask(1)
    with pytest.raises(ValueError, match="fresh"):
        strategy.resume([], [])


def test_a_history_that_repeats_an_id_is_refused(make):
    strategy = make()
    with pytest.raises(ValueError, match="twice"):
        strategy.resume([], make().ask(2) * 2)


def test_ids_that_a_damaged_ledger_lost_are_not_used_again(make):
    strategy = make()
    strategy.resume([], make().ask(5)[2:4])
    assert [candidate.id for candidate in strategy.ask(2)] == [4, 5]
