"""A readout is the ridge regression that scikit-learn fits, with the penalty that leaving rows out chooses."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import RidgeCV

from evo_nas.tasks.baselines.readout import PENALTIES, Readout, fitted_classes, fitted_numbers
from evo_nas.tasks.metrics import NLL

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("rows", [30, 200], ids=["fewer rows than features", "more rows than features"])
def test_it_predicts_what_scikit_learn_does(rows: int) -> None:
    features = RNG.normal(size=(rows + 10, 60)).astype(np.float32)
    targets = features[:, :2] @ np.array([[1.0, -2.0], [0.5, 3.0]]) + 5 + RNG.normal(size=(rows + 10, 2))
    model = Readout.fitted(features[:rows], targets[:rows])
    scaled = (features - model.mean) / model.deviation
    reference = RidgeCV(PENALTIES).fit(scaled[:rows], targets[:rows])
    assert model(features[rows:]) == pytest.approx(reference.predict(scaled[rows:]), abs=1e-3)


@pytest.mark.parametrize("rows", [12, 40])
def test_the_left_out_predictions_are_those_of_models_without_the_row(
    rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("evo_nas.tasks.baselines.readout.PENALTIES", [1.0])
    features = RNG.normal(size=(rows, 20)).astype(np.float32)
    features = (features - features.mean(axis=0)) / features.std(axis=0)
    targets = RNG.normal(size=(rows, 1))
    model, others = Readout.fitted(features, targets), np.arange(rows) != 3
    centre, mean = features[others].mean(axis=0), targets[others].mean()
    rest = features[others] - centre
    weights = np.linalg.solve(rest.T @ rest + np.eye(20), rest.T @ (targets[others] - mean))
    assert model.left_out[3] == pytest.approx((features[3] - centre) @ weights + mean, abs=1e-4)


def test_a_constant_feature_changes_nothing() -> None:
    features, targets = RNG.normal(size=(50, 5)).astype(np.float32), RNG.normal(size=(50, 1))
    constant = np.concatenate([features, np.full((50, 1), 0.1, dtype=np.float32)], axis=1)
    with_it, without = (
        Readout.fitted(constant, targets)(constant),
        Readout.fitted(features, targets)(features),
    )
    assert with_it == pytest.approx(without, abs=1e-4)


def test_logits_are_as_sure_as_the_left_out_rows_allow() -> None:
    features = RNG.normal(size=(400, 3)).astype(np.float32)
    targets = (features[:, 0] + RNG.normal(size=400) > 0).astype(np.int64)
    logits = fitted_classes(features[:300], targets[:300], classes=2)(features[300:]).astype(np.float32)
    assert NLL.score(logits, targets[300:]) < np.log(2)
    noise = RNG.integers(0, 2, 300)
    unsure = fitted_classes(features[:300], noise, classes=2)(features[300:]).astype(np.float32)
    assert NLL.score(unsure, targets[300:]) == pytest.approx(np.log(2), abs=0.02)


def test_a_target_with_holes_is_learnt_from_the_rows_that_know_it() -> None:
    features = RNG.normal(size=(60, 2)).astype(np.float32)
    targets = np.stack([features[:, 0], 2 - features[:, 1]], axis=1)
    targets[::3, 1] = np.nan
    predicted = fitted_numbers(features, targets)(features)
    assert predicted[:, 1] == pytest.approx(2 - features[:, 1], abs=0.02)
