"""Sets up the allocators of memory so that the service does not grow from answer to answer."""

from __future__ import annotations

import ctypes
from contextlib import suppress

import pyarrow as pa

_ARENA_MAX = -8
"""`M_ARENA_MAX` of glibc's ``malloc.h``."""
_ARENAS = 2


def share_heaps() -> None:
    """Lets all threads of this process, also those of Arrow, take memory from the same few heaps.

    Answers are made in dozens of threads that come and go. A heap for each of them, as allocators have by default,
    keeps the most that it ever held, so that a service would grow for hours.
    """
    pa.set_memory_pool(pa.system_memory_pool())
    with suppress(AttributeError):  # other C libraries than glibc have no such option
        ctypes.CDLL(None).mallopt(_ARENA_MAX, _ARENAS)
