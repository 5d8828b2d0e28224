"""The state of a thread while it trains."""

from __future__ import annotations

import sys
import threading
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Iterator

_of_this_thread = threading.local()


@dataclass
class _Unrounded:
    """How many threads want cuDNN's recurrent layers not to round, and what was set before the first."""

    threads: int = 0
    before: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)


_unrounded = _Unrounded()


@contextmanager
def lane(device: torch.device) -> Iterator[None]:
    """Readies this thread for training on ``device`` and leaves it as it was.

    On a CPU, numbers too small to be normal count as zero: some processors take a hundred times longer for them.
    On a GPU the thread has a stream of its own, so that trainings in several threads run side by side, and cuDNN's
    recurrent layers multiply numbers of single precision as such, which by default are rounded to TF32.
    """
    with ExitStack() as stack:
        stack.enter_context(_without_denormals())
        if device.type == "cuda":
            stack.enter_context(_own_stream(device))
            stack.enter_context(unrounded_recurrence())
        yield


@contextmanager
def unrounded_recurrence() -> Iterator[None]:
    """Keeps cuDNN's recurrent layers from rounding factors to TF32, in all threads until the last has left."""
    rnn = torch.backends.cudnn.rnn
    if not hasattr(rnn, "fp32_precision"):  # which not every version of torch has
        yield
        return
    with _unrounded.lock:
        _unrounded.threads += 1
        if _unrounded.threads == 1:
            _unrounded.before, rnn.fp32_precision = rnn.fp32_precision, "ieee"
    try:
        yield
    finally:
        with _unrounded.lock:
            _unrounded.threads -= 1
            if not _unrounded.threads:
                rnn.fp32_precision = _unrounded.before


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
