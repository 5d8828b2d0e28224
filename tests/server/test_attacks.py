"""What was tried against the service, and what it answered; `docs/service.md` has the same list."""

from __future__ import annotations

import asyncio
import errno
import io
import json
import os
import socket
import struct
import threading
import time
import tracemalloc
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any
from zipfile import ZIP_BZIP2, ZIP_DEFLATED, ZIP_LZMA, ZIP_STORED, ZipFile

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import uvicorn
from fastapi.testclient import TestClient
from starlette.datastructures import Headers
from starlette.types import Message

from evo_nas.errors import ConfigError, DataError
from evo_nas.server.app import create_app
from evo_nas.server.data_roots import DataRoots
from evo_nas.server.launches import LaunchStore
from evo_nas.server.options import Limits, ServerOptions
from evo_nas.server.rates import Rates, client_at
from evo_nas.server.root import RunsRoot
from evo_nas.server.routes.retraining import posted_files
from evo_nas.server.serving import server_config
from evo_nas.server.tokens import COOKIE_LIFE_S, Tokens
from evo_nas.server.upkeep import tidy

TOKEN = "0123456789abcdef" * 4
SCRIPT = "<script>alert(1)</script>"
HOME = "http://127.0.0.1"
CHECK = "/api/v1/configs/check"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("attacked")
    for name in ("runs", "data", "elsewhere/run"):
        (folder / name).mkdir(parents=True)
    (folder / "secret.txt").write_text("hunter2")
    (folder / "data" / "rows.csv").write_text("a,label\n1,x\n")
    (folder / "data" / ".env").write_text("hunter2")
    (folder / "data" / "link.csv").symlink_to(folder / "secret.txt")
    (folder / "data" / "folder").symlink_to(folder)
    (folder / "runs" / "link").symlink_to(folder / "elsewhere" / "run")
    return folder


def options(folder: Path, **changes: Any) -> ServerOptions:
    return ServerOptions(
        root=str(folder / "runs"), state=folder / "runs" / ".service", data=(str(folder / "data"),), **changes
    )


@pytest.fixture(scope="module")
def client(folder: Path) -> TestClient:
    return TestClient(create_app(options(folder)), base_url=HOME)


@pytest.fixture
def locked(folder: Path) -> TestClient:
    """A service with a token, of which the client knows nothing."""
    return TestClient(create_app(options(folder, token=TOKEN, names=("evo.example.org",))), base_url=HOME)


def data_roots(folder: Path) -> DataRoots:
    return DataRoots([str(folder / "data")], runs=RunsRoot(str(folder / "runs")))


def problems(client: TestClient, config: dict[str, Any]) -> dict[str, str]:
    said = client.post(CHECK, json={"config": config}).json()
    return {problem["key"]: problem["message"] for problem in said["problems"]}


# Paths


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


# Texts of others


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


# Bodies


def test_a_body_that_says_it_is_too_large_is_not_read(folder: Path) -> None:
    app = create_app(options(folder, limits=Limits(body=100)))
    answered = TestClient(app, base_url=HOME).post(CHECK, content=b"x" * 101)
    assert answered.status_code == 413
    assert answered.headers["connection"] == "close"


def test_a_body_without_a_length_is_read_up_to_the_limit(folder: Path) -> None:
    taken = []

    def pieces() -> Iterator[bytes]:
        for _ in range(1000):
            taken.append(10)
            yield b"x" * 10

    app = create_app(options(folder, limits=Limits(body=100)))
    assert TestClient(app, base_url=HOME).post(CHECK, content=pieces()).status_code == 413


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"\xff\xfe",
        b'{"config": {"seed": NaN}}',
        b'{"config": {"seed": Infinity}}',
        b'{"config": {"name": "\\ud800"}}',
        b"[" * 100_000,
        b'{"config": {"seed": ' + b"9" * 5000 + b"}}",
    ],
)
def test_malformed_json_is_a_problem(client: TestClient, body: bytes) -> None:
    answered = client.post(CHECK, content=body, headers={"content-type": "application/json"})
    assert answered.status_code in {400, 422}
    assert answered.json()["detail"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: &a [x,x]\nb: &b [*a,*a]\nc: [*b,*b]", "anchor"),
        ("a: " + "[" * 1000, "deep"),
        ("!!python/object/apply:os.system ['id']", "tag"),
        ("a: 1\na: 2", "twice"),
        ("seed: " + "9" * 4000, "digits"),
        ("- a", "mapping"),
    ],
)
def test_a_yaml_bomb_is_a_problem(client: TestClient, text: str, said: str) -> None:
    answered = client.post(CHECK, json={"yaml": text})
    assert answered.status_code == 200
    assert said in answered.json()["problems"][0]["message"]


def test_values_may_be_no_larger_than_a_file(client: TestClient) -> None:
    assert "bytes" in problems(client, {"name": "a" * 300_000})[""]


def test_values_may_be_nested_no_deeper_than_yaml(client: TestClient) -> None:
    nested: object = 1
    for _ in range(200):
        nested = [nested]
    assert "nested" in problems(client, {"name": nested})[""]


# Tokens


def test_without_the_token_only_probes_and_signing_in_are_answered(locked: TestClient) -> None:
    for path in ("/api/v1/health", "/api/v1/ready", "/api/v1/session"):
        assert locked.get(path).status_code == 200
    for path in (
        "/api/v1/service",
        "/api/v1/metrics",
        "/api/v1/openapi.json",
        "/api/v1/runs/a",
        "/api/v1/no",
    ):
        answered = locked.get(path)
        assert (answered.status_code, answered.headers["www-authenticate"]) == (401, "Bearer")


@pytest.mark.parametrize(
    "value",
    [
        "",
        "Bearer",
        "Bearer ",
        f"Basic {TOKEN}",
        f"Bearer {TOKEN[:-1]}",
        f"Bearer {TOKEN}0",
        TOKEN,
        "Bearer \xff",
    ],
)
def test_a_wrong_token_is_refused(locked: TestClient, value: str) -> None:
    headers = {"authorization": value.encode("latin-1")}
    assert locked.get("/api/v1/service", headers=headers).status_code == 401


def test_a_token_is_presented_once(locked: TestClient) -> None:
    twice = [("authorization", f"Bearer {TOKEN}"), ("authorization", "Bearer other")]
    assert locked.get("/api/v1/service", headers=twice).status_code == 401
    assert locked.get("/api/v1/service", headers=twice[:1]).status_code == 200


def test_guessing_tokens_is_slow(folder: Path) -> None:
    locked = TestClient(
        create_app(options(folder, token=TOKEN, limits=Limits(burst=60, requests_per_s=1e-3))), base_url=HOME
    )
    answers = [locked.post("/api/v1/session", json={"token": "guess"}).status_code for _ in range(5)]
    assert answers[0] == 401
    assert answers[-1] == 429


def test_a_cookie_stands_for_the_token(locked: TestClient) -> None:
    assert locked.post("/api/v1/session", json={"token": "wrong"}).status_code == 401
    signed_in = locked.post("/api/v1/session", json={"token": TOKEN})
    cookie = signed_in.headers["set-cookie"]
    assert all(part in cookie for part in ("HttpOnly", "SameSite=strict", f"Max-Age={COOKIE_LIFE_S}"))
    assert TOKEN not in cookie
    assert locked.get("/api/v1/service").status_code == 200
    assert locked.get("/api/v1/session").json() == {"required": True, "signed_in": True}
    locked.delete("/api/v1/session", headers={"origin": HOME})
    assert locked.get("/api/v1/service").status_code == 401


@pytest.mark.parametrize("others", ['a={"b": [1, 2]}', "a b=1", "=", ";;", 'a="'])
def test_cookies_of_other_programs_of_the_host_do_no_harm(locked: TestClient, others: str) -> None:
    ours = locked.post("/api/v1/session", json={"token": TOKEN}).headers["set-cookie"].partition(";")[0]
    locked.cookies.clear()
    answered = locked.get("/api/v1/service", headers={"cookie": f"{others}; {ours}"})
    assert answered.status_code == 200


@pytest.mark.parametrize("path", ["/", "/api/v1/session", "/api/v1/health"])
def test_a_stranger_may_send_no_large_body(locked: TestClient, path: str) -> None:
    headers = {"content-type": "application/json"}
    assert locked.post(path, content=b" " * 5000, headers=headers).status_code == 413
    bearer = headers | {"authorization": f"Bearer {TOKEN}"}
    assert locked.post(path, content=b" " * 5000, headers=bearer).status_code != 413


def test_a_cookie_changes_something_only_from_the_page_itself(locked: TestClient) -> None:
    locked.post("/api/v1/session", json={"token": TOKEN})
    body = {"config": {}}
    assert locked.post(CHECK, json=body).status_code == 403
    for origin in ("http://evil.example.org", "null", f"{HOME}:81", "http://127.0.0.1.evil.example.org", "x"):
        assert locked.post(CHECK, json=body, headers={"origin": origin}).status_code == 403
    assert locked.post(CHECK, json=body, headers={"origin": HOME}).status_code == 200


@pytest.mark.parametrize("forged", ["", ".", "9999999999.x.", "9999999999.x.0", "x.y.z", "9" * 5000, '"'])
def test_a_forged_cookie_is_refused(locked: TestClient, forged: str) -> None:
    name = Tokens(TOKEN, now=lambda: 0.0).cookie_name
    answered = locked.get("/api/v1/service", headers={"cookie": f"{name}={forged}"})
    assert answered.status_code == 401


def test_a_cookie_ends_with_its_time_and_with_the_token() -> None:
    clock = [1000.0]
    tokens = Tokens(TOKEN, now=lambda: clock[0])
    headers = {"cookie": f"{tokens.cookie_name}={tokens.cookie()}"}
    assert tokens.is_known(Headers(headers))
    assert not Tokens(TOKEN[::-1], now=lambda: clock[0]).is_known(Headers(headers))
    clock[0] += COOKIE_LIFE_S + 1
    assert not tokens.is_known(Headers(headers))


@pytest.mark.parametrize(
    "changes", [{"host": "0.0.0.0"}, {"names": ("evo.example.org",)}, {"proxies": ("10.0.0.1",)}]
)
def test_nothing_others_could_reach_starts_without_a_token(folder: Path, changes: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="--token-file"):
        options(folder, **changes)


def test_a_short_token_is_refused(folder: Path) -> None:
    with pytest.raises(ConfigError, match="at least 16"):
        options(folder, token="guess")


# Browsers


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


# Floods and slowness


def test_probes_of_a_cluster_that_is_silent_keep_nobody_waiting(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks, answers = threading.Semaphore(0), threading.Event()

    def silent(_: str) -> None:
        looks.release()
        answers.wait(120)

    monkeypatch.setattr("evo_nas.server.routes.service.check_cluster", silent)
    served = create_app(options(folder, address="127.0.0.1:6379"))
    # More than there are threads for routes.
    with TestClient(served, base_url=HOME) as client, ThreadPoolExecutor(81) as pool:
        probes = [pool.submit(client.get, "/api/v1/ready") for _ in range(80)]
        try:
            assert looks.acquire(timeout=60)
            assert pool.submit(client.get, "/api/v1/runs").result(timeout=60).status_code == 200
        finally:
            answers.set()
        assert {each.result().status_code for each in probes} == {200}


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:10.0.0.7", "10.0.0.7", True),
        ("10.0.0.7", "10.0.0.8", False),
        ("fe80::1%eth0", "fe80::2%eth0", True),
        ("testclient", "testclient", True),
    ],
)
def test_whoever_has_a_network_of_addresses_is_one_client(one: str, other: str, is_same: bool) -> None:
    assert (client_at(one) == client_at(other)) is is_same


def test_a_client_that_asks_too_often_waits_and_others_do_not() -> None:
    clock = [0.0]
    rates = Rates(10.0, 5, clock=lambda: clock[0])
    assert [rates.wait_s("a") for _ in range(6)] == [0, 0, 0, 0, 0, 1]
    assert rates.wait_s("b") == 0
    clock[0] += 0.1
    assert rates.wait_s("a") == 0


def test_asking_too_often_says_when_to_ask_again(folder: Path) -> None:
    flooded = TestClient(
        create_app(options(folder, limits=Limits(burst=2, requests_per_s=1e-3))), base_url=HOME
    )
    answers = [flooded.get("/api/v1/health") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert int(answers[-1].headers["retry-after"]) >= 1


def test_a_body_that_does_not_come_is_not_waited_for(folder: Path) -> None:
    app = create_app(options(folder, limits=Limits(body_s=0.01)))
    sent: list[Message] = []
    pieces: list[Message] = [{"type": "http.request", "body": b"{", "more_body": True}]

    async def receive() -> Message:
        if not pieces:
            await asyncio.Event().wait()
        return pieces.pop()

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": CHECK,
        "raw_path": CHECK.encode(),
        "query_string": b"",
        "headers": [(b"host", b"127.0.0.1")],
        "client": ("127.0.0.1", 1),
        "scheme": "http",
        "root_path": "",
    }
    asyncio.run(app(scope, receive, send))
    assert sent[0]["status"] == 408


@contextmanager
def listening(served: ServerOptions) -> Iterator[int]:
    """Yields the port of a service that is really listening."""
    server = uvicorn.Server(server_config(served))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join(timeout=20)


def spoken(port: int, *pieces: bytes) -> bytes:
    """What a service answers to raw bytes until it closes the connection."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        for piece in pieces:
            connection.sendall(piece)
        heard = b""
        # Closed before all was read, a connection ends with an error.
        with suppress(ConnectionError):
            while piece := connection.recv(65536):
                heard += piece
        return heard


def test_one_client_holds_no_more_connections_than_its_share(folder: Path) -> None:
    with listening(options(folder, limits=Limits(connections_per_client=2))) as port, ExitStack() as held:
        address = ("127.0.0.1", port)
        for _ in range(2):
            held.enter_context(socket.create_connection(address, timeout=20))
        with socket.create_connection(address, timeout=20) as further:
            assert further.recv(1) == b""
        held.close()
        # They are free again as soon as the service has seen that they were closed.
        while not spoken(port, b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n"):
            pass


def test_a_proxy_holds_the_connections_of_all_its_clients(folder: Path) -> None:
    limits = Limits(connections_per_client=2)
    behind = options(folder, limits=limits, token="0123456789abcdef", proxies=("127.0.0.0/8",))
    with listening(behind) as port, ExitStack() as held:
        for _ in range(4):
            held.enter_context(socket.create_connection(("127.0.0.1", port), timeout=20))
        asked = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
        assert spoken(port, asked).startswith(b"HTTP/1.1 200")


def test_a_client_that_reads_nothing_is_let_go(folder: Path) -> None:
    limits = Limits(unread_s=0.2, connections_per_client=1)
    with listening(options(folder, limits=limits)) as port, socket.socket() as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.connect(("127.0.0.1", port))
        deaf.settimeout(20)
        asked = b"GET /api/v1/openapi.json HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
        # More than the kernels of both sides take.
        deaf.sendall(asked * 100)
        # Its place is free for another one although it has closed nothing.
        ends = b"GET / HTTP/1.1\r\nConnection: close\r\nHost: 127.0.0.1\r\n\r\n"
        until = time.monotonic() + 60
        while not spoken(port, ends):
            assert time.monotonic() < until, "it is still held"


def test_raw_connections_are_bounded(folder: Path) -> None:
    limits = Limits(header_s=0.2, body_s=0.2, body=1000)
    with listening(options(folder, limits=limits)) as port:
        host = f"Host: 127.0.0.1:{port}\r\n".encode()
        # A head that never ends is not waited for.
        assert spoken(port, b"GET / HTTP/1.1\r\n") == b""
        assert spoken(port) == b""
        # Nor is a body, and what comes of it later is no further request.
        head = b"POST /api/v1/configs/check HTTP/1.1\r\n" + host
        assert b" 408 " in spoken(port, head + b"Content-Length: 100\r\n\r\n{")
        # One that grows without end is cut off.
        assert b" 413 " in spoken(
            port,
            head
            + b"Transfer-Encoding: chunked\r\n\r\n"
            + b"200\r\n"
            + b"x" * 512
            + b"\r\n"
            + b"200\r\n"
            + b"x" * 512
            + b"\r\n",
        )
        # One that is refused before it has come is not waited for.
        assert b" 421 " in spoken(
            port, b"POST / HTTP/1.1\r\nHost: evil.example.org\r\nContent-Length: 100\r\n\r\n{"
        )
        # Two lengths, or a length beside pieces, could be read in two ways.
        assert b" 400 " in spoken(port, head + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n{")
        assert b" 400 " in spoken(port, b"GET / HTTP/1.1\r\nX-Long: " + b"x" * 100_000)
        assert b" 421 " in spoken(
            port, b"GET / HTTP/1.1\r\nConnection: close\r\nHost: evil.example.org\r\n\r\n"
        )
        assert b" 400 " in spoken(port, b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n")
        # After all of that it answers as before.
        health = spoken(port, b"GET /api/v1/health HTTP/1.1\r\nConnection: close\r\n" + host + b"\r\n")
        assert json.loads(health.partition(b"\r\n\r\n")[2]) == {"status": "ok"}


@pytest.mark.parametrize(("status", "token"), [(401, "wrong"), (413, TOKEN)])
def test_whoever_still_sends_a_refused_body_hears_the_answer(folder: Path, status: int, token: str) -> None:
    limits = Limits(body=2**21)
    head = f"POST {CHECK} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n"
    body = b"x" * (limits.body + 1)
    with (
        listening(options(folder, token=TOKEN, limits=limits)) as port,
        socket.create_connection(("127.0.0.1", port), timeout=20) as connection,
    ):
        connection.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode())
        heard = connection.recv(65536)
        assert f" {status} ".encode() in heard
        # Were the connection closed by now, this would fail.
        connection.sendall(body)
        while piece := connection.recv(65536):
            heard += piece
        assert heard.endswith(b"}")


def _zip(files: Mapping[str, bytes], packing: int = ZIP_DEFLATED) -> bytes:
    content = io.BytesIO()
    with ZipFile(content, "w", packing) as packed:
        for name, data in files.items():
            packed.writestr(name, data)
    return content.getvalue()


def _saying(files: Mapping[str, bytes], *, size: int, packing: int = ZIP_DEFLATED) -> bytes:
    """Returns a zip of one file that says it has another size."""
    (content,) = files.values()
    return _zip(files, packing).replace(struct.pack("<L", len(content)), struct.pack("<L", size))


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"../rows.csv": b"1"}, "plain name without folders"),
        ({"data/rows.csv": b"1"}, "plain name without folders"),
        ({"-x.csv": b"1"}, "plain name without folders"),
        ({".env": b"1"}, "plain name without folders"),
        ({"rows.parquet": b"1"}, "ends in one of"),
        ({}, "must be 1 to 100"),
        ({"many.csv": b"0" * (2**28 + 1)}, "the zip unpacks to 268,435,457 bytes"),
        (
            {"NUMBERS.NPZ": _saying({"x.npy": b"0" * 12_345}, size=2**28 + 1)},
            "NUMBERS.NPZ unpacks to 268,435,457 bytes",
        ),
        ({"x.npz": _zip({"x.npy": b"0"}, ZIP_BZIP2)}, "x.npz has 'x.npy' packed in a rare way"),
        ({"sounds.csv": b"path,label\n/etc/passwd.wav,x\n"}, "names files of sound"),
        ({"sounds.txt": b"path,label\n/etc/passwd.wav,x\n"}, "names files of sound"),
        ({"sounds.json": b'[{"path": "/etc/passwd\\u002Ewav", "label": "x"}]'}, "names files of sound"),
        ({"sounds.jsonl": b'{"path": "/etc/passwd.\\u0077av", "label": "x"}'}, "names files of sound"),
    ],
    ids=lambda value: next(iter(value), "none") if isinstance(value, dict) else None,
)
def test_a_zip_of_data_holds_plain_files_alone(files: dict[str, bytes], said: str) -> None:
    with pytest.raises(DataError, match=said):
        posted_files(_zip(files), delimiter=None)


def test_a_text_may_speak_of_files_of_sound() -> None:
    said = b'He said: "Play rain.wav, then\nstop".\n\nShe said no.\n'
    assert posted_files(_zip({"said.txt": said}), delimiter=None) == {"said.txt": said}


def test_a_name_of_sound_is_seen_where_the_task_has_a_delimiter_of_its_own() -> None:
    table = _zip({"rows.csv": b"path;x,y\n/etc/passwd.wav;1,2\n"})
    assert posted_files(table, delimiter=None)
    with pytest.raises(DataError, match="names files of sound"):
        posted_files(table, delimiter=";")


@pytest.mark.parametrize("packing", [ZIP_BZIP2, ZIP_LZMA])
def test_a_zip_whose_size_is_not_known_before_is_not_unpacked(packing: int) -> None:
    with pytest.raises(DataError, match="the zip has 'rows.csv' packed in a rare way"):
        posted_files(_zip({"rows.csv": b"1"}, packing), delimiter=None)


def test_a_zip_that_says_it_is_smaller_than_it_is_fills_no_memory() -> None:
    size = 2**27 + 12_345
    forged = _saying({"rows.csv": b"0" * size}, size=10)
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match="no zip file that can be read"):
            posted_files(forged, delimiter=None)
        assert tracemalloc.get_traced_memory()[1] < size / 8
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "content",
    [
        b"PK",
        _saying({"rows.csv": b"1" * 12_345}, size=100_000, packing=ZIP_STORED),
        # Not UTF-8, although the zip says that it is.
        _zip({"\xe4.csv": b"1"}).replace("\xe4".encode(), b"\xff\xff"),
    ],
    ids=["cut", "torn", "name"],
)
def test_what_is_no_zip_is_said(content: bytes) -> None:
    with pytest.raises(DataError, match="no zip file that can be read"):
        posted_files(content, delimiter=None)
