"""The laws of `Strategy`, held against every registered kind."""

from __future__ import annotations

import pytest

from evo_nas.config import FitnessOptions, checked
from evo_nas.genome.space import SearchSpace
from evo_nas.strategies.registry import STRATEGIES
from evo_nas.strategies.strategy import Strategy, StrategyOptions
from evo_nas.testing.histories import EPOCHS, SIGNATURE, SPACE
from evo_nas.testing.strategies import BuildStrategy, StrategyContract
from tests.contracts.fitted import ANY, fitted


class TestRegisteredStrategy(StrategyContract):
    @pytest.fixture(params=sorted(STRATEGIES))
    def kind(self, request: pytest.FixtureRequest) -> str:
        return request.param

    @pytest.fixture
    def space(self, kind: str) -> SearchSpace:
        if fitted(kind).space == ANY.space:
            return SPACE  # it remembers what it decoded, which saves time
        return SearchSpace(fitted(kind).space_options, SIGNATURE, EPOCHS)

    @pytest.fixture
    def objectives(self, kind: str) -> tuple[str, ...]:
        return fitted(kind).objectives

    @pytest.fixture
    def build(self, kind: str) -> BuildStrategy:
        strategy = STRATEGIES[kind]
        options = checked(strategy.Options, fitted(kind).options)

        def built(space: SearchSpace, *, seed: int, fitness: FitnessOptions) -> Strategy[StrategyOptions]:
            return strategy(space, options, seed=seed, epochs=EPOCHS, fitness=fitness)

        return built
