"""Prepares the parts of a cut with the statistics of its own training part, so that it knows nothing of validation.

Means and deviations are taken of values that are standardised already, which gives the same as those of the files: both
steps are one multiplication and one addition.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from evo_nas.data.scaling import Scaler
from evo_nas.data.splitting import PARTS
from evo_nas.data.statistics import known_ids, unknown_ids
from evo_nas.tasks.cuts.rows import valid_steps
from evo_nas.tasks.dataset import Sequences

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from evo_nas.data.statistics import Statistics
    from evo_nas.tasks.dataset import Dataset
    from evo_nas.tasks.metrics import Metric

    Targets = npt.NDArray[np.float32]
    Ids = npt.NDArray[np.int64]
    Change = Callable[[Sequences], Sequences]


def relearnt(dataset: Dataset) -> Dataset:
    """Returns sequences whose parts are chosen and still prepared with the statistics of another training part."""
    statistics, train = dataset.statistics, dataset.train
    assert isinstance(train, Sequences)
    if dataset.signature.vocabulary and statistics.rarest:
        dataset = _changed(dataset, partial(_known_ids, is_unknown=_unknown(train, statistics)))
    if statistics.of_inputs:
        parts = in_own_units(statistics, *(getattr(dataset, part) for part in PARTS))
        dataset = dataset.in_same_shape(**dict(zip(PARTS, parts, strict=True)))
    if statistics.targets:
        scaler = Scaler.fitted(train.targets.astype(np.float64))
        dataset = _changed(dataset, partial(_with_targets, scaler=scaler))
        mean, scale = (tuple(values.tolist()) for values in (scaler.mean, scaler.scale))
        metric = in_former_units(dataset.metric, mean, scale, levels=max(len(dataset.quantiles), 1))
        dataset = dataset.in_same_shape(metric=metric)
    if statistics.weights and dataset.class_weights is not None:
        dataset = dataset.in_same_shape(class_weights=_balanced(dataset, len(dataset.class_weights)))
    return dataset


def in_own_units(statistics: Statistics, train: Sequences, *others: Sequences) -> tuple[Sequences, ...]:
    """Returns ``train`` and other parts, standardised with the statistics of ``train``.

    Args:
        statistics: What depends on the training part.
        train: The training part, standardised with the statistics of another one.
        others: Parts that were standardised likewise.
    """
    inputs, counts = train.inputs.astype(np.float32, copy=False), valid_steps(train)
    # Of a word that training does not have nothing could be learnt.
    missing = [at for at in statistics.words if not inputs[..., at][counts].any()]
    scaler = statistics.input_scaler(inputs, counts)
    return tuple(_rescaled(part, statistics, scaler, missing) for part in (train, *others))


def in_former_units(
    metric: Metric, mean: tuple[float, ...], scale: tuple[float, ...], *, levels: int
) -> Metric:
    """Returns ``metric`` for outputs and targets that have been standardised once more.

    Args:
        metric: A metric of the values before.
        mean: What was subtracted from each target.
        scale: What each target was divided by then.
        levels: Outputs for each target.
    """
    return replace(
        metric, statistic=partial(_former, statistic=metric.statistic, mean=mean, scale=scale, levels=levels)
    )


def _former(
    outputs: Targets,
    targets: npt.NDArray[np.generic],
    *,
    statistic: Callable[[Targets, npt.NDArray[np.generic]], npt.NDArray[np.float64]],
    mean: tuple[float, ...],
    scale: tuple[float, ...],
    levels: int,
) -> npt.NDArray[np.float64]:
    steps = targets.shape[-1] // len(mean)
    means, scales = (np.tile(np.asarray(values), steps) for values in (mean, scale))
    before = targets.astype(np.float64) * scales + means
    said = outputs.astype(np.float64) * np.repeat(scales, levels) + np.repeat(means, levels)
    return statistic(said.astype(np.float32), before.astype(np.float32))


def _changed(dataset: Dataset, change: Change) -> Dataset:
    parts = {name: change(part) for name, part in dataset.parts.items() if isinstance(part, Sequences)}
    return dataset.in_same_shape(**parts)


def _unknown(train: Sequences, statistics: Statistics) -> npt.NDArray[np.bool_]:
    return unknown_ids(train.inputs[valid_steps(train)].astype(np.int64), rarest=statistics.rarest)


def _known_ids(part: Sequences, is_unknown: npt.NDArray[np.bool_]) -> Sequences:
    return replace(part, inputs=known_ids(part.inputs.astype(np.int64, copy=False), is_unknown))


def _rescaled(part: Sequences, statistics: Statistics, scaler: Scaler, missing: list[int]) -> Sequences:
    before = part.inputs.astype(np.float32, copy=False)
    inputs = statistics.rescaled(before, scaler)
    for at, mask in statistics.masks:
        inputs[..., at][before[..., mask] == 0] = 0.0  # the mean of training
    inputs[..., missing] = 0.0
    if part.lengths is not None:
        inputs[~valid_steps(part)] = 0.0
    return replace(part, inputs=inputs)


def _with_targets(part: Sequences, scaler: Scaler) -> Sequences:
    return replace(part, targets=scaler(part.targets.astype(np.float64)))


def _balanced(dataset: Dataset, classes: int) -> npt.NDArray[np.float32]:
    train = dataset.train
    assert isinstance(train, Sequences)
    targets = train.targets
    if dataset.signature.per_step:
        targets = targets[valid_steps(train) if train.scored is None else train.scored]
    counts = np.bincount(targets.astype(np.int64), minlength=classes)
    # A class that duplicates have cost its last example weighs nothing.
    weights = np.divide(len(targets), classes * counts, out=np.zeros(classes), where=counts > 0)
    return weights.astype(np.float32)
