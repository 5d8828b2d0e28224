"""`locked`: locks a file, so that several services on one root wait for each other."""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import contextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING

from evo_nas.server.problems import ServiceError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PATIENCE_S = 10.0
"""Longest wait for another service; what they hold a lock for takes milliseconds."""


@contextmanager
def locked(path: Path, *, busy: str) -> Iterator[None]:
    """Keeps every other thread and service from locking ``path``, a file that is made if it is not there.

    Args:
        path: The file; whoever has it locked may remove it.
        busy: What is said if another one does not let it go.

    Raises:
        ServiceError: Another one does not let it go.
    """
    until = time.monotonic() + PATIENCE_S
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            _lock(descriptor, until, busy)
            # Whoever had it locked before may have removed it, so that others lock another file by now.
            if _is_at(path, descriptor):
                yield
                return
        finally:
            os.close(descriptor)


def _lock(descriptor: int, until: float, busy: str) -> None:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                raise ServiceError(HTTPStatus.CONFLICT, busy) from None
        else:
            return
        time.sleep(0.01)


def _is_at(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(follow_symlinks=False), os.fstat(descriptor))
    except FileNotFoundError:
        return False
