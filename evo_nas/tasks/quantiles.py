"""Forecasts of quantiles: their metrics, and the choices that fit together."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from evo_nas.data.splitting import HELD_OUT
from evo_nas.errors import DataError
from evo_nas.tasks.metrics import MEDIAN, Metric, in_order, mean, of_known, original

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    import numpy.typing as npt

    from evo_nas.tasks.metrics import Outputs, Sums, Targets


def check_metric(metric: str, levels: tuple[float, ...]) -> None:
    """Checks that the metric called ``metric`` can judge forecasts with these levels, none for point forecasts.

    Raises:
        ValueError: It cannot; the message suits a validator of options.
    """
    if metric == "wql" and not levels:
        raise ValueError("metric is wql, which judges quantiles; give quantiles, such as [0.1, 0.5, 0.9]")
    if metric != "wql" and levels and MEDIAN not in levels:
        raise ValueError(
            f"metric is {metric}, which judges the median, and quantiles {list(levels)} have no 0.5; "
            "add it, or choose metric wql"
        )


def check_sizes(targets: Mapping[str, npt.NDArray[Any]], source: str) -> None:
    """Checks that the held-out targets are not all zero, since ``wql`` divides by their sum.

    Args:
        targets: The original targets of each part; NaN is not known.
        source: What holds them, for a message.

    Raises:
        DataError: Those of the validation or test part are zero beside the training part.
    """
    sizes = {part: np.abs(values[~np.isnan(values)]) for part, values in targets.items()}
    rounding = np.finfo(np.float32).eps * sizes["train"].max(initial=0.0)
    for part in HELD_OUT:
        if sizes[part].mean() <= rounding:
            raise DataError(
                f"{source}: the targets of the {part} part are all zero, and wql divides by their size; choose mae, or "
                "change the split"
            )


def pinball_sums(
    outputs: Outputs,
    targets: Targets,
    *,
    levels: tuple[float, ...],
    scale: tuple[float, ...] = (1.0,),
    offset: tuple[float, ...] = (0.0,),
) -> Sums:
    """Returns twice the sum of pinball losses, a mean over the levels, and the sum of absolute targets.

    Args:
        outputs: Quantiles ``(n, targets * levels)``.
        targets: float32 ``(n, targets)``; NaN does not count.
        levels: The levels.
        scale: Factor of each target that, together with ``offset``, brings back the original units.
        offset: What is added to each target afterwards.
    """
    values = original(targets, scale, offset)
    losses: Sums = np.zeros(values.shape)
    quantiles = in_order(outputs, len(levels))
    for place, level in enumerate(levels):
        errors = values - original(quantiles[..., place], scale, offset)
        losses += np.maximum(level * errors, (level - 1.0) * errors) / len(levels)
    return np.array([2.0 * of_known(losses, targets).sum(), np.abs(of_known(values, targets)).sum()])


def inside(outputs: Outputs, targets: Targets, *, levels: tuple[float, ...]) -> Sums:
    """Returns how many targets lie between their lowest and their highest quantile, and how many are known."""
    quantiles = in_order(outputs, len(levels))
    values = targets.astype(np.float64)
    hits = (quantiles[..., 0] <= values) & (values <= quantiles[..., -1])
    known = of_known(hits.astype(np.float64), targets)
    return np.array([known.sum(), known.size])


def wql(
    levels: tuple[float, ...], scale: tuple[float, ...] = (1.0,), offset: tuple[float, ...] = (0.0,)
) -> Metric:
    """Returns the weighted quantile loss (Park et al., 2022): pinball losses over the sum of absolute targets.

    It is computed for all series and steps together and averaged over the levels; see `pinball_sums`.
    """
    statistic = partial(pinball_sums, levels=levels, scale=scale, offset=offset)
    return Metric("wql", higher_is_better=False, statistic=statistic, value=mean)


def coverage(levels: tuple[float, ...]) -> Metric:
    """Returns the share of targets between the lowest and the highest quantile.

    It is a figure to look at beside the difference of these levels; whoever optimises it gets boundless intervals.
    """
    return Metric("coverage", higher_is_better=True, statistic=partial(inside, levels=levels), value=mean)
