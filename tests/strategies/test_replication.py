"""Trainings that are repeated, and what is believed before and after."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Callable, Sequence
from typing import ClassVar

import pytest

from evo_nas.archive import Archive
from evo_nas.config import FitnessOptions
from evo_nas.evaluation import Candidate, Evaluation, Outcome, Status
from evo_nas.genome.architecture import Signature
from evo_nas.genome.options import SpaceOptions
from evo_nas.genome.space import SearchSpace
from evo_nas.randomness import stream
from evo_nas.strategies.replication import MOST_TRAININGS, PLAYOFFS, TOP
from evo_nas.strategies.strategy import Proposal, Strategy, StrategyOptions
from evo_nas.strategies.trials import Trial

SPACE = SearchSpace(SpaceOptions(), Signature(features=3, outputs=2), epochs=4)
Score = Callable[[Candidate], float | None]


class Learner(Strategy[StrategyOptions]):
    """Proposes random genomes and remembers what it learns."""

    kind: ClassVar[str] = "learner"
    Options = StrategyOptions

    def __init__(self, fitness: FitnessOptions, *, cuts: int = 1) -> None:
        super().__init__(SPACE, seed=1, epochs=4, fitness=fitness, cuts=cuts)
        self.learned: list[tuple[int, tuple[str, ...], bool]] = []

    def _propose(self, k: int, rng: random.Random) -> Proposal:
        return self._by_chance(rng)

    def _learn(self, trials: Sequence[Trial]) -> None:
        for trial in trials:
            operators = tuple(each.candidate.operator for each in trial.evaluations)
            self.learned.append((trial.candidate.id, operators, trial.may_breed))


def evaluated(candidate: Candidate, fitness: float | None) -> Evaluation:
    status = Status.DIVERGED if fitness is None else Status.OK
    return Evaluation(candidate, Outcome(status, fitness=fitness, parameters=10, steps=5))


def searched(strategy: Strategy[StrategyOptions], count: int, score: Score) -> list[Candidate]:
    """Searches with one worker and returns what was asked."""
    asked = []
    for _ in range(count):
        (candidate,) = strategy.ask(1)
        asked.append(candidate)
        strategy.tell([evaluated(candidate, score(candidate))])
    return asked


def by_hash(candidate: Candidate) -> float:
    """Scores an architecture, and a little the seed."""
    level = stream(1, "level", candidate.canonical_hash).random()
    return level + stream(1, "luck", candidate.seed).gauss(0.0, 0.01)


def rising(candidate: Candidate) -> float:
    """Scores later architectures higher."""
    return float(candidate.id if candidate.repeats is None else candidate.repeats)


def test_by_default_nothing_is_repeated() -> None:
    assert all(each.repeats is None for each in searched(Learner(FitnessOptions(rungs=None)), 50, rising))


def test_the_share_of_repeats_is_kept_and_no_candidate_is_repeated_twice_for_it() -> None:
    asked = searched(Learner(FitnessOptions(repeats=0.1)), 200, by_hash)
    repeated = [each.repeats for each in asked if each.operator == "repeat"]
    assert len(repeated) == len(set(repeated)) == 20


def test_repeats_are_chosen_whatever_the_score() -> None:
    asked = searched(Learner(FitnessOptions(repeats=0.2)), 400, by_hash)
    first = {each.id: by_hash(each) for each in asked}
    scores = [first[each.repeats] for each in asked if each.repeats is not None]
    assert 0.4 < sum(scores) / len(scores) < 0.6
    assert 0.3 < sum(score > 0.5 for score in scores) / len(scores) < 0.7


def test_the_noise_of_a_search_is_that_of_its_scores() -> None:
    strategy = Learner(FitnessOptions(repeats=0.2, confirm=True))
    searched(strategy, 400, by_hash)
    noise = strategy._trials.noise.seeds
    assert noise is not None
    assert noise.std == pytest.approx(0.01, rel=0.25)
    assert noise.pairs >= 60


def test_a_high_score_is_learned_only_after_its_confirmation() -> None:
    strategy = Learner(FitnessOptions(confirm=True))
    searched(strategy, 60, rising)
    alone = [number for number, operators, _ in strategy.learned if "confirmation" not in operators]
    # Each score is higher than all before, so only the first few are learned at once.
    assert alone == [0, 1, 3, 5]
    assert any(operators[:2] == ("random", "confirmation") for _, operators, _ in strategy.learned)


def test_about_a_fifth_of_the_scores_of_their_time_is_confirmed() -> None:
    asked = searched(Learner(FitnessOptions(confirm=True)), 600, by_hash)
    operators = Counter(each.operator for each in asked)
    assert 0.7 * TOP < operators["confirmation"] / operators["random"] < 1.3 * TOP


@pytest.mark.parametrize("second", [None, 0.0])
def test_a_candidate_that_fails_when_it_is_confirmed_does_not_breed(second: float | None) -> None:
    strategy = Learner(FitnessOptions(confirm=True))

    lucky: list[int] = []

    def score(candidate: Candidate) -> float | None:
        if candidate.repeats is None and candidate.id >= 40 and not lucky:
            lucky.append(candidate.id)
            return 9.0
        return second if candidate.repeats in lucky else 0.5 + by_hash(candidate) / 10

    searched(strategy, 100, score)
    assert [(operators, breeds) for number, operators, breeds in strategy.learned if number in lucky] == [
        (("random", "confirmation"), False)
    ]


def test_a_confirmation_learns_from_another_cut_where_there_are_several() -> None:
    asked = searched(Learner(FitnessOptions(confirm=True), cuts=3), 100, by_hash)
    assert {each.cut for each in asked if each.repeats is None} == {0}
    assert {each.cut for each in asked if each.operator == "confirmation"} == {1}


def test_a_repeat_on_the_same_cut_confirms_no_best_candidate_where_there_are_several() -> None:
    strategy = Learner(FitnessOptions(confirm=True, repeats=0.5), cuts=2)
    asked = searched(strategy, 3, by_hash)
    assert [(each.operator, each.repeats, each.cut) for each in asked[1:]] == [
        ("repeat", 0, 0),
        ("confirmation", 0, 1),
    ]


def test_what_was_confirmed_is_needed_no_more_in_a_resumed_search_either() -> None:
    whole, resumed = (Learner(FitnessOptions(confirm=True)) for _ in range(2))
    told: list[Evaluation] = []
    for _ in range(100):
        (candidate,) = whole.ask(1)
        told.append(evaluated(candidate, by_hash(candidate)))
        whole.tell(told[-1:])
    resumed.resume(told, [])
    assert resumed._replication._needs == {}


def test_repeats_show_the_noise_between_seeds_and_between_cuts_in_turn() -> None:
    strategy = Learner(FitnessOptions(repeats=0.2), cuts=2)
    asked = searched(strategy, 300, lambda candidate: by_hash(candidate) - 0.3 * candidate.cut)
    cuts = Counter(each.cut for each in asked if each.repeats is not None)
    assert cuts == {0: 30, 1: 30}
    noise = strategy._trials.noise
    assert noise.seeds is not None
    assert noise.cuts is not None
    assert noise.seeds.pairs >= 25
    assert noise.cuts.std == pytest.approx(0.01, rel=0.4)
    assert noise.shift(1) == pytest.approx(-0.3, abs=0.02)


def test_every_candidate_is_trained_as_often_as_its_mean_needs() -> None:
    strategy = Learner(FitnessOptions(seeds_per_candidate=3), cuts=3)
    asked = searched(strategy, 90, by_hash)
    first = [each.id for each in asked if each.repeats is None]
    assert first == list(range(0, 90, 3))
    assert [each.cut for each in asked[:6]] == [0, 1, 2, 0, 1, 2]
    assert strategy.learned == [(number, ("random", "repeat", "repeat"), True) for number in first]


def test_a_candidate_that_fails_is_not_trained_again_for_its_mean() -> None:
    asked = searched(Learner(FitnessOptions(seeds_per_candidate=3)), 20, lambda _: None)
    assert all(each.repeats is None for each in asked)


def test_the_best_two_play_off_while_noise_hides_the_lead_and_within_bounds() -> None:
    def close(candidate: Candidate) -> float:
        return 0.5 + stream(1, "luck", candidate.seed).gauss(0.0, 0.01)

    asked = searched(Learner(FitnessOptions(repeats=0.1, confirm=True)), 400, close)
    played = [each for each in asked if each.operator == "playoff"]
    assert 5 <= len(played) <= PLAYOFFS * 400
    trained = Counter(each.repeats for each in asked if each.repeats is not None)
    assert max(trained.values()) <= MOST_TRAININGS


def test_a_clear_lead_is_not_played_off() -> None:
    asked = searched(Learner(FitnessOptions(repeats=0.1, confirm=True)), 200, rising)
    assert all(each.operator != "playoff" for each in asked)


def test_where_all_trainings_are_paused_so_are_repeated_ones_and_they_show_the_noise() -> None:
    strategy = Learner(FitnessOptions(rungs=(2, 3), grow=True, repeats=0.2, confirm=True))
    asked: list[Candidate] = []
    for _ in range(60):
        (candidate,) = strategy.ask(1)
        asked.append(candidate)
        # The order is that of the first epoch, so that nothing is gained by longer trainings.
        score = by_hash(candidate)
        limits = dict(zip(candidate.rungs, candidate.thresholds, strict=True))
        epochs = next(rung for rung in limits if score < limits[rung])
        outcome = Outcome(
            Status.PRUNED,
            fitness=score,
            metrics={"validation_accuracy": score},
            metric="validation_accuracy",
            curve=(score,) * epochs,
            epochs=epochs,
        )
        strategy.tell([Evaluation(candidate, outcome)])
    repeated = [each for each in asked if each.repeats is not None]
    assert len(repeated) >= 12
    assert {(each.rungs, each.thresholds) for each in repeated} == {((3,), (math.inf,))}
    noise = strategy._trials.noise.seeds
    assert noise is not None
    assert noise.std == pytest.approx(0.01, rel=0.6)


def test_a_single_score_is_the_best_of_no_run_that_confirms() -> None:
    strategy = Learner(FitnessOptions(confirm=True))
    archive = Archive()

    def score(candidate: Candidate) -> float:
        return 0.5 + stream(1, "luck", candidate.seed).gauss(0.0, 0.01)

    single = 0
    for _ in range(300):
        (candidate,) = strategy.ask(1)
        evaluation = evaluated(candidate, score(candidate))
        strategy.tell([evaluation])
        archive.update([evaluation])
        assert archive.best is not None
        single += archive.best.trainings == 1
    # The best is a single score only until its second training is told.
    assert single < 60
    assert archive.best.trainings > 1
