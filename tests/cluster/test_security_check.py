"""What shows a cluster to others is reported."""

from __future__ import annotations

import http.server
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from subprocess import CompletedProcess
from typing import ClassVar

import pytest

from evo_nas.cluster import security_check
from evo_nas.cluster.security_check import examine
from evo_nas.cluster.token import ensure_token
from evo_nas.errors import ConfigError


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


class Dashboard(http.server.BaseHTTPRequestHandler):
    """Answers as a dashboard does: with jobs, or with the demand for a token."""

    code = 200
    answers: ClassVar = {"/api/jobs/": b"[]", "/api/version": b'{"ray_version": "2.60.0"}'}

    def do_GET(self) -> None:
        self.send_response(self.code)
        self.end_headers()
        self.wfile.write(self.answers.get(self.path, b""))

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def url() -> Iterator[str]:
    with http.server.HTTPServer(("127.0.0.1", 0), Dashboard) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,)).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def findings(address: str) -> dict[str, tuple[str, bool]]:
    return {found.subject: (found.found, found.good) for found in examine(address)}


@pytest.mark.parametrize(("code", "good"), [(200, False), (401, True), (403, True), (404, False)])
def test_a_dashboard_that_wants_no_token_is_reported(
    code: int, good: bool, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Dashboard, "code", code)
    found = findings(url)["dashboard"]
    assert found[1] is good
    assert ("runs jobs of anyone" in found[0]) == (code == 200)


@pytest.mark.parametrize("answer", [b"<html>hello</html>", b'{"jobs": []}', b"[]"])
def test_what_only_answers_is_not_said_to_run_jobs(
    answer: bytes, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Dashboard, "answers", dict.fromkeys(Dashboard.answers, answer))
    found, good = findings(url)["dashboard"]
    assert "is it a Ray dashboard?" in found
    assert not good


@pytest.mark.parametrize(
    ("code", "said", "found", "good"),
    [
        (0, "", "takes calls of anyone, without a token", False),
        (1, "AuthenticationError: Token authentication is enabled but ...", "wants a token", True),
        (1, "failed to connect", "does not answer: failed to connect", False),
    ],
)
def test_a_head_that_answers_who_has_no_token_is_reported(
    code: int, said: str, found: str, good: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def health_check(*_: object, environment: dict[str, str]) -> CompletedProcess[str]:
        assert environment["RAY_AUTH_MODE"] == "disabled"
        assert "RAY_AUTH_TOKEN" not in environment
        return CompletedProcess([], code, "", said)

    monkeypatch.setenv("RAY_AUTH_TOKEN", "secret")
    monkeypatch.setattr(security_check, "health_check", health_check)
    assert findings("127.0.0.1:1")["GCS"] == (f"127.0.0.1:1 {found}", good)


def test_a_port_of_the_cluster_that_others_reach_is_reported_wherever_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        monkeypatch.setattr(security_check, "_is_loopback", lambda _: False)  # as if this address were not
        monkeypatch.setattr(security_check, "GCS_DEADLINE_S", 0.01)  # it would never answer
        found, good = findings(f"127.0.0.1:{port}")[f"port {port}"]
    assert f"GCS is open on 127.0.0.1:{port}" in found
    assert not good


def test_a_missing_or_public_token_is_reported(url: str, home: Path) -> None:
    assert findings(url)["token"] == (
        f"{home}/.ray/auth_token is missing; make it with `evo-nas token`",
        False,
    )
    ensure_token().chmod(0o644)
    assert "can be read by others" in findings(url)["token"][0]
    ensure_token()
    assert findings(url)["token"][1]


def test_a_token_that_crosses_a_network_in_clear_is_reported() -> None:
    assert findings("http://192.0.2.1:8265")["transport"][1] is False
    assert findings("https://192.0.2.1:8265")["transport"][1] is True


@pytest.mark.parametrize("address", ["host:abc", "host:99999", "http://host:abc"])
def test_an_address_whose_port_is_none_is_refused(address: str) -> None:
    with pytest.raises(ConfigError, match=f"address is {address}: .*; give a URL or host:port"):
        next(examine(address))
