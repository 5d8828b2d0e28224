"""`Compactor`: frees the disk space of old progress in the files of events, once later progress supersedes it.

A live search writes some kilobytes of progress a second. The ids of events are places in these files, and processes
append to them meanwhile, so that nothing may move: what is superseded becomes a hole, which takes no space. Who comes
back with the id of an event from there goes on after the hole.
"""

from __future__ import annotations

import asyncio
import ctypes
import errno
import logging
import os
from typing import TYPE_CHECKING

from evo_nas.errors import EvoNasError
from evo_nas.server.event_files import line_start, lines_from

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from evo_nas.server.launches import LaunchStore

SUPERSEDED = "progressed"
"""The kind of event that tells all that earlier ones did; of others there are few."""
KEPT_BYTES = 4 * 2**20
"""What is never freed at the end of a file: about half an hour of a live search."""
MOST_BYTES = 8 * 2**20
"""What a file may take before it is compacted."""
COMPACT_S = 60.0
_BLOCK = 512
"""Bytes of a block in the answers of ``stat``, whatever the file system has."""
_KEEP_SIZE, _PUNCH_HOLE = 1, 2
"""Flags of fallocate(2)."""
_log = logging.getLogger(__name__)


class Compactor:
    """Compacts the files of events of one root, where the file system can free parts of a file.

    Args:
        launches: Those that write the files.

    Attributes:
        is_able: Whether the file system has holes, as far as it was tried.
    """

    def __init__(self, launches: LaunchStore) -> None:
        self._launches = launches
        self._done: dict[Path, int] = {}
        self.is_able = True

    async def keep_small(self) -> None:
        """Compacts all files again and again until it is cancelled, or the file system cannot."""
        while True:
            try:
                await asyncio.to_thread(self.compact_all)
            except OSError as error:
                _log.warning("the files of events cannot be looked through now: %s", error)
            if not self.is_able:
                return
            await asyncio.sleep(COMPACT_S)

    def compact_all(self) -> None:
        """Compacts the file of the newest launch of each run if it has become large."""
        newest = filter(None, map(self._launches.newest, self._launches.runs()))
        files = [launch.events for launch in newest]
        self._done = {path: done for path, done in self._done.items() if path in set(files)}
        for path in files:
            try:
                self.compact(path)
            except (OSError, EvoNasError) as error:
                _log.warning("%s cannot be compacted now: %s", path, error)

    def compact(self, path: Path) -> None:
        """Frees what the file at ``path`` holds of superseded progress, if it takes more than it may.

        Raises:
            OSError: The file cannot be read or written.
        """
        status = path.stat()
        first, until = self._done.get(path, 0), line_start(path, max(0, status.st_size - KEPT_BYTES))
        # What was looked through before need not be again, even if nothing of it could be freed.
        if not self.is_able or status.st_blocks * _BLOCK <= MOST_BYTES or until - first < KEPT_BYTES // 2:
            return
        with path.open("r+b") as file:
            for start, end in _superseded(path, first, until):
                if not _punched(file.fileno(), start, end - start):
                    self.is_able = False
                    return
        self._done[path] = until


def _superseded(path: Path, first: int, until: int) -> Iterator[tuple[int, int]]:
    """Yields the beginning and the end of each stretch without other events than those that are superseded."""
    begun = place = first
    while place < until:
        lines, read = lines_from(path, place)
        if read == place:
            break
        for line in lines:
            if line.end > until or line.kind != SUPERSEDED:
                start = min(until, line.end - len(line.data) - len(b"\r\n"))
                if start > begun:
                    yield begun, start
                begun = line.end
            if line.end > until:
                return
        place = read
    if until > begun:
        yield begun, until


def _punched(descriptor: int, start: int, count: int) -> bool:
    """Makes a hole of zeros, and returns whether the file system has holes.

    Raises:
        OSError: It has, and this one cannot be made.
    """
    try:
        fallocate = ctypes.CDLL(None, use_errno=True).fallocate
    except AttributeError:  # only Linux has it
        return False
    fallocate.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64)
    if fallocate(descriptor, _PUNCH_HOLE | _KEEP_SIZE, start, count) == 0:
        return True
    code = ctypes.get_errno()
    if code in (errno.EOPNOTSUPP, errno.ENOSYS):
        return False
    raise OSError(code, os.strerror(code))
