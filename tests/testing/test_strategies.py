"""A third party's strategy inherits the contract suite with one fixture, and the suite finds what is wrong."""

from __future__ import annotations

import subprocess
import sys

import pytest

THEIRS = """
import random
from typing import ClassVar

import pytest

from evo_nas.strategies.random import RandomSearch
from evo_nas.strategies.strategy import Proposal
from evo_nas.testing.strategies import BuildStrategy, StrategyContract


class Sound(RandomSearch):
    kind: ClassVar[str] = "sound"


class DrawsGlobally(RandomSearch):
    kind: ClassVar[str] = "draws_globally"

    def _propose(self, k: int, rng: random.Random) -> Proposal:
        return Proposal(self._space.random(random.Random(random.random())), (), "random")


class Rereads(RandomSearch):
    kind: ClassVar[str] = "rereads"

    def _propose(self, k: int, rng: random.Random) -> Proposal:
        self.drawn = [*getattr(self, "drawn", []), self._space.random(rng)]
        list(map(self._space.canonical_hash, self.drawn))
        return Proposal(self.drawn[-1], (), "random")


class TestRereads(StrategyContract):
    @pytest.fixture
    def build(self) -> BuildStrategy:
        return lambda space, *, seed, fitness: Rereads(space, seed=seed, epochs=4, fitness=fitness)


class TestSound(StrategyContract):
    @pytest.fixture
    def build(self) -> BuildStrategy:
        return lambda space, *, seed, fitness: Sound(space, seed=seed, epochs=4, fitness=fitness)


class TestDrawsGlobally(StrategyContract):
    @pytest.fixture
    def build(self) -> BuildStrategy:
        return lambda space, *, seed, fitness: DrawsGlobally(space, seed=seed, epochs=4, fitness=fitness)


class TestWithoutFixture(StrategyContract):
    pass
"""


LAWS = "global_generator and whole or no_more_networks"
"""Two laws with one way of scoring: `tests/contracts` holds the registered strategies to all of them."""


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What pytest says of `LAWS`, in a folder and a process of its own."""
    folder = tmp_path_factory.mktemp("theirs")
    (folder / "test_theirs.py").write_text(THEIRS)
    arguments = ["-m", "pytest", "-q", "-rA", "-p", "no:cacheprovider", "-k", LAWS, "test_theirs.py"]
    return subprocess.run(
        [sys.executable, *arguments], cwd=folder, capture_output=True, text=True, check=False
    ).stdout


def outcomes_of(law: str, output: str) -> dict[str, str]:
    """The outcome of each class."""
    lines = [line.split() for line in output.splitlines() if "test_theirs.py::" in line and law in line]
    return {words[1].split("::")[1]: words[0] for words in lines if words[0].isupper()}


def test_one_fixture_is_enough_and_a_broken_law_is_found_and_explained(output: str) -> None:
    assert outcomes_of("global_generator", output) == {
        "TestSound": "PASSED",
        "TestDrawsGlobally": "FAILED",
        "TestRereads": "PASSED",
        "TestWithoutFixture": "ERROR",
    }
    assert "assert again.asked == history.asked" in output
    assert "At index 0 diff" in output  # which pytest only says in modules whose asserts it has rewritten
    assert "override the fixture `build`: it returns what builds your strategy" in output


def test_a_strategy_that_looks_at_all_of_its_history_for_each_ask_is_found(output: str) -> None:
    outcomes = outcomes_of("no_more_networks", output)
    assert (outcomes["TestRereads"], outcomes["TestSound"]) == ("FAILED", "PASSED")
