"""Files are chosen, drafted for and looked at under the data roots, and nowhere else."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest
from fastapi.testclient import TestClient

from evo_nas.server.app import create_app
from evo_nas.server.options import ServerOptions
from tests.served import rows


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("files")
    for name in ("first", "second"):
        (folder / name / "inner").mkdir(parents=True)
        rows().to_csv(folder / name / "rows.csv", index=False)
    (folder / "first" / ".hidden.csv").write_text("a,b\n1,2\n")
    (folder / "secret.csv").write_text("password\nhunter2\n")
    (folder / "first" / "leak.csv").symlink_to(folder / "secret.csv")
    return folder


@pytest.fixture(scope="module")
def client(folder: Path) -> TestClient:
    data = (str(folder / "first"), str(folder / "second"))
    options = ServerOptions(root=str(folder / "runs"), state=folder / "state", data=data)
    return TestClient(create_app(options), base_url="http://127.0.0.1")


def test_the_data_roots_are_where_choosing_begins(client: TestClient, folder: Path) -> None:
    listed = client.get("/api/v1/data/files").json()
    assert [entry["path"] for entry in listed["entries"]] == [str(folder / "first"), str(folder / "second")]


def test_a_folder_lists_folders_first_and_nothing_hidden_or_leading_out(
    client: TestClient, folder: Path
) -> None:
    listed = client.get("/api/v1/data/files", params={"path": str(folder / "first")}).json()
    assert [(entry["name"], entry["kind"]) for entry in listed["entries"]] == [
        ("inner", "folder"),
        ("rows.csv", "file"),
    ]
    assert listed["entries"][1]["bytes"] > 100


def test_a_folder_that_is_none_is_said(client: TestClient, folder: Path) -> None:
    answered = client.get("/api/v1/data/files", params={"path": str(folder / "first" / "rows.csv")})
    assert (answered.status_code, "no folder" in answered.json()["detail"]) == (404, True)


@pytest.mark.parametrize("root", ["first", "second"])
def test_a_draft_is_a_configuration_that_is_accepted(client: TestClient, folder: Path, root: str) -> None:
    drafted = client.post("/api/v1/data/draft", json={"path": str(folder / root / "rows.csv")}).json()
    assert (drafted["task"], drafted["problems"]) == ("classification", [])
    assert any(reason["key"] == "task.path" for reason in drafted["reasons"])
    checked = client.post("/api/v1/configs/check", json={"yaml": drafted["yaml"]}).json()
    assert checked["problems"] == []
    assert checked["given"] == drafted["config"]


def test_looking_tells_what_the_command_line_tells(client: TestClient) -> None:
    config = {"name": "rows", "task": {"kind": "classification", "path": "rows.csv"}}
    looked = client.post("/api/v1/data/look", json={"config": config})
    said = looked.json()
    assert said["fields"]["classes"].keys() == {"up", "down"}
    assert said["fields"]["baselines"] == {}
    assert ElementTree.fromstring(said["picture"]).tag.endswith("svg")


def test_looking_fits_baselines_where_asked(client: TestClient) -> None:
    config = {"name": "rows", "task": {"kind": "classification", "path": "rows.csv"}}
    said = client.post("/api/v1/data/look", json={"config": config, "baselines": True}).json()
    assert any(result["score"] is not None for result in said["fields"]["baselines"].values())


def test_data_that_cannot_be_read_say_why(client: TestClient) -> None:
    config = {"name": "rows", "task": {"kind": "classification", "path": "none.csv"}}
    answered = client.post("/api/v1/data/look", json={"config": config})
    assert (answered.status_code, answered.json()["type"]) == (422, "data-error")
    assert "none.csv" in answered.json()["detail"]
