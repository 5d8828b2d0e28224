"""Every strategy by the ``kind`` that names it in a configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evo_nas.strategies.aging import AgingEvolution
from evo_nas.strategies.random import RandomSearch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evo_nas.strategies.strategy import Strategy

STRATEGIES: Mapping[str, type[Strategy]] = {
    strategy.kind: strategy for strategy in (AgingEvolution, RandomSearch)
}
