"""Where the real data sets lie; tests that need them skip without."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
DATA = Path(os.environ.get("EVO_NAS_DATA", REPOSITORY.parent / "shared" / "data"))


@pytest.fixture
def data() -> Path:
    """The folder with the real data sets."""
    if not DATA.is_dir():
        pytest.skip(f"{DATA} is not there; EVO_NAS_DATA names the folder with the real data sets")
    return DATA
