"""What missing values of sequences become."""

import numpy as np
import pytest

from evo_nas.data.holes import HoleFilling, steps_since_known

HOLE = np.nan


def test_a_mask_says_what_is_known_and_how_long_ago_it_was():
    values = np.array([[1.0, 5.0], [HOLE, 6.0], [HOLE, 7.0], [4.0, 8.0]])
    filling = HoleFilling.of("mask", [values])
    assert filling.masked == (0,)
    assert filling.names(["a", "b"]) == ("a", "b", "a is known", "steps since a")
    inputs = filling(values)
    np.testing.assert_allclose(inputs[:, 0], [1, 0, 0, 4])
    np.testing.assert_allclose(inputs[:, 2], [1, 0, 0, 1])
    np.testing.assert_allclose(np.expm1(inputs[:, 3]), [0, 1, 2, 3], rtol=1e-5)


def test_a_column_with_a_hole_in_any_part_is_masked_in_all():
    filling = HoleFilling.of("mask", [np.array([[1.0, 2.0]]), np.array([[HOLE, 2.0]])])
    assert filling(np.array([[1.0, 2.0]])).shape == (1, 4)


@pytest.mark.parametrize(("how", "filled"), [("interpolate", [2, 2, 3, 4, 4]), ("previous", [2, 2, 2, 4, 4])])
def test_holes_are_filled_in_from_their_neighbours(how, filled):
    values = np.array([[HOLE], [2.0], [HOLE], [4.0], [HOLE]])
    np.testing.assert_allclose(HoleFilling.of(how, [values])(values)[:, 0], filled)


@pytest.mark.parametrize("how", ["mask", "interpolate", "previous"])
def test_a_column_without_any_value_becomes_the_mean(how):
    values = np.full((3, 1), HOLE)
    np.testing.assert_array_equal(HoleFilling.of(how, [values])(values)[:, 0], np.zeros(3))


def test_nothing_is_counted_before_the_first_known_value():
    assert steps_since_known(np.array([False, False, True, False])).tolist() == [0, 0, 0, 1]
