"""`LocalStore`: a run in a directory of a POSIX file system."""

from __future__ import annotations

import errno
import fcntl
import json
import logging
import os
import socket
import time
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from evo_nas.errors import RunError
from evo_nas.ledger.store import LOCK, QUARANTINE, TEMPORARY, Store

_UNCERTAIN_NS = 2 * 10**9
"""Younger times of folders are not trusted: two changes within a tick of the file system's clock look like one."""
_log = logging.getLogger(__name__)
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_TRIES, _TRY_S = 10, 0.005
_NO_LOCKS = (errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP)


class LocalStore(Store):
    """A directory; its folders are made when first needed.

    Content is written to a temporary file, and that file is synced to the disk, before a link gives it its
    name; unlike a rename, a link never replaces a file. Then the folder is synced. Pillai et al. (OSDI 2014)
    show why each step is needed.
    """

    def __init__(self, root: Path) -> None:
        self.location = str(root)
        self._root = root
        self._made: set[Path] = set()
        self._lock: int | None = None

    def create(self, name: str, content: bytes) -> bool:
        """Writes, syncs, links and syncs again."""
        target = self._root / name
        self._make_folder(target.parent)
        temporary = self._write_temporary(content)
        try:
            target.hardlink_to(temporary)
            created = True
        except FileExistsError:
            created = False
        finally:
            temporary.unlink(missing_ok=True)
        _sync_folder(target.parent)
        return created

    def read(self, name: str) -> bytes:
        """Reads the whole file."""
        return (self._root / name).read_bytes()

    def list(self, folder: str) -> list[str]:
        """Lists files and folders."""
        try:
            # Not a path for each: every commit lists the claims, and some runs have hundreds.
            return sorted(os.listdir(self._root / folder))  # noqa: PTH208
        except FileNotFoundError:
            return []

    def delete(self, name: str) -> None:
        """Unlinks the file without a sync: a file that reappears after a power cut does no harm."""
        (self._root / name).unlink(missing_ok=True)

    def set_aside(self, name: str) -> str:
        """Moves to the quarantine folder under a new name."""
        aside = f"{QUARANTINE}/{uuid4().hex[:8]}-{Path(name).name}"
        self._make_folder(self._root / QUARANTINE)
        (self._root / name).rename(self._root / aside)
        return aside

    def lock(self) -> None:
        """Locks a file that names its holder; the kernel unlocks it when the process ends in any way."""
        self._make_folder(self._root)
        descriptor = os.open(self._root / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            _lock_exclusively(descriptor)
        except OSError as error:
            holder = _read_holder(descriptor)
            os.close(descriptor)
            # Some network file systems have no locks; the terms of the writers protect the run there.
            if error.errno in _NO_LOCKS:
                return
            if not isinstance(error, BlockingIOError):
                raise
            raise RunError(
                f"another process is searching this run ({holder}): {self.location}; wait for it or stop it, "
                "or choose another run directory"
            ) from None
        self._lock = descriptor
        holder = json.dumps({"pid": os.getpid(), "host": socket.gethostname()})
        with suppress(
            OSError
        ):  # the holder's name only helps people; a full disk must not leave the run locked
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, holder.encode(), 0)

    def holder(self) -> str | None:
        """Tries the lock for a moment, which `lock` waits for."""
        try:
            descriptor = os.open(self._root / LOCK, os.O_RDONLY)
        except OSError:
            return None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return _read_holder(descriptor)
        except OSError:
            return None
        finally:
            os.close(descriptor)
        return None

    def discard_leftovers(self) -> None:
        """Empties the folder of temporary files; an entry that cannot be deleted stays."""
        for name in self.list(TEMPORARY):
            try:
                self.delete(f"{TEMPORARY}/{name}")
            except OSError as error:
                _log.warning("%s/%s/%s stays: %s", self.location, TEMPORARY, name, error.strerror)

    def close(self) -> None:
        """Unlocks."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def stamp(self, *folders: str) -> object | None:
        """Returns when each folder was changed last; None if one was just now, within what a clock tells apart."""
        times = []
        for folder in folders:
            try:
                times.append((self._root / folder).stat().st_mtime_ns)
            except OSError:
                times.append(0)
        return None if time.time_ns() - max(times) < _UNCERTAIN_NS else tuple(times)

    def remedy(self, error: OSError) -> str:
        """Returns the remedy for a full disk, or for one that cannot be used."""
        if error.errno in _FULL:
            return "free space and run the same command again; nothing acknowledged is lost"
        return "the run needs a directory that this user may write, on a healthy disk with hard links"

    def _write_temporary(self, content: bytes) -> Path:
        path = self._root / TEMPORARY / uuid4().hex
        self._make_folder(path.parent)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        try:
            remaining = memoryview(content)
            # The system may write only a part at a time.
            while remaining:
                remaining = remaining[os.write(descriptor, remaining) :]
            os.fsync(descriptor)
        except BaseException:
            with suppress(OSError):
                path.unlink()
            raise
        finally:
            os.close(descriptor)
        return path

    def _make_folder(self, folder: Path) -> None:
        if folder in self._made:
            return
        if not folder.is_dir():
            self._make_folder(folder.parent)
            folder.mkdir(exist_ok=True)
            # A new folder is durable only after its parent was synced.
            _sync_folder(folder.parent)
        self._made.add(folder)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _lock_exclusively(descriptor: int) -> None:
    """Locks an open file; raises `BlockingIOError` if another process keeps its lock."""
    # `holder` keeps it for microseconds, and must not refuse a search.
    for _ in range(_TRIES):
        try:
            return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(_TRY_S)
    return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _read_holder(descriptor: int) -> str:
    with suppress(ValueError, KeyError, TypeError):
        holder = json.loads(os.pread(descriptor, 4096, 0))
        return f"pid {holder['pid']} on {holder['host']}"
    return "its process id is not recorded"
