"""Holes become inputs without a look at what comes after the last row that a network reads."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from evo_nas.data.series_inputs import SeriesInputs, last_known
from evo_nas.genome.architecture import Signature
from evo_nas.tasks.dataset import Windows
from evo_nas.training.batches import as_split

WINDOW, HORIZON, STARTS = 4, 3, [0, 17]
FILLINGS = ("mask", "interpolate", "previous")
nan = np.nan


def holes(seed: int, rows: int = 40) -> np.ndarray:
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(rows, 2)).astype(np.float32)
    values[rng.random(values.shape) < 0.4] = nan
    # A hole at the start of a series must not be filled from its future either.
    values[0:2] = values[17:19] = nan
    values[-1] = nan
    return values


def windows(values, how, *, known=()) -> Windows:
    inputs = SeriesInputs.filled(values, ("a", "b"), starts=STARTS, how=how, targets=("a",))
    if known:
        inputs = inputs.with_future(known, starts=STARTS, window=WINDOW, horizon=HORIZON)
    origins = np.r_[WINDOW : 17 - HORIZON + 1, 17 + WINDOW : len(values) - HORIZON + 1]
    return Windows(
        inputs.values, values[:, :1], origins, WINDOW, HORIZON, np.array(STARTS), inputs.last_known
    )


@pytest.mark.parametrize("how", FILLINGS)
@pytest.mark.parametrize("seed", range(5))
def test_no_value_from_the_origin_on_changes_what_a_window_reads(how, seed) -> None:
    values = holes(seed)
    read = windows(values, how).cut().inputs
    assert np.isfinite(read).all()
    for number, origin in enumerate(windows(values, how).origins):
        for later in (np.float32(1e3), nan):
            changed = values.copy()
            changed[origin:-1] = later
            assert np.array_equal(windows(changed, how).cut().inputs[number], read[number])


@pytest.mark.parametrize("how", FILLINGS)
def test_no_value_of_another_series_changes_what_a_window_reads(how) -> None:
    values, changed = holes(1), holes(1)
    changed[:17] = np.where(np.isnan(values[:17]), nan, values[:17] + 1e3)
    is_second = windows(values, how).origins >= 17
    one, other = (windows(some, how).cut().inputs[is_second] for some in (values, changed))
    assert np.array_equal(one, other)


@pytest.mark.parametrize("how", FILLINGS)
def test_training_reads_the_same_windows(how) -> None:
    some = windows(holes(2), how)
    (batch,) = as_split(some, Signature(2, HORIZON), torch.device("cpu")).in_order(len(some))
    assert np.array_equal(batch.inputs.numpy(), some.cut().inputs)


@pytest.mark.parametrize("how", FILLINGS)
def test_the_last_value_of_a_target_is_the_last_known_one(how) -> None:
    values = holes(3)
    place = SeriesInputs.filled(values, ("a", "b"), starts=STARTS, how=how, targets=("a",)).last_values[0]
    some = windows(values, how)
    assert np.array_equal(some.cut().inputs[:, -1, place], some.last_targets()[:, 0])


def test_a_masked_hole_is_the_last_known_value_with_a_mask_and_the_steps_since() -> None:
    values = np.array([[nan, 5], [1, 6], [nan, 7], [nan, 8], [2, 9]], dtype=np.float32)
    inputs = SeriesInputs.filled(values, ("a", "b"), starts=[0], how="mask", targets=("a",))
    assert inputs.names == ("a", "b", "a is known", "steps since a")
    assert inputs.last_values == (0,)
    assert inputs.values[:, 0].tolist() == [0, 1, 1, 1, 2]
    assert inputs.values[:, 1].tolist() == [5, 6, 7, 8, 9]
    assert inputs.values[:, 2].tolist() == [0, 1, 0, 0, 1]
    assert inputs.values[:, 3] == pytest.approx(np.log1p([0, 0, 1, 2, 3]))


def test_interpolation_draws_lines_inside_a_window_and_carries_on_at_its_end() -> None:
    values = np.array([[0], [nan], [2], [nan], [4], [nan]], dtype=np.float32)
    inputs = SeriesInputs.filled(values, ("a",), starts=[0], how="interpolate", targets=("a",))
    some = (
        Windows(inputs.values, values, np.array([4, 5]), 4, 1, np.array([0]), inputs.last_known)
        .cut()
        .inputs[..., 0]
    )
    assert some.tolist() == [[0, 1, 2, 2], [1, 2, 3, 4]]


def test_a_series_without_holes_is_read_as_it_is() -> None:
    values = np.arange(8, dtype=np.float32).reshape(4, 2)
    for how in ("refuse", *FILLINGS):
        inputs = SeriesInputs.filled(values, ("a", "b"), starts=[0], how=how, targets=("b",))
        assert inputs.values is values
        assert (inputs.names, inputs.last_values, inputs.last_known) == (("a", "b"), (1,), None)


@pytest.mark.parametrize(("window", "horizon"), [(4, 3), (3, 3), (2, 5), (1, 4), (3, 7)])
def test_every_future_step_of_a_known_column_is_in_the_window_and_none_beyond(window, horizon) -> None:
    values = np.arange(60, dtype=np.float32)[:, None]
    starts = [0, 30]
    inputs = SeriesInputs.filled(values, ("day",), starts=starts, how="refuse", targets=())
    inputs = inputs.with_future([0], starts=starts, window=window, horizon=horizon)
    origins = np.r_[window : 30 - horizon + 1, 30 + window : 60 - horizon + 1]
    some = Windows(inputs.values, values, origins, window, horizon).cut()
    for origin, read in zip(origins, some.inputs, strict=True):
        ahead = read[read >= origin]
        assert set(ahead.tolist()) == set(range(origin, origin + horizon))


def test_known_columns_keep_what_was_filled_in_others() -> None:
    values = holes(4)
    values[:, 1] = np.arange(len(values))
    some = windows(values, "interpolate", known=[1])
    plain = windows(values, "interpolate")
    assert np.array_equal(some.cut().inputs[..., :2], plain.cut().inputs)
    assert (some.cut().inputs[:, -1, 2] == some.origins - 1 + HORIZON).all()


def test_last_known_rows_never_cross_a_series() -> None:
    values = np.array([[nan, 1], [2, nan], [nan, nan], [3, nan]])
    assert last_known(values, [0, 2]).tolist() == [[-1, 0], [1, 0], [-1, -1], [3, -1]]
