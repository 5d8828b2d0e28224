"""The metrics of tasks, each a function of sums over sequences or steps."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Literal, TypeVar

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy.typing as npt

    Sums = npt.NDArray[np.float64]
    Outputs = npt.NDArray[np.float32]
    Targets = npt.NDArray[np.generic]
    Factors = tuple[float, ...]
    Levels = tuple[float, ...]

FloatT = TypeVar("FloatT", bound=np.floating)
ClassificationMetric = Literal["accuracy", "macro_f1", "mcc", "nll"]
ErrorMetric = Literal["mse", "mae", "rmse"]
RegressionMetric = Literal["rmse", "mae", "mse", "r2"]
MultiLabelMetric = Literal["nll_per_frame", "frame_accuracy", "f1"]
MEDIAN = 0.5
LONGEST_NLL = 700.0
"""The exponential of a larger negative log-likelihood would overflow double precision."""


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric of the field, computed from a statistic that adds up over batches.

    Attributes:
        name: Name of the metric, such as ``accuracy`` or ``mse``.
        higher_is_better: The direction; fitness is the metric or its negative.
        statistic: ``(outputs, targets) -> float64 array`` for some sequences; where every step has an output, for
            the valid steps only, ``(steps, ...)``. ``value`` takes its sum over all batches. It is a module-level
            function or a partial of one, so that it pickles.
        value: Returns the metric for the summed statistic.
    """

    name: str
    higher_is_better: bool
    statistic: Callable[[npt.NDArray[np.float32], npt.NDArray[np.generic]], npt.NDArray[np.float64]]
    value: Callable[[npt.NDArray[np.float64]], float]

    def score(self, outputs: npt.NDArray[np.float32], targets: npt.NDArray[np.generic]) -> float:
        """Returns the figure of a whole part."""
        return self.value(self.statistic(outputs, targets))

    def fitness(self, value: float) -> float:
        """Returns ``value`` with the sign that makes higher better."""
        return value if self.higher_is_better else -value


def hits(outputs: Outputs, targets: Targets) -> Sums:
    """Returns the number of right answers and of all; outputs ``(n, classes)``, targets int64 ``(n,)``."""
    return np.array([np.count_nonzero(outputs.argmax(axis=-1) == targets), len(targets)], dtype=np.float64)


def confusion(outputs: Outputs, targets: Targets) -> Sums:
    """Returns how often each class (row) was predicted as each class (column); arguments as in `hits`."""
    classes = outputs.shape[-1]
    # One number for each pair of classes, so that one bincount counts them all.
    pairs = targets.astype(np.int64) * classes + outputs.argmax(axis=-1)
    return np.bincount(pairs, minlength=classes**2).reshape(classes, classes).astype(np.float64)


def surprise(outputs: Outputs, targets: Targets) -> Sums:
    """Returns the negative log-likelihood of the targets in nats, and their number; arguments as in `hits`."""
    # The highest logit is taken out first, so that no exponential overflows.
    highest = outputs.max(axis=-1, keepdims=True)
    spread = np.log(np.exp(outputs - highest).sum(axis=-1, dtype=np.float64)) + highest[..., 0]
    chosen = np.take_along_axis(outputs, targets.astype(np.int64)[..., None], axis=-1)[..., 0]
    return np.array([np.sum(spread - chosen), len(targets)], dtype=np.float64)


def binary_surprise(outputs: Outputs, targets: Targets) -> Sums:
    """Returns the negative log-likelihood of 0/1 targets ``(n, outputs)`` under logits, and ``n``."""
    costs = np.logaddexp(0.0, outputs) - np.multiply(outputs, targets, dtype=np.float64)
    return np.array([costs.sum(dtype=np.float64), len(targets)])


def key_hits(outputs: Outputs, targets: Targets) -> Sums:
    """Returns how many keys are rightly on and how many are wrong; arguments as in `binary_surprise`."""
    on, wanted = outputs > 0, targets == 1
    return np.array([np.count_nonzero(on & wanted), np.count_nonzero(on != wanted)], dtype=np.float64)


def squared_errors(
    outputs: Outputs, targets: Targets, *, scale: Factors = (1.0,), levels: Levels = ()
) -> Sums:
    """Returns the sum of squared errors and their number, after errors are multiplied by ``scale``.

    Args:
        outputs: Point forecasts ``(n, targets)``, or quantiles ``(n, targets * levels)``, whose median counts.
        targets: float32 ``(n, targets)``; NaN does not count.
        scale: A factor for each target, repeated over the steps of the horizon.
        levels: The levels of quantiles.
    """
    errors = _scaled_errors(outputs, targets, scale, levels)
    return np.array([np.sum(np.square(errors)), errors.size])


def absolute_errors(
    outputs: Outputs, targets: Targets, *, scale: Factors = (1.0,), levels: Levels = ()
) -> Sums:
    """Returns the sum of absolute errors and their number; see `squared_errors`."""
    errors = _scaled_errors(outputs, targets, scale, levels)
    return np.array([np.sum(np.abs(errors)), errors.size])


def percentage_errors(
    outputs: Outputs,
    targets: Targets,
    *,
    scale: Factors = (1.0,),
    offset: Factors = (0.0,),
    levels: Levels = (),
) -> Sums:
    """Returns the sum of symmetric percentage errors, each 0 to 200, and their number; see `squared_errors`.

    Args:
        outputs: As in `squared_errors`.
        targets: As in `squared_errors`.
        scale: A factor for each target that, together with ``offset``, brings back the original units.
        offset: What is added to each target afterwards.
        levels: As in `squared_errors`.
    """
    forecasts, values = (
        original(array, scale, offset) for array in (point_forecasts(outputs, levels), targets)
    )
    totals = np.abs(forecasts) + np.abs(values)
    # Where both are zero the forecast is right.
    errors = 200.0 * np.abs(forecasts - values) / np.where(totals == 0, 1.0, totals)
    known = of_known(errors, targets)
    return np.array([np.sum(known), known.size])


def variances(outputs: Outputs, targets: Targets) -> Sums:
    """Returns of each target the squared errors, the targets, their squares and their number, summed ``(4, targets)``.

    Arguments are as in `squared_errors`, without levels.
    """
    known = ~np.isnan(targets)
    values = np.where(known, targets, 0.0).astype(np.float64)
    errors = np.where(known, outputs - values, 0.0)
    rows = (np.square(errors), values, np.square(values), known)
    return np.stack([row.sum(axis=0, dtype=np.float64) for row in rows])


def mean(sums: Sums) -> float:
    """Returns the sum divided by the count."""
    return float(sums[0] / sums[1])


def root_mean(sums: Sums) -> float:
    """Returns the square root of `mean`."""
    return float(np.sqrt(mean(sums)))


def explained(sums: Sums) -> float:
    """Returns the share of the variance of the targets that is explained, the mean over the targets."""
    errors, total, squares, count = sums
    return float(np.mean(1.0 - errors / (squares - total**2 / count)))


def perplexity(sums: Sums) -> float:
    """Returns the exponential of the mean surprise."""
    return float(np.exp(min(mean(sums), LONGEST_NLL)))


def bits(sums: Sums) -> float:
    """Returns the mean surprise in bits."""
    return mean(sums) / float(np.log(2.0))


def macro_f1(counts: Sums) -> float:
    """Returns the mean F1 over the classes that occur or are predicted at least once."""
    right, wanted, given = np.diag(counts), counts.sum(axis=1), counts.sum(axis=0)
    occurs = wanted + given > 0
    return float(np.mean(2 * right[occurs] / (wanted + given)[occurs]))


def matthews(counts: Sums) -> float:
    """Returns the correlation of predicted and true classes (Gorodkin, 2004); 0 if either is constant."""
    total, right = counts.sum(), np.trace(counts)
    wanted, given = counts.sum(axis=1), counts.sum(axis=0)
    spread = (total**2 - wanted @ wanted) * (total**2 - given @ given)
    return float((right * total - wanted @ given) / np.sqrt(spread)) if spread > 0 else 0.0


def jaccard(sums: Sums) -> float:
    """Returns the share of right keys among those that are on or should be (Bay et al., 2009); 1 without any."""
    right, wrong = sums
    return float(right / (right + wrong)) if right + wrong else 1.0


def micro_f1(sums: Sums) -> float:
    """Returns the F1 of the keys that are on; 1 if none is on and none should be."""
    right, wrong = sums
    return float(2 * right / (2 * right + wrong)) if right + wrong else 1.0


def in_order(quantiles: npt.NDArray[FloatT], levels: int) -> npt.NDArray[FloatT]:
    """Returns quantiles ``(n, targets * levels)`` as ``(n, targets, levels)``, each row in ascending order.

    Sorting repairs quantiles that cross, and never makes them worse (Chernozhukov et al., 2010).
    """
    return np.sort(quantiles.reshape(*quantiles.shape[:-1], -1, levels), axis=-1)


def point_forecasts(outputs: Outputs, levels: Levels) -> Outputs:
    """Returns the medians ``(n, targets)`` of quantiles; outputs without levels are point forecasts already."""
    return in_order(outputs, len(levels))[..., levels.index(MEDIAN)] if levels else outputs


def original(values: npt.NDArray[np.generic], scale: Factors, offset: Factors) -> Sums:
    """Returns ``values`` ``(n, steps * targets)`` in original units, from a scale and an offset of each target."""
    return values.astype(np.float64) * _repeated(scale, values) + _repeated(offset, values)


def of_known(values: Sums, targets: Targets) -> Sums:
    """Returns the values ``(n, targets)`` of the targets that are not NaN, flat if some are."""
    unknown = np.isnan(targets)
    return values[~unknown] if unknown.any() else values


def _scaled_errors(outputs: Outputs, targets: Targets, scale: Factors, levels: Levels) -> Sums:
    errors: Sums = np.subtract(point_forecasts(outputs, levels), targets, dtype=np.float64)
    return of_known(errors * _repeated(scale, errors), targets)


def _repeated(factors: Factors, values: npt.NDArray[np.generic]) -> Sums:
    """Returns factors of each target for all steps of ``values`` ``(n, steps * targets)``."""
    return np.tile(np.asarray(factors, dtype=np.float64), values.shape[-1] // len(factors))


ACCURACY = Metric("accuracy", higher_is_better=True, statistic=hits, value=mean)
MACRO_F1 = Metric("macro_f1", higher_is_better=True, statistic=confusion, value=macro_f1)
MCC = Metric("mcc", higher_is_better=True, statistic=confusion, value=matthews)
NLL = Metric("nll", higher_is_better=False, statistic=surprise, value=mean)
PERPLEXITY = Metric("perplexity", higher_is_better=False, statistic=surprise, value=perplexity)
BITS_PER_CHARACTER = Metric("bits_per_character", higher_is_better=False, statistic=surprise, value=bits)
NLL_PER_FRAME = Metric("nll_per_frame", higher_is_better=False, statistic=binary_surprise, value=mean)
FRAME_ACCURACY = Metric("frame_accuracy", higher_is_better=True, statistic=key_hits, value=jaccard)
F1 = Metric("f1", higher_is_better=True, statistic=key_hits, value=micro_f1)
MSE = Metric("mse", higher_is_better=False, statistic=squared_errors, value=mean)
MAE = Metric("mae", higher_is_better=False, statistic=absolute_errors, value=mean)
RMSE = Metric("rmse", higher_is_better=False, statistic=squared_errors, value=root_mean)
R2 = Metric("r2", higher_is_better=True, statistic=variances, value=explained)

CLASSIFICATION: Mapping[str, Metric] = {metric.name: metric for metric in (ACCURACY, MACRO_F1, MCC, NLL)}
ERRORS: Mapping[str, Metric] = {metric.name: metric for metric in (MSE, MAE, RMSE)}
REGRESSION: Mapping[str, Metric] = {metric.name: metric for metric in (RMSE, MAE, MSE, R2)}
MULTI_LABEL: Mapping[str, Metric] = {metric.name: metric for metric in (NLL_PER_FRAME, FRAME_ACCURACY, F1)}
LANGUAGE: Mapping[str, Metric] = {metric.name: metric for metric in (NLL, PERPLEXITY, BITS_PER_CHARACTER)}


def error_metric(name: ErrorMetric, scale: tuple[float, ...], levels: tuple[float, ...] = ()) -> Metric:
    """Returns ``mse``, ``mae`` or ``rmse`` of errors that are multiplied by ``scale``, one factor for each target.

    With the levels of quantiles, which hold .5, the errors are those of the median.
    """
    metric, statistic = {
        "mse": (MSE, squared_errors),
        "mae": (MAE, absolute_errors),
        "rmse": (RMSE, squared_errors),
    }[name]
    return replace(metric, statistic=partial(statistic, scale=scale, levels=levels))


def regression_metric(name: RegressionMetric, scale: tuple[float, ...]) -> Metric:
    """Returns ``r2``, which has no unit, or the error of `error_metric`."""
    return R2 if name == "r2" else error_metric(name, scale)


def mase(scale: tuple[float, ...], naive_errors: tuple[float, ...], levels: tuple[float, ...] = ()) -> Metric:
    """Returns the mean absolute error divided by that of the naive forecast (Hyndman and Koehler, 2006).

    Args:
        scale: As in `error_metric`.
        naive_errors: Mean absolute difference of each target from one season before, in training.
        levels: As in `error_metric`.
    """
    factors = tuple(factor / error for factor, error in zip(scale, naive_errors, strict=True))
    return Metric(
        "mase",
        higher_is_better=False,
        statistic=partial(absolute_errors, scale=factors, levels=levels),
        value=mean,
    )


def smape(
    scale: tuple[float, ...] = (1.0,), offset: tuple[float, ...] = (0.0,), levels: tuple[float, ...] = ()
) -> Metric:
    """Returns the symmetric mean absolute percentage error, 0 to 200 (Makridakis and Hibon, 2000).

    Args:
        scale: Factor of each target that, together with ``offset``, brings back the original units.
        offset: What is added to each target afterwards.
        levels: As in `error_metric`.
    """
    return Metric(
        "smape",
        higher_is_better=False,
        statistic=partial(percentage_errors, scale=scale, offset=offset, levels=levels),
        value=mean,
    )
