from __future__ import annotations

import random
import subprocess
import sys

import numpy as np
import pytest
import torch

from evo_nas.config import FitnessOptions
from evo_nas.evaluation import Evaluation, Outcome, Status
from evo_nas.genome.architecture import Signature
from evo_nas.genome.options import SpaceOptions
from evo_nas.genome.space import SearchSpace
from evo_nas.strategies.controller import GRID, Controller
from evo_nas.strategies.reinforce import Reinforce, ReinforceOptions
from evo_nas.weights import BANK

SPACE = SearchSpace(SpaceOptions(seeds=()), Signature(features=3, outputs=2), epochs=4)
OPTIMIZER = next(place for place, gene in enumerate(SPACE.genes) if gene.name == "training.optimizer")


def reinforce(space=SPACE, *, fitness=None, **options):
    terms = {"seed": 1, "epochs": 4} | ({} if fitness is None else {"fitness": fitness})
    return Reinforce(space, ReinforceOptions(**options), **terms)


def controller(seed=1, **options):
    return Controller(SPACE.genes, ReinforceOptions(**options).following(100), seed=seed)


def emitted(one, seed):
    choices = []
    choose = one.emission(random.Random(seed)).choose

    def recorded(position):
        choices.append((position, choose(position)))
        return choices[-1][1]

    SPACE.spell(recorded)
    return choices


def told(candidate, fitness, *, steps=0):
    status = Status.DIVERGED if fitness is None else Status.OK
    return Evaluation(candidate, Outcome(status, fitness=fitness, epochs=4, inherited_steps=steps))


def searched(strategy, evaluations, score):
    """Searches one by one and returns all candidates; ``score`` gives the fitness of a genome, or None."""
    candidates = []
    for _ in range(evaluations):
        candidates += strategy.ask(1)
        strategy.tell([told(candidates[-1], score(candidates[-1].genome))])
    return candidates


def test_a_genome_is_emitted_with_the_probabilities_that_are_learnt() -> None:
    one = controller()
    for seed in range(8):
        one.learn([(emitted(one, seed), 1.0)])
    choices, draws = emitted(one, 99), random.Random(99)
    positions, values = (torch.tensor([list(each)]) for each in zip(*choices, strict=True))
    probabilities = one.policy(positions, values)[0].exp().detach().numpy()
    for (position, value), row in zip(choices, probabilities, strict=True):
        assert row[: SPACE.genes[position].size].sum() == pytest.approx(1.0)
        below, draw = row[:value].sum(), draws.random()
        assert below - 1e-9 <= draw < below + row[value] + 1e-9


@pytest.mark.parametrize("algorithm", ["reinforce", "ppo"])
def test_what_is_rewarded_becomes_likely(algorithm) -> None:
    wanted = SPACE.genes[OPTIMIZER].size - 1
    strategy = reinforce(algorithm=algorithm, batch=5)
    candidates = searched(strategy, 150, lambda genome: -abs(genome[OPTIMIZER] - wanted))
    chosen = [candidate.genome[OPTIMIZER] == wanted for candidate in candidates]
    assert sum(chosen[:10]) < 8
    assert sum(chosen[-30:]) >= 25


def test_what_fails_becomes_unlikely() -> None:
    strategy = reinforce(batch=5)
    candidates = searched(strategy, 150, lambda genome: None if genome[OPTIMIZER] == 0 else 1.0)
    assert sum(candidate.genome[OPTIMIZER] == 0 for candidate in candidates[-30:]) <= 3


def test_the_scale_of_the_metric_does_not_matter() -> None:
    def score(genome):
        return float(sum(genome) % 17)

    accuracies = searched(reinforce(), 40, score)
    losses = searched(reinforce(), 40, lambda genome: 1e-6 * score(genome) - 300)
    assert accuracies == losses


def test_only_active_genes_are_chosen() -> None:
    one = controller()
    for seed in range(20):
        choices = dict(emitted(one, seed))
        genome = SPACE.spell(choices.__getitem__)
        assert sorted(choices) == list(SPACE.active_genes(genome))


def test_a_controller_follows_from_its_seed_and_what_it_learnt() -> None:
    one, same, other = controller(), controller(), controller(seed=2)
    batch = [(emitted(one, seed), seed - 2.0) for seed in range(5)]
    for each in (one, same, other):
        each.learn(batch)
    weights = [torch.cat([w.flatten() for w in each.policy.parameters()]) for each in (one, same, other)]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_parameters_are_rounded_so_that_other_processors_give_the_same() -> None:
    one = controller(algorithm="ppo")
    one.learn([(emitted(one, seed), seed - 2.0) for seed in range(5)])
    for weights in one.policy.parameters():
        on_grid = weights.detach().numpy() / GRID
        assert np.array_equal(on_grid, on_grid.round())


def test_the_global_generator_and_the_threads_of_torch_stay_as_they_are() -> None:
    torch.manual_seed(1)
    expected, threads = torch.rand(1), torch.get_num_threads()
    torch.manual_seed(1)
    searched(reinforce(batch=5), 10, lambda genome: float(genome[OPTIMIZER]))
    assert torch.equal(torch.rand(1), expected)
    assert torch.get_num_threads() == threads


def test_a_run_with_the_bank_begins_everything_with_shared_weights() -> None:
    founded = SearchSpace(SpaceOptions(), Signature(features=3, outputs=2), epochs=4)
    candidates = reinforce(founded, fitness=FitnessOptions(rungs=None, inheritance="bank")).ask(30)
    assert {candidate.starts_from for candidate in candidates} == {BANK}
    assert {candidate.budget for candidate in candidates} == {1}
    assert {candidate.operator.partition(":")[0] for candidate in candidates} == {"seed", "controller"}


def test_with_the_bank_it_learns_from_shared_weights_alone() -> None:
    shared, alone = (reinforce(fitness=FitnessOptions(rungs=None, inheritance="bank")) for _ in range(2))
    for strategy, steps in ((shared, 10), (alone, 0)):
        for candidate in strategy.ask(6):
            strategy.tell([told(candidate, float(candidate.id), steps=steps)])
    assert shared.statistics()["baseline"] > 0.5
    assert alone.statistics()["baseline"] == 0.5


def test_torch_is_loaded_where_a_controller_is_built() -> None:
    script = "import sys, evo_nas.strategies.registry; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_an_algorithm_that_there_is_not_is_refused() -> None:
    with pytest.raises(ValueError, match="'reinforce' or 'ppo'"):
        ReinforceOptions(algorithm="a2c")


def test_a_controller_that_is_sure_of_itself_looks_around_what_is_known() -> None:
    strategy = reinforce(batch=5, entropy=0.0)
    # Only one network is worth anything, so that the controller would soon emit nothing else.
    wanted = SPACE.random(random.Random(0))

    def score(genome):
        return -float(sum(one != other for one, other in zip(genome, wanted, strict=True)))

    candidates = searched(strategy, 250, score)
    assert len({candidate.canonical_hash for candidate in candidates}) == len(candidates)
    assert [candidate.operator for candidate in candidates[-50:]].count("controller") >= 45
