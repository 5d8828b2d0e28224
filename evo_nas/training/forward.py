"""Runs a network over a part of the data: batch by batch for training, or all of it for its scores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch

from evo_nas.errors import DataError
from evo_nas.tasks.example_sums import Examples, ExampleSums
from evo_nas.training.batches import StreamSplit, as_split, levels_of
from evo_nas.training.losses import Predictions, TrainingLoss

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    import numpy.typing as npt
    from torch import Tensor

    from evo_nas.models.ensemble import Model
    from evo_nas.models.recurrent_layer import States
    from evo_nas.tasks.dataset import Dataset
    from evo_nas.tasks.metrics import Metric
    from evo_nas.training.batches import Batch, Split

BATCH_SIZE = 512
"""Sequences that are scored at once; this bounds the memory for splits of any size."""


class StatefulForward:
    """Passes of a network over a split; the states of a stream are carried from batch to batch.

    Args:
        network: The network.
        split: What it reads.
        truncation: Steps after which gradients within sequences that stand alone are cut; see `Network.forward`.
    """

    def __init__(self, network: Model, split: Split, *, truncation: int | None = None) -> None:
        self._network = network
        self._split = split
        self._truncation = truncation
        self._is_stream = split.is_stream
        # For each number of rows the states after the last batch. Each stays in the same memory, because the graph of
        # a step reads and writes it there.
        self._states: dict[int, States] = {}
        self._after: States = {}

    def anew(self) -> StatefulForward:
        """Returns passes of the same network over the same split, which begin with zero states."""
        return StatefulForward(self._network, self._split, truncation=self._truncation)

    def restart(self) -> None:
        """Begins a pass and clears the states of the pass before."""
        for states in self._states.values():
            for state in states.values():
                state.zero_()

    def carried(self) -> dict[str, Tensor]:
        """Returns the states that the next batch begins with, by number of rows and name."""
        return {
            f"{rows}.{name}": state for rows, states in self._states.items() for name, state in states.items()
        }

    def carry(self, carried: Mapping[str, Tensor]) -> None:
        """Lets the next batch begin with states that `carried` gave."""
        for key, state in carried.items():
            rows, _, name = key.partition(".")
            self._states.setdefault(int(rows), {})[name] = state

    def __call__(self, batch: Batch) -> Predictions:
        """Returns the network's predictions for the next batch with their targets; call `advance` afterwards."""
        if self._is_stream:
            before = self._states.get(len(batch.inputs))
            outputs, self._after = self._network.forward_from(batch.inputs, before)
        else:
            outputs = self._network(batch.inputs, batch.lengths, truncation=self._truncation)
        return Predictions.of(outputs, batch, per_step=self._network.signature.per_step)

    def advance(self) -> None:
        """Takes over the states after the last batch; call it after the backward pass, which reads those before."""
        if not self._after:
            return
        # Truncated back-propagation through time: values go on to the next batch, gradients do not.
        after = {name: state.detach() for name, state in self._after.items()}
        rows = next(iter(after.values())).shape[1]
        if rows in self._states:
            for name, state in self._states[rows].items():
                state.copy_(after[name])
        else:
            self._states[rows] = {name: state.clone() for name, state in after.items()}
        self._after = {}


@dataclass(frozen=True, slots=True)
class Scores:
    """Mean loss and metric of a network on one part, the metric in its own units."""

    loss: float
    metric: float


def score(network: Model, split: Split, *, loss: TrainingLoss, metric: Metric) -> Scores:
    """Returns the scores of ``network`` on all of ``split``, without dropout; the mode of the network is restored."""
    forward, was_training = StatefulForward(network, split), network.training
    network.eval()
    with torch.inference_mode():
        scores = scores_of(_passed(forward, split), loss=loss, metric=metric)
    network.train(was_training)
    return scores


def _passed(forward: StatefulForward, split: Split) -> Iterator[Predictions]:
    for batch in split.in_order(BATCH_SIZE):
        yield forward(batch)
        forward.advance()


def scores_of(parts: Iterable[Predictions], *, loss: TrainingLoss, metric: Metric) -> Scores:
    """Returns the scores of predictions that come in parts and need no gradient."""
    sums, losses, weights = [], [], []
    for part in parts:
        predictions = part.counted()
        losses.append(float(loss(predictions)))
        weights.append(float(loss.weight(predictions)))
        outputs, targets, _ = predictions
        # Statistics are added up first, since the metric of a whole need not be the mean over its parts.
        sums.append(metric.statistic(outputs.cpu().numpy(), targets.cpu().numpy()))
    return Scores(
        loss=float(np.average(losses, weights=weights)), metric=metric.value(np.sum(np.stack(sums), axis=0))
    )


def predictions_of(
    model: Model, dataset: Dataset, part: Literal["train", "validation", "test"]
) -> Iterator[Predictions]:
    """Yields the predictions of a trained model for one part of ``dataset`` that count, batch by batch, on the CPU."""
    split = as_split(getattr(dataset, part), dataset.signature, next(model.parameters()).device)
    model.eval()
    with torch.inference_mode():
        for predictions in _passed(StatefulForward(model, split), split):
            outputs, targets, _ = predictions.counted()
            yield Predictions(outputs.cpu(), targets.cpu())


def score_part(network: Model, dataset: Dataset, part: Literal["train", "validation", "test"]) -> Scores:
    """Returns the scores of a trained network on one part of ``dataset``, on the network's device."""
    device = next(network.parameters()).device
    split = as_split(getattr(dataset, part), dataset.signature, device)
    loss = TrainingLoss(
        dataset.objective, levels=levels_of(dataset, device), has_holes=dataset.has_target_holes
    )
    return score(network, split, loss=loss, metric=dataset.metric)


def answers(
    network: Model, dataset: Dataset, part: Literal["train", "validation", "test"]
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.generic]]:
    """Returns the outputs of a network on one part of ``dataset``, and their targets, without dropout.

    Both have one row for each sequence, or for each step that counts if every step has a target, in the order of the
    part: ``(rows, outputs)``, and ``(rows,)`` or ``(rows, targets)``. It runs on the network's device; the mode of the
    network is restored.

    Raises:
        DataError: The parts hold episodes, which a network adapts to first.
    """
    if dataset.episodes is not None:
        raise DataError(
            f"{dataset.name} holds episodes; a network is tested on each after it has adapted to it"
        )
    device = next(network.parameters()).device
    split = as_split(getattr(dataset, part), dataset.signature, device)
    forward, was_training = StatefulForward(network, split), network.training
    network.eval()
    outputs, targets = [], []
    with torch.inference_mode():
        for predictions in _passed(forward, split):
            rows, wanted, _ = predictions.counted()
            outputs.append(rows.cpu().numpy())
            targets.append(wanted.cpu().numpy())
    network.train(was_training)
    order = _text_order(split) if isinstance(split, StreamSplit) else slice(None)
    return np.concatenate(outputs)[order], np.concatenate(targets)[order]


def example_sums(
    network: Model, dataset: Dataset, part: Literal["train", "validation", "test"]
) -> ExampleSums:
    """Returns the statistic of the metric for each example of one part of ``dataset``; see `answers`.

    Two models of one data set are compared by it with `champion.statistics.paired_bootstrap`.
    """
    examples = Examples.of(getattr(dataset, part), per_step=dataset.signature.per_step)
    return ExampleSums.of(dataset.metric, *answers(network, dataset, part), examples)


def _text_order(split: StreamSplit) -> npt.NDArray[np.int64]:
    """Returns where each step of a text is among those that are scored, whose rows are read side by side."""
    # Read as a text whose tokens are their own places, so that no second piece of code knows how rows are cut.
    places = StreamSplit(torch.arange(len(split.tokens)), split.steps)
    scored = [
        (batch.inputs if batch.scored is None else batch.inputs[batch.scored]).flatten()
        for batch in places.in_order(BATCH_SIZE)
    ]
    return torch.cat(scored).argsort().numpy()
