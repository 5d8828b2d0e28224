"""Signals end a search here in order, and only the watching of a search elsewhere."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator

import pytest

from evo_nas.cli.stopping import SIGNALS
from evo_nas.cli.watching import Watcher, await_start
from evo_nas.errors import ExecutionError
from evo_nas.sessions.events import Completed, Event, Progressed, Started, Stopped
from tests.cli.conftest import Played, PlayedElsewhere

STOPPED = Stopped(run="runs/small", told=60, evaluations=120)


class Interrupting(Played):
    """A session during which SIGINT comes once its search has started."""

    def events(self) -> Iterator[Event]:  # type: ignore[override]
        for event in super().events():
            yield event
            if isinstance(event, Started):
                os.kill(os.getpid(), signal.SIGINT)


class InterruptingElsewhere(Interrupting):
    outlives = True


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    theirs = {number: signal.getsignal(number) for number in SIGNALS}
    yield
    for number, handler in theirs.items():
        signal.signal(number, handler)


def begin() -> None:
    """The search begins at once."""


def test_a_signal_stops_a_search_here_and_says_how_to_go_on(
    started: Started, capsys: pytest.CaptureFixture[str]
) -> None:
    session = Interrupting(started, STOPPED)
    with pytest.raises(SystemExit) as left:
        Watcher(session, as_json=False).follow(begin)
    assert session.left
    assert left.value.code == 128 + signal.SIGINT
    assert "stopped by SIGINT: 60 of 120 evaluations are safe" in capsys.readouterr().out


def test_a_signal_leaves_a_search_elsewhere_and_says_that_it_goes_on(
    started: Started, capsys: pytest.CaptureFixture[str]
) -> None:
    session = InterruptingElsewhere(started, place="/shared/a", address="auto")
    with pytest.raises(SystemExit) as left:
        Watcher(session, as_json=False).follow(begin)
    assert left.value.code == 128 + signal.SIGINT
    said = capsys.readouterr().out
    assert "the search goes on; watch it with `evo-nas attach /shared/a --address auto`" in said


def test_a_signal_after_the_end_of_a_search_elsewhere_says_nothing_more(
    started: Started, capsys: pytest.CaptureFixture[str]
) -> None:
    session = InterruptingElsewhere(started, STOPPED, place="/shared/a", address="auto")
    with pytest.raises(SystemExit):
        Watcher(session, as_json=False).follow(begin)
    said = capsys.readouterr().out
    assert "is stopped: 60 of 120 evaluations are safe" in said
    assert "goes on;" not in said
    assert "nothing was found" not in said


def test_a_failure_is_an_event_for_machines_and_an_error_for_people(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail() -> None:
        raise ExecutionError("the disk is full")

    with pytest.raises(ExecutionError, match="the disk is full"):
        Watcher(Played(), as_json=True).follow(fail)
    assert json.loads(capsys.readouterr().out) == {"event": "failed", "error": "the disk is full"}


def test_only_the_end_is_shown_of_a_search_that_is_stopped(
    started: Started, progress: Callable[..., Progressed], capsys: pytest.CaptureFixture[str]
) -> None:
    session = PlayedElsewhere(started, progress(), STOPPED, address="auto")
    Watcher(session, as_json=True, only_the_end=True).follow(begin)
    assert [json.loads(line)["event"] for line in capsys.readouterr().out.splitlines()] == ["stopped"]


def test_submitting_waits_until_the_search_is_under_way(started: Started) -> None:
    session = PlayedElsewhere(started, STOPPED, address="auto")
    assert await_start(session, as_json=False) == "started"
    assert session.left
    assert await_start(PlayedElsewhere(Completed(run="a"), address="auto"), as_json=False) == "completed"


def test_a_search_that_ends_before_it_began_is_an_error() -> None:
    with pytest.raises(ExecutionError, match="ended before it began; look at `evo-nas status"):
        await_start(PlayedElsewhere(address="http://127.0.0.1:8265"), as_json=False)
