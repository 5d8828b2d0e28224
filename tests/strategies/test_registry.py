"""Strategies of other people, by name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import pytest

from evo_nas.errors import ConfigError
from evo_nas.strategies import registry
from evo_nas.strategies.random import RandomSearch
from evo_nas.strategies.registry import STRATEGIES, register_strategy
from evo_nas.strategies.strategy import StrategyOptions


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    before = dict(STRATEGIES)
    yield
    registry._registered.clear()
    registry._registered.update(before)


def test_a_registered_strategy_is_found_by_its_kind() -> None:
    @register_strategy
    class Mine(RandomSearch):
        kind: ClassVar[str] = "mine"

    assert STRATEGIES["mine"] is Mine


def test_a_kind_that_is_taken_is_refused_and_the_others_are_named() -> None:
    class Mine(RandomSearch):
        """Inherits the kind ``random``."""

    taken = ", ".join(sorted(STRATEGIES))
    message = f"Mine.kind is 'random', which names RandomSearch; choose another: taken are {taken}"
    with pytest.raises(ConfigError, match=message):
        register_strategy(Mine)


def test_a_strategy_without_a_kind_is_refused() -> None:
    class Nameless(RandomSearch):
        kind: ClassVar[str] = ""

    with pytest.raises(ConfigError, match="Nameless.kind is ''; must be the word that names it"):
        register_strategy(Nameless)


def test_a_strategy_without_options_is_refused() -> None:
    class Loose(RandomSearch):
        kind: ClassVar[str] = "loose"
        Options = dict  # type: ignore[assignment]

    with pytest.raises(ConfigError, match="Loose.Options is .*dict.*; must be a subclass of StrategyOptions"):
        register_strategy(Loose)


def test_the_view_cannot_be_written_to() -> None:
    with pytest.raises(TypeError):
        STRATEGIES["mine"] = RandomSearch  # type: ignore[index]
    assert StrategyOptions in {strategy.Options for strategy in STRATEGIES.values()}
