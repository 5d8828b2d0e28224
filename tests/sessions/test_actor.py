"""A manager in a cluster, and those who listen to it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import ray

from evo_nas.errors import ConfigChangedError, ExecutionError
from evo_nas.runs import Run
from evo_nas.sections import following_budget, spelled_out
from evo_nas.sessions import actor
from evo_nas.sessions.actor import ActorSession, ManagerHandle, same_search
from evo_nas.sessions.events import Completed, Event, Failed, Judged, Progressed, Started, Stopped
from evo_nas.sessions.manager import Mark, News, SearchSpec
from tests.sessions.conftest import MakeConfig

STOPPED = Stopped(run="/shared/a", told=3, evaluations=5)


class Restarted(ManagerHandle):
    """A manager that dies while it drains; each of its lives knows only what it was told itself."""

    def __init__(self) -> None:
        super().__init__("/shared/a", None)
        self.stops: list[tuple[float, float]] = []
        self.removed = False
        self._lives = self._live_twice()

    def _live_twice(self) -> Iterator[News]:
        yield News((), Mark(1.0, 1), ended=False)
        yield News((), Mark(1.0, 2), ended=False)
        for number in range(100):
            stopped = 2.0 in dict(self.stops)
            events: tuple[Event, ...] = (STOPPED,) if stopped else ()
            yield News(events, Mark(2.0, number), ended=stopped)

    def _ask(self, method: str, *arguments: Any) -> Any:
        if method == "stop":
            self.stops.append((self._latest.mark.incarnation, *arguments))
            return None
        self._latest = next(self._lives)
        return self._latest

    def remove(self) -> None:
        self.removed = True


class Failing(ManagerHandle):
    def _ask(self, method: str, *arguments: Any) -> Any:
        return News((Failed(error="the disk is full"),), Mark(1.0, 1), ended=True)


def listening(manager: ManagerHandle) -> ActorSession:
    session = ActorSession("/shared/a", "auto")
    session._manager = manager
    return session


def test_every_life_of_a_manager_that_is_stopped_is_told_so_with_the_time_that_is_left() -> None:
    manager = Restarted()
    session = listening(manager)
    session.stop(drain_s=30.0)
    assert list(session.events()) == [STOPPED]
    assert [life for life, _ in manager.stops] == [1.0, 2.0]
    assert 30.0 >= manager.stops[0][1] >= manager.stops[1][1] > 0.0
    assert manager.removed


def test_the_error_of_a_failed_search_is_raised() -> None:
    with pytest.raises(ExecutionError, match="the disk is full"):
        list(listening(Failing("/shared/a", None)).events())


def test_whoever_leaves_hears_no_more() -> None:
    session = listening(Restarted())
    session.leave()
    assert list(session.events()) == []


class Embedded(ActorSession):
    """A session in the Ray that the tests have started already."""

    def _connect(self) -> None:
        pass


@pytest.mark.ray
@pytest.mark.slow
def test_a_search_is_run_and_judged_once_by_its_manager_and_watched_by_any_number(
    local_ray: None, config: MakeConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = str(tmp_path / "run")
    with Embedded(run, "auto") as first, Embedded(run, "auto") as second:
        first.start(config())
        second.attach()
        heard = list(first.events())
        end = [event for event in heard if isinstance(event, Completed | Judged)]
        assert [type(event) for event in end] == [Completed, Judged]
        also = list(second.events())
        assert also[-1] == heard[-1]
        assert any(isinstance(event, Started) for event in also)
        assert any(isinstance(event, Progressed) and event.finished for event in also)
    assert Run.at(run).champion.verdict() is not None
    manager = ManagerHandle.find(run)
    assert manager is not None
    manager.remove()
    with Embedded(run, "auto") as late:
        late.attach()
        assert list(late.events()) == end


@pytest.mark.ray
def test_a_run_that_nothing_searches_is_said_to_be_so(local_ray: None, tmp_path: Path) -> None:
    session = Embedded(str(tmp_path / "run"), "auto")
    with pytest.raises(ExecutionError, match=r"nothing searches .*; no run is kept there either"):
        session.attach()
    with pytest.raises(ExecutionError, match="nothing searches"):
        session.stop()


@pytest.mark.ray
@pytest.mark.slow
def test_another_configuration_does_not_stop_the_search_that_is_run(
    local_ray: None, config: MakeConfig, tmp_path: Path
) -> None:
    run = str(tmp_path / "run")
    with Embedded(run, "auto") as session:
        session.start(config(budget={"evaluations": 10_000}, space={"widths": [4, 5, 6, 7, 8]}))
        listened = session.events()
        assert any(isinstance(event, Progressed) and event.told for event in listened)
        with Embedded(run, "auto") as other, pytest.raises(ConfigChangedError, match="seed: was 3, is 4"):
            other.start(config(seed=4))
        told = Run.at(run).totals().told
        assert any(isinstance(event, Progressed) and event.told > told for event in session.events())
        session.stop(drain_s=5.0)
        assert isinstance(list(session.events())[-1], Stopped)
    assert ManagerHandle.find(run) is None


def test_a_search_is_known_again_by_what_its_run_has_recorded(config: MakeConfig, tmp_path: Path) -> None:
    run = Run.at(tmp_path / "run")
    asked = config(training={}, strategy={"kind": "aging"}, budget={"minutes": 5.0})
    given, more = (
        SearchSpec(spelled_out(each).model_dump(mode="json"), str(run))
        for each in (asked, config(training={}, strategy={"kind": "aging"}, budget={"minutes": 9.0}))
    )
    assert same_search(given, given, run)
    measured = asked.model_copy(update={"training": asked.training.model_copy(update={"epochs": 11})})
    with run.create_ledger(following_budget(measured), {}, describe=lambda genome: "{}"):
        recorded = SearchSpec(run.config.model_dump(mode="json"), str(run))
    assert recorded.config["training"]["epochs"] == 11
    assert recorded.config["strategy"]["population"]
    assert same_search(given, recorded, run)  # such as that of `resume`, which must not end the search
    assert not same_search(more, recorded, run)


def test_a_manager_that_does_not_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    class Stubborn(ManagerHandle):
        def _ask(self, method: str, *arguments: Any) -> Any:
            return None if method == "stop" else News((), Mark(1.0, 1), ended=False)

    monkeypatch.setattr(actor, "PATIENCE_S", 0.01)
    with pytest.raises(ExecutionError, match="has not ended within 0.01 s"):
        Stubborn("/shared/a", None).stop_and_wait()


def test_a_manager_that_neither_answers_nor_lives_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: object, **__: object) -> None:
        raise ray.exceptions.GetTimeoutError("no answer")

    monkeypatch.setattr(actor, "PATIENCE_S", 0.01)
    monkeypatch.setattr(actor.ray, "get", gone)

    class Silent:
        def __getattr__(self, name: str) -> Any:
            return self

        def remote(self, *_: object) -> None: ...

    with pytest.raises(ExecutionError, match="has not answered for 0.01 s .* nothing committed is lost"):
        ManagerHandle("/shared/a", Silent()).news(None)
