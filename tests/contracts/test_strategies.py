"""The laws of `Strategy`, held against every registered kind."""

from __future__ import annotations

import pytest

from evo_nas.strategies.registry import STRATEGIES
from evo_nas.testing.strategies import EPOCHS, BuildStrategy, StrategyContract


class TestRegisteredStrategy(StrategyContract):
    @pytest.fixture(params=sorted(STRATEGIES))
    def build(self, request: pytest.FixtureRequest) -> BuildStrategy:
        kind = STRATEGIES[request.param]
        return lambda space, *, seed, fitness: kind(space, seed=seed, epochs=EPOCHS, fitness=fitness)
