"""Buckets that the ledger's tests write to."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import pytest

from tests.s3 import s3_server


@pytest.fixture(scope="session")
def bucket() -> Iterator[str]:
    """A bucket of a real server, which the tests share."""
    with s3_server() as uri:
        yield uri


@pytest.fixture
def place(bucket: str) -> str:
    """A prefix of the bucket that nobody else uses."""
    return f"{bucket}/{uuid4().hex}"
