"""A service that listens, over a root with tiny runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from evo_nas.client import Client
from tests.served import make_root, options, serving


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_root(tmp_path_factory.mktemp("served"))


@pytest.fixture(scope="module")
def url(root: Path) -> Iterator[str]:
    with serving(options(root)) as url:
        yield url


@pytest.fixture(scope="module")
def client(url: str) -> Iterator[Client]:
    with Client(url) as client:
        yield client
