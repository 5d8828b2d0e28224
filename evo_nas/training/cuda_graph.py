"""Steps as CUDA graphs."""

from __future__ import annotations

import threading
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
        with (
            _one_at_a_time,
            torch.cuda.graph(self._graph, self._pool, stream, capture_error_mode="thread_local"),
        ):
            run()
        self._graph.replay()

    def replay(self) -> None:
        """Launches everything at once."""
        self._graph.replay()
