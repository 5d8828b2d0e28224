"""A root with tiny runs that the tests of a file share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from evo_nas.server.app import create_app
from tests.served import make_root, options


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_root(tmp_path_factory.mktemp("served"))


@pytest.fixture(scope="module")
def service(root: Path) -> Iterator[TestClient]:
    # A service on loopback is called by its address; by any other name it refuses.
    with TestClient(create_app(options(root)), base_url="http://127.0.0.1") as client:
        yield client
