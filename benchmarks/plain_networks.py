"""What a person would write around `torch.nn.LSTM` and `torch.nn.GRU` to tune them.

The network, its settings and the data are those that the searches of evo-nas choose from in
`benchmarks.time_to_quality`; nothing of evo-nas runs here but the reading of the data and the metric.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from evo_nas.tasks.dataset import Objective, Sequences, Windows

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from evo_nas.tasks.dataset import Dataset, Part

Settings = dict[str, Any]
"""The choice of each setting by its name."""
SCORED_AT_ONCE = 512


@dataclass(frozen=True)
class Choices:
    """The settings that every system chooses from.

    Attributes:
        named: Values of each setting, in order where they have one.
        rates: Smallest and largest learning rate; tuned on a logarithmic scale.
    """

    named: Mapping[str, tuple[Any, ...]]
    rates: tuple[float, float]


class PlainNetwork(nn.Module):
    """One or two recurrent layers of torch, a pooling where a sequence has one output, and a linear layer."""

    def __init__(self, settings: Settings, dataset: Dataset) -> None:
        super().__init__()
        signature, width = dataset.signature, settings["width"]
        self.per_step, self.pooling = signature.per_step, settings.get("pooling", "last")
        self.forecast, self.last_values = settings.get("forecast"), list(signature.last_values)
        features = signature.features
        self.embedding = None
        if signature.vocabulary:
            features = settings["embedding"]
            self.embedding = nn.Embedding(signature.vocabulary, features)
        kind = {"lstm": nn.LSTM, "gru": nn.GRU}[settings["cell"]]
        layers, both = settings["layers"], settings.get("bidirectional", False)
        self.recurrence = kind(
            features,
            width,
            num_layers=layers,
            batch_first=True,
            bidirectional=both,
            dropout=settings["dropout"] if layers > 1 else 0.0,
        )
        size = width * (2 if both else 1)
        self.norm = nn.LayerNorm(size) if settings["norm"] == "layer" else nn.Identity()
        self.dropout = nn.Dropout(settings["dropout"])
        self.output = nn.Linear(size, signature.outputs)

    def forward(self, inputs: Tensor, lengths: Tensor | None) -> Tensor:
        """Returns outputs ``(rows, outputs)``, or ``(rows, steps, outputs)`` where every step has one."""
        last = inputs[:, -1, self.last_values] if self.forecast else None
        if self.forecast == "relative":
            inputs = inputs.clone()
            inputs[..., self.last_values] -= last[:, None]
        steps = self.embedding(inputs) if self.embedding is not None else inputs
        steps = self._recur(self.dropout(steps), lengths)
        hidden = self.norm(steps if self.per_step else self._pooled(steps, lengths))
        outputs: Tensor = self.output(self.dropout(hidden))
        if last is not None:
            horizon = outputs.shape[1] // last.shape[1]
            outputs = outputs + last.repeat(1, horizon)
        return outputs

    def _recur(self, steps: Tensor, lengths: Tensor | None) -> Tensor:
        if lengths is None:
            return self.recurrence(steps)[0]
        packed = pack_padded_sequence(steps, lengths, batch_first=True, enforce_sorted=False)
        return pad_packed_sequence(self.recurrence(packed)[0], batch_first=True)[0]

    def _pooled(self, steps: Tensor, lengths: Tensor | None) -> Tensor:
        if lengths is None:
            lengths = torch.full((len(steps),), steps.shape[1])
        if self.pooling == "last":
            return steps[torch.arange(len(steps)), lengths - 1]
        valid = (torch.arange(steps.shape[1]) < lengths[:, None])[..., None]
        if self.pooling == "mean":
            return (steps * valid).sum(1) / lengths[:, None]
        return steps.masked_fill(~valid, -torch.inf).amax(1)


@dataclass(frozen=True)
class _Arrays:
    inputs: Tensor
    targets: Tensor
    lengths: Tensor | None

    @classmethod
    def of(cls, part: Part) -> _Arrays:
        sequences = part.cut() if isinstance(part, Windows) else part
        assert isinstance(sequences, Sequences)
        lengths = None if sequences.lengths is None else torch.from_numpy(np.asarray(sequences.lengths))
        return cls(torch.from_numpy(sequences.inputs), torch.from_numpy(sequences.targets), lengths)

    def batches(self, order: Tensor, size: int) -> Iterator[tuple[Tensor, Tensor, Tensor | None]]:
        for which in torch.split(order, size):
            lengths = None if self.lengths is None else self.lengths[which]
            steps = None if lengths is None else int(lengths.max())
            targets = self.targets[which]
            yield self.inputs[which][:, :steps], targets, lengths


class PlainTraining:
    """Trains one network epoch by epoch, and gives the validation metric after each.

    Args:
        settings: What was chosen.
        dataset: The data.
        epochs: Length of the whole training, over which the learning rate falls along a cosine.
        stride: Of so many windows of a forecast one is read in an epoch.
        seed: Seed of the weights and of the order of batches.
    """

    def __init__(self, settings: Settings, dataset: Dataset, *, epochs: int, seed: int) -> None:
        torch.set_num_threads(1)
        torch.manual_seed(seed)
        self._dataset, self._settings = dataset, settings
        self._train, self._validation = _Arrays.of(dataset.train), _Arrays.of(dataset.validation)
        self._stride = dataset.train.stride if isinstance(dataset.train, Windows) else 1
        self.network = PlainNetwork(settings, dataset)
        kind = {"adam": torch.optim.AdamW, "rmsprop": torch.optim.RMSprop}[settings["optimizer"]]
        self._optimizer = kind(
            self.network.parameters(), lr=settings["rate"], weight_decay=settings["weight_decay"]
        )
        steps = -(-len(self._order()) // settings["batch"])
        self._schedule = torch.optim.lr_scheduler.CosineAnnealingLR(self._optimizer, epochs * steps)

    def epoch(self) -> float:
        """Trains for one epoch and returns the validation metric, in its own units."""
        self.network.train()
        for inputs, targets, lengths in self._train.batches(self._order(), self._settings["batch"]):
            self._optimizer.zero_grad()
            self._loss(self.network(inputs, lengths), targets, lengths).backward()
            nn.utils.clip_grad_norm_(self.network.parameters(), self._settings["clip"])
            self._optimizer.step()
            self._schedule.step()
        return self._score()

    def _order(self) -> Tensor:
        order = torch.randperm(len(self._train.targets))
        return order[: len(order) // self._stride]

    def _loss(self, outputs: Tensor, targets: Tensor, lengths: Tensor | None) -> Tensor:
        outputs, targets = self._counted(outputs, targets, lengths)
        if self._dataset.objective is Objective.CROSS_ENTROPY:
            return functional.cross_entropy(outputs, targets)
        if self._dataset.objective is Objective.MSE:
            return functional.mse_loss(outputs, targets)
        total = functional.binary_cross_entropy_with_logits(outputs, targets, reduction="sum")
        return total / len(outputs)

    def _counted(self, outputs: Tensor, targets: Tensor, lengths: Tensor | None) -> tuple[Tensor, Tensor]:
        """Returns the rows that count: every sequence, or every step of a sequence that is no padding."""
        if not self.network.per_step:
            return outputs, targets
        targets = targets[:, : outputs.shape[1]]
        if lengths is None:
            return outputs.flatten(0, 1), targets.flatten(0, 1)
        valid = torch.arange(outputs.shape[1]) < lengths[:, None]
        return outputs[valid], targets[valid]

    def _score(self) -> float:
        self.network.eval()
        metric, sums = self._dataset.metric, []
        everything = torch.arange(len(self._validation.targets))
        with torch.inference_mode():
            for inputs, targets, lengths in self._validation.batches(everything, SCORED_AT_ONCE):
                outputs, wanted = self._counted(self.network(inputs, lengths), targets, lengths)
                sums.append(metric.statistic(outputs.numpy(), wanted.numpy()))
        return metric.value(np.sum(np.stack(sums), axis=0))
