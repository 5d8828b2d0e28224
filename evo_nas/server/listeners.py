"""Finds out which process listens at a port."""

from __future__ import annotations

import shlex

import psutil

_LONGEST_COMMAND = 80


def listener_at(port: int) -> str:
    """Returns, as the middle of a sentence, which process listens at ``port`` and how to end it."""
    pid = _pid_at(port)
    if pid is None:
        return "; find out by what with `ss -ltnp` and end it"
    try:
        command = shlex.join(psutil.Process(pid).cmdline())
    except psutil.Error:
        command = ""
    shown = command if len(command) <= _LONGEST_COMMAND else f"{command[:_LONGEST_COMMAND]}..."
    return f" by process {pid}{f' ({shown})' if shown else ''}; end it with `kill {pid}`"


def _pid_at(port: int) -> int | None:
    try:
        connections = psutil.net_connections(kind="tcp")
    except psutil.Error:  # macOS tells only root
        return None
    found = (
        each.pid
        for each in connections
        if each.status == psutil.CONN_LISTEN and each.laddr.port == port and each.pid
    )
    return next(found, None)
