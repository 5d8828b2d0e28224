"""The service answers, and says in one form what is wrong with a request."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from evo_nas.server.app import create_app
from evo_nas.server.options import ServerOptions


@pytest.fixture
def client(tmp_path: Path) -> TestClient:
    app = create_app(ServerOptions(root=str(tmp_path), state=tmp_path / ".service"))
    # A service on loopback is called by its address; by any other name it refuses.
    return TestClient(app, base_url="http://127.0.0.1")


def test_it_says_that_it_lives(client: TestClient) -> None:
    assert client.get("/api/v1/health").json() == {"status": "ok"}


def test_a_path_that_is_none_is_a_problem_like_every_other(client: TestClient) -> None:
    answered = client.get("/api/v1/nowhere")
    assert answered.status_code == 404
    assert answered.headers["content-type"] == "application/problem+json"
    assert answered.json()["title"] == "Not Found"


def test_a_method_that_is_none_names_those_that_are(client: TestClient) -> None:
    answered = client.put("/api/v1/health")
    assert (answered.status_code, answered.headers["allow"]) == (405, "GET")


@pytest.mark.parametrize(
    ("body", "kind", "said"),
    [
        ('{"yaml": "name: a', "application/json", "no JSON: Unterminated string starting at, at character 9"),
        ("name: a", "application/yaml", "must be a JSON object, sent with the header `Content-Type: app"),
        ('{"yaml": ""}', "application/x-www-form-urlencoded", "must be a JSON object, sent with the header"),
        ("[]", "application/json", "must be a JSON object"),
        ("", "application/json", "must be a JSON object"),
        ("{}", "application/json", "give exactly one of config and yaml"),
    ],
)
def test_a_body_that_is_no_object_says_what_to_send(
    client: TestClient, body: str, kind: str, said: str
) -> None:
    answered = client.post("/api/v1/runs", content=body, headers={"Content-Type": kind})
    assert answered.status_code == 422
    (part,) = answered.json()["problems"]
    assert (part["key"], part["message"]) == ("", answered.json()["detail"])
    assert said in part["message"]
    assert not part["message"].startswith("Value error")


def test_a_key_of_a_body_that_is_none_says_where_to_look(client: TestClient) -> None:
    said = client.post("/api/v1/runs", json={"yaml": "name: a", "wokers": 3}).json()["detail"]
    assert said == "wokers: is unknown; /api/v1/openapi.json has those that are permitted"


def test_one_mistake_has_its_key_as_ten_have(client: TestClient) -> None:
    answered = client.post("/api/v1/runs", json={"yaml": "name: a\ntask: {kind: digits, lenght: 3}"})
    assert [part["key"] for part in answered.json()["problems"]] == ["task.lenght"]


def test_it_is_ready_while_its_root_can_be_written(client: TestClient, tmp_path: Path) -> None:
    assert client.get("/api/v1/ready").status_code == 200
    tmp_path.rename(tmp_path.with_name("gone"))
    tmp_path.write_text("in the way")
    answered = client.get("/api/v1/ready")
    assert answered.status_code == 503
    assert str(tmp_path) in answered.json()["detail"]


def test_it_is_not_ready_while_its_cluster_cannot_be_reached(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as head:
        address = f"http://127.0.0.1:{head.getsockname()[1]}"
        app = create_app(ServerOptions(root=str(tmp_path), state=tmp_path / ".service", address=address))
        client = TestClient(app, base_url="http://127.0.0.1")
        assert client.get("/api/v1/ready").status_code == 200
    answered = client.get("/api/v1/ready")
    assert (answered.status_code, address in answered.json()["detail"]) == (503, True)


def test_the_document_says_that_a_token_is_needed(tmp_path: Path) -> None:
    for token, schemes in ((None, set()), ("0123456789abcdef", {"HTTPBearer"})):
        app = create_app(ServerOptions(root=str(tmp_path), state=tmp_path / ".service", token=token))
        assert app.openapi()["components"].get("securitySchemes", {}).keys() == schemes


def test_it_says_what_it_can_do(client: TestClient) -> None:
    said = client.get("/api/v1/service").json()
    assert {"digits", "forecast"} <= set(said["tasks"])
    assert {"aging", "random"} <= set(said["strategies"])
    assert {"onnx", "c"} <= set(said["export_formats"])


def test_metrics_count_requests_by_route_and_never_by_path(client: TestClient) -> None:
    client.get("/api/v1/health")
    client.get("/api/v1/no-such-thing-42")
    text = client.get("/api/v1/metrics").text
    assert 'evo_nas_requests_total{method="GET",route="/health",status="200"} 1.0' in text
    assert "process_resident_memory_bytes" in text
    assert 'evo_nas_runs{state="running"} 0.0' in text
    assert "no-such-thing-42" not in text
