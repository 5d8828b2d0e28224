"""The service answers, and says in one form what is wrong with a request."""

from __future__ import annotations

from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from evo_nas.server.app import create_app
from evo_nas.server.options import ServerOptions


@pytest.fixture
def client(tmp_path: Path) -> TestClient:
    return TestClient(create_app(ServerOptions(root=str(tmp_path), state=tmp_path / ".service")))


def test_it_says_that_it_lives(client: TestClient) -> None:
    assert client.get("/api/v1/health").json() == {"status": "ok"}


def test_a_path_that_is_none_is_a_problem_like_every_other(client: TestClient) -> None:
    answered = client.get("/api/v1/nowhere")
    assert answered.status_code == 404
    assert answered.headers["content-type"] == "application/problem+json"
    assert answered.json()["title"] == "Not Found"
