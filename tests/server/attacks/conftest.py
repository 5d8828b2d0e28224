"""A service that is attacked, with a secret beside its roots."""

from __future__ import annotations

from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from evo_nas.server.app import create_app
from tests.server.attacking import HOME, TOKEN, options


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


@pytest.fixture(scope="module")
def client(folder: Path) -> TestClient:
    return TestClient(create_app(options(folder)), base_url=HOME)


@pytest.fixture
def locked(folder: Path) -> TestClient:
    """A service with a token, of which the client knows nothing."""
    return TestClient(create_app(options(folder, token=TOKEN, names=("evo.example.org",))), base_url=HOME)
