"""What a model answered is kept as sums over test examples, small and in one order for all models."""

from __future__ import annotations

import numpy as np
import pytest

from evo_nas.errors import DataError
from evo_nas.tasks.dataset import Sequences, Stream, Windows
from evo_nas.tasks.example_sums import MOST_EXAMPLES, Examples, ExampleSums, Scored
from evo_nas.tasks.metrics import ACCURACY, MACRO_F1, MSE, R2

RNG = np.random.default_rng(0)


def classified(count: int, classes: int = 3) -> tuple[np.ndarray, np.ndarray]:
    logits = RNG.normal(size=(count, classes)).astype(np.float32)
    return logits, RNG.integers(0, classes, count)


def independent(count: int) -> Examples:
    return Examples(np.arange(count), count)


@pytest.mark.parametrize("metric", [ACCURACY, MACRO_F1])
def test_the_sums_add_up_to_the_metric_of_all(metric):
    outputs, targets = classified(200)
    sums = ExampleSums.of(metric, outputs, targets, independent(200))
    assert len(sums) == 200
    assert sums.score(metric) == pytest.approx(metric.score(outputs, targets))


def test_more_examples_than_are_kept_are_joined_at_random_and_none_is_lost():
    outputs, targets = classified(3 * MOST_EXAMPLES)
    targets.sort()
    sums = ExampleSums.of(ACCURACY, outputs, targets, independent(len(targets)))
    assert len(sums) == MOST_EXAMPLES
    assert sums.score(ACCURACY) == pytest.approx(ACCURACY.score(outputs, targets))


def test_a_confusion_matrix_of_many_classes_is_kept_for_fewer_examples():
    outputs, targets = classified(2000, classes=100)
    sums = ExampleSums.of(MACRO_F1, outputs, targets, independent(2000))
    assert 100 < len(sums) < 2000
    assert sums.score(MACRO_F1) == pytest.approx(MACRO_F1.score(outputs, targets))


def test_all_steps_of_a_sequence_are_one_example():
    part = Sequences(np.zeros((3, 4, 1), np.float32), np.zeros((3, 4)), lengths=np.array([4, 1, 2]))
    assert Examples.of(part, per_step=True).of_row.tolist() == [0, 0, 0, 0, 1, 2, 2]
    some = Sequences(part.inputs, part.targets, scored=np.eye(3, 4, dtype=np.bool_))
    assert Examples.of(some, per_step=True).of_row.tolist() == [0, 1, 2]
    assert Examples.of(part, per_step=False).of_row.tolist() == [0, 1, 2]


def test_windows_that_overlap_depend_on_each_other_over_a_horizon():
    rows = np.zeros((500, 1), np.float32)

    def block(origins: np.ndarray) -> int:
        return Examples.of(Windows(rows, rows, origins, window=8, horizon=24), per_step=False).block

    assert block(np.arange(100, 400)) == 24
    assert block(np.arange(100, 400, 12)) == max(2, round(25 ** (1 / 3)))


def test_a_text_is_in_blocks_of_pieces_and_joined_steps_shorten_them():
    examples = Examples.of(Stream(np.zeros(3 * MOST_EXAMPLES + 1, np.int64), steps=64), per_step=True)
    assert examples.block == 64
    joined = examples.at_most(MOST_EXAMPLES)
    assert (joined.count, joined.block) == (MOST_EXAMPLES, 22)
    assert joined.of_row[:7].tolist() == [0, 0, 0, 1, 1, 1, 2]


def test_an_answer_to_some_rows_says_which_examples_it_is_about():
    outputs, targets = classified(10)
    rows = np.array([1, 4, 9])
    sums = ExampleSums.of(ACCURACY, outputs[rows], targets[rows], independent(10), rows=rows)
    whole = ExampleSums.of(ACCURACY, outputs, targets, independent(10))
    assert np.array_equal(sums.values, whole.at(rows).values)


def test_answers_that_are_not_those_of_the_part_are_refused():
    outputs, targets = classified(10)
    with pytest.raises(DataError, match="there are 9 predictions; must be 10"):
        ExampleSums.of(ACCURACY, outputs[:9], targets[:9], independent(10))
    assert Scored.of(ACCURACY, outputs[:9], targets[:9]).sums(ACCURACY, independent(10)) is None
    assert Scored(0.5).sums(ACCURACY, independent(10)) is None


@pytest.mark.parametrize("metric", [MSE, R2])
def test_text_gives_the_same_sums_back(metric):
    outputs, targets = (RNG.normal(size=(50, 3)).astype(np.float32) for _ in range(2))
    sums = ExampleSums.of(metric, outputs, targets, Examples(np.arange(50), 50, block=7))
    again = ExampleSums.from_text(sums.to_text())
    assert np.allclose(again.values, sums.values, rtol=1e-6)
    assert np.array_equal(again.places, sums.places)
    assert again.block == 7


def test_the_answers_to_ten_thousand_images_take_a_few_kilobytes():
    outputs, targets = classified(10_000, classes=10)
    sums = ExampleSums.of(ACCURACY, outputs, targets, independent(10_000))
    assert len(sums.to_text()) < 5000


@pytest.mark.parametrize("text", ["", "?", "QUJD", "UEsDBA=="])
def test_damaged_text_is_refused(text):
    with pytest.raises(DataError, match="damaged"):
        ExampleSums.from_text(text)
