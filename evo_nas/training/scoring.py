"""How good a network is on one part of a task's data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch

from evo_nas.training.batches import as_split
from evo_nas.training.losses import LOSSES
from evo_nas.training.reading import Reading

if TYPE_CHECKING:
    from evo_nas.models.network import Network
    from evo_nas.tasks.dataset import Dataset, Objective
    from evo_nas.tasks.metrics import Metric
    from evo_nas.training.batches import Split

BATCH_SIZE = 512
"""Sequences that are scored at once; bounds the memory, whatever the split."""


@dataclass(frozen=True, slots=True)
class Scores:
    """Mean loss and metric of a network on one part, the metric in its own units."""

    loss: float
    metric: float


def score(network: Network, split: Split, *, loss: Objective, metric: Metric) -> Scores:
    """Returns the scores of ``network`` on all of ``split``, without dropout; its mode is left as it was."""
    sums, losses, rows = [], [], []
    reading, was_training = Reading(network, split), network.training
    network.eval()
    with torch.inference_mode():
        for batch in split.in_order(BATCH_SIZE):
            outputs, targets, _ = reading(batch).counting()
            reading.advance()
            losses.append(float(LOSSES[loss](outputs, targets)))
            rows.append(len(outputs))
            sums.append(metric.statistic(outputs.cpu().numpy(), targets.cpu().numpy()))
    network.train(was_training)
    return Scores(
        loss=float(np.average(losses, weights=rows)), metric=metric.value(np.sum(np.stack(sums), axis=0))
    )


def score_part(network: Network, dataset: Dataset, part: Literal["train", "validation", "test"]) -> Scores:
    """Returns the scores of a trained network on one part of ``dataset``, on the network's device."""
    device = next(network.parameters()).device
    split = as_split(getattr(dataset, part), dataset.signature, device)
    return score(network, split, loss=dataset.objective, metric=dataset.metric)
