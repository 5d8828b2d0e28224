"""The first signal lets a search commit what it has; the second ends it at once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

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


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_first_signal_asks_to_stop_and_is_reported(number: signal.Signals) -> None:
    stops: list[str] = []
    before = signal.getsignal(number)
    with stopped_by_signals(lambda: stops.append("stop")) as received:
        os.kill(os.getpid(), number)
    assert stops == ["stop"]
    assert received == [number]
    assert signal.getsignal(number) is before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_second_signal_ends_the_process(number: signal.Signals) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", STUBBORN.format(name=number.name)], capture_output=True, text=True, check=False
    )
    assert ran.stdout == "stopping\n"
    assert ran.returncode == -number
