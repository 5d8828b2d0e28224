"""Stops a long-running command: the first signal lets it commit, the second one ends it at once."""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

SHOW_CURSOR = b"\x1b[?25h"
SIGNALS = (signal.SIGINT, signal.SIGTERM)
STDIN, STDOUT, STDERR = range(3)


class Interrupted(KeyboardInterrupt):
    """Raised at the first signal when nothing needs to be committed.

    Args:
        number: The signal.
    """

    def __init__(self, number: signal.Signals) -> None:
        super().__init__(number.name)
        self.signal = number


def write_past_buffers(text: str) -> None:
    """Writes a line to standard error without Python's buffers, which may be in use when a signal handler runs."""
    os.write(STDERR, f"{text}\n".encode())


class Stopping:
    """Raises `Interrupted` at the first SIGINT or SIGTERM; the second one ends the process at once.

    After a first signal this holds beyond the context, since ending the workers takes seconds, too. Without a signal,
    leaving the context restores the previous handlers.

    Attributes:
        received: The first signal; None before.
    """

    def __init__(self) -> None:
        self.received: signal.Signals | None = None
        self._stop: Callable[[], None] | None = None
        self._saying = ""
        self._announce: Callable[[str], None] = write_past_buffers
        self._theirs = {each: signal.getsignal(each) for each in SIGNALS}

    def __enter__(self) -> Self:
        self.install()
        return self

    def __exit__(self, *_: object) -> None:
        if self.received is None:
            for each, handler in self._theirs.items():
                signal.signal(each, handler)

    def install(self) -> None:
        """Installs the handlers (again), since Ray replaces them when it starts."""
        if self.received is None:
            for each in SIGNALS:
                signal.signal(each, self._first)

    def ask(
        self,
        stop: Callable[[], None],
        *,
        saying: str,
        announce: Callable[[str], None] = write_past_buffers,
    ) -> None:
        """From now on the first signal announces ``saying`` and calls ``stop`` instead of raising an error."""
        self._stop, self._saying, self._announce = stop, saying, announce

    def ask_nothing(self) -> None:
        """From now on the first signal raises again."""
        self._stop = None

    def _first(self, number: int, _frame: FrameType | None) -> None:
        self.received = signal.Signals(number)
        for each in SIGNALS:
            # The default action ends the process even if Python is busy in native code.
            signal.signal(each, signal.SIG_DFL)
        if sys.stdout.isatty():
            os.write(sys.stdout.fileno(), SHOW_CURSOR)  # past the buffers; a second signal leaves no time to
        if self._stop is None:
            raise Interrupted(self.received)
        self._announce(f"{self._saying}; again to leave at once" if _has_terminal() else self._saying)
        self._stop()


def _has_terminal() -> bool:
    """Whether somebody at a terminal may send the signal again; a log is read when it is over."""
    return any(map(os.isatty, (STDIN, STDOUT, STDERR)))
