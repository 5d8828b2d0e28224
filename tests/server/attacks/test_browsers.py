"""No page of another site asks through a browser, and no answer gives anything away."""

from __future__ import annotations

import errno
import socket
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from evo_nas.server.app import create_app
from tests.server.attacking import CHECK, TOKEN, options


@pytest.mark.parametrize(
    "host",
    [
        "evil.example.org",
        "127.0.0.1.evil.example.org",
        "localhost.evil.example.org",
        "",
        "a b",
        "127.0.0.1:x",
    ],
)
def test_a_name_that_is_not_its_own_is_refused(client: TestClient, host: str) -> None:
    assert client.get("/api/v1/health", headers={"host": host}).status_code == 421


def test_a_name_that_is_refused_comes_with_the_command_that_permits_it(
    client: TestClient, locked: TestClient
) -> None:
    said = {
        each.get("/api/v1/health", headers={"host": "evil.example.org:8765"})
        .json()["detail"]
        .partition("this name with ")[2]
        for each in (client, locked)
    }
    assert said == {
        "`evo-nas serve --name evil.example.org --token-file service.token`",
        "`evo-nas serve --name evil.example.org`",
    }


@pytest.mark.parametrize(("host", "status"), [("0.0.0.0", 200), ("127.0.0.1", 421)])
def test_the_name_of_its_machine_is_its_own_where_others_reach_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch, host: str, status: int
) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "Lab7")
    served = TestClient(create_app(options(folder, token=TOKEN, host=host)), base_url="http://lab7:8765")
    assert served.get("/api/v1/health").status_code == status


@pytest.mark.parametrize(
    "host", ["localhost:8765", "LOCALHOST", "127.0.0.1", "[::1]:8765", "evo.example.org", "10.0.0.7"]
)
def test_its_own_names_and_addresses_are_answered(locked: TestClient, host: str) -> None:
    assert locked.get("/api/v1/health", headers={"host": host}).status_code == 200


@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
def test_another_site_may_ask_nothing(client: TestClient, method: str) -> None:
    answered = client.request(
        method, "/api/v1/configs/examples", headers={"origin": "https://evil.example.org"}
    )
    assert answered.status_code == 403
    assert not [name for name in answered.headers if name.startswith("access-control")]


def test_the_page_behind_a_proxy_with_tls_is_the_same_origin(locked: TestClient) -> None:
    headers = {
        "host": "evo.example.org",
        "origin": "https://evo.example.org",
        "authorization": f"Bearer {TOKEN}",
    }
    assert locked.post(CHECK, json={"config": {}}, headers=headers).status_code == 200


def test_a_browser_that_says_another_site_asks_is_believed(client: TestClient) -> None:
    headers = {"sec-fetch-site": "cross-site"}
    assert client.post(CHECK, json={"config": {}}, headers=headers).status_code == 403
    assert client.get("/api/v1/configs/schema", headers=headers).status_code == 403
    # A person who follows a link from another site comes to the page, or to a report.
    assert client.get("/runs/mine", headers=headers).status_code != 403
    link = headers | {"sec-fetch-mode": "navigate"}
    assert client.get("/api/v1/configs/schema", headers=link).status_code == 200


def test_the_page_runs_its_own_scripts_alone(client: TestClient) -> None:
    policy = client.get("/").headers["content-security-policy"]
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy


def test_an_error_tells_nothing_of_how_the_service_is_made(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: object) -> None:
        raise ZeroDivisionError("hunter2")

    monkeypatch.setattr("evo_nas.server.root.RunsRoot.check_writable", fail)
    answered = client.get("/api/v1/ready")
    assert (answered.status_code, answered.json()["type"]) == (500, "internal-error")
    assert "hunter2" not in answered.text
    assert "nosniff" in answered.headers["x-content-type-options"]
    assert "hunter2" in caplog.text


def test_a_full_disk_is_said(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("evo_nas.server.root.RunsRoot.check_writable", fail)
    answered = client.get("/api/v1/ready")
    assert (answered.status_code, "free some space" in answered.json()["detail"]) == (507, True)


def test_a_file_that_may_not_be_used_is_said(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", "/runs/.service")

    monkeypatch.setattr("evo_nas.server.root.RunsRoot.check_writable", fail)
    answered = client.get("/api/v1/ready")
    assert (answered.status_code, "/runs/.service: Permission denied" in answered.json()["detail"]) == (
        503,
        True,
    )
