"""Simple classifiers score what can be computed by hand."""

from __future__ import annotations

import numpy as np
import pytest

from evo_nas.tasks.baselines.classifiers import (
    LEAST_LOGIT,
    classification_baselines,
    majority,
    tagging_baselines,
    text_baselines,
)
from evo_nas.tasks.baselines.fitting import Fit
from evo_nas.tasks.metrics import ACCURACY, NLL


def scored(baselines: dict[str, Fit]) -> dict[str, float]:
    return {name: fit() for name, fit in baselines.items()}


RNG = np.random.default_rng(0)


def test_the_majority_predicts_the_frequencies_of_what_was_learnt() -> None:
    learnt, test = np.array([0, 0, 0, 1]), np.array([0, 1])
    assert majority(learnt, test, metric=ACCURACY, classes=2) == 0.5
    assert majority(learnt, test, metric=NLL, classes=2) == pytest.approx(-np.log([0.75, 0.25]).mean())


def test_a_class_that_was_never_learnt_costs_a_finite_amount() -> None:
    value = majority(np.array([0, 0]), np.array([2]), metric=NLL, classes=3)
    assert value == pytest.approx(np.log(2) - LEAST_LOGIT)


def test_two_clouds_are_told_apart_by_all_but_the_majority() -> None:
    targets = np.arange(60) % 2
    inputs = RNG.normal(size=(60, 2)) + 10 * targets[:, None]
    found = scored(
        classification_baselines(
            [inputs[:40], inputs[40:]], [targets[:40], targets[40:]], metric=ACCURACY, classes=2
        )
    )
    assert found == {"majority": 0.5, "nearest neighbour": 1.0, "logistic regression": 1.0}


def test_a_known_token_has_its_most_frequent_tag_and_an_unknown_one_that_of_all() -> None:
    learnt = [("a", "b"), ("a", "b"), ("b", "c")]
    test = [("a", "b"), ("new", "c")]
    targets = [np.array([1, 0, 1, 0, 0, 2]), np.array([1, 0, 0, 2])]
    found = scored(tagging_baselines([learnt, test], targets, metric=ACCURACY, classes=3))
    assert found["most frequent tag of each token"] == 1.0
    assert found["majority"] == 0.5


@pytest.mark.parametrize("level", ["word", "character"])
def test_words_that_only_one_class_uses_are_found(level) -> None:
    texts = [f"{'rain' if n % 2 else 'sunny'} {n}" for n in range(60)]
    targets = np.arange(60) % 2
    found = scored(
        text_baselines(
            [texts[:40], texts[40:]], [targets[:40], targets[40:]], level=level, metric=ACCURACY, classes=2
        )
    )
    assert found == {"majority": 0.5, f"logistic regression on {level} n-grams": 1.0}
