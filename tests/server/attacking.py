"""What the tests of attacks on the service share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient

from evo_nas.server.data_roots import DataRoots
from evo_nas.server.options import ServerOptions
from evo_nas.server.root import RunsRoot

TOKEN = "0123456789abcdef" * 4
SCRIPT = "<script>alert(1)</script>"
HOME = "http://127.0.0.1"
CHECK = "/api/v1/configs/check"


def options(folder: Path, **changes: Any) -> ServerOptions:
    return ServerOptions(
        root=str(folder / "runs"), state=folder / "runs" / ".service", data=(str(folder / "data"),), **changes
    )


def data_roots(folder: Path) -> DataRoots:
    return DataRoots([str(folder / "data")], runs=RunsRoot(str(folder / "runs")))


def problems(client: TestClient, config: dict[str, Any]) -> dict[str, str]:
    said = client.post(CHECK, json={"config": config}).json()
    return {problem["key"]: problem["message"] for problem in said["problems"]}
