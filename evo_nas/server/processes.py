"""Finds the processes of searches again after a restart of the service, by their number and their start."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress
from functools import cache
from pathlib import Path

_PROC = Path("/proc/self/stat")
_BOOT = Path("/proc/sys/kernel/random/boot_id")
_NOT_HANDED_ON = frozenset({"EVO_NAS_ADDRESS", "EVO_NAS_SERVICE", "EVO_NAS_TOKEN"})
"""Where a command works is said by itself alone; it must not be sent to this service again."""
_ENDED = frozenset("ZXx")
_STATE, _START = 0, 19
"""Places in ``/proc/<pid>/stat`` after the name of the program; see proc(5), fields 3 and 22."""


def environment() -> dict[str, str]:
    """Returns what a command that the service starts finds in its environment."""
    return {name: value for name, value in os.environ.items() if name not in _NOT_HANDED_ON}


def started_at(pid: int) -> str | None:
    """Returns a mark of the start of process ``pid``, which no other process of that number has; None if it has ended.

    A process that has ended and that nobody has waited for counts as ended.
    """
    if not _PROC.exists():
        return _asked_of_ps(pid)
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    # The name of the program stands in brackets and may hold anything, brackets and spaces too.
    fields = text.rpartition(")")[2].split()
    return None if fields[_STATE] in _ENDED else f"{_boot()}:{fields[_START]}"


def terminate(pid: int, *, started: str) -> bool:
    """Sends SIGTERM to process ``pid`` if it is the one that was ``started`` then; returns whether it is."""
    with suppress(ProcessLookupError):
        if not hasattr(os, "pidfd_open"):
            if started_at(pid) == started:
                os.kill(pid, signal.SIGTERM)
                return True
            return False
        # From here on the descriptor names this process, even if it ends and its number is given to another one.
        descriptor = os.pidfd_open(pid)
        try:
            if started_at(pid) == started:
                signal.pidfd_send_signal(descriptor, signal.SIGTERM)
                return True
        finally:
            os.close(descriptor)
    return False


@cache
def _boot() -> str:
    # Starts are counted from the boot: after the next one a process may have the same number and the same count.
    return _BOOT.read_text(encoding="utf-8").strip()


def _asked_of_ps(pid: int) -> str | None:
    done = subprocess.run(  # noqa: S603 - a number alone is handed over
        ["/bin/ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    state, _, start = done.stdout.strip().partition(" ")
    return None if not state or state[0] in _ENDED else " ".join(start.split())
