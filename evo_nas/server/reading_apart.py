"""`Commands`: runs commands of evo-nas as processes of their own, and returns what they print.

What tells of every evaluation of a run takes about a second of a core and 100 MB for each ten thousand. In a process of
its own that memory is gone when it has ended, and nobody who watches a search waits for it. It costs the start of a
process, so short runs are read here.
"""

from __future__ import annotations

import json
import logging
import socket
import subprocess
import sys
import threading
from http import HTTPStatus
from typing import TYPE_CHECKING

from evo_nas import errors
from evo_nas.server.problems import ServiceError
from evo_nas.server.processes import environment

if TYPE_CHECKING:
    from collections.abc import Container

    from evo_nas.errors import EvoNasError

MOST_HERE = 5_000
"""Evaluations of the longest run that is read in the process of the service."""
LIMIT_S = 900.0
_log = logging.getLogger(__name__)
COLUMNS = 80
"""Columns that a command prints in where nobody says how wide a terminal is."""
_COMMAND = """
import os, threading

def end_with_service():
    # Not `sys.stdin`, whose lock this thread would still hold when the command ends.
    while os.read(0, 1):
        pass
    os._exit(1)

threading.Thread(target=end_with_service, daemon=True).start()
import json, sys
import click
from evo_nas.cli.app import Refusal, main
try:
    sys.exit(main(prog_name="evo-nas", standalone_mode=False))
except click.ClickException as error:
    kind = error.kind if isinstance(error, Refusal) else "ConfigError"
    sys.exit(json.dumps({"kind": kind, "message": error.format_message()}))
"""
"""The command line, which ends once its input does: the kernel closes that however the service has ended.

What it was refused for is the last line that it writes, as JSON.
"""


class Commands:
    """Runs commands that end with the service, since nobody needs their answers afterwards."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._processes: set[subprocess.Popen[bytes]] = set()
        self._is_closed = False

    def said_by(
        self,
        *arguments: str,
        folder: str | None = None,
        columns: int = COLUMNS,
        passes: Container[int] = (),
    ) -> str:
        """Returns what ``evo-nas`` prints with ``arguments``.

        Args:
            arguments: The command and its options.
            folder: Its working directory, under which runs are called by their names; by default that of the service.
            columns: Width of what it prints for people.
            passes: Exit codes other than 0 with which it may have said what was asked.

        Raises:
            ServiceError: The command cannot be started, or has ended without a word, or the service ends.
            EvoNasError: What the command was refused for, as it would be raised here.
        """
        process = self._started(arguments, folder, columns)
        try:
            output, said = _heard(process, LIMIT_S)
        except subprocess.TimeoutExpired:
            raise ServiceError(
                HTTPStatus.SERVICE_UNAVAILABLE,
                f"`evo-nas {arguments[0]}` took more than {LIMIT_S:g} s; try again later",
            ) from None
        finally:
            with self._lock:
                self._processes.discard(process)
            _end(process)
        if process.returncode and not (output and process.returncode in passes):
            raise _error_in(said) or _without_a_word(arguments[0], process.returncode, said)
        return output.decode("utf-8")

    def close(self) -> None:
        """Ends what runs; nothing is started from now on."""
        with self._lock:
            self._is_closed = True
            for process in self._processes:
                process.kill()

    def _started(
        self, arguments: tuple[str, ...], folder: str | None, columns: int
    ) -> subprocess.Popen[bytes]:
        # What it prints is sent as UTF-8, whatever the language of the service's machine.
        printing = {"COLUMNS": str(columns), "PYTHONIOENCODING": "utf-8"}
        with self._lock:
            if self._is_closed:
                raise ServiceError(
                    HTTPStatus.SERVICE_UNAVAILABLE, "the service ends; ask again when it is back"
                )
            try:
                process = subprocess.Popen(  # noqa: S603 - our own command
                    [sys.executable, "-P", "-c", _COMMAND, *arguments],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    cwd=folder,
                    env=environment() | printing,
                )
            except OSError as error:
                raise ServiceError(
                    HTTPStatus.SERVICE_UNAVAILABLE,
                    f"`evo-nas {arguments[0]}` cannot be started: {error.strerror}; mend that on "
                    f"{socket.gethostname()} and try again",
                ) from None
            self._processes.add(process)
            return process


def _heard(process: subprocess.Popen[bytes], limit_s: float) -> tuple[bytes, bytes]:
    """Returns what ``process`` prints until it ends, and keeps its input open until then."""
    # `communicate` would close the input at once, so it must not know of it.
    kept, process.stdin = process.stdin, None
    try:
        return process.communicate(timeout=limit_s)
    finally:
        process.stdin = kept


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    with process:  # closes its pipes and waits for it
        pass


def _error_in(said: bytes) -> EvoNasError | None:
    """Returns the error that the last line of ``said`` tells; None if it tells none."""
    try:
        values = json.loads(said.splitlines()[-1])
        kind, message = str(values["kind"]), str(values["message"])
    except (IndexError, KeyError, TypeError, ValueError):
        return None
    # What is no error of evo-nas is one of the machine, such as a full disk.
    known = getattr(errors, kind, None)
    return ServiceError(HTTPStatus.SERVICE_UNAVAILABLE, message) if known is None else known(message)


def _without_a_word(command: str, code: int, said: bytes) -> ServiceError:
    _log.error("`evo-nas %s` ended with %d:\n%s", command, code, said.decode("utf-8", "replace"))
    return ServiceError(
        HTTPStatus.SERVICE_UNAVAILABLE,
        f"`evo-nas {command}` ended with {code}, as one does that is killed or for which memory is short; the log of "
        "the service says more, and asking again may help",
    )
