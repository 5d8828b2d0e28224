"""What a manager keeps for those who ask: the latest event of each kind, in order, for each of its lives."""

from __future__ import annotations

import threading
from collections.abc import Generator
from pathlib import Path

import pytest

from evo_nas.errors import ExecutionError
from evo_nas.sessions import manager
from evo_nas.sessions.events import Completed, Event, Failed, Started, Stopped, Working
from evo_nas.sessions.local import LocalSession
from evo_nas.sessions.manager import Mark, PopulationManager, SearchSpec
from tests.sessions.conftest import MakeConfig

STARTED = Started(run="/shared/a", name="a", metric="mse", higher_is_better=False, told=0)


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[Event]:
    """What the session of a manager says; a test fills it before it makes the manager."""
    events: list[Event] = []

    def play(_: LocalSession) -> Generator[Event, None, None]:
        yield from events

    monkeypatch.setattr(LocalSession, "events", play)
    monkeypatch.setattr(LocalSession, "start", lambda *_: None)
    monkeypatch.setattr(manager, "Metrics", lambda _: lambda _: None)
    monkeypatch.setattr(manager, "log_as_json", lambda run: None)
    monkeypatch.setattr(manager, "LINGER_S", 3600.0)  # its end would start a Ray here
    return events


def made(config: MakeConfig, tmp_path: Path) -> PopulationManager:
    return PopulationManager(SearchSpec(config().model_dump(mode="json"), str(tmp_path / "run")))


def ended(made: PopulationManager) -> list[Event]:
    """Everything that a manager still has to say when its search has ended."""
    news = made.news(None, 0.0)
    for _ in range(1000):
        if news.ended:
            break
        news = made.news(news.mark, 1.0)
    return list(made.news(None, 0.0).events)


def test_of_each_kind_the_latest_event_is_kept_in_order(
    said: list[Event], config: MakeConfig, tmp_path: Path
) -> None:
    said += [Working(doing="one"), STARTED, Working(doing="two"), Stopped(run="a", told=1, evaluations=2)]
    assert ended(made(config, tmp_path)) == said[1:]


def test_only_what_is_new_since_a_mark_is_told(said: list[Event], config: MakeConfig, tmp_path: Path) -> None:
    said += [STARTED, Completed(run="a"), Stopped(run="a", told=1, evaluations=2)]
    searching = made(config, tmp_path)
    ended(searching)
    everything = searching.news(None, 0.0)
    life = everything.mark.incarnation
    assert searching.news(everything.mark, 0.0).events == ()
    assert searching.news(Mark(life, 2), 0.0).events == tuple(said[2:])
    # A mark of an earlier life means nothing: the watcher hears all that holds.
    assert searching.news(Mark(life - 1.0, 3), 0.0).events == tuple(said)


def test_an_error_of_the_search_is_an_event(
    said: list[Event], config: MakeConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: LocalSession) -> Generator[Event, None, None]:
        yield STARTED
        raise ExecutionError("the disk is full")

    monkeypatch.setattr(LocalSession, "events", fail)
    assert ended(made(config, tmp_path)) == [STARTED, Failed(error="the disk is full")]


def test_whoever_asks_early_is_answered_when_there_is_something(
    said: list[Event], config: MakeConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = threading.Event()

    def wait(_: LocalSession) -> Generator[Event, None, None]:
        go_on.wait(30.0)
        yield Stopped(run="a", told=1, evaluations=2)

    monkeypatch.setattr(LocalSession, "events", wait)
    searching = made(config, tmp_path)
    assert searching.news(None, 0.0).events == ()
    go_on.set()
    assert searching.news(None, 30.0).events == (Stopped(run="a", told=1, evaluations=2),)
