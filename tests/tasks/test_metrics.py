from __future__ import annotations

import math
from functools import partial

import numpy as np
import pytest
from sklearn.metrics import f1_score, log_loss, matthews_corrcoef

from evo_nas.tasks.metrics import (
    ACCURACY,
    BITS_PER_CHARACTER,
    MACRO_F1,
    MAE,
    MCC,
    MSE,
    NLL,
    NLL_PER_FRAME,
    PERPLEXITY,
    RMSE,
    error_metric,
    mase,
    smape,
)

RNG = np.random.default_rng(0)
LOGITS = RNG.normal(size=(50, 4)).astype(np.float32)
CLASSES = RNG.integers(0, 4, 50)
CLASSES[:4] = range(4)


def test_accuracy_is_the_share_of_right_classes() -> None:
    outputs = np.array([[0.1, 0.9], [2.0, 1.0], [0.0, 3.0]], dtype=np.float32)
    assert ACCURACY.score(outputs, np.array([1, 0, 0])) == 2 / 3


def test_classification_agrees_with_scikit_learn() -> None:
    answers = LOGITS.argmax(axis=1)
    odds = np.exp(LOGITS.astype(np.float64))
    assert MACRO_F1.score(LOGITS, CLASSES) == pytest.approx(f1_score(CLASSES, answers, average="macro"))
    assert MCC.score(LOGITS, CLASSES) == pytest.approx(matthews_corrcoef(CLASSES, answers))
    assert NLL.score(LOGITS, CLASSES) == pytest.approx(
        log_loss(CLASSES, odds / odds.sum(axis=1, keepdims=True)), rel=1e-6
    )


def test_constant_answers_have_no_correlation() -> None:
    assert MCC.score(np.array([[1.0, 0.0]] * 4, dtype=np.float32), np.array([0, 1, 0, 1])) == 0.0


def test_surprise_is_measured_in_nats_in_bits_and_as_perplexity() -> None:
    nothing = np.zeros((3, 8), dtype=np.float32)
    targets = np.array([0, 3, 7])
    assert NLL.score(nothing, targets) == pytest.approx(math.log(8))
    assert BITS_PER_CHARACTER.score(nothing, targets) == pytest.approx(3.0)
    assert PERPLEXITY.score(nothing, targets) == pytest.approx(8.0)


def test_a_hopeless_network_has_a_finite_perplexity() -> None:
    assert math.isfinite(PERPLEXITY.score(np.array([[0.0, 1e6]], dtype=np.float32), np.array([0])))


def test_frames_are_summed_over_keys() -> None:
    assert NLL_PER_FRAME.score(np.zeros((2, 5), np.float32), np.ones((2, 5), np.float32)) == pytest.approx(
        5 * math.log(2)
    )


def test_errors_are_means_over_all_entries() -> None:
    outputs, targets = np.array([[1.0, 2.0]], dtype=np.float32), np.array([[0.0, 5.0]], dtype=np.float32)
    assert MSE.score(outputs, targets) == 5.0
    assert MAE.score(outputs, targets) == 2.0
    assert RMSE.score(outputs, targets) == math.sqrt(5.0)


def test_errors_in_original_units_scale_each_target_at_every_step() -> None:
    outputs = np.array([[1.0, 1.0, 2.0, 2.0]], dtype=np.float32)  # two steps of two targets
    assert error_metric("mae", (10.0, 100.0)).score(outputs, np.zeros((1, 4))) == (10 + 100 + 20 + 200) / 4


def test_mase_of_a_naive_forecast_is_one() -> None:
    assert mase((3.0,), (6.0,)).score(np.array([[2.0]], np.float32), np.array([[0.0]], np.float32)) == 1.0


@pytest.mark.parametrize(
    "metric", [MSE, MAE, RMSE, error_metric("mae", (2.0,)), mase((1.0,), (4.0,)), smape()]
)
def test_a_target_that_is_not_known_does_not_count(metric) -> None:
    outputs = np.array([[1.0, 2.0], [3.0, 4.0]], dtype=np.float32)
    targets = np.array([[2.0, np.nan], [np.nan, 7.0]], dtype=np.float32)
    assert metric.score(outputs, targets) == metric.score(
        outputs[[0, 1], [0, 1]][:, None], targets[[0, 1], [0, 1]][:, None]
    )


def test_a_prediction_that_is_not_a_number_is_never_hidden() -> None:
    holes = np.array([[2.0, np.nan]], dtype=np.float32)
    assert math.isnan(MAE.score(np.array([[np.nan, 1.0]], dtype=np.float32), holes))


@pytest.mark.parametrize(
    "metric", [partial(error_metric, "mae", (1.0,)), partial(mase, (1.0,), (1.0,)), smape]
)
def test_the_median_is_the_point_forecast_even_where_quantiles_cross(metric) -> None:
    crossing = np.array([[5.0, 9.0, 1.0, 30.0, 20.0, 10.0]], dtype=np.float32)  # two steps of three levels
    medians, targets = np.array([[5.0, 20.0]], np.float32), np.array([[4.0, 24.0]], np.float32)
    judged = metric(levels=(0.1, 0.5, 0.9)).score(crossing, targets)
    assert judged == metric().score(medians, targets) > 0


def test_smape_is_a_percentage_of_the_mean_of_forecast_and_value() -> None:
    outputs, targets = np.array([[1.0, 0.0, -1.0]], np.float32), np.array([[3.0, 0.0, 1.0]], np.float32)
    assert smape().score(outputs, targets) == pytest.approx((100 + 0 + 200) / 3)


def test_smape_is_measured_in_original_units() -> None:
    outputs, targets = np.array([[-1.0, 0.0]], np.float32), np.array([[1.0, 0.0]], np.float32)
    original = smape((2.0,), (10.0,)).score(outputs, targets)
    assert original == smape().score(10 + 2 * outputs, 10 + 2 * targets) == pytest.approx(20.0)


@pytest.mark.parametrize("metric", [ACCURACY, MACRO_F1, MCC, NLL, PERPLEXITY])
def test_statistics_add_up_over_batches(metric) -> None:
    halves = metric.statistic(LOGITS[:20], CLASSES[:20]) + metric.statistic(LOGITS[20:], CLASSES[20:])
    assert metric.value(halves) == pytest.approx(metric.score(LOGITS, CLASSES))


def test_fitness_is_higher_for_the_better() -> None:
    assert ACCURACY.fitness(0.9) > ACCURACY.fitness(0.8)
    assert MSE.fitness(0.1) > MSE.fitness(0.2)
