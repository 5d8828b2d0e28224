"""Looking often at seeds finds no more false leads, and spares seeds where a lead is clear or out of reach."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import t as student

from evo_nas.champion.sequential import Decision, SequentialRule

LOOKS = (3, 5, 8)


def test_one_look_is_an_ordinary_test():
    assert SequentialRule((5,)).levels() == (pytest.approx(0.05),)


def test_levels_are_those_of_the_linear_spending_function():
    levels = SequentialRule((2, 4)).levels()  # the first look spends exactly its share
    assert levels[0] == pytest.approx(0.025)
    assert 0.025 < levels[1] < 0.05


@pytest.mark.parametrize("looks", [(3, 5, 8), (3, 4, 5, 6, 7, 8, 9, 10)])
def test_equal_models_are_told_apart_in_five_percent_of_the_cases_over_all_looks(looks):
    runs = 4000
    seen = np.random.default_rng(0).normal(size=(runs, looks[-1]))
    decided = np.zeros(runs, dtype=np.bool_)
    naive = np.zeros(runs, dtype=np.bool_)
    for look, level in zip(looks, SequentialRule(looks).levels(), strict=True):
        some = seen[:, :look]
        statistic = some.mean(axis=1) / some.std(axis=1, ddof=1) * math.sqrt(look)
        p_values = 2 * student.sf(np.abs(statistic), look - 1)
        decided |= p_values < level
        naive |= p_values < 0.05
    assert decided.mean() == pytest.approx(0.05, abs=0.012)
    assert naive.mean() > 0.08


def test_a_clear_lead_is_decided_at_the_first_look():
    assert SequentialRule(LOOKS).decide([0.10, 0.11, 0.12]) is Decision.DECIDED
    assert SequentialRule(LOOKS).decide([-0.10, -0.11, -0.12]) is Decision.DECIDED


def test_a_likely_lead_is_worth_more_seeds_and_no_lead_is_not():
    rule = SequentialRule(LOOKS)
    assert rule.decide([0.10, 0.05, 0.02]) is Decision.MORE
    assert rule.decide([0.10, -0.10, 0.01]) is Decision.HOPELESS


def test_before_the_first_look_and_after_the_last_there_is_no_choice():
    rule = SequentialRule(LOOKS)
    assert rule.decide([]) is Decision.MORE
    assert rule.decide([0.1, 0.1]) is Decision.MORE
    assert rule.decide([0.1, -0.1] * 4) is Decision.EXHAUSTED
    assert (rule.next_look(3), rule.next_look(8)) == (5, None)


def test_power_grows_with_what_was_seen():
    rule = SequentialRule(LOOKS)
    powers = [rule.power(p_value, 3) for p_value in (1.0, 0.5, 0.1, 0.03)]
    assert powers == sorted(powers)
    assert powers[0] < 0.05
    assert powers[-1] > 0.8
    assert rule.power(0.03, 8) == 0.0
