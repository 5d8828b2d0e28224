from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import mean_pinball_loss

from evo_nas.tasks.quantiles import check_metric, coverage, wql

LEVELS = (0.1, 0.5, 0.9)
RNG = np.random.default_rng(0)
QUANTILES = np.sort(RNG.normal(size=(20, 4, 3)), axis=-1).astype(np.float32)  # 20 examples of 4 steps
TARGETS = RNG.normal(size=(20, 4)).astype(np.float32)


def test_the_weighted_quantile_loss_is_twice_the_pinball_loss_over_the_mean_absolute_target() -> None:
    losses = [
        mean_pinball_loss(TARGETS, QUANTILES[..., place], alpha=level) for place, level in enumerate(LEVELS)
    ]
    expected = 2 * np.mean(losses) / np.abs(TARGETS).mean()
    assert wql(LEVELS).score(QUANTILES.reshape(20, -1), TARGETS) == pytest.approx(expected)


def test_the_weighted_quantile_loss_is_measured_in_original_units() -> None:
    outputs = QUANTILES.reshape(20, -1)
    original = wql(LEVELS).score(3 * outputs + 5, 3 * TARGETS + 5)
    assert wql(LEVELS, (3.0,), (5.0,)).score(outputs, TARGETS) == pytest.approx(original, rel=1e-6)


def test_coverage_is_the_share_of_targets_within_the_outermost_interval() -> None:
    outputs = np.array([[0.0, 1.0, 2.0], [0.0, 1.0, 2.0], [2.0, 1.0, 0.0]], np.float32)
    assert coverage(LEVELS).score(outputs, np.array([[0.0], [2.5], [1.5]], np.float32)) == 2 / 3


@pytest.mark.parametrize("metric", [wql(LEVELS), coverage(LEVELS)])
def test_a_target_that_is_not_known_does_not_count(metric) -> None:
    holes, known = TARGETS.copy(), np.ones(20, dtype=np.bool_)
    holes[3], known[3] = np.nan, False
    outputs = QUANTILES.reshape(20, -1)
    assert metric.score(outputs, holes) == pytest.approx(metric.score(outputs[known], TARGETS[known]))


@pytest.mark.parametrize("metric", [wql(LEVELS), coverage(LEVELS)])
def test_crossing_quantiles_are_put_in_order(metric) -> None:
    crossing = QUANTILES[..., ::-1].reshape(20, -1)
    assert metric.score(crossing, TARGETS) == metric.score(QUANTILES.reshape(20, -1), TARGETS)


@pytest.mark.parametrize(
    ("metric", "levels", "why"),
    [
        ("wql", (), "metric is wql.*give quantiles"),
        ("mase", (0.1, 0.9), r"quantiles \[0.1, 0.9\] have no 0.5"),
    ],
)
def test_a_metric_that_cannot_judge_the_forecast_is_refused(metric, levels, why) -> None:
    with pytest.raises(ValueError, match=why):
        check_metric(metric, levels)


@pytest.mark.parametrize(("metric", "levels"), [("wql", (0.2,)), ("mase", LEVELS), ("mse", ())])
def test_a_metric_that_fits_is_accepted(metric, levels) -> None:
    check_metric(metric, levels)
