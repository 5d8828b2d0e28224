from __future__ import annotations

import numpy as np
import pytest

from evo_nas.data.scaling import Scaler
from evo_nas.errors import DataError


def test_training_values_get_mean_zero_and_deviation_one() -> None:
    values = np.random.default_rng(0).normal(loc=[5, -100], scale=[0.1, 30], size=(40, 6, 2))
    scaled = Scaler.fitted(values)(values).reshape(-1, 2)
    assert scaled.mean(axis=0) == pytest.approx([0, 0], abs=1e-5)
    assert scaled.std(axis=0) == pytest.approx([1, 1], rel=1e-5)


def test_values_whose_squares_overflow_are_refused() -> None:
    with pytest.raises(DataError, match=r"holds 1e\+308, too large to be standardised"):
        Scaler.fitted(np.array([[1.0], [1e308], [2.0]]))


@pytest.mark.parametrize("constant", [0.0, 0.1, 1e9 + 0.1])
def test_a_constant_feature_is_only_centred(constant) -> None:
    scaler = Scaler.fitted(np.full((7, 1), constant))
    assert scaler(np.array([[constant], [constant + 2]])).ravel() == pytest.approx([0, 2], abs=1e-5)
