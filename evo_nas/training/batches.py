"""A task's data as tensors that stay on one device."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    import numpy.typing as npt

    from evo_nas.genome.architecture import Signature
    from evo_nas.tasks.task import Dataset, Loss, Metric, Sequences


class Batch(NamedTuple):
    """Some sequences: inputs, targets and, where sequences are padded, lengths; see `Sequences`."""

    inputs: Tensor
    targets: Tensor
    lengths: Tensor | None


@dataclass(frozen=True, slots=True)
class Split:
    """All sequences of one part."""

    sequences: Batch

    def __len__(self) -> int:
        return len(self.sequences.targets)

    def in_order(self, size: int) -> Iterator[Batch]:
        """Yields slices of at most ``size`` sequences."""
        for start in range(0, len(self), size):
            yield self._take(slice(start, start + size))

    def shuffled(self, size: int) -> Iterator[Batch]:
        """Yields batches of ``size`` sequences, the last maybe smaller, permuted by the global generator."""
        order = torch.randperm(len(self)).to(self.sequences.targets.device)
        for start in range(0, len(self), size):
            yield self._take(order[start : start + size])

    def _take(self, which: slice | Tensor) -> Batch:
        inputs, targets, lengths = self.sequences
        return Batch(inputs[which], targets[which], None if lengths is None else lengths[which])


@dataclass(frozen=True, slots=True)
class PreparedDataset:
    """What training needs of a `Dataset`, on one device."""

    signature: Signature
    loss: Loss
    metric: Metric
    train: Split
    validation: Split
    device: torch.device


def prepare(dataset: Dataset, device: torch.device | str = "cpu") -> PreparedDataset:
    """Returns the training and validation part on ``device``; on the CPU they share the arrays' memory."""
    place = torch.device(device)
    return PreparedDataset(
        signature=dataset.signature,
        loss=dataset.loss,
        metric=dataset.metric,
        train=as_split(dataset.train, place),
        validation=as_split(dataset.validation, place),
        device=place,
    )


def as_split(sequences: Sequences, device: torch.device) -> Split:
    """Returns ``sequences`` on ``device``."""
    lengths = None if sequences.lengths is None else _tensor(sequences.lengths, device)
    return Split(Batch(_tensor(sequences.inputs, device), _tensor(sequences.targets, device), lengths))


def _tensor(array: npt.NDArray[np.generic], device: torch.device) -> Tensor:
    with warnings.catch_warnings():
        # Arrays from a shared object store are read-only; nothing here ever writes to them.
        warnings.filterwarnings("ignore", "The given NumPy array is not writable", UserWarning)
        return torch.from_numpy(array).to(device)
