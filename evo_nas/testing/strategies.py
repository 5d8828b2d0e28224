"""The laws of `evo_nas.strategies.strategy.Strategy` as tests."""

from __future__ import annotations

import math
import random
from functools import partial
from typing import TYPE_CHECKING, Protocol

import pytest

from evo_nas.config import FitnessOptions
from evo_nas.errors import ConfigError
from evo_nas.evaluation import Status
from evo_nas.genome.options import SpaceOptions
from evo_nas.genome.space import SearchSpace
from evo_nas.randomness import derive_seed
from evo_nas.strategies.strategy import ONCE
from evo_nas.testing.histories import EPOCHS, IN_FLIGHT, SIGNATURE, SPACE, History, evaluated, training_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from evo_nas.genome.gene import Genome
    from evo_nas.strategies.strategy import Strategy, StrategyOptions

SCORINGS = {
    "whole": ONCE,
    "halving": FitnessOptions(rungs=(2, 3), reduction=2),
    "growing": FitnessOptions(rungs=(2, 3), reduction=2, grow=True, repeats=0.1),
    "confirmed": FitnessOptions(rungs=(2,), reduction=2, confirm=True, repeats=0.1),
    "averaged": FitnessOptions(seeds_per_candidate=3),
    "growing and repeated": FitnessOptions(rungs=(2, 3), reduction=2, grow=True, confirm=True, repeats=0.1),
    "several objectives": FitnessOptions(objectives=("fitness", "parameters"), repeats=0.2),
}
"""The ways of scoring under which every law holds."""
_HISTORIES = pytest.StashKey[dict[object, History]]()


class BuildStrategy(Protocol):
    """Builds a new strategy, always with the same options."""

    def __call__(
        self, space: SearchSpace, *, seed: int, fitness: FitnessOptions
    ) -> Strategy[StrategyOptions]:
        """Returns a strategy for ``space`` with the run seed ``seed``, whose candidates are scored by ``fitness``."""


class MakeStrategy(Protocol):
    """Builds a new strategy, always with the same options and the same way of scoring."""

    def __call__(self, space: SearchSpace, *, seed: int) -> Strategy[StrategyOptions]:
        """Returns a strategy for ``space`` with the run seed ``seed``."""


class StrategyContract:
    """The tests of every strategy; a subclass supplies the fixture `build`.

    It overrides `space` and `objectives`, too, if the strategy cannot serve every space, or needs several objectives.
    """

    @pytest.fixture
    def build(self) -> BuildStrategy:
        """Returns a function that builds the strategy under test."""
        raise NotImplementedError("override the fixture `build`: it returns what builds your strategy")

    @pytest.fixture
    def space(self) -> SearchSpace:
        """Returns the space that the strategy searches, of 200 architectures at least."""
        return SPACE

    @pytest.fixture
    def objectives(self) -> tuple[str, ...]:
        """Returns the objectives of a run where a way of scoring does not name more."""
        return ("fitness",)

    @pytest.fixture
    def scored(self, build: BuildStrategy, objectives: tuple[str, ...]) -> BuildStrategy:
        """Returns `build` with the objectives; skips the test if it refuses more of them, or if an extra is missing."""

        def scored(space: SearchSpace, *, seed: int, fitness: FitnessOptions) -> Strategy[StrategyOptions]:
            if len(fitness.objectives) < len(objectives):
                if isinstance(fitness.rungs, tuple) and fitness.rungs:
                    pytest.skip("with several objectives nothing is pruned")
                fitness = fitness.model_copy(update={"objectives": objectives})
            try:
                return build(space, seed=seed, fitness=fitness)
            except ConfigError as error:
                if "pip install" in str(error) or len(fitness.objectives) > len(objectives):
                    pytest.skip(str(error))
                raise

        return scored

    @pytest.fixture(params=SCORINGS)
    def scoring(self, request: pytest.FixtureRequest) -> str:
        """Returns the name of a way of scoring; a test runs once for each."""
        name: str = request.param
        return name

    @pytest.fixture
    def make(self, scored: BuildStrategy, scoring: str) -> MakeStrategy:
        """Returns a function that builds the strategy under test, with a way of scoring."""
        return partial(scored, fitness=SCORINGS[scoring])

    @pytest.fixture
    def plain(self, scored: BuildStrategy) -> MakeStrategy:
        """Returns `make` for what holds before a score is looked at, and so needs one way of scoring."""
        return partial(scored, fitness=ONCE)

    @pytest.fixture
    def history(self, make: MakeStrategy, space: SearchSpace, request: pytest.FixtureRequest) -> History:
        """Returns a search with the seed 1, made once for all tests of a strategy and a way of scoring."""
        histories = request.config.stash.setdefault(_HISTORIES, {})
        given = ((name, str(value)) for name, value in request.node.callspec.params.items())
        key = type(self), frozenset(given)
        if key not in histories:
            histories[key] = History.of(make(space, seed=1))
        return histories[key]

    def test_ids_ascend_without_gaps(self, history: History) -> None:
        assert [candidate.id for candidate in history.asked] == list(range(len(history.asked)))

    def test_equal_seeds_and_arrivals_ask_the_same_and_leave_the_global_generator_alone(
        self, make: MakeStrategy, space: SearchSpace, history: History
    ) -> None:
        random.seed(2)
        again = History.of(make(space, seed=1))
        assert again.asked == history.asked
        assert again == history
        assert random.random() == random.Random(2).random()

    def test_another_seed_asks_other_candidates(
        self, make: MakeStrategy, space: SearchSpace, history: History
    ) -> None:
        other = History.of(make(space, seed=2), evaluations=40).asked
        assert [each.genome for each in other] != [each.genome for each in history.asked[: len(other)]]

    def test_the_size_of_the_batch_does_not_matter(self, make: MakeStrategy, space: SearchSpace) -> None:
        one_by_one, at_once = make(space, seed=1), make(space, seed=1)
        assert [one_by_one.ask(1)[0] for _ in range(8)] == at_once.ask(8)

    def test_the_size_of_the_batch_does_not_matter_once_something_was_learnt(
        self, make: MakeStrategy, space: SearchSpace, history: History
    ) -> None:
        one_by_one, at_once = make(space, seed=1), make(space, seed=1)
        for strategy in (one_by_one, at_once):
            strategy.resume(*history.until(60))
        assert [one_by_one.ask(1)[0] for _ in range(8)] == at_once.ask(8)

    def test_no_architecture_is_asked_twice_with_as_many_epochs_unless_a_revisit_says_so(
        self, history: History
    ) -> None:
        new = [each for each in history.asked if each.continues is None and each.repeats is None]
        assert len({(candidate.canonical_hash, candidate.budget) for candidate in new}) == len(new)

    def test_only_a_pruned_training_is_continued_and_only_once(self, history: History) -> None:
        paused = Status.PRUNED, Status.TRAINED
        pruned = {each.candidate.id: seq for seq, each in enumerate(history.told) if each.status in paused}
        continued = [each for each in history.asked if each.continues is not None]
        assert len({each.continues for each in continued}) == len(continued)
        assert all(
            pruned[each.continues] < each.asked_after for each in continued if each.continues is not None
        )

    def test_a_continued_training_is_the_same_one_and_goes_further(self, history: History) -> None:
        first = {evaluation.candidate.id: evaluation for evaluation in history.told}
        for candidate in history.asked:
            if candidate.continues is not None:
                before = first[candidate.continues]
                assert (before.candidate.id,) == candidate.parents
                assert before.outcome.weights == candidate.starts_from
                assert all(rung > before.outcome.epochs for rung in candidate.rungs)
                assert training_of(before.candidate) == training_of(candidate)

    def test_a_rung_has_a_threshold_and_lies_within_the_training(self, history: History) -> None:
        for candidate in history.asked:
            assert list(candidate.rungs) == sorted(set(candidate.rungs))
            assert len(candidate.thresholds) == len(candidate.rungs)
            assert all(2 <= rung < candidate.budget for rung in candidate.rungs)

    def test_a_repeated_training_has_another_seed_and_goes_to_the_end(self, history: History) -> None:
        asked, told = history.asked, history.told
        position = {evaluation.candidate.id: seq for seq, evaluation in enumerate(told)}
        first = {candidate.id: candidate for candidate in asked}
        seeds = [(each.canonical_hash, each.seed) for each in asked if each.continues is None]
        assert len(set(seeds)) == len(seeds)
        for candidate in asked:
            if candidate.repeats is not None:
                assert candidate.parents == (candidate.repeats,)
                assert position[candidate.repeats] < candidate.asked_after
                assert (candidate.starts_from, candidate.continues) == ("", None)
                # It ends where the first one did, and no score prunes it.
                assert set(candidate.thresholds) <= {math.inf}
                assert candidate.genome == first[candidate.repeats].genome
                assert candidate.budget == first[candidate.repeats].budget

    @pytest.mark.parametrize("scoring", ["confirmed", "averaged", "whole"])
    def test_scores_are_repeated_confirmed_and_averaged(self, history: History, scoring: str) -> None:
        operators = {each.operator for each in history.asked if each.repeats is not None}
        if scoring == "confirmed":
            assert {"repeat", "confirmation"} <= operators
        else:
            assert operators == ({"repeat"} if scoring == "averaged" else set())

    @pytest.mark.parametrize("scoring", ["halving"])
    def test_rungs_prune_and_promote(self, history: History) -> None:
        pruned = {each.outcome.epochs for each in history.told if each.status is Status.PRUNED}
        assert pruned == {2, 3}
        assert any(each.continues is not None for each in history.asked)
        assert any(each.is_complete for each in history.told)

    def test_an_ask_looks_at_no_more_networks_the_longer_a_search_lasts(
        self, scored: BuildStrategy, monkeypatch: pytest.MonkeyPatch, space: SearchSpace
    ) -> None:
        looked_at = 0
        hashed = space.canonical_hash

        def counted(genome: Genome) -> str:
            nonlocal looked_at
            looked_at += 1
            return hashed(genome)

        monkeypatch.setattr(space, "canonical_hash", counted)
        strategy = scored(space, seed=1, fitness=ONCE)
        counts = []
        for _ in range(120):
            before = looked_at
            strategy.tell([evaluated(candidate) for candidate in strategy.ask(1)])
            counts.append(looked_at - before)
        # Whoever looks at every earlier network once looks at twice as many in the end as in the middle.
        assert sum(counts[-15:]) <= 1.5 * sum(counts[45:60]) + 150

    def test_telling_at_once_and_one_by_one_is_the_same(
        self, make: MakeStrategy, space: SearchSpace, history: History
    ) -> None:
        at_once = make(space, seed=1)
        at_once.resume(*history.until(len(history.told)))
        assert at_once.statistics() == history.statistics

    def test_every_candidate_is_trained_for_an_epoch_at_least(self, history: History) -> None:
        assert all(candidate.budget >= 1 for candidate in history.asked)

    def test_every_candidate_is_feasible_and_names_its_own_architecture(
        self, history: History, space: SearchSpace
    ) -> None:
        for candidate in history.asked:
            assert space.is_feasible(candidate.genome)
            # A long training is none of the network around it.
            is_network = space.canonical_hash(candidate.genome) == candidate.canonical_hash
            assert is_network == (not candidate.trains)

    def test_parents_were_told_before_the_child_was_asked(self, history: History) -> None:
        position = {evaluation.candidate.id: seq for seq, evaluation in enumerate(history.told)}
        for candidate in history.asked:
            assert all(position[parent] < candidate.asked_after for parent in candidate.parents)

    def test_a_resumed_strategy_goes_on_like_the_uninterrupted_one(
        self, make: MakeStrategy, space: SearchSpace, history: History
    ) -> None:
        for killed_after in (0, 1, 19, 20, 21, 55):
            resumed = make(space, seed=1)
            resumed.resume(*history.until(killed_after))
            for seq in range(killed_after, killed_after + 5):
                known, wanted = (len(history.asked_before(each)) for each in (seq, seq + 1))
                assert resumed.ask(IN_FLIGHT - (known - seq)) == history.asked[known:wanted]
                resumed.tell([history.told[seq]])

    def test_candidates_asked_after_the_last_commit_are_asked_again_the_same(
        self, make: MakeStrategy, space: SearchSpace
    ) -> None:
        whole, resumed = make(space, seed=1), make(space, seed=1)
        asked = whole.ask(4)
        told = [evaluated(asked[0])]
        whole.tell(told)
        lost = whole.ask(3)
        resumed.resume(told, asked[1:])
        assert resumed.ask(3) == lost

    def test_an_exhausted_space_yields_fewer_candidates_than_wanted(self, make: MakeStrategy) -> None:
        asked = _unless_refused(lambda: make(_tiny_space(), seed=1)).ask(10)
        assert len({candidate.canonical_hash for candidate in asked}) == len(asked) == 4

    def test_nearly_all_of_a_small_space_is_found_before_it_counts_as_exhausted(
        self, scored: BuildStrategy
    ) -> None:
        space = _small_space()
        size = math.prod(gene.size for gene in space.genes)
        strategy = _unless_refused(lambda: scored(space, seed=1, fitness=ONCE))
        found = set()
        while candidates := strategy.ask(1):
            found |= {candidate.canonical_hash for candidate in candidates}
            strategy.tell([evaluated(candidate) for candidate in candidates])
        assert 0.9 * size <= len(found) <= size

    def test_the_seed_of_a_training_follows_from_run_architecture_and_budget_alone(
        self, make: MakeStrategy, space: SearchSpace
    ) -> None:
        for candidate in make(space, seed=3).ask(4):
            assert candidate.seed == derive_seed(3, "training", candidate.canonical_hash, candidate.budget)

    def test_what_was_never_asked_cannot_be_told(self, plain: MakeStrategy, space: SearchSpace) -> None:
        strategy, other = plain(space, seed=1), plain(space, seed=1)
        strategy.ask(1)
        stranger = evaluated(other.ask(2)[1])
        with pytest.raises(ValueError, match="not in flight"):
            strategy.tell([stranger])

    def test_nothing_can_be_told_twice(self, plain: MakeStrategy, space: SearchSpace) -> None:
        strategy = plain(space, seed=1)
        evaluation = evaluated(strategy.ask(1)[0])
        strategy.tell([evaluation])
        with pytest.raises(ValueError, match="not in flight"):
            strategy.tell([evaluation])

    def test_a_used_strategy_cannot_be_resumed(self, plain: MakeStrategy, space: SearchSpace) -> None:
        strategy = plain(space, seed=1)
        strategy.ask(1)
        with pytest.raises(ValueError, match="fresh"):
            strategy.resume([], [])

    def test_a_history_that_repeats_an_id_is_refused(self, plain: MakeStrategy, space: SearchSpace) -> None:
        strategy = plain(space, seed=1)
        with pytest.raises(ValueError, match="twice"):
            strategy.resume([], plain(space, seed=1).ask(2) * 2)

    def test_ids_that_a_damaged_ledger_lost_are_not_used_again(
        self, plain: MakeStrategy, space: SearchSpace
    ) -> None:
        strategy = plain(space, seed=1)
        strategy.resume([], plain(space, seed=1).ask(5)[2:4])
        assert [candidate.id for candidate in strategy.ask(2)] == [4, 5]


def _unless_refused(build: Callable[[], Strategy[StrategyOptions]]) -> Strategy[StrategyOptions]:
    """Returns what ``build`` builds; a strategy that refuses a small space is excused."""
    try:
        return build()
    except ConfigError as error:
        pytest.skip(str(error))


_ONE_LAYER = {
    "layers": {"min": 1, "max": 1}, "cells": ["lstm", "gru"], "evolve_cell": False, "skips": False, "heads": [0],
    "clips": [1.0], "fronts": ["none"],
}  # fmt: skip


def _tiny_space() -> SearchSpace:
    """Returns a space of two cells in two widths: four architectures."""
    options = {
        "widths": [4, 8], "norms": ["none"], "poolings": ["last"], "optimizers": ["adam"], "batch_sizes": [8],
        "learning_rates": {"min": 1e-2, "max": 1e-2, "count": 1},
    }  # fmt: skip
    return SearchSpace(SpaceOptions.model_validate(_ONE_LAYER | options), SIGNATURE, EPOCHS)


def _small_space() -> SearchSpace:
    """Returns a space of a few hundred architectures."""
    options = {
        "widths": [4, 8, 16], "norms": ["none"], "poolings": ["last", "mean"], "learning_rates": {"count": 4},
    }  # fmt: skip
    return SearchSpace(SpaceOptions.model_validate(_ONE_LAYER | options), SIGNATURE, EPOCHS)
