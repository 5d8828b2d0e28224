"""Searches of a service from Python, played by scripts that say what a search says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from evo_nas.client import Client, RemoteRun, ServiceError, ServiceSession
from evo_nas.config import configured
from evo_nas.errors import ConfigError, ExecutionError
from evo_nas.evaluation import Status
from evo_nas.execution.executor import Occupancy
from evo_nas.server.launcher import Launcher
from evo_nas.sessions.events import Event, Failed, Progressed, Started, Stopped, event_to_json
from tests.served import options, serving

CONFIG = {"name": "tiny", "task": {"kind": "parity"}, "budget": {"evaluations": 9}}
STARTED = Started(run="tiny", name="tiny", metric="accuracy", higher_is_better=True, told=0)
PROGRESSED = Progressed(
    told=0,
    told_at_start=0,
    asked=9,
    evaluations=9,
    train_s=0.0,
    train_s_budget=None,
    elapsed_s=1.0,
    per_minute=60.0,
    remaining_s=None,
    by_status={Status.OK: 1},
    best=None,
    population={},
    workers=Occupancy(workers=1, busy=1, in_flight=1, lost_workers=0),
)
STOPPED = Stopped(run="tiny", told=3, evaluations=9)


def says(*events: Event) -> str:
    """A line of a script that says ``events``."""
    return " && ".join(f"echo '{event_to_json(event)}'" for event in events)


def plays(monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Lets what a service launches be ``script``."""
    monkeypatch.setattr(Launcher, "command", lambda *_: ("/bin/sh", "-c", script))


UNTIL_STOPPED = (
    f"end() {{ {says(STOPPED)}; exit 0; }}; trap end TERM; {says(STARTED)}; while :; do sleep 0.05; done"
)


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    (tmp_path / "runs").mkdir()
    with serving(options(tmp_path / "runs")) as url, Client(url) as client:
        yield client


def launches(run: RemoteRun, root: Path) -> list[str]:
    return sorted(path.name for path in (root / "runs" / ".service" / run.name).iterdir() if path.is_dir())


def test_the_events_of_a_search_come_as_they_are_said(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = [replace(PROGRESSED, told=number) for number in (1, 2)]
    plays(monkeypatch, f"{says(STARTED)}; sleep 0.3; {says(*told, STOPPED)}")
    assert list(client.submit(CONFIG).events()) == [STARTED, *told, STOPPED]


def test_the_same_configuration_is_submitted_once(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plays(monkeypatch, UNTIL_STOPPED)
    run = client.submit(CONFIG)
    assert client.submit(CONFIG).name == run.name == "tiny"
    assert len(launches(run, tmp_path)) == 1
    with pytest.raises(ServiceError) as raised:
        client.submit({**CONFIG, "seed": 7})
    assert raised.value.status == 409
    run.stop()


def test_every_mistake_of_a_configuration_is_told(client: Client) -> None:
    wrong = {"name": "tiny", "task": {"kind": "parity"}, "sede": 1, "budget": {"evaluations": -1}}
    with pytest.raises(ConfigError) as raised:
        client.submit(wrong)
    assert "sede" in str(raised.value)
    assert "budget.evaluations" in str(raised.value)


def test_a_search_is_stopped(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    plays(monkeypatch, UNTIL_STOPPED)
    run = client.submit(CONFIG)
    heard = []
    for event in run.events():
        heard.append(event)
        if event == STARTED:
            run.stop()
    assert heard == [STARTED, STOPPED]
    # A script keeps no run: this one counts as removed.
    with pytest.raises(ServiceError, match="does not exist"):
        run.stop()


def test_no_event_is_missed_though_the_service_begins_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = [replace(PROGRESSED, told=number) for number in range(1, 9)]
    plays(monkeypatch, "; sleep 0.3; ".join(says(event) for event in (STARTED, *told, STOPPED)))
    (tmp_path / "runs").mkdir()
    with serving(options(tmp_path / "runs")) as url:
        events = Client(url).submit(CONFIG).events()
        heard = [next(events), next(events)]
    with serving(options(tmp_path / "runs", port=int(url.rpartition(":")[2]))):
        heard += list(events)
    assert heard == [STARTED, *told, STOPPED]


def test_a_session_ends_with_the_reason_of_a_failure(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    plays(monkeypatch, f"{says(Failed(error='the disk is full'))}; exit 2")
    with ServiceSession(client, "tiny") as session:
        session.start(configured(CONFIG))
        with pytest.raises(ExecutionError, match="the disk is full"):
            list(session.events())


def test_a_session_can_be_left_while_its_search_goes_on(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    plays(monkeypatch, UNTIL_STOPPED)
    with ServiceSession(client, "tiny") as session:
        session.start(configured(CONFIG))
        for event in session.events():
            assert event == STARTED
            session.leave()
    with ServiceSession(client, "tiny") as other:
        other.stop()
        assert list(other.events())[-1] == STOPPED


def test_a_session_resumes_with_another_budget_alone(client: Client) -> None:
    with (
        ServiceSession(client, "tiny") as session,
        pytest.raises(ConfigError, match="task.kind cannot be changed over a service"),
    ):
        session.resume(["budget.evaluations=20", "task.kind=parity"])
