"""The first signal lets a search commit what it has; the second ends it at once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from evo_nas.cli.stopping import stopped_by_signals

STUBBORN = """
import os, signal, time
from evo_nas.cli.stopping import stopped_by_signals
with stopped_by_signals(lambda: print("stopping", flush=True)):
    os.kill(os.getpid(), signal.{name})
    os.kill(os.getpid(), signal.{name})
    print("survived", flush=True)
"""
ENDING = """
import os, signal
from evo_nas.cli.stopping import stopped_by_signals
with stopped_by_signals(lambda: print("stopping", flush=True)):
    os.kill(os.getpid(), signal.{name})
os.kill(os.getpid(), signal.{name})
print("survived", flush=True)
"""


@pytest.fixture
def handlers() -> Iterator[None]:
    """Puts the handlers of this process back."""
    theirs = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in theirs.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_first_signal_asks_to_stop_and_is_reported(handlers: None, number: signal.Signals) -> None:
    stops: list[str] = []
    with stopped_by_signals(lambda: stops.append("stop")) as received:
        os.kill(os.getpid(), number)
    assert stops == ["stop"]
    assert received == [number]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_without_a_signal_all_is_as_before(handlers: None, number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with stopped_by_signals(lambda: None) as received:
        assert signal.getsignal(number) is not before
    assert signal.getsignal(number) is before
    assert received == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("program", [STUBBORN, ENDING])
def test_second_signal_ends_the_process(number: signal.Signals, program: str) -> None:
    command = [sys.executable, "-c", program.format(name=number.name)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.stdout == "stopping\n"
    assert ran.returncode == -number
