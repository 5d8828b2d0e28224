"""A directory whose disk fails or loses power at the nth operation, and what is left of it then."""

from __future__ import annotations

import errno
import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import pytest


class PowerCut(BaseException):
    """The machine is off: no handler may do anything more."""


class FailingDisk:
    """Watches the system calls that change files under ``root`` and makes the nth one fail.

    It keeps two pictures: the live one, which is the directory itself, and the synced one, which is what
    POSIX promises after a power cut: the content of files that were synced, under names whose folder was.

    Args:
        root: New directory.
        fail_at: Number of the failing operation, from 1; 0 for none.
        power_cut: Whether that operation and all later ones find the machine off; else it alone fails with
            "no space left on device".
    """

    def __init__(self, root: Path, *, fail_at: int, power_cut: bool) -> None:
        self.fired = False
        root.mkdir(exist_ok=True)
        self._root = root
        self._patch = pytest.MonkeyPatch()
        self._fail_at = fail_at
        self._power_cut = power_cut
        self._operations = 0
        self._open_paths: dict[int, Path] = {}
        self._synced_content: dict[int, bytes] = {}
        self._synced_names: dict[Path, dict[str, int | None]] = {}

    def __enter__(self) -> Self:
        for name in ("open", "write", "fsync", "link", "unlink", "rename", "mkdir"):
            after = getattr(self, f"_after_{name}", None)
            self._patch.setattr(os, name, self._watched(getattr(os, name), after))
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._patch.undo()

    def survive(self, target: Path, *, unsynced: float, rng: random.Random) -> None:
        """Builds in ``target`` what is found after the failure.

        ``unsynced`` is the chance of each change that was never synced to have reached the disk all the same:
        0 for the least that a power cut leaves, 1 for a process that was killed on a machine that goes on.
        """
        self._copy(self._root, target, unsynced, rng)

    def _copy(self, source: Path, target: Path, unsynced: float, rng: random.Random) -> None:
        target.mkdir()
        synced = self._synced_names.get(source, {})
        live = {path.name: path for path in source.iterdir()}
        for name in sorted(synced.keys() | live.keys()):
            lucky = rng.random() < unsynced
            if name in synced and not (name not in live and lucky):
                inode = synced[name]
            elif name in live and lucky:
                inode = None if live[name].is_dir() else live[name].stat().st_ino
            else:
                continue
            if inode is None:
                self._copy(source / name, target / name, unsynced, rng)
            elif inode in self._synced_content:
                (target / name).write_bytes(self._synced_content[inode])
            else:
                content = live[name].read_bytes() if name in live else b""
                (target / name).write_bytes(
                    content if unsynced == 1 else content[: rng.randrange(len(content) + 1)]
                )

    def _watched(self, call: Callable[..., Any], after: Callable[..., None] | None) -> Callable[..., Any]:
        def watched(*arguments: Any, **options: Any) -> Any:
            if self._concerns(arguments):
                self._count()
                outcome = None if call.__name__ == "fsync" else call(*arguments, **options)
                if after is not None:
                    after(outcome, *arguments)
                return outcome
            return call(*arguments, **options)

        return watched

    def _concerns(self, arguments: tuple[Any, ...]) -> bool:
        where = self._open_paths.get(arguments[0]) if isinstance(arguments[0], int) else arguments[0]
        return where is not None and Path(os.fsdecode(where)).is_relative_to(self._root)

    def _count(self) -> None:
        self._operations += 1
        if self._operations == self._fail_at or (self.fired and self._power_cut):
            self.fired = True
            if self._power_cut:
                raise PowerCut
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def _after_open(self, descriptor: int, path: Path, flags: int, *_mode: int) -> None:
        self._open_paths[descriptor] = path
        if flags & os.O_CREAT:
            self._synced_content.pop(os.fstat(descriptor).st_ino, None)

    def _after_fsync(self, _: None, descriptor: int) -> None:
        path = self._open_paths[descriptor]
        if path.is_dir():
            self._synced_names[path] = {
                entry.name: None if entry.is_dir() else entry.stat().st_ino for entry in path.iterdir()
            }
        else:
            self._synced_content[os.fstat(descriptor).st_ino] = path.read_bytes()
