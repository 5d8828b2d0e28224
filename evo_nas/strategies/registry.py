"""The strategies by ``kind``, as configurations name them."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar

from evo_nas.errors import ConfigError
from evo_nas.strategies.agebo import Agebo
from evo_nas.strategies.aging import AgingEvolution
from evo_nas.strategies.bayesian import BayesianOptimization
from evo_nas.strategies.darts import Darts
from evo_nas.strategies.differential import DifferentialEvolution
from evo_nas.strategies.external import External
from evo_nas.strategies.genetic import GeneticAlgorithm
from evo_nas.strategies.grid import GridSearch
from evo_nas.strategies.islands import Islands
from evo_nas.strategies.nsga2 import Nsga2
from evo_nas.strategies.random import RandomSearch
from evo_nas.strategies.reinforce import Reinforce
from evo_nas.strategies.strategy import Strategy, StrategyOptions
from evo_nas.strategies.surrogate import SurrogateEvolution
from evo_nas.strategies.tune import TuneSearch

if TYPE_CHECKING:
    from collections.abc import Mapping

_registered: dict[str, type[Strategy[StrategyOptions]]] = {}
STRATEGIES: Mapping[str, type[Strategy[StrategyOptions]]] = MappingProxyType(_registered)
"""The strategies that a configuration can name; a view, extended by `register_strategy`."""

StrategyT = TypeVar("StrategyT", bound=type[Strategy[StrategyOptions]])


def register_strategy(strategy: StrategyT) -> StrategyT:
    """Registers ``strategy`` under its ``kind`` and returns it, so that it can be used as a decorator.

    Raises:
        ConfigError: The class lacks ``kind`` or ``Options``, or another strategy has that kind.
    """
    kind = getattr(strategy, "kind", None)
    if not isinstance(kind, str) or not kind:
        raise ConfigError(
            f"{strategy.__name__}.kind is {kind!r}; must be the word that names it in a configuration"
        )
    options = getattr(strategy, "Options", None)
    if not (isinstance(options, type) and issubclass(options, StrategyOptions)):
        raise ConfigError(
            f"{strategy.__name__}.Options is {options!r}; must be a subclass of StrategyOptions, or "
            "StrategyOptions itself if there is nothing to choose"
        )
    if kind in _registered:
        raise ConfigError(
            f"{strategy.__name__}.kind is {kind!r}, which names {_registered[kind].__name__}; choose another: "
            f"taken are {', '.join(sorted(_registered))}"
        )
    _registered[kind] = strategy
    return strategy


for _strategy in (
    Agebo,
    AgingEvolution,
    BayesianOptimization,
    External,
    DifferentialEvolution,
    GeneticAlgorithm,
    Islands,
    Nsga2,
    Darts,
    RandomSearch,
    Reinforce,
    SurrogateEvolution,
    GridSearch,
    TuneSearch,
):
    register_strategy(_strategy)
