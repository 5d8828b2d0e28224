"""Problems that are drawn are the problems they say they are."""

from __future__ import annotations

import numpy as np
import pytest

from evo_nas.errors import DataError
from evo_nas.tasks.baselines.fitting import scores
from evo_nas.tasks.registry import TASKS


def load(kind: str, **options):
    task = TASKS[kind]
    return task(task.Options.model_validate(options)).read().dataset


def test_two_marked_numbers_are_to_be_added() -> None:
    part = load("adding", length=30).train
    assert (part.inputs[..., 1].sum(axis=1) == 2).all()
    assert part.targets.ravel() == pytest.approx((part.inputs[..., 0] * part.inputs[..., 1]).sum(axis=1))


def test_what_was_read_is_due_after_the_sign() -> None:
    part = load("copy_memory", length=7, remembered=3, train=50, validation=9, test=9).train
    assert part.inputs.shape[1] == 3 + 7 + 1 + 3
    assert np.array_equal(part.targets[:, -3:], part.inputs[:, :3] - 2)
    assert (part.inputs[:, 10] == 1).all()
    assert part.scored[0].tolist() == [False] * 11 + [True] * 3


def is_balanced(word: str) -> bool:
    due = []
    for bracket in word:
        if bracket in "([{<":
            due.append(")]}>"["([{<".index(bracket)])
        elif not due or due.pop() != bracket:
            return False
    return not due


@pytest.mark.parametrize("kinds", [1, 3])
def test_the_class_says_whether_brackets_are_balanced(kinds) -> None:
    dataset = load("dyck", kinds=kinds, train=300)
    part = dataset.train
    for row, length, target in zip(part.inputs, part.lengths, part.targets, strict=True):
        word = "".join(dataset.vocabulary[symbol] for symbol in row[:length])
        assert is_balanced(word) == (dataset.classes[target] == "balanced")


def test_the_class_says_whether_the_ones_are_odd() -> None:
    part = load("parity", length=9, train=50, validation=9, test=9).train
    assert np.array_equal(part.inputs.sum(axis=1) % 2, part.targets)


def test_a_sine_without_noise_is_predicted_by_a_linear_model() -> None:
    task = TASKS["sines"]
    baselines = scores(task(task.Options(noise=0.0)).read().fit_baselines())
    assert baselines["linear"] < 0.1 * baselines["persistence"]


@pytest.mark.parametrize(
    "kind", ["adding", "copy_memory", "dyck", "formal_language", "mnist1d", "parity", "sines"]
)
def test_another_seed_draws_other_sequences(kind) -> None:
    assert not np.array_equal(load(kind, seed=0).train.inputs, load(kind, seed=1).train.inputs)


def test_the_standard_library_is_read_as_far_as_asked() -> None:
    dataset = load("standard_library", characters=20_000)
    assert sum(len(part.tokens) for part in (dataset.train, dataset.validation, dataset.test)) == 20_000


def test_too_few_different_sequences_are_refused() -> None:
    with pytest.raises(DataError, match="length is 3, with which .* gave 8 different sequences"):
        load("parity", length=3)
