"""NSGA-II keeps a front: what no other beats in all objectives, far apart."""

from __future__ import annotations

import pytest

from evo_nas.config import FitnessOptions, load_config
from evo_nas.errors import ConfigError
from evo_nas.evaluation import Candidate, Evaluation
from evo_nas.experiment import Experiment
from evo_nas.strategies.front import Front
from evo_nas.strategies.nsga2 import Nsga2, Nsga2Options
from evo_nas.strategies.random import RandomSearch
from evo_nas.strategies.trials import Trial
from tests.strategies.landscape import EPOCHS, SPACE, closeness, told

TWO = FitnessOptions(objectives=("fitness", "parameters"))
WIDTH = next(at for at, gene in enumerate(SPACE.genes) if gene.name == "layer1.width")


def nsga2(seed: int = 1, **options) -> Nsga2:
    return Nsga2(SPACE, Nsga2Options(**options), seed=seed, epochs=EPOCHS, fitness=TWO)


def traded(candidate: Candidate) -> Evaluation:
    """Wide networks are better, and cost more."""
    width = candidate.genome[WIDTH]
    return told(candidate, lambda each: closeness(each) + 0.1 * width, parameters=100 * (width + 1))


def searched(strategy, evaluations: int = 150) -> list[Evaluation]:
    history = []
    for _ in range(evaluations):
        history += [traded(candidate) for candidate in strategy.ask(1)]
        strategy.tell(history[-1:])
    return history


def volume(history: list[Evaluation]) -> float:
    """Returns the area that the front dominates, from a fitness of -1 and the widest network."""
    front = Front(TWO.objectives)
    for evaluation in history:
        front.update(Trial(evaluation))
    points = sorted((each.outcome.parameters, each.fitness) for each in front.members)
    widest = 100 * SPACE.genes[WIDTH].size
    bounds = [parameters for parameters, _ in points[1:]] + [widest]
    return sum(
        (after - parameters) * (fitness + 1)
        for (parameters, fitness), after in zip(points, bounds, strict=True)
    )


def test_one_objective_is_refused_with_what_to_change() -> None:
    with pytest.raises(
        ConfigError, match=r"fitness\.objectives is \[fitness\]; .*nsga2 needs at least 2: name another"
    ):
        Nsga2(SPACE, seed=1, epochs=EPOCHS)


def test_one_objective_is_refused_before_any_data_are_read(tmp_path) -> None:
    path = tmp_path / "search.yaml"
    path.write_text("name: two\ntask: {kind: digits}\nstrategy: {kind: nsga2}\nbudget: {evaluations: 20}\n")
    with pytest.raises(ConfigError, match=r"^fitness\.objectives is \[fitness\]"):
        Experiment.of(load_config(path))


def test_the_population_is_the_front_and_what_is_next_to_it() -> None:
    strategy = nsga2(population=10, warmup=5)
    history = searched(strategy, 80)
    front = Front(TWO.objectives)
    for evaluation in history:
        front.update(Trial(evaluation))
    living = {each.trial.candidate.id for each in strategy._living}
    assert len(living) == 10
    members = {each.candidate.id for each in front.members}
    assert len(members) <= 10
    assert members <= living


def test_a_crowded_front_keeps_its_ends_and_loses_what_lies_close() -> None:
    strategy = nsga2(population=4, warmup=50)
    points = [(0.1, 100), (0.5, 500), (0.52, 510), (0.54, 520), (0.9, 900)]
    strategy.tell(
        [
            told(candidate, lambda _, fitness=fitness: fitness, parameters=parameters)
            for candidate, (fitness, parameters) in zip(strategy.ask(5), points, strict=True)
        ]
    )
    assert {each.trial.candidate.id for each in strategy._living} == {0, 1, 3, 4}


def test_its_front_is_ahead_of_that_of_random_search() -> None:
    evolved = [volume(searched(nsga2(seed))) for seed in range(3)]
    drawn = [
        volume(searched(RandomSearch(SPACE, seed=seed, epochs=EPOCHS, fitness=TWO))) for seed in range(3)
    ]
    assert sum(evolved) > sum(drawn) + 30
