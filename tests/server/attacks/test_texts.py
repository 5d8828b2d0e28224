"""What others wrote - names, keys, data - is never more than text."""

from __future__ import annotations

from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from tests.server.attacking import CHECK, SCRIPT, problems


@pytest.mark.parametrize(
    "path",
    [
        f"/api/v1/runs/{SCRIPT}/report",
        f"/api/v1/{SCRIPT}",
        f"/page/{SCRIPT}.js",
        f"/api/v1/data/files?path={SCRIPT}",
    ],
)
def test_a_script_in_a_path_comes_back_as_text_only(client: TestClient, path: str) -> None:
    answered = client.get(path)
    assert answered.status_code in {404, 422}
    assert answered.headers["content-type"] == "application/problem+json"
    assert answered.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in answered.headers["content-security-policy"]


def test_a_script_in_a_configuration_is_an_unknown_key(client: TestClient) -> None:
    said = problems(client, {"name": SCRIPT, "task": {"kind": SCRIPT}, SCRIPT: SCRIPT})
    assert any(SCRIPT in message for message in said.values())


def test_a_script_in_data_is_text_in_their_picture(client: TestClient, folder: Path) -> None:
    lines = [f"{row * row % 83},{row % 7},{SCRIPT if row % 2 else 'plain'}" for row in range(40)]
    (folder / "data" / "named.csv").write_text("\n".join(["a,b,label", *lines]) + "\n")
    config = {"name": "a", "task": {"kind": "classification", "path": "named.csv"}}
    looked = client.post("/api/v1/data/look", json={"config": config}).json()
    assert SCRIPT in looked["fields"]["classes"]
    assert "<script" not in looked["picture"]


def test_a_line_break_in_a_path_makes_no_header(client: TestClient) -> None:
    for path in ("/api/v1/runs/a%0d%0aSet-Cookie:%20a=b", "/a%0d%0aSet-Cookie:%20a=b"):
        answered = client.get(path)
        assert "set-cookie" not in answered.headers


@pytest.mark.parametrize("key", ["__proto__", "constructor", "__class__", "model_config", ""])
def test_keys_that_mean_something_to_a_language_are_unknown_keys(client: TestClient, key: str) -> None:
    answered = client.post(
        CHECK, json={"config": {"name": "a", "task": {"kind": "digits", key: {}}, key: {"a": 1}}}
    )
    assert answered.status_code == 200
    assert len(answered.json()["problems"]) == 2
