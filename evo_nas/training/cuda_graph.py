"""Steps as CUDA graphs."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_one_at_a_time = threading.Lock()
"""To capture, the whole device must come to rest first."""


class CudaGraph:
    """A CUDA graph on this thread's stream, which must not be the default one.

    Args:
        generators: On the device; what is drawn from while it is recorded; a replay draws on.
        pool: Memory that it shares with graphs that never run at the same time; see `torch.cuda.graph_pool_handle`.
    """

    def __init__(self, generators: Sequence[torch.Generator], pool: torch.cuda._POOL_HANDLE) -> None:
        self._graph = torch.cuda.CUDAGraph()
        self._pool = pool
        for generator in generators:
            self._graph.register_generator_state(generator)

    def record(self, run: Callable[[], object]) -> None:
        """Captures ``run``, which does nothing yet, and does it; other threads may go on meanwhile."""
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
        """Ends the lending of the pool's memory, which torch forgets where the capture was invalidated."""
        with suppress(AttributeError, RuntimeError):  # a private function, and it may have ended
            torch._C._cuda_endAllocateToPool(torch.cuda.current_device(), self._pool)

    def replay(self) -> None:
        """Launches everything at once."""
        self._graph.replay()
