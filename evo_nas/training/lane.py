"""The state of a thread while it trains."""

from __future__ import annotations

import sys
import threading
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Iterator

_of_this_thread = threading.local()


@contextmanager
def lane(device: torch.device) -> Iterator[None]:
    """Readies this thread for training on ``device`` and leaves it as it was.

    On a CPU, numbers too small to be normal count as zero: some processors take a hundred times longer for them.
    On a GPU the thread has a stream of its own, so that trainings in several threads run side by side.
    """
    with ExitStack() as stack:
        stack.enter_context(_without_denormals())
        if device.type == "cuda":
            stack.enter_context(_own_stream(device))
        yield


def flushes_denormals() -> bool:
    """Returns whether this thread takes numbers too small to be normal for zero."""
    return sys.float_info.min / 2 == 0.0


@contextmanager
def _without_denormals() -> Iterator[None]:
    if flushes_denormals() or not torch.set_flush_denormal(True):
        yield
        return
    try:
        yield
    finally:
        torch.set_flush_denormal(False)


@contextmanager
def _own_stream(device: torch.device) -> Iterator[None]:
    streams: dict[torch.device, torch.cuda.Stream] = _of_this_thread.__dict__.setdefault("streams", {})
    if device not in streams:
        streams[device] = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
    outer = torch.cuda.current_stream(device)
    streams[device].wait_stream(outer)
    try:
        with torch.cuda.stream(streams[device]):
            yield
    finally:
        outer.wait_stream(streams[device])
