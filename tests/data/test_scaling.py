from __future__ import annotations

import numpy as np
import pytest

from evo_nas.data.scaling import Scaler
from evo_nas.errors import DataError

NAN = float("nan")


def test_training_values_get_mean_zero_and_deviation_one() -> None:
    values = np.random.default_rng(0).normal(loc=[5, -100], scale=[0.1, 30], size=(40, 6, 2))
    scaled = Scaler.fitted(values)(values).reshape(-1, 2)
    assert scaled.mean(axis=0) == pytest.approx([0, 0], abs=1e-5)
    assert scaled.std(axis=0) == pytest.approx([1, 1], rel=1e-5)


def test_values_whose_squares_overflow_are_refused() -> None:
    with pytest.raises(DataError, match=r"holds 1e\+308, too large to be standardised"):
        Scaler.fitted(np.array([[1.0], [1e308], [2.0]]))


def test_values_whose_squares_vanish_are_refused() -> None:
    with pytest.raises(DataError, match=r"values up to 3e-200, too small to be standardised"):
        Scaler.fitted(np.array([[1.0, 1e-200], [2.0, 3e-200]]))


@pytest.mark.parametrize("constant", [0.0, 0.1, 1e9 + 0.1, 1e-200])
def test_a_constant_feature_is_only_centred(constant) -> None:
    scaler = Scaler.fitted(np.full((7, 1), constant))
    assert scaler(np.array([[constant], [constant + 2]])).ravel() == pytest.approx([0, 2], abs=1e-5)


@pytest.mark.parametrize(
    "values", [[0.1 + 0.2, 0.3, 0.3], [1e6, 1e6 + 1e-5, 1e6], [-5e-3, -5e-3, -5e-3 * (1 + 1e-12)]]
)
def test_a_feature_that_only_rounding_moves_is_constant(values) -> None:
    assert Scaler.fitted(np.array(values)[:, None]).scale.tolist() == [1.0]


@pytest.mark.parametrize("values", [[1.7e9, 1.7e9 + 60, 1.7e9 + 120], [1e-9, -1e-9, 0.0], [7.0, 7.0, 7.001]])
def test_a_small_signal_is_no_constant(values) -> None:
    scaled = Scaler.fitted(np.array(values)[:, None])(np.array(values)[:, None])
    assert scaled.std() == pytest.approx(1, rel=1e-4)


def test_holes_count_in_no_statistic() -> None:
    values = np.array([[1.0, NAN, 4.0], [3.0, NAN, NAN], [NAN, NAN, 4.0]])
    scaler = Scaler.fitted(values)
    assert scaler.mean.tolist() == [2.0, 0.0, 4.0]
    assert scaler.scale.tolist() == [1.0, 1.0, 1.0]
    assert np.isnan(scaler(values)).tolist() == np.isnan(values).tolist()


@pytest.mark.parametrize("value", [-3.4028235e38, 1e300, 5e18])
def test_a_value_that_float32_cannot_square_is_refused_with_its_place(value) -> None:
    scaler = Scaler.fitted(np.array([[0.0, 1.0], [2.0, 3.0]]))
    part = np.zeros((2, 3, 2))
    part[1, 0, 1] = value
    with pytest.raises(DataError, match=r"row 4, column 2 is .*, more than 1e\+18 times the deviation"):
        scaler(part)
    with pytest.raises(DataError, match=r"a\.csv, row 3, column 'b1' is "):
        scaler(part, place=lambda row, feature: f"a.csv, row {row}, column 'b{feature}'")
