"""Searches are begun, watched, stopped, resumed, forked and judged over HTTP, and need no service to go on."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from fastapi.testclient import TestClient

from evo_nas.config import configured
from evo_nas.experiment import Experiment
from evo_nas.runs import Run
from evo_nas.server.launcher import Order
from evo_nas.server.options import Limits
from tests.served import serving
from tests.server.launching import (
    TINY,
    ScriptLauncher,
    events_in,
    events_of,
    options_at,
    service_at,
    wait_until,
)

QUICK_VERDICT = {"finalists": 1, "cuts": 1, "trials": 1, "seeds": 1, "most_seeds": 1, "opponents": ["lstm"]}
SERVE = """
import sys
from pathlib import Path
from evo_nas.server.options import ServerOptions
from evo_nas.server.serving import serve
root = Path(sys.argv[1])
options = ServerOptions(root=str(root), state=root / ".service", port=0, inline=True)
serve(options, ready=lambda url: print(url, flush=True))
"""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("root")


@pytest.fixture(scope="module")
def client(root: Path) -> TestClient:
    return service_at(root)


@pytest.fixture(scope="module")
def searched(client: TestClient) -> str:
    """A run that was searched to its end, without a verdict."""
    answered = client.post("/api/v1/runs", json={"config": TINY}, headers={"Idempotency-Key": "first"})
    assert answered.status_code == 201, answered.text
    assert answered.headers["location"] == "/api/v1/runs/tiny"
    assert answered.json()["state"] == "starting"
    events = events_of(client, "tiny")
    assert events[-1].data == {"state": "complete", "reason": ""}
    return "tiny"


def problem(client: TestClient, path: str, body: dict[str, Any] | None = None, *, status: int) -> str:
    answered = client.post(f"/api/v1/runs{path}", json=body)
    assert answered.status_code == status, answered.text
    return str(answered.json()["detail"])


def test_a_search_says_all_that_the_command_line_says(client: TestClient, searched: str) -> None:
    events = events_of(client, searched, after="0-0")
    kinds = [event.kind for event in events]
    assert kinds[0] == "working"
    assert {"loaded", "baselines", "started", "progressed", "completed", "stopped", "end"} <= set(kinds)
    assert [event.kind for event in events_of(client, searched)] == sorted(
        set(kinds), key=lambda kind: len(kinds) - kinds[::-1].index(kind)
    )


def test_the_same_request_again_gets_the_same_answer(client: TestClient, searched: str) -> None:
    headers = {"Idempotency-Key": "first"}
    again = client.post("/api/v1/runs", json={"config": TINY}, headers=headers)
    assert (again.status_code, again.json()["launch"]) == (200, 1)
    other = client.post("/api/v1/runs", json={"config": TINY, "name": "other"}, headers=headers)
    assert other.status_code == 409
    assert "with another body before" in other.json()["detail"]


def test_a_name_that_is_taken_is_refused(client: TestClient, searched: str) -> None:
    assert "run tiny exists; give the new one another name" in problem(
        client, "", {"config": TINY}, status=409
    )


def test_a_complete_run_goes_on_only_with_more_budget(client: TestClient, root: Path, searched: str) -> None:
    assert "complete with 6 evaluations; raise its budget" in problem(client, "/tiny/resume", status=409)
    below = problem(client, "/tiny/resume", {"budget": {"evaluations": 3}}, status=409)
    assert below == "budget.evaluations is 3; must be at least 6, which run tiny has already and keeps"
    mistaken = problem(client, "/tiny/resume", {"budget": {"evaluation": 8}}, status=422)
    assert "budget.evaluation is unknown; did you mean evaluations?" in mistaken
    answered = client.post("/api/v1/runs/tiny/resume", json={"budget": {"evaluations": 8}})
    assert answered.status_code == 202, answered.text
    assert answered.json()["doing"] == "resume"
    assert events_of(client, "tiny")[-1].data["state"] == "complete"
    assert Run.at(root / "tiny").totals().told == 8


def test_a_fork_begins_another_run_which_says_that_it_was_stopped(
    client: TestClient, root: Path, searched: str
) -> None:
    mistaken = problem(client, "/tiny/fork", {"name": "x", "changes": {"sed": 1}}, status=422)
    assert "sed is unknown; did you mean seed?" in mistaken
    fork = {"name": "forked", "changes": {"budget.evaluations": 10**6, "seed": 7}, "warm_start": True}
    key = {"Idempotency-Key": "fork"}
    answered = client.post("/api/v1/runs/tiny/fork", json=fork, headers=key)
    assert answered.status_code == 201, answered.text
    launcher = client.app.state.context.launcher  # type: ignore[attr-defined]
    wait_until(lambda: launcher.state("forked").name == "running")
    assert "being searched already" in problem(client, "/forked/resume", status=409)
    assert client.post("/api/v1/runs/forked/stop").status_code == 202
    events = events_of(client, "forked")
    assert "founded" in {event.kind for event in events}
    *_, stopped, end = events
    assert (stopped.kind, end.data) == ("stopped", {"state": "stopped", "reason": ""})
    early = problem(client, "/forked/fork", {"name": "x", "warm_start": True}, status=409)
    assert early.startswith(
        f"warm_start is true, but run forked is not finished after {stopped.data['told']}"
    )
    run = Run.at(root / "forked")
    assert (run.config.name, run.config.seed, run.told()) == ("forked", 7, stopped.data["told"])
    assert "not being searched" in problem(client, "/forked/stop", status=409)
    # The same changes, of another run, are another request.
    assert client.post("/api/v1/runs/forked/fork", json=fork, headers=key).status_code == 409


def test_a_champion_is_judged(client: TestClient, searched: str) -> None:
    answered = client.post("/api/v1/runs/tiny/champion", json=QUICK_VERDICT)
    assert answered.status_code == 202, answered.text
    *_, judged, end = events_of(client, "tiny")
    assert (judged.kind, end.data["state"]) == ("judged", "judged")
    assert "opponents" in problem(client, "/tiny/champion", {"opponents": ["elman"]}, status=422)


def test_a_search_that_cannot_begin_says_why(client: TestClient) -> None:
    impossible = TINY | {"name": "impossible", "task": {"kind": "parity", "length": 2}}
    assert client.post("/api/v1/runs", json={"config": impossible}).status_code == 201
    failed, end = events_of(client, "impossible")[-2:]
    assert failed.kind == "failed"
    assert end.data == {"state": "failed", "reason": failed.data["error"]}
    assert "raise length" in client.get("/api/v1/runs/impossible/logs").text
    assert client.app.state.context.launcher.unborn() == ["impossible"]  # type: ignore[attr-defined]
    listed = client.get("/api/v1/runs?q=impossible").json()["runs"]
    assert [(each["evaluated"], each["evaluations"], each["state"]) for each in listed] == [(0, 6, "failed")]


def test_a_budget_that_is_lowered_ends_the_search_sooner(client: TestClient, root: Path) -> None:
    config = configured({**TINY, "name": "lowered", "budget": {"evaluations": 40}})
    with Experiment.of(config).open(Run.at(root / "lowered"), executor="inline") as search:
        search.step()
    answered = client.post("/api/v1/runs/lowered/resume", json={"budget": {"evaluations": 5}})
    assert answered.status_code == 202, answered.text
    assert events_of(client, "lowered")[-1].data["state"] == "complete"
    found = Run.at(root / "lowered")
    assert (found.totals().told, found.config.budget.evaluations) == (5, 5)


def test_a_search_that_never_began_begins_again_when_it_is_resumed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = service_at(tmp_path)
    launcher = client.app.state.context.launcher  # type: ignore[attr-defined]
    monkeypatch.setattr(launcher, "command", lambda *_: ("/bin/sh", "-c", "echo 'error: no data' >&2"))
    client.post("/api/v1/runs", json={"config": TINY})
    wait_until(lambda: launcher.state("tiny").name == "failed")
    answered = client.post("/api/v1/runs/tiny/resume", json={"budget": {"evaluations": 9}})
    assert (answered.status_code, answered.json()["doing"], answered.json()["launch"]) == (202, "search", 2)
    assert "evaluations: 9" in (tmp_path / ".service" / "tiny" / "000002" / "config.yaml").read_text()


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, "give exactly one of config and yaml"),
        ({"config": TINY, "yaml": "name: x"}, "give exactly one of config and yaml"),
        ({"config": TINY, "workers": 0}, "workers"),
        ({"config": TINY | {"seed": -1, "budget": {"evaluations": 0}}}, "budget.evaluations is 0"),
        ({"config": TINY | {"task": {"kind": "parrot"}}}, "task.kind"),
        ({"yaml": "a: &x [1]\nb: *x"}, "an anchor (&x) is not allowed"),
        ({"yaml": "- 1"}, "must be a mapping"),
        ({"config": TINY, "name": "../x"}, "must have at most 64 letters"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_begins(tmp_path: Path, body: dict[str, Any], said: str) -> None:
    answered = service_at(tmp_path).post("/api/v1/runs", json=body)
    assert answered.status_code == 422
    assert said in answered.json()["detail"]
    assert list(tmp_path.iterdir()) == []


def test_a_client_has_only_so_many_streams(tmp_path: Path) -> None:
    launcher = ScriptLauncher(tmp_path, "exec sleep 600")
    launch = launcher.launch("one", Order(doing="resume"))
    limits = Limits(streams_per_client=2)
    with serving(options_at(tmp_path, limits=limits)) as url, ExitStack() as opened:
        path = f"{url}/api/v1/runs/one/events"
        # A comment may come first: what counts is that the answer has begun.
        streams = [opened.enter_context(requests.get(path, stream=True, timeout=60)) for _ in range(2)]
        refused = requests.get(path, timeout=60)
        assert refused.status_code == 429
        assert "has 2 event streams open, which is all that it may" in refused.json()["detail"]
        assert "evo_nas_event_streams 2.0" in requests.get(f"{url}/api/v1/metrics", timeout=60).text
        assert "evo_nas_processes 1.0" in requests.get(f"{url}/api/v1/metrics", timeout=60).text
        streams[0].close()
        wait_until(lambda: requests.get(path, stream=True, timeout=60).status_code == 200)
        launcher.stop("one")
        wait_until(lambda: not launch.is_alive)


def test_a_watcher_that_reads_nothing_is_let_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evo_nas.server.routes.events.SLOW_S", 0.2)
    launcher = ScriptLauncher(tmp_path, "exec sleep 600")
    launch = launcher.launch("one", Order(doing="resume"))
    long = json.dumps({"event": "working", "doing": "w" * 2**20})
    with serving(options_at(tmp_path)) as url:
        address = urlsplit(url)
        asked = f"GET /api/v1/runs/one/events?after=0-0 HTTP/1.1\r\nHost: {address.netloc}\r\n\r\n"

        def open_streams() -> str:
            text = requests.get(f"{url}/api/v1/metrics", timeout=60).text
            return text.partition("\nevo_nas_event_streams ")[2].partition("\n")[0]

        with socket.create_connection((address.hostname or "", address.port or 0)) as idle:
            idle.sendall(asked.encode())
            wait_until(lambda: open_streams() == "1.0")
            with launch.events.open("a") as file:
                file.write(f"{long}\n" * 16)  # more than the buffers between the two hold
            wait_until(lambda: open_streams() == "0.0")
    launcher.stop("one")
    wait_until(lambda: not launch.is_alive)


@pytest.mark.parametrize("path", ["events", "logs"])
def test_what_does_not_exist_is_not_found(tmp_path: Path, path: str) -> None:
    assert service_at(tmp_path).get(f"/api/v1/runs/none/{path}").status_code == 404


@pytest.mark.parametrize("path", ["stop", "resume", "champion", "fork"])
def test_nothing_is_done_to_what_does_not_exist(tmp_path: Path, path: str) -> None:
    answered = service_at(tmp_path).post(
        f"/api/v1/runs/none/{path}", json={"name": "x"} if path == "fork" else {}
    )
    assert answered.status_code == 404


class _Served:
    """A service in a process of its own."""

    def __init__(self, root: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", SERVE, str(root)], stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().strip()

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()


@pytest.fixture
def served(tmp_path: Path) -> Iterator[_Served]:
    served = _Served(tmp_path)
    yield served
    served.kill()


def test_a_killed_service_harms_no_search_and_no_watcher(served: _Served, tmp_path: Path) -> None:
    config = TINY | {"budget": {"evaluations": 150}}
    requests.post(f"{served.url}api/v1/runs", json={"config": config}, timeout=60).raise_for_status()
    url, texts = "api/v1/runs/tiny/events", [""]
    with (
        suppress(requests.RequestException),
        requests.get(f"{served.url}{url}?after=0-0", stream=True, timeout=120) as stream,
    ):
        for part in stream.iter_content(None):
            texts[-1] += part.decode()
            if "event: progressed" in texts[-1]:
                served.kill()
    # What arrived of an event whose end did not arrive was not seen.
    texts[-1] = texts[-1].rpartition("\n\n")[0]
    assert "event: end" not in texts[-1]
    seen = events_in(texts[-1])[-1].id
    again = _Served(tmp_path)
    try:
        texts.append(requests.get(f"{again.url}{url}", headers={"Last-Event-ID": seen}, timeout=120).text)
    finally:
        again.kill()
    received = [event for text in texts for event in events_in(text)]
    assert received[-1].kind == "end"
    assert received[-1].data["state"] == "complete"
    written = (tmp_path / ".service" / "tiny" / "000001" / "events.jsonl").read_text().splitlines()
    assert [event.data for event in received[:-1]] == [json.loads(line) for line in written]
    assert Run.at(tmp_path / "tiny").totals().told == 150
