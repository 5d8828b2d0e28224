"""The first signal lets a search commit what it has; the second ends it at once."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from evo_nas.cli.stopping import SIGNALS, Interrupted, Stopping

SEARCHING = """
import os, signal
from evo_nas.cli.stopping import Stopping
with Stopping() as stopping:
    stopping.ask(lambda: print("asked", flush=True), saying="stopping")
    os.kill(os.getpid(), signal.{name})
    os.kill(os.getpid(), signal.{name})
    print("survived", flush=True)
"""
ENDING = """
import os, signal
from evo_nas.cli.stopping import Stopping
with Stopping() as stopping:
    stopping.ask(lambda: print("asked", flush=True), saying="stopping")
    os.kill(os.getpid(), signal.{name})
os.kill(os.getpid(), signal.{name})
print("survived", flush=True)
"""


@pytest.fixture
def handlers() -> Iterator[None]:
    """Puts the handlers of this process back."""
    theirs = {number: signal.getsignal(number) for number in SIGNALS}
    yield
    for number, handler in theirs.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", SIGNALS)
def test_first_signal_asks_the_search_to_stop_and_is_reported(
    handlers: None, number: signal.Signals, capfd: pytest.CaptureFixture[str]
) -> None:
    stops: list[str] = []
    with Stopping() as stopping:
        stopping.ask(lambda: stops.append("stop"), saying="stopping")
        os.kill(os.getpid(), number)
    assert stops == ["stop"]
    assert stopping.received is number
    assert capfd.readouterr().err == "stopping\n"


def test_only_somebody_at_a_terminal_is_told_to_send_it_again() -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-c", SEARCHING.format(name="SIGTERM")]
    ran = subprocess.run(command, stdin=theirs, capture_output=True, text=True, check=False)
    os.close(theirs)
    os.close(ours)
    assert ran.stderr == "stopping; again to leave at once\n"


@pytest.mark.parametrize("number", SIGNALS)
def test_first_signal_outside_the_search_leaves(handlers: None, number: signal.Signals) -> None:
    with Stopping() as stopping:
        stopping.ask(lambda: None, saying="stopping")
        stopping.ask_nothing()
        with pytest.raises(Interrupted) as interrupted:
            os.kill(os.getpid(), number)
    assert interrupted.value.signal is number


def test_signals_that_something_else_took_are_taken_again(handlers: None) -> None:
    with Stopping() as stopping:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        stopping.install()
        with pytest.raises(Interrupted):
            os.kill(os.getpid(), signal.SIGTERM)


@pytest.mark.parametrize("number", SIGNALS)
def test_without_a_signal_all_is_as_before(handlers: None, number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with Stopping() as stopping:
        assert signal.getsignal(number) is not before
    assert signal.getsignal(number) is before
    assert stopping.received is None


@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize("program", [SEARCHING, ENDING])
def test_second_signal_ends_the_process(number: signal.Signals, program: str) -> None:
    command = [sys.executable, "-c", program.format(name=number.name)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.stdout == "asked\n"
    assert ran.returncode == -number
