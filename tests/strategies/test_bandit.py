"""Shares of operators follow from the rewards of their children."""

from __future__ import annotations

import random

import pytest

from evo_nas.strategies.bandit import FLOOR, WINDOW, OperatorBandit

FIRST = {"width": 0.5, "depth": 0.25, "cell-node": 0.25}


def test_shares_are_those_given_while_nothing_is_known() -> None:
    assert OperatorBandit(FIRST).shares() == pytest.approx(FIRST)


def test_what_helped_is_chosen_more_often() -> None:
    bandit = OperatorBandit(FIRST)
    for child in range(40):
        bandit.learn(child, ["depth"], 0.9)
        bandit.learn(child + 100, ["width"], 0.1)
    shares = bandit.shares()
    assert shares["depth"] > FIRST["depth"]
    assert shares["width"] < FIRST["width"]
    assert sum(shares.values()) == pytest.approx(1)


def test_one_lucky_child_changes_little() -> None:
    bandit = OperatorBandit(FIRST)
    bandit.learn(0, ["depth"], 1.0)
    assert bandit.shares()["depth"] == pytest.approx(FIRST["depth"], abs=0.04)


def test_no_operator_dies() -> None:
    bandit = OperatorBandit(FIRST)
    for child in range(WINDOW):
        bandit.learn(child, ["width"] if child % 2 else ["depth"], float(child % 2))
    assert min(bandit.shares().values()) >= FLOOR * 0.25


def test_every_operator_of_a_child_shares_its_reward() -> None:
    both, apart = OperatorBandit(FIRST), OperatorBandit(FIRST)
    both.learn(0, ["width", "depth"], 0.8)
    apart.learn(0, ["width"], 0.8)
    apart.learn(1, ["depth"], 0.8)
    assert both.shares() == pytest.approx(apart.shares())


def test_a_later_reward_of_the_same_child_replaces_the_first() -> None:
    twice, once = OperatorBandit(FIRST), OperatorBandit(FIRST)
    twice.learn(0, ["width"], 0.0)
    for bandit in (twice, once):
        bandit.learn(0, ["width"], 1.0)
    assert twice.shares() == pytest.approx(once.shares())


def test_only_the_latest_children_count() -> None:
    old, new = OperatorBandit(FIRST), OperatorBandit(FIRST)
    for child in range(50):
        old.learn(child, ["width"], 1.0)
    rng = random.Random(1)
    for child in range(50, 50 + WINDOW):
        name, reward = rng.choice(list(FIRST)), rng.random()
        old.learn(child, [name], reward)
        new.learn(child, [name], reward)
    assert old.shares() == pytest.approx(new.shares())


def test_a_name_that_is_no_operator_is_ignored() -> None:
    bandit = OperatorBandit(FIRST)
    bandit.learn(0, ["mutation"], 1.0)
    assert bandit.shares() == pytest.approx(FIRST)
