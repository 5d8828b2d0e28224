from __future__ import annotations

import numpy as np
import pytest

from evo_nas.data.examples import Examples
from evo_nas.data.features import Features
from evo_nas.errors import DataError
from evo_nas.tasks.numeric_files import PlainReading

NAN = float("nan")


def examples(*items, names=("a", "b"), indicators=()) -> Examples:
    arrays = [np.array(item, dtype=np.float64) for item in items]
    return Examples("a.csv", arrays, ["u"] * len(items), features=names, indicators=indicators)


TRAIN = examples([[0, 1], [2, 3]], [[4, 5]])


def test_values_are_standardised_with_the_training_part() -> None:
    features = Features.fitted([TRAIN, examples([[100, 100]])], "refuse")
    assert np.concatenate(features.inputs(TRAIN)).mean(axis=0) == pytest.approx([0, 0], abs=1e-6)
    assert features.inputs(examples([[2, 3]]))[0].tolist() == [[0, 0]]
    assert PlainReading(features)(TRAIN)[0].tolist() == [[0, 1], [2, 3]]
    assert (features.width, features.remarks) == (2, ())


def test_a_hole_of_any_part_gets_a_mask_in_every_part() -> None:
    test = examples([[2, NAN], [2, 3]])
    features = Features.fitted([TRAIN, test], "mask")
    assert features.width == 4
    assert features.inputs(test)[0].tolist() == [[0, 0, 0, 0], [0, 0, 1, 0]]
    assert features.inputs(TRAIN)[1][0, 2:].tolist() == [1, 0]
    assert features.remarks[0].startswith("1 missing values (b 1) become the mean of training")


@pytest.mark.parametrize(("how", "wanted"), [("interpolate", [1, 2, 3, 3]), ("previous", [1, 1, 3, 3])])
def test_holes_are_filled_for_networks_and_for_baselines(how, wanted) -> None:
    part = examples([[1], [NAN], [3], [NAN]], names=("a",))
    features = Features.fitted([part], how)
    scale = features.scaler.scale
    filled = features.inputs(part)[0] * scale + features.scaler.mean
    assert filled.ravel() == pytest.approx(wanted)
    assert PlainReading(features)(part)[0].ravel() == pytest.approx(wanted)


def test_baselines_read_interpolated_values_where_networks_read_a_mask() -> None:
    part = examples([[1], [NAN], [3]], names=("a",))
    assert PlainReading(Features.fitted([part], "mask"))(part)[0].ravel() == pytest.approx([1, 2, 3])


def test_baselines_tell_large_values_apart() -> None:
    part = examples([[1e7], [1e7 + 0.5], [1e7 + 1]], names=("a",))
    assert PlainReading(Features.fitted([part], "refuse"))(part)[0].ravel().tolist() == [0, 0.5, 1]


def test_words_are_not_standardised_and_one_that_training_lacks_is_none_of_them() -> None:
    train = examples([[5, 1, 0], [7, 1, 0]], names=("a", "w=x", "w=y"), indicators=(1, 2))
    test = examples([[5, 0, 1]], names=("a", "w=x", "w=y"), indicators=(1, 2))
    features = Features.fitted([train, test], "refuse")
    assert features.inputs(train)[0].tolist() == [[-1, 1, 0], [1, 1, 0]]
    assert features.inputs(test)[0].tolist() == [[-1, 0, 0]]
    assert features.remarks == ("w=y: not in the training part, read as none of the words",)


def test_a_value_far_from_training_is_named() -> None:
    features = Features.fitted([TRAIN], "refuse")
    with pytest.raises(DataError, match=r"a\.csv, example 2, step 3, b is -3\.4e\+38"):
        features.inputs(examples([[0, 1]], [[1, 1], [1, 1], [1, -3.4e38]]))


def test_constant_values_are_said_and_refused_if_there_are_no_others() -> None:
    part = examples([[1, 5], [2, 5 + 1e-12]], [[3, 5]])
    assert Features.fitted([part], "refuse").remarks == (
        "b: constant in the training part; nothing is learnt from it",
    )
    with pytest.raises(
        DataError, match=r"every value that is read is constant in the training part \(a, b\)"
    ):
        Features.fitted([examples([[1, 5], [1, 5]])], "refuse")


def test_a_value_that_training_never_has_is_a_constant() -> None:
    features = Features.fitted([examples([[1, NAN], [2, NAN]]), examples([[1, 7]])], "mask")
    assert any(remark.startswith("b: constant in the training part") for remark in features.remarks)
