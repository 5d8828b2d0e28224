"""Simple classifiers score what can be computed by hand."""

from __future__ import annotations

import numpy as np
import pytest

from evo_nas.tasks.baselines.classifiers import classification_baselines, majority, step_baselines
from evo_nas.tasks.baselines.fitted_models import LEAST_LOGIT, LinearMap, answers
from evo_nas.tasks.baselines.fitting import Fit, fitted_in_turn
from evo_nas.tasks.baselines.token_classifiers import tagging_baselines, text_baselines
from evo_nas.tasks.metrics import ACCURACY, NLL


def scored(baselines: dict[str, Fit]) -> dict[str, float]:
    return {name: fit().score for name, fit in baselines.items()}


RNG = np.random.default_rng(0)


def test_the_majority_predicts_the_frequencies_of_what_was_learnt() -> None:
    learnt, test = np.array([0, 0, 0, 1]), np.array([0, 1])
    assert majority(learnt, test, metric=ACCURACY, classes=2).score == 0.5
    assert majority(learnt, test, metric=NLL, classes=2).score == pytest.approx(-np.log([0.75, 0.25]).mean())


def test_a_class_that_was_never_learnt_costs_a_finite_amount() -> None:
    value = majority(np.array([0, 0]), np.array([2]), metric=NLL, classes=3).score
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
    bag = "a bag of words" if level == "word" else "a bag of characters"
    assert found == {
        "majority": 0.5,
        f"logistic regression on {bag}": 1.0,
        f"logistic regression on {level} n-grams": 1.0,
    }


def tags_of(sequences: list[list[int]], back: int) -> np.ndarray:
    """The tag of a token is the kind of the one ``back`` places before it, or that does not count."""
    return np.concatenate([[-1] * back + [token % 3 for token in tokens[:-back]] for tokens in sequences])


@pytest.mark.parametrize(("back", "best"), [(1, 3), (6, 13)])
def test_a_tag_is_told_from_as_far_as_the_window_reaches(back, best) -> None:
    sequences = RNG.integers(0, 9, size=(150, 20)).tolist()
    both = [sequences[:120], sequences[120:]]
    targets = [tags_of(part, back) for part in both]
    found = scored(tagging_baselines(both, targets, metric=ACCURACY, classes=3))
    assert found[f"logistic regression on {best} tokens"] == 1.0
    assert found["most frequent tag of each token"] < 0.5
    if best > 3:
        assert found["logistic regression on 3 tokens"] < 0.5


def test_a_window_knows_the_ends_and_no_token_that_training_has_not() -> None:
    both = [[["a", "b"], ["b", "a"], ["b"]] * 10, [["new", "b"], ["a"]]]
    targets = [np.array([1, 0, 1, 0, 1] * 10), np.array([1, 0, 1])]
    found = scored(tagging_baselines(both, targets, metric=ACCURACY, classes=2))
    assert found["logistic regression on 13 tokens"] == 1.0


def test_more_tokens_than_are_needed_are_not_all_learnt_from(monkeypatch) -> None:
    monkeypatch.setattr("evo_nas.tasks.baselines.token_classifiers.MOST_TOKENS", 50)
    sequences = RNG.integers(0, 9, size=(15, 20)).tolist()
    both = [sequences[:10], sequences[10:]]
    baselines = tagging_baselines(both, [tags_of(part, 1) for part in both], metric=ACCURACY, classes=3)
    results = dict(fitted_in_turn(baselines))
    assert results["logistic regression on 3 tokens"].note == "learnt from 50 of 190 tokens"


def test_a_step_is_told_from_its_neighbours() -> None:
    items = [RNG.normal(size=(30, 2)) for _ in range(60)]
    targets = [np.roll(item[:, 0] > 0, 4).astype(np.int64) for item in items]
    found = scored(
        step_baselines(
            [items[:40], items[40:]],
            [np.concatenate(targets[:40]), np.concatenate(targets[40:])],
            metric=ACCURACY,
            classes=2,
        )
    )
    assert found["logistic regression"] < 0.6
    assert found["logistic regression on 13 steps"] > 0.8


@pytest.mark.parametrize("name", ["nearest neighbour", "logistic regression"])
def test_more_rows_than_take_a_minute_are_not_all_learnt_from(name, monkeypatch) -> None:
    monkeypatch.setattr("evo_nas.tasks.baselines.classifiers.MOST_PRODUCTS", 1)
    targets = np.arange(1300) % 2
    inputs = RNG.normal(size=(1300, 2)) + 10 * targets[:, None]
    baselines = classification_baselines(
        [inputs[:1200], inputs[1200:]], [targets[:1200], targets[1200:]], metric=ACCURACY, classes=2
    )
    result = dict(fitted_in_turn({name: baselines[name]}))[name]
    assert (result.score, result.note) == (1.0, "learnt from 1,000 of 1,200 rows")


def test_how_many_sequences_are_answered_at_once_changes_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    items = [rng.normal(size=(length, 2)) for length in (3, 9, 5, 7)]
    model = LinearMap(rng.normal(size=(6, 4)), rng.normal(size=4), steps=3, reads="around")
    whole, seen = answers(model, items), []
    monkeypatch.setattr("evo_nas.tasks.baselines.fitted_models.CHUNK_VALUES", 2 * 9 * 2 * 3)
    monkeypatch.setattr(
        LinearMap,
        "__call__",
        lambda *given, call=LinearMap.__call__: seen.append(len(given[1])) or call(*given),
    )
    assert answers(model, items) == pytest.approx(whole)
    assert seen == [2, 2]
