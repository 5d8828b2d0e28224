"""How a running search is stopped: the first signal lets it commit, the second ends it at once."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

SHOW_CURSOR = b"\x1b[?25h"


@contextmanager
def stopped_by_signals(stop: Callable[[], None]) -> Iterator[list[signal.Signals]]:
    """Calls ``stop`` at the first SIGINT or SIGTERM; from then on a second one ends the process at once.

    That stays so after the context, since ending workers takes seconds as well.

    Yields:
        The signal received, once there was one.
    """
    received: list[signal.Signals] = []

    def first(number: int, _frame: FrameType | None) -> None:
        received.append(signal.Signals(number))
        for each in theirs:
            signal.signal(each, signal.SIG_DFL)
        if sys.stdout.isatty():
            # A second signal leaves no time to; written past the buffer, which may be in use this moment.
            os.write(sys.stdout.fileno(), SHOW_CURSOR)
        stop()

    theirs = {each: signal.signal(each, first) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield received
    finally:
        if not received:
            for each, handler in theirs.items():
                signal.signal(each, handler)
