"""Nothing is read or removed outside of the root of runs and the data roots."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fastapi.testclient import TestClient

from evo_nas.errors import ConfigError
from evo_nas.server.launches import LaunchStore
from evo_nas.server.upkeep import tidy
from tests.server.attacking import data_roots, problems


@pytest.mark.parametrize(
    "path",
    [
        "/../secret.txt",
        "/..%2fsecret.txt",
        "/%2e%2e/secret.txt",
        "/vendor/..%5c..%5csecret.txt",
        "//etc/passwd",
    ],
)
def test_no_path_leaves_the_folder_of_the_page(client: TestClient, path: str) -> None:
    answered = client.get(path)
    assert "hunter2" not in answered.text
    assert "root:" not in answered.text


@pytest.mark.parametrize(
    "name", ["..", "..%2felsewhere", "%2e%2e", ".service", "a%2fb", "link", "a%00b", "a" * 65]
)
def test_no_name_of_a_run_leaves_the_root(client: TestClient, name: str) -> None:
    answered = client.get(f"/api/v1/runs/{name}/report")
    assert answered.status_code in {404, 422}


@pytest.mark.parametrize(
    "path",
    [
        *(
            "../secret.txt",
            "/etc/passwd",
            "~/x.csv",
            "link.csv",
            "folder/secret.txt",
            ".env",
            "a/../../secret.txt",
        ),
        *("rows.csv\0", "link*"),
    ],
)
def test_no_data_are_read_outside_of_their_roots(client: TestClient, folder: Path, path: str) -> None:
    config = {"name": "a", "task": {"kind": "classification", "path": path}}
    assert "task.path" in problems(client, config)
    looked = client.post("/api/v1/data/look", json={"config": config})
    drafted = client.post("/api/v1/data/draft", json={"path": path})
    for answered in (looked, drafted):
        assert answered.status_code == 422
        assert "hunter2" not in answered.text
    # As `data` of a retraining.
    with pytest.raises(ConfigError, match="data is"):
        data_roots(folder).existing(path, key="data", task={})


@pytest.mark.parametrize("path", ["..", "/etc", "folder", ".", "\0"])
def test_no_folder_outside_of_the_roots_is_listed(client: TestClient, folder: Path, path: str) -> None:
    answered = client.get("/api/v1/data/files", params={"path": path})
    assert "secret.txt" not in answered.text
    assert (answered.status_code == 200) == (path == ".")


def test_what_is_outside_is_told_alike_whether_it_exists_or_not(client: TestClient) -> None:
    there, missing = (
        client.get("/api/v1/data/files", params={"path": path}).json()["detail"].replace(path, "")
        for path in ("/etc", "/no-such-folder")
    )
    assert there == missing


@pytest.mark.parametrize(
    ("section", "key"),
    [
        ({"space": {"cells": ["../secret.txt"]}}, "space.cells"),
        ({"space": {"seeds": ["/etc/passwd"]}}, "space.seeds"),
        ({"space": {"cells": [" ../secret.txt"]}}, "space.cells"),
        ({"base_dir": "/etc"}, "base_dir"),
        ({"base_dir": "folder"}, "base_dir"),
        ({"fitness": {"memory": "/etc"}}, "fitness.memory"),
        ({"warm_start": ["/etc"]}, "warm_start.runs"),
        ({"warm_start": {"runs": "file:///etc"}}, "warm_start.runs"),
        ({"warm_start": ["http://169.254.169.254/latest/meta-data"]}, "warm_start.runs"),
        ({"warm_start": ["simplecache::http://localhost/x"]}, "warm_start.runs"),
        ({"task": {"kind": "classification", "huggingface": "someone/data"}}, "task.huggingface"),
        ({"task": {"kind": "classification", "huggingface": "/etc"}}, "task.huggingface"),
    ],
)
def test_no_key_of_a_configuration_names_a_place_outside(
    client: TestClient, section: dict[str, Any], key: str
) -> None:
    assert key in problems(client, {"name": "a", "task": {"kind": "digits"}, **section})


@pytest.mark.parametrize("label", ["../secret.npy", "/etc/secret.npy", "linked.NPY", ".hidden.npy"])
def test_labels_are_not_read_from_a_file_outside(client: TestClient, folder: Path, label: str) -> None:
    np.save(folder / "secret.npy", ["hunter2", "hunter3"] * 20)
    np.save(folder / "data" / ".hidden.npy", ["hunter2", "hunter3"] * 20)
    np.save(folder / "data" / "labels.npy", ["one", "two"] * 20)
    np.save(folder / "data" / "steps.npy", np.ones((40, 5, 2)))
    (folder / "data" / "linked.NPY").unlink(missing_ok=True)
    (folder / "data" / "linked.NPY").symlink_to(folder / "secret.npy")
    task = {"kind": "classification", "path": "steps.npy", "label": label}
    assert "task.label" in problems(client, {"name": "a", "task": task})
    looked = client.post("/api/v1/data/look", json={"config": {"name": "a", "task": task}})
    assert (looked.status_code, "hunter2" in looked.text) == (422, False)
    with pytest.raises(ConfigError, match="task.label is"):
        data_roots(folder).existing("steps.npy", key="data", task=task)
    assert problems(client, {"name": "a", "task": task | {"label": "labels.npy"}}) == {}


@pytest.mark.parametrize("kind", ["csv", "parquet", "json"])
@pytest.mark.parametrize("sound", ["../secret.wav", "/etc/secret.wav", "linked.wav", ".hidden.wav"])
def test_sounds_are_not_read_from_a_file_outside(
    client: TestClient, folder: Path, kind: str, sound: str
) -> None:
    for each in ("secret.wav", "data/.hidden.wav", "data/open.wav"):
        (folder / each).touch()
    (folder / "data" / "linked.wav").unlink(missing_ok=True)
    (folder / "data" / "linked.wav").symlink_to(folder / "secret.wav")
    path = folder / "data" / f"sounds.{kind}"
    task = {"kind": "classification", "path": path.name}
    # The second table takes the place of the first, which the service has read.
    for named in ("open.wav", sound):
        rows = [{"path": each, "label": "a"} for each in ("open.wav", named)] * 100
        match kind:
            case "csv":
                path.write_text("path,label\n" + "".join(f"{row['path']},a\n" for row in rows))
            case "json":
                path.write_text(json.dumps(rows).replace(".wav", "\\u002ewav"))
            case "parquet":
                packing = {"compression": "zstd", "use_dictionary": False, "write_statistics": False}
                pq.write_table(pa.Table.from_pylist(rows), path, **packing)
        found = problems(client, {"name": "a", "task": task})
        assert ("names a file" in str(found.get("task.path"))) == (named == sound)
    with pytest.raises(ConfigError, match=f"has {path.name}, which names a file"):
        data_roots(folder).existing(path.name, key="data", task=task)


def test_runs_of_the_service_may_be_begun_with(client: TestClient, folder: Path) -> None:
    config = {"name": "a", "task": {"kind": "digits"}, "warm_start": [f"{folder}/runs/earlier"]}
    assert problems(client, config) == {}
    config["warm_start"] = [f"{folder}/runs/link"]
    assert problems(client, config).keys() == {"warm_start.runs"}


def test_what_is_tidied_up_is_no_link_and_nothing_of_others(tmp_path: Path) -> None:
    launches, mine = LaunchStore(tmp_path / ".service"), tmp_path / "mine"
    kept = [
        mine / "000001" / "data" / "rows.csv",
        mine / "data" / "rows.csv",
        mine / ("a" * 64),
        mine / "letter",
    ]
    for file in kept:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("mine")
        os.utime(file, (0, 0))
    for link, to in {"run": mine, "other/000001": mine, "third/000001/data": mine / "data"}.items():
        (tmp_path / ".service" / link).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / ".service" / link).symlink_to(to)
    keys = tmp_path / ".service" / ".keys"
    keys.symlink_to(mine)
    tidy(launches)
    keys.unlink()
    keys.mkdir()
    for name in ("0" * 64, "letter"):
        (keys / name).write_text("{}")
        os.utime(keys / name, (0, 0))
    (keys / ("b" * 64)).symlink_to(mine / "letter")
    tidy(launches)
    assert [file.read_text() for file in kept] == ["mine"] * 4
    assert {path.name for path in keys.iterdir()} == {"letter", "b" * 64}
