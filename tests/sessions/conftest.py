"""A tiny search for sessions to run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from evo_nas.config import SearchConfig, configured
from evo_nas.sessions.events import Event
from evo_nas.sessions.local import LocalSession

MakeConfig = Callable[..., SearchConfig]
TINY: dict[str, Any] = {
    "name": "tiny",
    "seed": 3,
    "task": {"kind": "parity", "train": 64, "validation": 32, "test": 32},
    "space": {"widths": [4, 6], "batch_sizes": [32], "cell_nodes": 8},
    "strategy": {"kind": "aging", "population": 6, "tournament": 2, "warmup": 4},
    "training": {"epochs": 1, "device": "cpu"},
    "budget": {"evaluations": 5},
    "workers": 1,
}


@pytest.fixture
def config() -> MakeConfig:
    """Returns the configuration of a tiny search, but for what is given."""
    return lambda **changed: configured(TINY | changed)


def events_of(session: LocalSession, config: SearchConfig) -> list[Event]:
    """Runs a session to its end and returns what it said."""
    session.start(config)
    return list(session.events())
