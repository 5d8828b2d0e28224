"""What a training to a rung cannot judge is not decided there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from evo_nas.config import FitnessOptions
from evo_nas.evaluation import Evaluation, Outcome, Status
from evo_nas.genome.architecture import Signature
from evo_nas.genome.options import SpaceOptions
from evo_nas.genome.space import SearchSpace
from evo_nas.randomness import stream
from evo_nas.strategies.registry import STRATEGIES

if TYPE_CHECKING:
    from evo_nas.evaluation import Candidate

EPOCHS = 30
SPACE = SearchSpace(SpaceOptions(), Signature(features=3, outputs=2), EPOCHS)
RUNGS = FitnessOptions(rungs=(3, 10))


def searched(kind: str, fitness: FitnessOptions, count: int = 150) -> list[Candidate]:
    """Searches with one worker; half of what may be pruned is."""
    strategy = STRATEGIES[kind](SPACE, seed=1, epochs=EPOCHS, fitness=fitness)
    asked: list[Candidate] = []
    for _ in range(count):
        (candidate,) = strategy.ask(1)
        asked.append(candidate)
        score = stream(1, "level", candidate.canonical_hash).random()
        epochs = candidate.rungs[0] if candidate.rungs and score < 0.5 else EPOCHS
        status = Status.OK if epochs == EPOCHS else Status.PRUNED
        outcome = Outcome(
            status,
            fitness=score,
            metrics={"validation_accuracy": score},
            metric="validation_accuracy",
            curve=(score,) * epochs,
            epochs=epochs,
            parameters=10,
        )
        strategy.tell([Evaluation(candidate, outcome)])
    return asked


def regularisation(candidate: Candidate) -> tuple[int, ...]:
    return tuple(candidate.genome[position] for position in sorted(SPACE.regularisation_genes))


DEFAULT = tuple(SPACE.genes[position].default for position in sorted(SPACE.regularisation_genes))


@pytest.mark.parametrize("kind", ["aging", "random"])
def test_what_may_be_pruned_at_a_short_rung_has_the_default_regularisation(kind: str) -> None:
    asked = searched(kind, RUNGS)
    prunable = [each for each in asked if each.rungs]
    assert len(prunable) > 100
    assert {regularisation(each) for each in prunable} == {DEFAULT}


@pytest.mark.parametrize("kind", ["aging", "random"])
def test_regularisation_is_tuned_on_complete_parents_without_rungs(kind: str) -> None:
    asked = {each.id: each for each in searched(kind, RUNGS)}
    tuned = [each for each in asked.values() if each.operator == "regularisation"]
    assert 5 <= len(tuned) <= 15
    for child in tuned:
        (parent,) = child.parents
        differing = {
            position
            for position, (own, theirs) in enumerate(zip(child.genome, asked[parent].genome, strict=True))
            if own != theirs
        }
        assert len(differing) == 1
        assert differing <= SPACE.regularisation_genes
        assert (child.rungs, child.budget) == ((), EPOCHS)


@pytest.mark.parametrize(
    "fitness", [FitnessOptions(rungs=None), FitnessOptions(rungs=(20,))], ids=["without rungs", "long rungs"]
)
def test_trainings_that_can_judge_regularisation_search_it_as_any_gene(fitness: FitnessOptions) -> None:
    asked = searched("random", fitness, 40)
    assert len({regularisation(each) for each in asked}) > 20
    assert all(each.operator == "random" or each.continues is not None for each in asked)
