"""The three shapes that a part of a data set can have."""

from __future__ import annotations

import numpy as np

from evo_nas.tasks.dataset import Sequences, Stream, Windows


def test_a_window_is_the_rows_before_its_origin_and_its_targets_follow() -> None:
    rows = np.arange(20, dtype=np.float32)
    windows = Windows(rows[:, None], np.stack([rows, -rows], axis=1), np.array([5, 9]), window=3, horizon=2)
    cut = windows.cut()
    assert cut.inputs[..., 0].tolist() == [[2, 3, 4], [6, 7, 8]]
    assert cut.targets.tolist() == [[5, -5, 6, -6], [9, -9, 10, -10]]
    assert windows.cut(slice(1, 2)).inputs[..., 0].tolist() == [[6, 7, 8]]


def test_chosen_sequences_keep_their_lengths_and_scored_steps() -> None:
    part = Sequences(
        np.arange(6).reshape(3, 2), np.arange(3), np.array([1, 2, 1]), np.eye(3, 2, dtype=np.bool_)
    )
    some = part.chosen(np.array([2, 0]))
    assert some.inputs.tolist() == [[4, 5], [0, 1]]
    assert some.targets.tolist() == [2, 0]
    assert some.lengths is not None
    assert some.lengths.tolist() == [1, 1]
    assert some.scored is not None
    assert some.scored.tolist() == [[False, False], [True, False]]
    assert Sequences(part.inputs, part.targets).chosen(np.array([1])).lengths is None


def test_a_stream_has_a_target_for_all_tokens_but_the_last() -> None:
    assert len(Stream(np.arange(10), steps=3)) == 9


def test_no_windows_are_no_rows_of_the_same_width() -> None:
    rows = np.zeros((20, 2), dtype=np.float32)
    cut = Windows(rows, rows, np.zeros(0, dtype=np.int64), window=3, horizon=4).cut()
    assert (cut.inputs.shape, cut.targets.shape) == ((0, 3, 2), (0, 8))


def test_rows_before_an_origin_are_those_of_its_own_series() -> None:
    rows = np.zeros((20, 1), dtype=np.float32)
    windows = Windows(rows, rows, np.array([3, 7, 8, 19]), window=1, horizon=1, starts=np.array([0, 7]))
    assert windows.rows_before().tolist() == [3, 0, 1, 12]
