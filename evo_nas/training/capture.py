"""Steps that are recorded once and then replayed, since on a GPU launching them takes longer than running them."""

from __future__ import annotations

import logging
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch
    from torch import Tensor

    from evo_nas.training.batches import Batch

WARM_UPS = 3
"""Steps that run directly before one is captured, for each shape of batch: libraries settle in the first ones."""
MOST_GRAPHS = 8
"""Of one training; each keeps its memory."""
PAYS_OFF = 20
"""Steps to come from which on it pays to capture one."""

_log = logging.getLogger(__name__)


class Graph(Protocol):
    """A recording of what a function did on the device."""

    def record(self, run: Callable[[], object]) -> None:
        """Records ``run`` and does it once.

        Raises:
            RuntimeError: It did something that cannot be recorded.
        """

    def replay(self) -> None:
        """Does it again: the same operations on the same memory."""


class Steps(Protocol):
    """Trains on one batch after another."""

    def __call__(self, batch: Batch, *, progress: float) -> None:
        """Trains on ``batch``; ``progress`` is the share of the training that is done, 0 to 1."""


class DirectSteps:
    """Calls ``step`` for each batch."""

    def __init__(self, step: Callable[[Batch], object]) -> None:
        self._step = step

    def __call__(self, batch: Batch, *, progress: float) -> None:  # noqa: ARG002 - all the same
        """Trains on ``batch``."""
        self._step(batch)


class _Captured(NamedTuple):
    graph: Graph
    inputs: Batch


class CapturedSteps:
    """Trains as ``step`` does, replaying it for shapes of batches that come often.

    Where that is impossible or does not pay, ``step`` itself is called, and the reason is logged once.

    Args:
        step: Always does the same operations for batches of the same shape.
        new_graph: Gives an empty graph.
        fits: Whether there is memory for the graph of a batch like this.
        recover: Called when a capture has failed and all graphs are gone, before steps go on directly.
    """

    def __init__(
        self,
        step: Callable[[Batch], object],
        new_graph: Callable[[], Graph],
        *,
        fits: Callable[[Batch], bool] = lambda _: True,
        recover: Callable[[], object] = lambda: None,
    ) -> None:
        self._step = step
        self._new_graph = new_graph
        self._fits = fits
        self._recover = recover
        self._seen: Counter[object] = Counter()
        self._captured: dict[object, _Captured] = {}
        self._obstacles: set[str] = set()
        self._broken = False

    @property
    def graphs(self) -> int:
        """How many shapes of batches are replayed."""
        return len(self._captured)

    def __call__(self, batch: Batch, *, progress: float) -> None:
        """Trains on ``batch``."""
        shape = _shape(batch)
        if shape in self._captured:
            graph, inputs = self._captured[shape]
            for kept, new in zip(_tensors(inputs), _tensors(batch), strict=True):
                kept.copy_(new)
            graph.replay()
        elif not self._is_worth(batch, shape, progress):
            self._seen[shape] += 1
            self._step(batch)
        elif obstacle := self._capture(batch, shape):
            self._give_up(obstacle)
            self._step(batch)

    def _is_worth(self, batch: Batch, shape: object, progress: float) -> bool:
        seen = self._seen[shape]
        if self._broken or seen < WARM_UPS or seen * (1.0 - progress) < PAYS_OFF * progress:
            return False
        if len(self._captured) == MOST_GRAPHS:
            self._tell(f"there are {MOST_GRAPHS} graphs for other shapes of batches")
        elif not self._fits(batch):
            self._tell("their graph could pass the memory of this worker")
        else:
            return True
        return False

    def _capture(self, batch: Batch, shape: object) -> str:
        """Trains on ``batch`` while capturing that; returns why it failed, empty if it did not.

        By then nothing holds the memory of what failed, neither a graph nor the traceback of an error.
        """
        inputs = _copy(batch)
        graph = self._new_graph()
        try:
            graph.record(lambda: self._step(inputs))
        except RuntimeError as error:
            return str(_root(error)).partition("\n")[0]
        self._captured[shape] = _Captured(graph, inputs)
        return ""

    def _give_up(self, obstacle: str) -> None:
        """Captures and replays nothing any more: torch leaves the generators of a failed capture unusable."""
        self._broken = True
        self._captured.clear()
        self._recover()
        self._tell(f"one could not be captured: {obstacle}")

    def _tell(self, obstacle: str) -> None:
        if obstacle not in self._obstacles:
            self._obstacles.add(obstacle)
            _log.info("some steps of a training are launched one by one: %s", obstacle)


def _root(error: BaseException) -> BaseException:
    """Returns the first error of a chain: ending a capture that was invalidated raises another, which says less."""
    while error.__context__ is not None:
        error = error.__context__
    return error


def _shape(batch: Batch) -> tuple[torch.Size | None, ...]:
    return tuple(None if tensor is None else tensor.shape for tensor in batch)


def _tensors(batch: Batch) -> list[Tensor]:
    return [tensor for tensor in batch if tensor is not None]


def _copy(batch: Batch) -> Batch:
    lengths, scored = (None if tensor is None else tensor.clone() for tensor in (batch.lengths, batch.scored))
    return batch._replace(
        inputs=batch.inputs.clone(), targets=batch.targets.clone(), lengths=lengths, scored=scored
    )
