"""`said_by`: what a command of evo-nas says, run as a process of its own.

What tells of every evaluation of a run takes about a second of a core and 100 MB for each ten thousand. In a process of
its own that memory is gone when it has ended, and nobody who watches a search waits for it. It costs the start of a
process, so short runs are read here.
"""

from __future__ import annotations

import subprocess
import sys
from http import HTTPStatus

from evo_nas.server.problems import ServiceError
from evo_nas.server.processes import environment

MOST_HERE = 5_000
"""Evaluations of the longest run that is read in the process of the service."""
LIMIT_S = 900.0


def said_by(*arguments: str) -> str:
    """Returns what ``evo-nas`` prints with ``arguments``.

    Raises:
        ServiceError: The command has failed, with what it says.
    """
    command = [sys.executable, "-P", "-m", "evo_nas.cli", *arguments]
    try:
        done = subprocess.run(  # noqa: S603 - our own command
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env=environment(),
            timeout=LIMIT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise ServiceError(
            HTTPStatus.SERVICE_UNAVAILABLE,
            f"`evo-nas {arguments[0]}` took more than {LIMIT_S:g} s; try again later",
        ) from None
    if done.returncode:
        lines = done.stderr.decode("utf-8", "replace").splitlines()
        told = [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]
        raise ServiceError(
            HTTPStatus.CONFLICT, "\n".join(told) or f"`evo-nas {arguments[0]}` ended with {done.returncode}"
        )
    return done.stdout.decode("utf-8")
