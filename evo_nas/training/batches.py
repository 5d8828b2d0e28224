"""A task's data as tensors that stay on one device, and the batches that are taken from them."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, Protocol

import torch
from torch import Tensor
from torch.nn import functional

from evo_nas.tasks.dataset import Sequences, Windows
from evo_nas.training.once import Once

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy as np
    import numpy.typing as npt

    from evo_nas.genome.architecture import Signature
    from evo_nas.tasks.dataset import Dataset, EpisodeSize, Objective, Part
    from evo_nas.tasks.metrics import Metric
    from evo_nas.training.ridge_start import RidgeStart

BUCKETED_BATCHES = 16
"""Number of batches that are drawn together and sorted by length, so that sequences of similar lengths meet."""
GPU_STEPS = 8
"""On a GPU the length of a batch is a multiple of this, so that few lengths occur: each needs its own graph."""
SCORING_ROWS = 32
"""Most rows in which a stream is scored; few, because each row begins without context."""


class Batch(NamedTuple):
    """Some sequences; the shapes are those of `tasks.dataset.Sequences`.

    Attributes:
        inputs: float ``(rows, steps, features)``, or int64 ``(rows, steps)`` for tokens.
        targets: ``(rows, ...)``, or ``(rows, steps, ...)`` if every step has a target.
        lengths: int64 ``(rows,)``; None if no sequence is padded.
        scored: bool ``(rows, steps)``, the steps that count; None if all valid steps do.
    """

    inputs: Tensor
    targets: Tensor
    lengths: Tensor | None = None
    scored: Tensor | None = None

    def each(self, change: Callable[[Tensor], Tensor]) -> Batch:
        """Returns the batch with every tensor changed."""
        lengths, scored = (None if part is None else change(part) for part in (self.lengths, self.scored))
        return Batch(change(self.inputs), change(self.targets), lengths, scored)

    def chosen(self, which: Tensor | slice | int) -> Batch:
        """Returns the rows ``which`` of every tensor."""
        return self.each(lambda tensor: tensor[which])


class BatchShape(NamedTuple):
    """Number of sequences in a batch, and of steps in each of them."""

    rows: int
    steps: int


class Split(Protocol):
    """All of one part of a dataset, on one device."""

    @property
    def is_stream(self) -> bool:
        """Whether each batch continues the sequences of the batch before it."""

    def __len__(self) -> int: ...

    def least_batch(self, size: int) -> BatchShape:
        """Returns a shape that the largest batch of every `shuffled` epoch reaches, for batches of ``size``."""

    def in_order(self, size: int) -> Iterator[Batch]:
        """Yields batches of at most ``size`` sequences, in the same order each time."""

    def shuffled(self, size: int, generator: torch.Generator) -> Iterator[Batch]:
        """Yields the batches of one epoch, in a random order that ``generator``, on the CPU, decides.

        Batches have ``size`` sequences; the last drawn may have fewer.
        """


@dataclass(frozen=True, slots=True)
class SequenceSplit:
    """Sequences that stand alone; a batch is as long as its longest sequence.

    Attributes:
        sequences: All sequences of the part.
        lengths: A copy of their lengths on the CPU, int64 ``(n,)``, where reading them does not wait for the device;
            None if all are full.
        per_step: Whether every step has a target.
        multiple: The length of a batch is rounded up to a multiple of this, within the longest sequence.
    """

    sequences: Batch
    lengths: Tensor | None
    per_step: bool
    multiple: int = 1
    is_stream: bool = False

    def __len__(self) -> int:
        return len(self.sequences.targets)

    def least_batch(self, size: int) -> BatchShape:
        """Returns the shape of a batch that consists of the shortest sequences."""
        rows = min(size, len(self))
        if self.lengths is None or not rows:
            return BatchShape(rows, self.sequences.inputs.shape[1])
        # A batch is as long as its longest sequence, so no other batch of that many is shorter than this one.
        return BatchShape(rows, int(self.lengths.kthvalue(rows).values))

    def in_order(self, size: int) -> Iterator[Batch]:
        """Yields slices of at most ``size`` sequences."""
        for start in range(0, len(self), size):
            stop = min(start + size, len(self))
            yield self._take(torch.arange(start, stop, device=self._device), self._steps(slice(start, stop)))

    def shuffled(self, size: int, generator: torch.Generator) -> Iterator[Batch]:
        """Yields random batches; sequences of different lengths are bucketed."""
        order = torch.randperm(len(self), generator=generator)
        batches = torch.split(order, size)
        if self.lengths is not None:
            batches = _bucketed(order, self.lengths, size, generator=generator)
        # One copy for the whole epoch: a copy from memory that is not pinned waits until the device is idle.
        on_device = torch.split(torch.cat(batches).to(self._device), [len(batch) for batch in batches])
        for batch, which in zip(batches, on_device, strict=True):
            yield self._take(which, self._steps(batch))

    @property
    def _device(self) -> torch.device:
        return self.sequences.targets.device

    def _steps(self, which: Tensor | slice) -> int | None:
        """Returns how many steps a batch has; None for all."""
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
    """Windows of rows, which are cut out batch by batch; `tasks.dataset.Windows` explains the attributes."""

    inputs: Tensor
    targets: Tensor
    origins: Tensor
    window: int
    horizon: int
    last_known: Tensor | None = None
    stride: int = 1
    is_stream: bool = False

    def __len__(self) -> int:
        """Returns the number of windows of an epoch of training."""
        return math.ceil(len(self.origins) / self.stride)

    def least_batch(self, size: int) -> BatchShape:
        """Returns the shape of a full batch."""
        return BatchShape(min(size, len(self)), self.window)

    def in_order(self, size: int) -> Iterator[Batch]:
        """Yields the windows of at most ``size`` successive origins."""
        for origins in torch.split(self.origins, size):
            yield self._take(origins)

    def shuffled(self, size: int, generator: torch.Generator) -> Iterator[Batch]:
        """Yields windows in random order: of every ``stride`` successive ones one that is drawn anew."""
        order = torch.randperm(len(self), generator=generator) * self.stride
        if self.stride > 1:
            order += torch.randint(self.stride, (len(self),), generator=generator)
            order.clamp_(max=len(self.origins) - 1)  # the last ones may be fewer
        for which in torch.split(order.to(self.origins.device), size):
            yield self._take(self.origins[which])

    def _take(self, origins: Tensor) -> Batch:
        # Cut here and not beforehand: windows overlap, and all of them together take many times the memory.
        steps = torch.arange(-self.window, self.horizon, device=origins.device)
        rows = origins[:, None] + steps
        inputs, targets = self.inputs[rows[:, : self.window]], self.targets[rows[:, self.window :]]
        if self.last_known is not None:
            last = self.last_known[origins - 1].long()
            carried = self.inputs.gather(0, last.clamp(min=0)).where(last >= 0, 0.0)
            inputs = torch.where(rows[:, : self.window, None] > last[:, None], carried[:, None], inputs)
        return Batch(inputs, targets.flatten(1))


@dataclass(frozen=True, slots=True)
class StreamSplit:
    """A text that is read in parallel rows, piece by piece; see `tasks.dataset.Stream`.

    Each row is a contiguous stretch of the text, and each batch continues all rows by ``steps`` tokens.
    """

    tokens: Tensor
    steps: int
    is_stream: bool = True

    def __len__(self) -> int:
        return len(self.tokens) - 1

    def least_batch(self, size: int) -> BatchShape:
        """Returns the shape of the first piece of an epoch that begins as late as possible."""
        left = len(self) - self._starts + 1
        rows = self._rows(size, left)
        return BatchShape(rows, min(self.steps, left // rows))

    def in_order(self, size: int) -> Iterator[Batch]:
        """Yields pieces of at most `SCORING_ROWS` rows; steps that do not count fill up the last piece."""
        rows = self._rows(min(size, SCORING_ROWS), len(self))
        length = -(-len(self) // rows)
        surplus = (0, rows * length - len(self))
        inputs, targets = (
            functional.pad(tokens, surplus).view(rows, length)
            for tokens in (self.tokens[:-1], self.tokens[1:])
        )
        counts = (torch.arange(rows * length, device=self.tokens.device) < len(self)).view(rows, length)
        for start in range(0, length, self.steps):
            piece = slice(start, start + self.steps)
            is_whole = piece.stop <= length - surplus[1]
            yield Batch(inputs[:, piece], targets[:, piece], scored=None if is_whole else counts[:, piece])

    def shuffled(self, size: int, generator: torch.Generator) -> Iterator[Batch]:
        """Yields pieces of ``size`` rows in the order of the text, which begins at a random token.

        Tokens at the end that do not fill a step of every row are left out.
        """
        # Another start in every epoch, so that the rows and pieces are cut elsewhere.
        start = int(torch.randint(self._starts, (), generator=generator))
        rows = self._rows(size, len(self) - start)
        length = (len(self) - start) // rows
        inputs = self.tokens[start:][: rows * length].view(rows, length)
        targets = self.tokens[start + 1 :][: rows * length].view(rows, length)
        for piece, wanted in zip(
            torch.split(inputs, self.steps, dim=1), torch.split(targets, self.steps, dim=1), strict=True
        ):
            yield Batch(piece, wanted)

    @property
    def _starts(self) -> int:
        """Number of tokens at which an epoch may begin."""
        return min(self.steps, len(self) // 2 + 1)

    def _rows(self, most: int, tokens: int) -> int:
        """Returns the number of rows for ``tokens``: at most ``most``, and few enough for one full piece each."""
        return max(1, min(most, tokens // self.steps))


@dataclass(frozen=True, slots=True)
class PreparedDataset:
    """The parts of a `Dataset` that training needs, on one device.

    Attributes:
        class_weights: float32 ``(classes,)``; None if all classes weigh the same.
        levels: Levels of the quantiles, float32 ``(levels,)``; None without quantiles.
        has_target_holes: Whether targets that are NaN must not count.
        starts: The ridge regressions at which linear shortcuts start.
        vocabulary: Token of each id, where inputs are tokens.
        episodes: What an episode consists of, where the parts are episodes.
    """

    signature: Signature
    loss: Objective
    metric: Metric
    train: Split
    validation: Split
    device: torch.device
    class_weights: Tensor | None = None
    levels: Tensor | None = None
    has_target_holes: bool = False
    starts: Once[RidgeStart] = field(default_factory=Once)
    vocabulary: tuple[str, ...] = ()
    episodes: EpisodeSize | None = None


def prepare(dataset: Dataset, device: torch.device | str = "cpu") -> PreparedDataset:
    """Returns the training and validation part on ``device``; on a CPU they share the arrays' memory."""
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
        levels=levels_of(dataset, place),
        has_target_holes=dataset.has_target_holes,
        vocabulary=dataset.vocabulary,
        episodes=dataset.episodes,
    )


def levels_of(dataset: Dataset, device: torch.device) -> Tensor | None:
    """Returns the levels of the quantiles of ``dataset``, float32 ``(levels,)``; None without quantiles."""
    return torch.tensor(dataset.quantiles, dtype=torch.float32, device=device) if dataset.quantiles else None


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
            None if part.last_known is None else _tensor(part.last_known, device),
            part.stride,
        )
    return StreamSplit(_tensor(part.tokens, device), part.steps)


def _bucketed(order: Tensor, lengths: Tensor, size: int, *, generator: torch.Generator) -> tuple[Tensor, ...]:
    """Returns batches of sequences with similar lengths, in random order.

    Args:
        order: All sequences in random order, int64 ``(n,)``.
        lengths: Their lengths, int64 ``(n,)``.
        size: Sequences of a batch.
        generator: Decides the order of the batches.
    """
    # Sorting within pools instead of all sequences keeps chance in which sequences meet.
    batches: list[Tensor] = []
    for pool in torch.split(order, size * BUCKETED_BATCHES):
        batches += torch.split(pool[lengths[pool].argsort(stable=True)], size)
    return tuple(batches[position] for position in torch.randperm(len(batches), generator=generator).tolist())


def _tensor(array: npt.NDArray[np.generic], device: torch.device) -> Tensor:
    with warnings.catch_warnings():
        # Arrays from a shared object store are read-only, and nothing here writes to them.
        warnings.filterwarnings("ignore", "The given NumPy array is not writable", UserWarning)
        return torch.from_numpy(array).to(device)
