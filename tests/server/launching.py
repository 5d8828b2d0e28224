"""A service on a temporary root, launches of shell scripts in place of searches, and readers of event streams."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from fastapi.testclient import TestClient

from evo_nas.server.app import create_app
from evo_nas.server.launcher import Launcher, Order
from evo_nas.server.options import ServerOptions
from evo_nas.server.root import RunsRoot

PATIENCE_S = 120.0
TINY: dict[str, Any] = {
    "name": "tiny",
    "task": {"kind": "parity", "train": 64, "validation": 32, "test": 32},
    "space": {"widths": [4, 6], "batch_sizes": [32], "cell_nodes": 8},
    "strategy": {"kind": "random"},
    "training": {"epochs": 1},
    "budget": {"evaluations": 6},
    "verdict": {"at_end": False},
}
"""A search of a second or two."""


class Sent(NamedTuple):
    """One server-sent event."""

    id: str
    kind: str
    data: dict[str, Any]


def options_at(root: Path, **given: Any) -> ServerOptions:
    """How a service on ``root`` is started."""
    return ServerOptions(root=str(root), state=root / ".service", **{"inline": True, "port": 0} | given)


def service_at(root: Path, **given: Any) -> TestClient:
    """A service on ``root``."""
    return TestClient(create_app(options_at(root, **given)), base_url="http://127.0.0.1")


class ScriptLauncher(Launcher):
    """Launches a shell script in place of the command line."""

    def __init__(self, root: Path, script: str, **given: Any) -> None:
        super().__init__(options_at(root, **given), RunsRoot(str(root)))
        self.script = script

    def command(self, place: str, order: Order) -> tuple[str, ...]:
        return ("/bin/sh", "-c", self.script)


def events_in(text: str) -> list[Sent]:
    """The events of a stream, without its heartbeats."""
    found = []
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if "event" in fields:
            found.append(Sent(fields.get("id", ""), fields["event"], json.loads(fields["data"])))
    return found


def events_of(client: TestClient, run: str, after: str | None = None) -> list[Sent]:
    """All that is sent until the search is over."""
    headers = {} if after is None else {"Last-Event-ID": after}
    return events_in(client.get(f"/api/v1/runs/{run}/events", headers=headers).text)


def wait_until(condition: Callable[[], object]) -> None:
    """Waits until ``condition`` holds."""
    until = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < until, "it never came true"
        time.sleep(0.02)
