from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from evo_nas.tasks.baselines.fitting import scores
from evo_nas.tasks.digits import DigitsOptions, DigitsTask


def test_images_are_eight_rows_of_eight_pixels_in_the_shares_asked_for() -> None:
    dataset = DigitsTask(DigitsOptions(validation=0.1, test=0.3)).read().dataset
    assert dataset.train.inputs.shape[1:] == (8, 8)
    sizes = np.array([len(dataset.train), len(dataset.validation), len(dataset.test)])
    assert sizes.sum() == 1797
    assert sizes / 1797 == pytest.approx([0.6, 0.1, 0.3], abs=1e-3)


def test_every_part_has_its_share_of_each_class() -> None:
    dataset = DigitsTask(DigitsOptions()).read().dataset
    shares = [
        np.bincount(part.targets) / len(part) for part in (dataset.train, dataset.validation, dataset.test)
    ]
    assert np.ptp(shares, axis=0).max() < 0.01


def test_no_image_is_in_two_parts() -> None:
    dataset = DigitsTask(DigitsOptions()).read().dataset
    images = [
        {image.tobytes() for image in part.inputs}
        for part in (dataset.train, dataset.validation, dataset.test)
    ]
    assert sum(map(len, images)) == len(set.union(*images)) == 1797


def test_statistics_come_from_the_training_part() -> None:
    dataset = DigitsTask(DigitsOptions()).read().dataset
    columns = dataset.train.inputs.reshape(-1, 8)
    assert columns.mean(axis=0) == pytest.approx(np.zeros(8), abs=1e-5)
    assert abs(dataset.test.inputs.reshape(-1, 8).mean(axis=0)).max() > 1e-4


def test_another_seed_draws_other_parts() -> None:
    first, second = (DigitsTask(DigitsOptions(seed=seed)).read().dataset for seed in (0, 1))
    assert not np.array_equal(first.test.targets, second.test.targets)


def test_baselines_are_the_majority_and_the_nearest_neighbour() -> None:
    baselines = scores(DigitsTask(DigitsOptions()).read().fit_baselines())
    assert 0.08 < baselines["majority"] < 0.12
    assert 0.94 < baselines["nearest neighbour"] < 1.0


def test_parts_that_leave_nothing_to_learn_are_refused() -> None:
    with pytest.raises(ValidationError, match="sum must be below 1"):
        DigitsOptions(validation=0.5, test=0.5)
