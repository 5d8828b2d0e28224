"""The curves of MNIST-1D are as hard as those of the paper."""

from __future__ import annotations

import numpy as np
import pytest

from evo_nas.tasks.mnist1d import Mnist1dOptions, Mnist1dTask

PREPARED = Mnist1dTask(Mnist1dOptions()).read()
DATA = PREPARED.dataset


def test_the_parts_are_those_of_the_paper() -> None:
    assert [len(part) for part in DATA.parts.values()] == [3600, 400, 1000]
    assert DATA.train.inputs.shape[1:] == (40, 1)
    assert np.bincount(DATA.test.targets).tolist() == [100] * 10


def test_curves_have_the_statistics_of_the_published_ones() -> None:
    curves, classes = DATA.train.inputs[..., 0].astype(np.float64), DATA.train.targets
    assert curves.mean() == pytest.approx(0, abs=1e-5)
    assert curves.std() == pytest.approx(1, abs=1e-5)
    # Mean, deviation and mean step of the curves of a digit, of the published program with its seed.
    published = {0: (0.473, 1.195, 0.414), 3: (0.327, 1.010, 0.499), 6: (-0.392, 1.179, 0.411)}
    for digit, wanted in published.items():
        some = curves[classes == digit]
        found = (some.mean(), some.std(), np.abs(np.diff(some)).mean())
        assert found == pytest.approx(wanted, abs=0.03)


def test_a_linear_model_fails_as_in_the_paper() -> None:
    # Published: 32 %; a digit is hardly told from another by the value at a step, since all are shifted.
    assert 0.28 < PREPARED.baselines["logistic regression"]().score < 0.36


def test_curves_may_have_more_steps() -> None:
    longer = Mnist1dTask(Mnist1dOptions(train=50, validation=20, test=20, length=72)).read().dataset
    assert longer.train.inputs.shape == (50, 72, 1)
