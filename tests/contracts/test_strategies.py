"""The laws of `Strategy`, held against every registered kind."""

from __future__ import annotations

import pytest

from evo_nas.strategies.registry import STRATEGIES
from evo_nas.testing.strategies import EPOCHS, BuildStrategy, StrategyContract

CHEAP = {
    # A model of few trials that compares few genomes: what is tested here does not depend on its quality.
    "agebo": {"warmup": 30, "settings": 8},
    "bayesian": {"initial": 40, "candidates": 4},
}
"""Options for strategies whose defaults take long to choose."""
NEEDS = {"agebo": "botorch", "bayesian": "botorch"}
"""What the extra of a strategy installs."""


class TestRegisteredStrategy(StrategyContract):
    @pytest.fixture(params=sorted(STRATEGIES))
    def build(self, request: pytest.FixtureRequest) -> BuildStrategy:
        kind = STRATEGIES[request.param]
        if kind.extra:
            pytest.importorskip(NEEDS[kind.kind], reason=f"the extra {kind.extra} is not installed")
        options = kind.Options(**CHEAP.get(kind.kind, {}))
        return lambda space, *, seed, fitness: kind(space, options, seed=seed, epochs=EPOCHS, fitness=fitness)
