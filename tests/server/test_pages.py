"""The files of the page are served as what they are, and the page itself wherever there is no file and no API."""

from __future__ import annotations

import hashlib
import json
from importlib.resources import files
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from evo_nas.server.app import create_app
from evo_nas.server.options import ServerOptions


@pytest.fixture
def client(tmp_path: Path) -> TestClient:
    options = ServerOptions(root=str(tmp_path), state=tmp_path / ".service")
    return TestClient(create_app(options), base_url="http://127.0.0.1:8765")


@pytest.mark.parametrize("path", ["/", "/new", "/runs/a.json", "/runs/mine/champion", "/compare?run=a&run=b"])
def test_an_address_of_the_page_is_the_page(client: TestClient, path: str) -> None:
    answered = client.get(path)
    assert answered.status_code == 200
    assert answered.headers["content-type"] == "text/html; charset=utf-8"
    assert "/page/app.js" in answered.text


@pytest.mark.parametrize(
    ("path", "media_type"),
    [("app.js", "text/javascript"), ("style.css", "text/css"), ("icon.svg", "image/svg+xml")],
)
def test_a_file_has_its_type_and_is_sent_once(client: TestClient, path: str, media_type: str) -> None:
    answered = client.get(f"/page/{path}")
    assert answered.headers["content-type"].startswith(media_type)
    again = client.get(f"/page/{path}", headers={"if-none-match": answered.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("path", ["/page/none.js", "/page/%2e%2e/app.py", "/api/v1/none"])
def test_what_is_no_file_of_the_page_is_not_found(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 404


def test_what_is_vendored_is_what_was_noted() -> None:
    folder = files("evo_nas.server").joinpath("page", "vendor")
    noted = json.loads(folder.joinpath("VENDORED.json").read_text(encoding="utf-8"))
    licences = {each["licence_file"] for each in noted["files"]}
    kept = {each.name for each in folder.iterdir()} - {"VENDORED.json"}
    assert kept == licences | {each["file"] for each in noted["files"]}
    for each in noted["files"]:
        assert hashlib.sha256(folder.joinpath(each["file"]).read_bytes()).hexdigest() == each["sha256"]
