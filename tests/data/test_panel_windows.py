from __future__ import annotations

import numpy as np
import pytest

from evo_nas.data.holes import HoleFilling
from evo_nas.data.panel import Cut
from evo_nas.data.panel_windows import PanelWindows

PREVIOUS = HoleFilling("previous")


def cut(values: np.ndarray, *origins: int) -> Cut:
    return Cut("a", values.astype(np.float64), 1.0, np.array(origins))


@pytest.mark.parametrize("season", [1, 2, 3, 4, 7])
@pytest.mark.parametrize("horizon", [1, 2, 3, 4, 9])
def test_every_step_reads_itself_and_the_last_season_of_what_comes_next(season, horizon) -> None:
    windows = PanelWindows(5, horizon, season, PREVIOUS)
    inputs, targets, lengths = windows(cut(np.arange(40.0), 20, 25))
    assert inputs.shape == (2, 5, windows.features)
    np.testing.assert_array_equal(inputs[:, :, -1], np.add.outer([20, 25], np.arange(-5, 0)))
    np.testing.assert_array_equal(targets, np.add.outer([20, 25], np.arange(horizon)))
    assert lengths.tolist() == [5, 5]
    # The last step holds the seasonal naive forecast.
    naive = inputs[:, -1, list(windows.seasonal)]
    np.testing.assert_array_equal(naive, np.add.outer([20, 25], np.arange(horizon) % season - season))


def test_a_series_shorter_than_the_window_is_padded_at_its_end() -> None:
    inputs, _, lengths = PanelWindows(6, 2, 1, PREVIOUS)(cut(np.arange(1.0, 9.0), 4))
    assert lengths.tolist() == [4]
    assert inputs[0, :, 0].tolist() == [1, 2, 3, 4, 0, 0]


def test_reading_begins_with_the_first_step_that_has_a_season_before_it() -> None:
    inputs, _, lengths = PanelWindows(4, 3, 3, PREVIOUS)(cut(np.arange(5.0, 15.0), 4))
    assert lengths.tolist() == [2]
    assert inputs[0].tolist() == [[5, 6, 7], [6, 7, 8], [0, 0, 0], [0, 0, 0]]


@pytest.mark.parametrize("season", [1, 3])
@pytest.mark.parametrize("hole", [0, 4, 9])
def test_a_series_with_a_hole_is_cut_like_one_without(season, hole) -> None:
    values = np.arange(20.0)
    windows = PanelWindows(6, 2, season, PREVIOUS)
    whole, _, lengths = windows(cut(values, 5, 15))
    values[hole] = np.nan
    holed, _, lengths_of_holed = windows(cut(values, 5, 15))
    assert lengths.tolist() == lengths_of_holed.tolist()
    assert holed.shape == whole.shape
    assert np.abs(whole - holed).max() <= 1


@pytest.mark.parametrize("how", ["interpolate", "previous"])
def test_a_hole_is_filled_without_any_value_after_the_origin(how) -> None:
    values = np.array([1.0, 2.0, np.nan, np.nan, 100.0, 7.0])
    inputs, targets, _ = PanelWindows(4, 2, 1, HoleFilling(how))(cut(values, 4))
    assert inputs[0, :, 0].tolist() == [1, 2, 2, 2]
    assert targets.tolist() == [[100, 7]]


def test_a_hole_in_a_forecast_stays_one() -> None:
    _, targets, _ = PanelWindows(2, 2, 1, PREVIOUS)(cut(np.array([1.0, 2.0, np.nan, 4.0]), 2))
    assert np.isnan(targets).tolist() == [[True, False]]
