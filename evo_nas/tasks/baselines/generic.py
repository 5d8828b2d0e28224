"""Baselines of a data set that consists only of arrays."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from evo_nas.tasks.baselines.classifiers import classification_baselines, text_baselines
from evo_nas.tasks.baselines.forecasters import PENALTY, forecast_baselines
from evo_nas.tasks.baselines.ngrams import ngram_baselines
from evo_nas.tasks.baselines.ridge import Ridge
from evo_nas.tasks.dataset import Objective, Sequences, Stream, Windows

if TYPE_CHECKING:
    import numpy.typing as npt

    from evo_nas.tasks.dataset import Dataset

ORDERS = (1, 3)
"""Lengths of the n-grams of the baselines for a stream of tokens."""
RAREST = 1e-6
"""Least frequency of a key, so that its logit is finite."""


class _Rows(NamedTuple):
    """The data of a simple model: inputs ``(rows, values)`` and targets ``(rows, ...)``."""

    inputs: npt.NDArray[np.float64]
    targets: npt.NDArray[np.generic]


def generic_baselines(dataset: Dataset) -> dict[str, float]:
    """Returns the test metric of simple models that fit the objective and the shape of the parts."""
    train, validation, test = dataset.parts.values()
    if isinstance(train, Stream):
        return ngram_baselines(dataset, ORDERS)
    if isinstance(train, Windows) and isinstance(validation, Windows) and isinstance(test, Windows):
        # Windows of both parts can be joined only where they are cut from the same rows.
        if train.inputs is validation.inputs and train.targets is validation.targets:
            train = replace(train, origins=np.concatenate([train.origins, validation.origins]))
        return forecast_baselines(train, test, metric=dataset.metric)
    assert isinstance(train, Sequences)
    assert isinstance(validation, Sequences)
    assert isinstance(test, Sequences)
    return _of_sequences(dataset, [train, validation], test)


def _of_sequences(dataset: Dataset, learnt: list[Sequences], test: Sequences) -> dict[str, float]:
    per_step = dataset.signature.per_step
    steps = max(part.inputs.shape[1] for part in (*learnt, test))
    known = [_rows(part, per_step=per_step, steps=steps) for part in learnt]
    both = (
        _Rows(*(np.concatenate(arrays) for arrays in zip(*known, strict=True))),
        _rows(test, per_step=per_step, steps=steps),
    )
    if dataset.objective is Objective.MSE:
        return _of_numbers(dataset, *both)
    if dataset.objective is Objective.BINARY_CROSS_ENTROPY:
        return _of_keys(dataset, *both)
    classes = dataset.signature.outputs
    targets = [rows.targets.astype(np.int64) for rows in both]
    if dataset.signature.vocabulary:
        # Ids of tokens are names, not amounts: a bag of them is what a simple model can use.
        texts = [[" ".join(map(str, row)) for row in rows.inputs.astype(np.int64).tolist()] for rows in both]
        return text_baselines(texts, targets, level="word", metric=dataset.metric, classes=classes)
    inputs = [rows.inputs for rows in both]
    return classification_baselines(inputs, targets, metric=dataset.metric, classes=classes)


def _rows(part: Sequences, *, per_step: bool, steps: int) -> _Rows:
    """Returns a row for each sequence, padded to ``steps``, or for each step that counts."""
    inputs = part.inputs.astype(np.float64)
    if not per_step:
        surplus = ((0, 0), (0, steps - inputs.shape[1]), *((0, 0),) * (inputs.ndim - 2))
        return _Rows(np.pad(inputs, surplus).reshape(len(part), -1), part.targets)
    counts = np.ones(inputs.shape[:2], dtype=np.bool_)
    if part.lengths is not None:
        counts = np.arange(inputs.shape[1]) < part.lengths[:, None]
    if part.scored is not None:
        counts = part.scored
    chosen = inputs[counts]
    return _Rows(chosen.reshape(len(chosen), -1), part.targets[counts])


def _of_numbers(dataset: Dataset, learnt: _Rows, test: _Rows) -> dict[str, float]:
    known = learnt.targets.astype(np.float64)
    guess = np.broadcast_to(known.mean(axis=0), test.targets.shape).astype(np.float32)
    baselines = {"mean": dataset.metric.score(guess, test.targets)}
    if not dataset.signature.vocabulary:
        linear = Ridge.fitted(
            [(learnt.inputs.astype(np.float32), learnt.targets.astype(np.float32))], penalty=PENALTY
        )
        predicted = linear(test.inputs.astype(np.float32)).astype(np.float32)
        baselines["linear"] = dataset.metric.score(predicted, test.targets)
    return baselines


def _of_keys(dataset: Dataset, learnt: _Rows, test: _Rows) -> dict[str, float]:
    rate = np.clip(learnt.targets.astype(np.float64).mean(axis=0), RAREST, 1 - RAREST)
    logits = np.broadcast_to(np.log(rate / (1 - rate)), test.targets.shape).astype(np.float32)
    return {"frequency of keys": dataset.metric.score(logits, test.targets)}
