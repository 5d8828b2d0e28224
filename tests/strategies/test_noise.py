"""The noise of a fitness: what counts, what does not, and what no noise explains."""

from __future__ import annotations

import math
import random
import statistics
from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING

import pytest

from evo_nas.evaluation import Candidate, Evaluation, Outcome, Status
from evo_nas.strategies.noise import Noise
from evo_nas.strategies.trials import REMEMBERED, Scores, Trials

if TYPE_CHECKING:
    from collections.abc import Sequence

# Differences of log perplexity, times 0.707, between trainings of one recipe on WikiText-2 (NAS-Bench-NLP).
CALM = [
    0.0003,
    0.0009,
    0.0018,
    0.0027,
    0.0031,
    0.0041,
    0.0046,
    0.0048,
    0.0063,
    0.0076,
    0.0084,
    0.0103,
    0.0163,
    0.0207,
]
COLLAPSED = [0.0593, 0.0758, 0.1027, 0.2141]


class Log:
    """Trials that are told of trainings, with ids in order."""

    def __init__(self) -> None:
        self.trials = Trials()
        self._ids = count()

    def tell(
        self,
        fitness: float | None,
        *,
        operator: str = "repeat",
        repeats: int | None = None,
        cut: int = 0,
        inherited: int = 0,
    ) -> int:
        number = next(self._ids)
        candidate = Candidate(
            number, (number,), f"{number:032x}", (), operator, number, 4, number, cut=cut, repeats=repeats
        )
        status = Status.DIVERGED if fitness is None else Status.OK
        self.trials.add(Evaluation(candidate, Outcome(status, fitness=fitness, inherited_steps=inherited)))
        return number

    def tell_all(self, *fitnesses: float | None, cuts: Sequence[int] = (), operator: str = "repeat") -> int:
        """Tells the trainings of one network and returns the id of the first."""
        cuts = cuts or [0] * len(fitnesses)
        first = self.tell(fitnesses[0], operator="random", cut=cuts[0])
        for fitness, cut in zip(fitnesses[1:], cuts[1:], strict=True):
            self.tell(fitness, repeats=first, cut=cut, operator=operator)
        return first


def test_the_noise_is_not_known_before_three_pairs() -> None:
    log = Log()
    for _ in range(2):
        log.tell_all(0.5, 0.6)
        assert log.trials.noise.seeds is None
    log.tell_all(0.5, 0.6)
    assert log.trials.noise.seeds == Noise(pytest.approx(0.1 / 2**0.5), pairs=3)


def test_the_noise_of_many_networks_is_found_whatever_their_level() -> None:
    rng, log = random.Random(1), Log()
    for _ in range(200):
        level = rng.random()
        log.tell_all(*(rng.gauss(level, 0.01) for _ in range(3)))
    noise = log.trials.noise.seeds
    assert noise is not None
    assert noise.std == pytest.approx(0.01, rel=0.15)


def test_a_network_that_fails_with_some_seeds_does_not_count_as_noise() -> None:
    calm, wild = Log(), Log()
    for deviation in CALM:
        calm.tell_all(0.5, 0.5 + deviation * 2**0.5)
        wild.tell_all(0.5, 0.5 + deviation * 2**0.5)
    for deviation in COLLAPSED:
        wild.tell_all(0.5, 0.5 - deviation * 2**0.5)
    known, robust = calm.trials.noise.seeds, wild.trials.noise.seeds
    assert known is not None
    assert robust is not None
    assert robust == Noise(pytest.approx(known.std), pairs=len(CALM))
    assert all(wild.trials.noise.explains(deviation * 2**0.5) for deviation in CALM)
    assert not any(wild.trials.noise.explains(deviation * 2**0.5) for deviation in COLLAPSED)


def test_mostly_tied_scores_leave_some_noise() -> None:
    log = Log()
    for difference in (0.0, 0.0, 0.0, 0.0, 0.01):
        log.tell_all(0.9, 0.9 + difference)
    noise = log.trials.noise.seeds
    assert noise is not None
    assert noise.std == pytest.approx(0.01 / 2**0.5 / 5**0.5)


def test_only_ties_explain_nothing_and_forbid_nothing() -> None:
    log = Log()
    for _ in range(4):
        log.tell_all(0.9, 0.9)
    assert log.trials.noise.seeds == Noise(0.0, pairs=4)
    assert log.trials.noise.explains(0.01) is None


def test_a_confirmation_of_a_high_score_says_nothing_about_the_noise() -> None:
    log = Log()
    for _ in range(5):
        log.tell_all(0.9, 0.8, operator="confirmation")
    assert log.trials.noise.seeds is None


def test_after_a_confirmation_later_trainings_are_compared_with_it() -> None:
    log = Log()
    for _ in range(3):
        first = log.tell_all(0.9, 0.8, operator="confirmation")
        log.tell(0.8, repeats=first)
    assert log.trials.noise.seeds == Noise(0.0, pairs=3)


@pytest.mark.parametrize("lacks", ["failed", "inherited"])
def test_trainings_that_cannot_be_compared_do_not_count(lacks: str) -> None:
    log = Log()
    for _ in range(4):
        first = log.tell(0.5, operator="random", inherited=100 if lacks == "inherited" else 0)
        log.tell(None if lacks == "failed" else 0.6, repeats=first)
    assert log.trials.noise.seeds is None


def test_a_cut_that_is_harder_for_all_is_no_noise() -> None:
    rng, log = random.Random(2), Log()
    for _ in range(100):
        level = rng.random()
        log.tell_all(rng.gauss(level, 0.01), rng.gauss(level - 0.2, 0.01), cuts=[0, 1])
    noise = log.trials.noise
    assert noise.seeds is None
    assert noise.shift(1) == pytest.approx(-0.2, abs=0.01)
    assert noise.cuts is not None
    assert noise.cuts.std == pytest.approx(0.01, rel=0.2)


def test_differences_within_the_noise_are_hidden_by_it() -> None:
    noise = Noise(0.01, pairs=7)
    assert noise.hides(0.014)
    assert not noise.hides(0.015)
    assert not noise.hides(0.014, trainings=(4, 4))


def test_a_score_is_placed_among_the_latest() -> None:
    scores = Scores()
    assert scores.share_below(1.0) == scores.share_above(0.0) == 0.0
    for score in (3.0, 1.0, 2.0, 2.0):
        scores.add(score)
    assert (scores.share_below(2.0), scores.share_above(2.0)) == (0.25, 0.25)
    for _ in range(1000):
        scores.add(5.0)
    assert len(scores) == 1000
    assert scores.share_below(5.0) == 0.0


def test_the_second_of_five_scores_is_not_above_the_best_fifth() -> None:
    scores = Scores()
    for score in range(5):
        scores.add(float(score))
    assert [scores.share_above(score) < 0.2 for score in (3.0, 4.0)] == [False, True]


def test_of_a_training_that_went_on_twice_nothing_is_remembered_in_the_end() -> None:
    trials = Trials()
    begun = Candidate(0, (0,), "first", (), "random", 0, 4, 0)
    trials.add(Evaluation(begun, Outcome(Status.PRUNED, fitness=0.1, epochs=2)))
    for number, status in ((1, Status.PRUNED), (2, Status.OK)):
        candidate = replace(begun, id=number, operator="promotion", continues=number - 1)
        trials.add(Evaluation(candidate, Outcome(status, fitness=0.2, epochs=2 + number)))
    for number in range(3, REMEMBERED + 4):
        candidate = replace(begun, id=number, canonical_hash=f"{number}")
        trials.add(Evaluation(candidate, Outcome(Status.OK, fitness=0.3)))
    assert len(trials._first) == REMEMBERED


def _with_scores() -> Log:
    log = Log()
    for score in range(20):
        log.tell(0.9 + score / 200, operator="random")
    return log


@pytest.mark.parametrize("scores", [(0.98, 0.3), (0.3, 0.98), (0.98, 0.97, 0.3)])
def test_a_network_that_falls_among_the_poor_with_another_seed_is_not_complete(
    scores: tuple[float, ...],
) -> None:
    log = _with_scores()
    trial = log.trials.of(log.tell_all(*scores))
    assert trial.collapsed
    assert not trial.is_complete


def test_scores_of_longer_trainings_do_not_say_which_of_paused_ones_are_poor() -> None:
    log = _with_scores()
    paused = Candidate(90, (0,), "h", (), "random", 0, 4, 0, rungs=(2,), thresholds=(math.inf,))
    for candidate, fitness in ((paused, 0.98), (replace(paused, id=91, repeats=90), 0.3)):
        trial = log.trials.add(Evaluation(candidate, Outcome(Status.PRUNED, fitness=fitness, epochs=2)))
    assert not trial.collapsed


def test_a_network_that_is_worse_by_no_more_than_noise_is_complete() -> None:
    log = _with_scores()
    trial = log.trials.of(log.tell_all(0.98, 0.95))
    assert trial.is_complete
    assert trial.trainings == 2
    assert trial.standing is not None
    assert trial.standing.fitness == statistics.fmean([0.98, 0.95])


def test_a_fall_that_the_noise_explains_is_no_collapse() -> None:
    log = _with_scores()
    for _ in range(5):
        log.tell_all(0.95, 0.85)
    assert not log.trials.of(log.tell_all(0.98, 0.88)).collapsed


def test_a_single_pair_does_not_say_how_much_harder_a_cut_is() -> None:
    log = Log()
    shifts = []
    for _ in range(3):
        log.tell_all(0.9, 0.7, cuts=[0, 1])
        shifts.append(log.trials.noise.shift(1))
    assert shifts == pytest.approx([-0.1, -0.1, -0.2])


def test_a_score_on_a_harder_cut_is_not_held_against_a_network() -> None:
    log = Log()
    for _ in range(5):
        log.tell_all(0.9, 0.7, cuts=[0, 1])
    standing = log.trials.of(log.tell_all(0.9, 0.72, cuts=[0, 1], operator="confirmation")).standing
    assert standing is not None
    assert standing.fitness == pytest.approx(0.91)
