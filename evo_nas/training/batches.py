"""A task's data as tensors that stay on one device, and the batches that are taken from them."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

import torch
from torch import Tensor
from torch.nn import functional

from evo_nas.tasks.dataset import Sequences, Windows

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    import numpy.typing as npt

    from evo_nas.genome.architecture import Signature
    from evo_nas.tasks.dataset import Dataset, Objective, Part
    from evo_nas.tasks.metrics import Metric

BUCKETED_BATCHES = 16
"""So many batches are drawn at once and sorted by length, so that sequences of like lengths meet."""
GPU_STEPS = 8
"""On a GPU batches are a multiple of this long, so that few lengths occur: each needs a graph of its own."""
SCORING_LANES = 32
"""Lanes in which a stream is scored; each begins without context."""


class Batch(NamedTuple):
    """Some sequences: inputs, targets and, where sequences are padded, lengths; see `Sequences`."""

    inputs: Tensor
    targets: Tensor
    lengths: Tensor | None = None
    scored: Tensor | None = None


class Extent(NamedTuple):
    """How large a batch is."""

    rows: int
    steps: int


class Split(Protocol):
    """All of one part, on one device."""

    @property
    def is_stream(self) -> bool:
        """Whether each batch goes on where the one before it ended."""

    def __len__(self) -> int: ...

    def least_batch(self, size: int) -> Extent:
        """Returns what the largest batch of any `shuffled` epoch has at the very least."""

    def in_order(self, size: int) -> Iterator[Batch]:
        """Yields batches of at most ``size`` sequences, always the same."""

    def shuffled(self, size: int, generator: torch.Generator) -> Iterator[Batch]:
        """Yields batches of ``size`` sequences, the last maybe smaller, as ``generator`` of the CPU permutes them."""


@dataclass(frozen=True, slots=True)
class SequenceSplit:
    """Sequences that stand alone; a batch is as long as its longest sequence.

    Attributes:
        sequences: All of them.
        lengths: Their lengths, on the CPU; None if all are full.
        per_step: Whether every step has a target.
        multiple: Batches are as long as the next multiple of this, but not longer than all sequences.
    """

    sequences: Batch
    lengths: Tensor | None
    per_step: bool
    multiple: int = 1
    is_stream: bool = False

    def __len__(self) -> int:
        return len(self.sequences.targets)

    def least_batch(self, size: int) -> Extent:
        """Returns the extent of a batch of the shortest sequences, were they to meet."""
        rows = min(size, len(self))
        if self.lengths is None or not rows:
            return Extent(rows, self.sequences.inputs.shape[1])
        return Extent(rows, int(self.lengths.kthvalue(rows).values))

    def in_order(self, size: int) -> Iterator[Batch]:
        """Yields slices of at most ``size`` sequences."""
        for start in range(0, len(self), size):
            stop = min(start + size, len(self))
            yield self._take(torch.arange(start, stop, device=self._device), self._steps(slice(start, stop)))

    def shuffled(self, size: int, generator: torch.Generator) -> Iterator[Batch]:
        """Yields random batches; sequences of variable length are bucketed."""
        order = torch.randperm(len(self), generator=generator)
        batches = torch.split(order, size)
        if self.lengths is not None:
            batches = _bucketed(order, self.lengths, size, generator=generator)
        # All at once: a copy from memory that is not pinned waits for whatever the device has still to do.
        on_device = torch.split(torch.cat(batches).to(self._device), [len(batch) for batch in batches])
        for batch, which in zip(batches, on_device, strict=True):
            yield self._take(which, self._steps(batch))

    @property
    def _device(self) -> torch.device:
        return self.sequences.targets.device

    def _steps(self, which: Tensor | slice) -> int | None:
        """Returns how long a batch is; None for all steps."""
        if self.lengths is None:
            return None
        return -(-int(self.lengths[which].max()) // self.multiple) * self.multiple

    def _take(self, which: Tensor, steps: int | None) -> Batch:
        inputs, targets, lengths, scored = self.sequences
        return Batch(
            inputs[which][:, :steps],
            targets[which][:, :steps] if self.per_step else targets[which],
            None if lengths is None else lengths[which],
            None if scored is None else scored[which][:, :steps],
        )


@dataclass(frozen=True, slots=True)
class WindowSplit:
    """Windows of rows, cut out where a batch is taken; see `tasks.dataset.Windows`."""

    inputs: Tensor
    targets: Tensor
    origins: Tensor
    window: int
    horizon: int
    is_stream: bool = False

    def __len__(self) -> int:
        return len(self.origins)

    def least_batch(self, size: int) -> Extent:
        """Returns the extent of a full batch."""
        return Extent(min(size, len(self)), self.window)

    def in_order(self, size: int) -> Iterator[Batch]:
        """Yields the windows of at most ``size`` successive origins."""
        for origins in torch.split(self.origins, size):
            yield self._take(origins)

    def shuffled(self, size: int, generator: torch.Generator) -> Iterator[Batch]:
        """Yields windows at random origins."""
        order = torch.randperm(len(self), generator=generator).to(self.origins.device)
        for which in torch.split(order, size):
            yield self._take(self.origins[which])

    def _take(self, origins: Tensor) -> Batch:
        steps = torch.arange(-self.window, self.horizon, device=origins.device)
        rows = origins[:, None] + steps
        inputs, targets = self.inputs[rows[:, : self.window]], self.targets[rows[:, self.window :]]
        return Batch(inputs, targets.flatten(1))


@dataclass(frozen=True, slots=True)
class StreamSplit:
    """A text that lanes read side by side, piece by piece; see `tasks.dataset.Stream`."""

    tokens: Tensor
    steps: int
    is_stream: bool = True

    def __len__(self) -> int:
        return len(self.tokens) - 1

    def least_batch(self, size: int) -> Extent:
        """Returns the extent of the first piece of an epoch that begins as late as possible."""
        left = len(self) - self._starts + 1
        lanes = self._lanes(size, left)
        return Extent(lanes, min(self.steps, left // lanes))

    def in_order(self, size: int) -> Iterator[Batch]:
        """Yields pieces of at most `SCORING_LANES` lanes; the last is filled up with steps that do not count."""
        lanes = self._lanes(min(size, SCORING_LANES), len(self))
        length = -(-len(self) // lanes)
        surplus = (0, lanes * length - len(self))
        inputs, targets = (
            functional.pad(tokens, surplus).view(lanes, length)
            for tokens in (self.tokens[:-1], self.tokens[1:])
        )
        counts = (torch.arange(lanes * length, device=self.tokens.device) < len(self)).view(lanes, length)
        for start in range(0, length, self.steps):
            piece = slice(start, start + self.steps)
            is_whole = piece.stop <= length - surplus[1]
            yield Batch(inputs[:, piece], targets[:, piece], scored=None if is_whole else counts[:, piece])

    def shuffled(self, size: int, generator: torch.Generator) -> Iterator[Batch]:
        """Yields pieces of ``size`` lanes in the order of the text, which begins at a random token.

        Tokens at the end that do not make a step of every lane are left out.
        """
        start = int(torch.randint(self._starts, (), generator=generator))
        lanes = self._lanes(size, len(self) - start)
        length = (len(self) - start) // lanes
        inputs = self.tokens[start:][: lanes * length].view(lanes, length)
        targets = self.tokens[start + 1 :][: lanes * length].view(lanes, length)
        for piece, wanted in zip(
            torch.split(inputs, self.steps, dim=1), torch.split(targets, self.steps, dim=1), strict=True
        ):
            yield Batch(piece, wanted)

    @property
    def _starts(self) -> int:
        """Number of tokens that an epoch may begin at."""
        return min(self.steps, len(self) // 2 + 1)

    def _lanes(self, most: int, tokens: int) -> int:
        """Returns in how many lanes ``tokens`` are read, so that each has a piece."""
        return max(1, min(most, tokens // self.steps))


@dataclass(frozen=True, slots=True)
class PreparedDataset:
    """What training needs of a `Dataset`, on one device."""

    signature: Signature
    loss: Objective
    metric: Metric
    train: Split
    validation: Split
    device: torch.device
    class_weights: Tensor | None = None


def prepare(dataset: Dataset, device: torch.device | str = "cpu") -> PreparedDataset:
    """Returns the training and validation part on ``device``; on the CPU they share the arrays' memory."""
    place = torch.device(device)
    weights = dataset.class_weights
    return PreparedDataset(
        signature=dataset.signature,
        loss=dataset.objective,
        metric=dataset.metric,
        train=as_split(dataset.train, dataset.signature, place),
        validation=as_split(dataset.validation, dataset.signature, place),
        device=place,
        class_weights=None if weights is None else _tensor(weights, place),
    )


def as_split(part: Part, signature: Signature, device: torch.device) -> Split:
    """Returns ``part`` of a dataset with ``signature`` on ``device``."""
    if isinstance(part, Sequences):
        lengths, scored = (
            None if array is None else _tensor(array, device) for array in (part.lengths, part.scored)
        )
        batch = Batch(_tensor(part.inputs, device), _tensor(part.targets, device), lengths, scored)
        return SequenceSplit(
            batch,
            None if lengths is None else lengths.cpu(),
            per_step=signature.per_step,
            multiple=GPU_STEPS if device.type == "cuda" else 1,
        )
    if isinstance(part, Windows):
        return WindowSplit(
            _tensor(part.inputs, device),
            _tensor(part.targets, device),
            _tensor(part.origins, device),
            part.window,
            part.horizon,
        )
    return StreamSplit(_tensor(part.tokens, device), part.steps)


def _bucketed(order: Tensor, lengths: Tensor, size: int, *, generator: torch.Generator) -> tuple[Tensor, ...]:
    """Returns batches of ``order`` in which lengths are alike, in random order themselves."""
    batches: list[Tensor] = []
    for pool in torch.split(order, size * BUCKETED_BATCHES):
        batches += torch.split(pool[lengths[pool].argsort(stable=True)], size)
    return tuple(batches[position] for position in torch.randperm(len(batches), generator=generator).tolist())


def _tensor(array: npt.NDArray[np.generic], device: torch.device) -> Tensor:
    with warnings.catch_warnings():
        # Arrays from a shared object store are read-only; nothing here ever writes to them.
        warnings.filterwarnings("ignore", "The given NumPy array is not writable", UserWarning)
        return torch.from_numpy(array).to(device)
