"""The CPU seconds of a process and of everything that it starts."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    import subprocess


class ProcessTree:
    """Follows a process and its descendants; those that have ended keep the seconds that were last seen.

    Args:
        root: The process that started all others.
    """

    def __init__(self, root: subprocess.Popen[bytes]) -> None:
        self._root = psutil.Process(root.pid)
        self._seen: dict[tuple[int, float], float] = {}

    def cpu_s(self) -> float:
        """Returns the CPU seconds, user and system, of all processes so far."""
        for process in self._processes():
            with contextlib.suppress(psutil.Error):
                times = process.cpu_times()
                self._seen[process.pid, process.create_time()] = times.user + times.system
        return sum(self._seen.values())

    def kill(self) -> None:
        """Ends all processes at once."""
        for process in reversed(self._processes()):
            with contextlib.suppress(psutil.Error):
                process.kill()

    def _processes(self) -> list[psutil.Process]:
        try:
            return [self._root, *self._root.children(recursive=True)]
        except psutil.Error:
            return []
