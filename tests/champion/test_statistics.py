"""Comparisons of two models: their error of the first kind is what they say, and their words fit."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats

from evo_nas.champion.comparison import Pairing
from evo_nas.champion.statistics import (
    FEWEST_BLOCKS,
    paired_bootstrap,
    paired_by_seed,
    sign_flip_p_value,
    size_of,
    unpaired_by_seed,
)
from evo_nas.tasks.example_sums import ExampleSums
from evo_nas.tasks.metrics import ACCURACY, MACRO_F1, NLL


def answered(values: np.ndarray, block: int = 1) -> ExampleSums:
    """Returns sums of a metric that is the mean of ``values`` ``(examples,)``."""
    return ExampleSums(
        np.stack([values, np.ones(len(values))], axis=1).astype(float), np.arange(len(values)), block
    )


def test_a_model_that_is_right_more_often_is_ahead():
    rng = np.random.default_rng(0)
    theirs = rng.random(400) < 0.7
    ours = theirs | (rng.random(400) < 0.3)
    found = paired_bootstrap(answered(ours), answered(theirs), ACCURACY)
    assert found.lead == pytest.approx(ours.mean() - theirs.mean())
    assert found.low is not None
    assert 0 < found.low < found.lead < found.high
    assert found.is_clear
    assert found.test == "a paired bootstrap over 400 test examples"
    assert found == paired_bootstrap(answered(ours), answered(theirs), ACCURACY)


def test_the_lead_is_positive_where_a_smaller_metric_is_better():
    ours, theirs = np.full(100, 1.0), np.full(100, 2.0)
    found = paired_bootstrap(answered(ours), answered(theirs), NLL)
    assert (found.lead, found.low, found.high) == (1.0, 1.0, 1.0)
    assert found.is_clear


def test_the_same_answers_are_no_difference():
    values = np.random.default_rng(0).random(50)
    found = paired_bootstrap(answered(values), answered(values), NLL)
    assert (found.lead, found.p_value) == (0.0, 1.0)


def test_a_metric_that_is_no_mean_of_examples_is_resampled_as_a_whole():
    rng = np.random.default_rng(0)
    targets = rng.integers(0, 3, 300)

    def confusion(right: float) -> ExampleSums:
        given = np.where(rng.random(300) < right, targets, rng.integers(0, 3, 300))
        values = np.zeros((300, 3, 3))
        values[np.arange(300), targets, given] = 1
        return ExampleSums(values, np.arange(300))

    found = paired_bootstrap(confusion(0.9), confusion(0.3), MACRO_F1)
    assert found.is_clear
    assert found.lead == pytest.approx(0.4, abs=0.1)


def test_only_examples_that_both_answered_count():
    rng = np.random.default_rng(0)
    ours, theirs = answered(rng.random(100)), answered(rng.random(100))
    some = np.arange(0, 100, 2)
    found = paired_bootstrap(ours, theirs.at(some), NLL)
    assert found == paired_bootstrap(ours.at(some), theirs.at(some), NLL)
    assert "50 test examples" in found.test
    none = paired_bootstrap(ours.at(some), theirs.at(some + 1), NLL)
    assert (none.p_value, none.low) == (1.0, None)


def test_a_few_blocks_decide_nothing():
    rng = np.random.default_rng(0)
    for blocks, is_clear in ((FEWEST_BLOCKS - 1, False), (FEWEST_BLOCKS + 4, True)):
        ours = rng.normal(size=20 * blocks)
        theirs = ours + 1 + rng.random(len(ours))
        found = paired_bootstrap(answered(ours, 20), answered(theirs, 20), NLL)
        assert found.is_clear is is_clear
        assert (found.low is not None) is is_clear
        assert ("too few" in found.test) is not is_clear


@pytest.mark.parametrize("count", [20, 100])
def test_equal_models_are_told_apart_in_about_five_percent_of_the_cases(count):
    rng, clear = np.random.default_rng(1), 0
    for seed in range(400):
        ours, theirs = rng.normal(size=(2, count))
        clear += paired_bootstrap(answered(ours), answered(theirs), NLL, seed=seed, resamples=400).is_clear
    assert 0.02 < clear / 400 < 0.08


def test_steps_that_depend_on_each_other_need_blocks():
    rng = np.random.default_rng(2)

    def rate(block: int) -> float:
        clear = 0
        for seed in range(200):
            noise = rng.normal(size=420)
            smooth = np.convolve(noise, np.ones(20), mode="valid")  # depends over 20 steps
            clear += paired_bootstrap(
                answered(smooth, block), answered(np.zeros(401), block), NLL, seed=seed, resamples=400
            ).is_clear
        return clear / 200

    assert rate(1) > 0.3
    assert rate(40) < 0.11


def test_paired_seeds_are_students_t():
    ours, theirs = [0.91, 0.93, 0.92, 0.95], [0.90, 0.91, 0.92, 0.92]
    found = paired_by_seed(ours, theirs, higher_is_better=True)
    expected = scipy.stats.ttest_rel(ours, theirs)
    assert found.p_value == pytest.approx(expected.pvalue)
    interval = expected.confidence_interval()
    assert (found.low, found.high) == (pytest.approx(interval.low), pytest.approx(interval.high))
    differences = np.subtract(ours, theirs)
    assert found.effect == pytest.approx(differences.mean() / differences.std(ddof=1))
    turned = paired_by_seed(ours, theirs, higher_is_better=False)
    assert turned.lead == -found.lead


def test_unpaired_seeds_are_welchs_test():
    ours, theirs = [0.91, 0.93, 0.92, 0.95], [0.90, 0.91, 0.92]
    found = unpaired_by_seed(ours, theirs, higher_is_better=True)
    expected = scipy.stats.ttest_ind(ours, theirs, equal_var=False)
    assert found.p_value == pytest.approx(expected.pvalue)
    assert found.low == pytest.approx(expected.confidence_interval().low)


@pytest.mark.parametrize("compare", [paired_by_seed, unpaired_by_seed])
def test_seeds_without_spread_or_number_are_said_to_tell_little(compare):
    assert compare([1.0], [2.0], higher_is_better=True).p_value == 1.0
    assert compare([1.0, 1.0], [1.0, 1.0], higher_is_better=True).p_value == 1.0
    assert compare([2.0, 2.0], [1.0, 1.0], higher_is_better=True).p_value == 0.0
    assert compare([1e308, -1e308], [1.0, 2.0], higher_is_better=True).p_value == 1.0
    assert compare([], [], higher_is_better=True).p_value == 1.0


def test_signs_are_flipped_exactly_for_a_few_seeds():
    assert sign_flip_p_value([0.1, 0.2, 0.3]) == 0.25  # 2 of 8
    assert sign_flip_p_value([0.01] * 6) == 2 / 64
    assert sign_flip_p_value([1.0, -1.0]) == 1.0
    assert sign_flip_p_value([]) == 1.0
    assert sign_flip_p_value([0.01] * 30) < 0.001


def test_an_effect_has_a_word():
    assert [size_of(effect) for effect in (0.1, -0.3, 0.6, -5.0)] == [
        "negligible",
        "small",
        "medium",
        "large",
    ]


def test_a_comparison_is_told_as_a_lead_with_its_interval():
    found = paired_by_seed([0.91, 0.93, 0.92], [0.90, 0.91, 0.90], higher_is_better=True)
    assert found.in_words == "+0.017, 95 %: +0.0023 to +0.031"
    assert paired_by_seed([0.91], [0.90], higher_is_better=True).in_words == "+0.01"


def test_the_rounding_of_differences_that_cancel_out_is_no_effect():
    # The leads are 0.6, -0.2 and -0.4.
    seeds = paired_by_seed([0.7, 0.1, 0.3], [0.1, 0.3, 0.7], higher_is_better=True)
    assert seeds.effect != 0
    assert Pairing("GRU", None, seeds).cells[-1] == "0, negligible"
