"""Baselines of a data set that consists only of arrays."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from evo_nas.tasks.baselines.classifiers import classification_baselines, step_baselines
from evo_nas.tasks.baselines.error_quantiles import error_quantiles, with_levels
from evo_nas.tasks.baselines.fitting import TrainTest
from evo_nas.tasks.baselines.forecasters import forecast_baselines
from evo_nas.tasks.baselines.ngrams import ngram_baselines
from evo_nas.tasks.baselines.regressors import regression_baselines, score_of_mean
from evo_nas.tasks.baselines.token_classifiers import tagging_baselines, text_baselines
from evo_nas.tasks.dataset import Objective, Sequences, Stream, Windows
from evo_nas.tasks.example_sums import Scored

if TYPE_CHECKING:
    import numpy.typing as npt

    from evo_nas.tasks.baselines.fitting import Fit
    from evo_nas.tasks.dataset import Dataset, Part
    from evo_nas.tasks.metrics import Metric

    Array = npt.NDArray[np.generic]

ORDERS = (1, 3)
"""Lengths of the n-grams of the baselines for a stream of tokens."""
RAREST = 1e-6
"""Least frequency of a key, so that its logit is finite."""


def generic_baselines(both: TrainTest[Part], dataset: Dataset) -> dict[str, Fit]:
    """Returns what fits simple models that suit the objective and the shape of the parts.

    Args:
        both: The part to learn from and the part to test.
        dataset: What else is known of the data.
    """
    train, test = both
    if isinstance(train, Stream) and isinstance(test, Stream):
        vocabulary = dataset.signature.vocabulary
        return ngram_baselines(TrainTest(train, test), ORDERS, metric=dataset.metric, vocabulary=vocabulary)
    if isinstance(train, Windows) and isinstance(test, Windows):
        return forecast_baselines(
            train,
            test,
            metric=dataset.metric,
            levels=dataset.quantiles,
            last_values=tuple(dict.fromkeys(dataset.signature.last_values)),
        )
    assert isinstance(train, Sequences)
    assert isinstance(test, Sequences)
    per_step = dataset.signature.per_step
    if per_step and dataset.objective is Objective.CROSS_ENTROPY:
        return _of_labelled_steps(TrainTest(train, test), dataset)
    inputs = [_items(part) for part in (train, test)]
    targets = [_targets(part, per_step=per_step) for part in (train, test)]
    if dataset.has_target_holes and not per_step:
        # Simple models learn from what is known as a whole.
        whole = np.flatnonzero(~np.isnan(targets[0]).any(axis=1))
        inputs[0], targets[0] = [inputs[0][place] for place in whole], targets[0][whole]
    return _of_sequences(dataset, inputs, targets)


def _of_sequences(dataset: Dataset, inputs: list[list[Array]], targets: list[Array]) -> dict[str, Fit]:
    per_step, metric = dataset.signature.per_step, dataset.metric
    if dataset.objective is Objective.BINARY_CROSS_ENTROPY:
        return {"frequency of keys": partial(_score_of_frequencies, targets, metric)}
    if dataset.objective is Objective.QUANTILE:
        return {"quantiles of training": partial(_score_of_quantiles, targets, metric, dataset.quantiles)}
    if dataset.objective is Objective.MSE:
        if dataset.signature.vocabulary:
            return {"mean": partial(score_of_mean, targets, metric)}
        # A model that sees single steps sees a sequence of one.
        steps = [list(np.concatenate(items)[:, None]) for items in inputs] if per_step else inputs
        return regression_baselines(steps, targets, metric=metric)
    classes, known = dataset.signature.outputs, [some.astype(np.int64) for some in targets]
    if dataset.signature.vocabulary:
        # Ids of tokens are names, not amounts: a bag of them is what a simple model can use.
        texts = [[" ".join(map(str, item.tolist())) for item in items] for items in inputs]
        return text_baselines(texts, known, level="word", metric=metric, classes=classes)
    return classification_baselines(inputs, known, metric=metric, classes=classes)


def _of_labelled_steps(both: TrainTest[Sequences], dataset: Dataset) -> dict[str, Fit]:
    """Returns what fits models that see the neighbours of a step, those that do not count themselves included."""
    whole = both.map(_with_all_steps)
    items = whole.map(_items)
    targets = whole.map(lambda part: _targets(part, per_step=True).astype(np.int64))
    metric, classes = dataset.metric, dataset.signature.outputs
    if dataset.signature.vocabulary:
        tokens = items.map(lambda some: [item.tolist() for item in some])
        return tagging_baselines(tokens, targets, metric=metric, classes=classes)
    return step_baselines(items, targets, metric=metric, classes=classes)


def _with_all_steps(part: Sequences) -> Sequences:
    """Returns a part in which all steps count, with the class -1 for those that did not."""
    if part.scored is None:
        return part
    return replace(part, targets=np.where(part.scored, part.targets, -1), scored=None)


def _items(part: Sequences) -> list[Array]:
    """Returns the steps of each sequence that count, without its padding."""
    if part.scored is not None:
        return [item[counts] for item, counts in zip(part.inputs, part.scored, strict=True)]
    return [item[:length] for item, length in zip(part.inputs, _lengths(part), strict=True)]


def _targets(part: Sequences, *, per_step: bool) -> Array:
    """Returns one row for each sequence, or for each step that counts."""
    if not per_step:
        return part.targets
    if part.scored is not None:
        return part.targets[part.scored]
    return part.targets[np.arange(part.inputs.shape[1]) < np.array(_lengths(part))[:, None]]


def _lengths(part: Sequences) -> list[int]:
    return [part.inputs.shape[1]] * len(part) if part.lengths is None else part.lengths.tolist()


def _score_of_quantiles(targets: list[Array], metric: Metric, levels: tuple[float, ...]) -> Scored:
    """Tests always predicting the quantiles that the targets to learn from have."""
    known = targets[0].astype(np.float64)
    medians = np.broadcast_to(np.nanmedian(known, axis=0), targets[1].shape)
    guess = with_levels(medians, error_quantiles(known, levels))
    return Scored.of(metric, guess.astype(np.float32), targets[1])


def _score_of_frequencies(targets: list[Array], metric: Metric) -> Scored:
    rate = np.clip(targets[0].astype(np.float64).mean(axis=0), RAREST, 1 - RAREST)
    logits = np.broadcast_to(np.log(rate / (1 - rate)), targets[1].shape).astype(np.float32)
    return Scored.of(metric, logits, targets[1])
