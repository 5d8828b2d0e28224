"""What strategies share: budgets, seeds and what counts as known."""

from __future__ import annotations

import random
from typing import ClassVar

import pytest

from evo_nas.evaluation import Candidate
from evo_nas.genome.architecture import Signature
from evo_nas.genome.options import SpaceOptions
from evo_nas.genome.space import SearchSpace
from evo_nas.randomness import derive_seed
from evo_nas.strategies.strategy import Proposal, Strategy, StrategyOptions

SPACE = SearchSpace(SpaceOptions(), Signature(features=3, outputs=2), epochs=4)
GENOME = SPACE.random(random.Random(1))


class OneGenome(Strategy[StrategyOptions]):
    """Proposes the same genome with 1, 2, 1, 2, ... epochs, or with those of the configuration."""

    kind: ClassVar[str] = "one_genome"
    Options = StrategyOptions
    chooses: ClassVar[bool] = True

    def _propose(self, k: int, rng: random.Random) -> Proposal:
        return Proposal(GENOME, (), "same", epochs=1 + k % 2 if self.chooses else None)


class Undecided(OneGenome):
    """Leaves the epochs to the configuration."""

    chooses: ClassVar[bool] = False


def asked(strategy: Strategy[StrategyOptions], count: int) -> list[Candidate]:
    return [candidate for candidate in strategy.ask(count) if candidate.operator == "same"]


def test_a_strategy_may_choose_the_epochs_of_each_candidate() -> None:
    first, second = asked(OneGenome(SPACE, seed=3, epochs=4), 2)
    assert (first.budget, second.budget) == (1, 2)
    assert first.canonical_hash == second.canonical_hash
    assert second.seed == derive_seed(3, "training", second.canonical_hash, 2) != first.seed


def test_the_same_architecture_with_as_many_epochs_is_asked_once() -> None:
    assert len(asked(OneGenome(SPACE, seed=3, epochs=4), 6)) == 2


def test_an_architecture_is_known_again_after_a_resumption() -> None:
    before = OneGenome(SPACE, seed=3, epochs=4).ask(2)
    resumed = OneGenome(SPACE, seed=3, epochs=4)
    resumed.resume([], before)
    assert asked(resumed, 4) == []


def test_a_strategy_that_chooses_no_epochs_gets_those_of_the_configuration() -> None:
    (candidate,) = asked(Undecided(SPACE, seed=3, epochs=4), 3)
    assert candidate.budget == 4


def test_no_epochs_at_all_are_refused() -> None:
    with pytest.raises(ValueError, match="epochs of a proposal is 0; must be at least 1"):
        Proposal(GENOME, (), "same", epochs=0)
