"""The README's five commands, typed as they stand there."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from evo_nas.runs import Run
from tests.cluster.harness import BIN, end_all, wait_for

ROOT = Path(__file__).parents[2]
PORTS = (6379, 8265, 10001)
pytestmark = [
    pytest.mark.cluster,
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="finds processes through /proc"),
]


def commands() -> list[str]:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"Five commands .*?```bash\n(.*?)```", readme, re.DOTALL)
    return str(block).splitlines()


def is_taken(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def home() -> Iterator[Path]:
    """Home of a person who has the repository's files, evo-nas on the path, and no cluster yet."""
    home = Path(tempfile.mkdtemp(prefix="en", dir="/tmp"))  # sockets need short paths
    (home / "configs").symlink_to(ROOT / "configs")
    yield home
    end_all(f"HOME={home}\0")
    shutil.rmtree(home, ignore_errors=True)


def test_five_commands_submit_a_search_to_a_local_cluster(home: Path) -> None:
    if taken := [port for port in PORTS if is_taken(port)]:
        pytest.skip(f"ports {taken}, which the README's commands use, are taken on this machine")
    unset = ("RAY_", "EVO_NAS_")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(unset)}
    environment |= {"HOME": str(home), "RAY_TMPDIR": str(home), "PATH": f"{BIN}:{os.environ['PATH']}"}
    environment["RAY_prestart_worker_first_driver"] = "0"
    lines = commands()
    assert len(lines) == 5
    with (home / "log").open("wb") as log:
        done = subprocess.run(
            ["bash", "-e"],
            input="\n".join(lines).encode(),
            stdout=log,  # a pipe would be held open by the nodes, which go on
            stderr=log,
            cwd=home,
            env=environment,
            start_new_session=True,
            timeout=600.0,
            check=False,
        )
    said = (home / "log").read_text()
    assert done.returncode == 0, said
    assert "runs/cluster is under way; watch it with `evo-nas attach" in said
    run = home / "runs" / "cluster"
    wait_for(lambda: Run.at(run).exists and Run.at(run).history().told, 240.0, "the first evaluation")
