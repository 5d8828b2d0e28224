"""Rungs, and the rules that prune at them."""

from __future__ import annotations

import math
import random
import statistics

import pytest

from evo_nas.config import FitnessOptions
from evo_nas.errors import ConfigError
from evo_nas.strategies.pruning import (
    FINISHED,
    MEDIAN_OF,
    RULES,
    ExtrapolationRule,
    HalvingRule,
    Line,
    MedianRule,
    TopShare,
    resolve_rungs,
)


@pytest.mark.parametrize(
    ("epochs", "reduction", "rungs"),
    [
        (50, 3, (2, 6, 17)),
        (18, 3, (2, 6)),
        (12, 3, (4,)),
        (8, 3, (3,)),
        (8, 2, (2, 4)),
        (5, 3, (2,)),
        (4, 3, ()),
        (1, 2, ()),
        (100_000, 100, (10, 1000)),
    ],
)
def test_automatic_rungs_divide_the_epochs_and_begin_at_two(epochs, reduction, rungs):
    assert resolve_rungs(FitnessOptions(rungs="auto", reduction=reduction), epochs) == rungs


@pytest.mark.parametrize("epochs", range(1, 200))
@pytest.mark.parametrize("reduction", [2, 3, 4, 10])
def test_automatic_rungs_are_always_permitted(epochs, reduction):
    rungs = resolve_rungs(FitnessOptions(rungs="auto", reduction=reduction), epochs)
    assert resolve_rungs(FitnessOptions(rungs=rungs), epochs) == rungs


@pytest.mark.parametrize("rungs", [None, ()])
def test_without_rungs_every_candidate_is_trained_to_the_end(rungs):
    assert resolve_rungs(FitnessOptions(rungs=rungs), 8) == ()


@pytest.mark.parametrize("rungs", [(6, 2), (2, 2), (1, 3), (2, 8), (2, 9), (8,)])
def test_rungs_that_do_not_suit_the_epochs_are_refused_in_one_line(rungs):
    with pytest.raises(ConfigError) as caught:
        resolve_rungs(FitnessOptions(rungs=rungs), 8)
    assert str(caught.value) == (
        f"fitness.rungs is {list(rungs)}; must ascend, from at least 2 to below training.epochs, 8, such as [3], "
        "or be auto"
    )


def test_rungs_that_auto_would_not_choose_are_named_where_there_are_any():
    with pytest.raises(ConfigError, match=r"below training.epochs, 4, such as \[2\], or be auto"):
        resolve_rungs(FitnessOptions(rungs=(3, 2)), 4)


def test_rungs_for_too_few_epochs_say_what_to_do():
    with pytest.raises(ConfigError, match="which leaves none: raise training.epochs"):
        resolve_rungs(FitnessOptions(rungs=(2,)), 2)


@pytest.mark.parametrize("one_of", [2, 3, 7])
def test_the_lowest_of_the_best_is_that_of_a_sorted_list(one_of):
    rng, share, scores = random.Random(one_of), TopShare(one_of), []
    for _ in range(300):
        scores.append(rng.choice([rng.random(), 0.5]))  # many are equal, as on a small validation part
        share.add(scores[-1])
        best = sorted(scores, reverse=True)[: len(scores) // one_of]
        assert share.lowest == (best[-1] if best else -math.inf)
    assert len(share) == 300


@pytest.mark.parametrize("name", RULES)
def test_a_rule_that_has_seen_nothing_prunes_nothing(name):
    assert RULES[name](3).threshold(2) == -math.inf


def test_halving_knows_nothing_below_as_many_scores_as_the_reduction():
    rule = HalvingRule(3)
    for score in (0.5, 0.6):
        rule.reached(2, score)
    assert rule.threshold(2) == -math.inf
    rule.reached(2, 0.4)
    assert rule.threshold(2) == 0.6
    assert rule.threshold(6) == -math.inf


def test_the_median_is_known_once_there_are_a_few_scores():
    rule = MedianRule(3)
    for score in range(MEDIAN_OF - 1):
        rule.reached(2, float(score))
    assert rule.threshold(2) == -math.inf
    rule.reached(2, 10.0)
    assert rule.threshold(2) == 3.0


def finished(rule: ExtrapolationRule, count: int, *, noise: float, seed: int = 0) -> None:
    rng = random.Random(seed)
    for _ in range(count):
        score = rng.random()
        rule.finished({2: score}, 2 * score + rng.gauss(0.0, noise))


def test_extrapolation_is_silent_until_enough_trainings_have_finished():
    rule = ExtrapolationRule(3)
    finished(rule, FINISHED - 1, noise=0.01)
    assert rule.threshold(2) == -math.inf
    finished(rule, 1, noise=0.01, seed=1)
    assert rule.threshold(2) > 0


def test_extrapolation_is_silent_where_the_rung_predicts_nothing():
    rule = ExtrapolationRule(3)
    finished(rule, 200, noise=50.0)
    assert rule.threshold(2) == -math.inf


def test_extrapolation_prunes_what_cannot_reach_the_best_third_and_nothing_else():
    rng, rule, trainings = random.Random(3), ExtrapolationRule(3), []
    for _ in range(300):
        score = rng.random()
        trainings.append((score, 2 * score + rng.gauss(0.0, 0.1)))
        rule.finished({2: score}, trainings[-1][1])
    best = sorted((final for _, final in trainings), reverse=True)[:100]
    pruned = [final for score, final in trainings if score < rule.threshold(2)]
    assert len(pruned) > 100
    assert sum(final >= best[-1] for final in pruned) <= 0.05 * len(best)


def test_more_noise_prunes_less():
    calm, noisy = ExtrapolationRule(3), ExtrapolationRule(3)
    finished(calm, 100, noise=0.02)
    finished(noisy, 100, noise=0.2)
    assert noisy.threshold(2) < calm.threshold(2)


def test_a_line_is_the_least_squares_line():
    rng, line = random.Random(5), Line()
    points = [(x, 3 * x + 1 + rng.gauss(0, 0.2)) for x in (rng.random() for _ in range(50))]
    for x, y in points:
        line.add(x, y)
    slope, intercept = statistics.linear_regression(*zip(*points, strict=True))
    assert line.where(2.0) == pytest.approx((2.0 - intercept) / slope)
    residuals = [y - slope * x - intercept for x, y in points]
    assert line.residual == pytest.approx(math.sqrt(sum(each**2 for each in residuals) / 48))
    assert line.is_significant


@pytest.mark.parametrize("points", [[(1.0, 2.0)] * 20, [(float(x), -float(x)) for x in range(20)]])
def test_points_in_one_place_or_a_falling_line_say_nothing(points):
    line = Line()
    for x, y in points:
        line.add(x, y)
    assert not line.is_significant


@pytest.mark.parametrize(("rungs", "resolved"), [(None, []), ("auto", [3]), ((2,), [2])])
def test_epochs_that_cannot_grow_are_refused(rungs, resolved):
    with pytest.raises(ConfigError) as caught:
        resolve_rungs(FitnessOptions(rungs=rungs, grow=True), 8)
    assert str(caught.value) == (
        f"fitness.grow is true and the rungs are {resolved}; must be at least 2 rungs below training.epochs, 8: "
        "give them in fitness.rungs, raise training.epochs, or leave grow out"
    )
    assert resolve_rungs(FitnessOptions(rungs=(2, 4), grow=True), 8) == (2, 4)
