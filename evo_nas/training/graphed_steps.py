"""Steps that are recorded once as a graph and then replayed: on a GPU, launching takes longer than running."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple, Protocol

import torch

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from evo_nas.training.batches import Batch

WARM_UPS = 3
"""Steps that run directly before one is recorded, for each shape of batch: libraries settle in the first ones."""
MOST_GRAPHS = 8
"""Most graphs that one training keeps, since each keeps its memory."""
PAYS_OFF = 20
"""Fewest steps that must still come for a graph to pay: recording costs about as much as launching these."""

_log = logging.getLogger(__name__)
_one_at_a_time = threading.Lock()
"""Held while a graph is recorded, because the whole device must come to rest first."""


class Graph(Protocol):
    """A recording of what a function did on the device."""

    def record(self, run: Callable[[], object]) -> None:
        """Records ``run`` and executes it once.

        Raises:
            RuntimeError: ``run`` did something that cannot be recorded.
        """

    def replay(self) -> None:
        """Executes the same operations on the same memory again."""


class GraphFactory(Protocol):
    """Makes the graphs of one training."""

    def __call__(self, generator: torch.Generator) -> Graph:
        """Returns an empty graph; the recorded function may draw from ``generator``."""


class Steps(Protocol):
    """Trains on one batch after another."""

    def __call__(self, batch: Batch, *, progress: float) -> None:
        """Trains on ``batch``; ``progress`` is the share of the training that is done, 0 to 1."""


class DirectSteps:
    """Calls ``step`` for each batch."""

    def __init__(self, step: Callable[[Batch], object]) -> None:
        self._step = step

    def __call__(self, batch: Batch, *, progress: float) -> None:  # noqa: ARG002 - every step is the same
        """Trains on ``batch``."""
        self._step(batch)


class _Recorded(NamedTuple):
    """A graph, and the batch from which it reads: each replay expects its inputs in that memory."""

    graph: Graph
    inputs: Batch


class GraphedSteps:
    """Trains as ``step`` does, but replays graphs for shapes of batches that come often.

    Where a graph is impossible or does not pay, ``step`` itself is called, and the reason is logged once.

    Args:
        step: Always does the same operations for batches of the same shape.
        new_graph: Makes an empty graph.
        fits: Returns whether there is memory for the graph of such a batch.
        recover: Called when a recording has failed and all graphs are gone, before steps go on directly.
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
        self._recorded: dict[object, _Recorded] = {}
        self._obstacles: set[str] = set()
        self._broken = False

    @property
    def graphs(self) -> int:
        """Number of batch shapes that are replayed."""
        return len(self._recorded)

    def __call__(self, batch: Batch, *, progress: float) -> None:
        """Trains on ``batch``."""
        shape = _shape(batch)
        if shape in self._recorded:
            graph, inputs = self._recorded[shape]
            # A replay reads the memory that was recorded, so the new batch is copied there.
            for kept, new in zip(_tensors(inputs), _tensors(batch), strict=True):
                kept.copy_(new)
            graph.replay()
        elif not self._is_worth(batch, shape, progress):
            self._seen[shape] += 1
            self._step(batch)
        elif obstacle := self._record(batch, shape):
            self._give_up(obstacle)
            self._step(batch)

    def _is_worth(self, batch: Batch, shape: object, progress: float) -> bool:
        """Returns whether to record the step for this shape now."""
        seen = self._seen[shape]
        # What was seen n times in a share p of the training will come about n * (1 - p) / p times more. Multiplied
        # by p, the comparison holds for the first step, too, where p is 0.
        if self._broken or seen < WARM_UPS or seen * (1.0 - progress) < PAYS_OFF * progress:
            return False
        if len(self._recorded) == MOST_GRAPHS:
            self._tell(f"there are {MOST_GRAPHS} graphs for other shapes of batches")
        elif not self._fits(batch):
            self._tell("their graph could pass the memory of this worker")
        else:
            return True
        return False

    def _record(self, batch: Batch, shape: object) -> str:
        """Trains on ``batch`` and records that; returns why it failed, or an empty string.

        After a failure nothing holds the memory of what failed, neither a graph nor the traceback of an error.
        """
        inputs = _copy(batch)
        graph = self._new_graph()
        try:
            graph.record(lambda: self._step(inputs))
        except RuntimeError as error:
            return str(_root(error)).partition("\n")[0]
        self._recorded[shape] = _Recorded(graph, inputs)
        return ""

    def _give_up(self, obstacle: str) -> None:
        """Records and replays nothing any more: torch leaves the generators of a failed capture unusable."""
        self._broken = True
        self._recorded.clear()
        self._recover()
        self._tell(f"one could not be captured: {obstacle}")

    def _tell(self, obstacle: str) -> None:
        if obstacle not in self._obstacles:
            self._obstacles.add(obstacle)
            _log.info("some steps of a training are launched one by one: %s", obstacle)


class CudaGraphs:
    """Makes the CUDA graphs of one training; they share memory, since they never run at the same time."""

    def __init__(self) -> None:
        self._pool = torch.cuda.graph_pool_handle()

    def __call__(self, generator: torch.Generator) -> Graph:
        """Returns an empty graph that may draw from ``generator``, which is on the device."""
        return CudaGraph(generator, self._pool)


class CudaGraph:
    """A CUDA graph on this thread's stream, which must not be the default one.

    Args:
        generator: On the device; the recorded function may draw from it, and each replay draws on.
        pool: Memory shared with graphs that never run at the same time; see `torch.cuda.graph_pool_handle`.
    """

    def __init__(self, generator: torch.Generator, pool: torch.cuda._POOL_HANDLE) -> None:
        self._graph = torch.cuda.CUDAGraph()
        self._pool = pool
        self._graph.register_generator_state(generator)

    def record(self, run: Callable[[], object]) -> None:
        """Captures ``run``, which executes nothing yet, and replays it; other threads may go on meanwhile."""
        stream = torch.cuda.current_stream()
        try:
            with (
                _one_at_a_time,
                torch.cuda.graph(self._graph, self._pool, stream, capture_error_mode="thread_local"),
            ):
                run()
        except RuntimeError:
            self._leave_pool()
            raise
        self._graph.replay()

    def _leave_pool(self) -> None:
        """Stops allocating from the pool, which torch forgets to do where a capture was invalidated."""
        with suppress(AttributeError, RuntimeError):  # a private function, and allocation may have stopped
            torch._C._cuda_endAllocateToPool(torch.cuda.current_device(), self._pool)

    def replay(self) -> None:
        """Launches all recorded operations at once."""
        self._graph.replay()


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
