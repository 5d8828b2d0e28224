"""AgEBO: networks by evolution, settings of their training by Bayesian optimisation."""

from __future__ import annotations

import pytest

pytest.importorskip("botorch", reason="the extra bayes is not installed")

from evo_nas.evaluation import Candidate, Evaluation, Outcome, Status
from evo_nas.genome.options import SpaceOptions
from evo_nas.genome.space import SearchSpace
from evo_nas.strategies.agebo import Agebo, AgeboOptions
from evo_nas.strategies.aging import AgingEvolution, AgingOptions
from evo_nas.testing.histories import EPOCHS, SIGNATURE, SPACE

AT = {gene.name: position for position, gene in enumerate(SPACE.genes)}
RATE, CLIP = AT["training.learning_rate"], AT["training.clip"]


def agebo(space: SearchSpace = SPACE, **options: int) -> Agebo:
    return Agebo(space, AgeboOptions(warmup=10, **options), seed=1, epochs=EPOCHS)


def evaluated(candidate: Candidate) -> Evaluation:
    """Returns what a candidate scores: the higher the nearer its learning rate and its clip are to their best."""
    fitness = -float(abs(candidate.genome[RATE] - 2) + 4 * abs(candidate.genome[CLIP] - 1))
    return Evaluation(candidate, Outcome(Status.OK, fitness=fitness, epochs=EPOCHS, parameters=1))


def search(strategy: AgingEvolution, evaluations: int) -> list[Candidate]:
    asked = []
    for _ in range(evaluations):
        asked += strategy.ask(1)
        strategy.tell([evaluated(asked[-1])])
    return asked


def test_children_are_trained_with_the_settings_that_proved_best() -> None:
    children = search(agebo(settings=60), 40)[-15:]
    settings = [(child.genome[RATE], child.genome[CLIP]) for child in children]
    assert settings.count((2, 1)) >= 8


def test_networks_are_bred_by_evolution_and_only_their_training_is_chosen() -> None:
    asked = search(agebo(settings=60), 40)
    genomes = {candidate.id: candidate.genome for candidate in asked}
    bred = [candidate for candidate in asked if candidate.parents]
    assert bred
    operators = {name for candidate in bred for name in candidate.operator.split("+")}
    assert not operators & {"random", "acquisition", "training", "learning-rate"}
    for child in bred:
        if len(child.parents) == 1 and "+" not in child.operator:
            rest = set(AT.values()) - SPACE.training_genes
            active = rest.intersection(
                SPACE.active_genes(child.genome), SPACE.active_genes(genomes[child.parents[0]])
            )
            # One mutation of the network leaves most of it.
            assert sum(child.genome[at] != genomes[child.parents[0]][at] for at in active) < len(active) / 2


def test_settings_are_drawn_where_all_that_the_model_remembers_has_failed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("evo_nas.strategies.observations.REMEMBERED", 10)
    strategy = agebo(settings=8)
    search(strategy, 12)
    for _ in range(11):
        strategy.tell([Evaluation(strategy.ask(1)[0], Outcome(Status.DIVERGED))])
    assert not strategy._optimizer.observations.best(1)
    assert strategy.ask(1)[0].parents


def test_without_a_setting_to_choose_it_is_aging_evolution() -> None:
    options = {
        "optimizers": ["adam"], "clips": [1.0], "batch_sizes": [16],
        "learning_rates": {"min": 1e-2, "max": 1e-2, "count": 1},
    }  # fmt: skip
    space = SearchSpace(SpaceOptions.model_validate(options), SIGNATURE, EPOCHS)
    assert not space.training_genes
    strategy = agebo(space)
    aging = AgingEvolution(space, AgingOptions(warmup=10), seed=1, epochs=EPOCHS)
    genomes = [[each.genome for each in one.ask(12)] for one in (strategy, aging)]
    assert genomes[0] == genomes[1]
    assert not strategy._optimizer._asked
