"""A service in front of a real cluster: its processes only watch, and may be lost while the search goes on."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from evo_nas.config import configured
from evo_nas.runs import Run
from evo_nas.server.launcher import Launcher
from evo_nas.server.options import ServerOptions
from evo_nas.server.root import RunsRoot
from tests.cluster.harness import Cluster, jobs, resting, wait_for
from tests.server.launching import TINY

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="finds processes through /proc"),
]
PATIENCE_S = 240.0


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    with Cluster() as cluster:
        cluster.start_head(cpus=1)
        for name, value in cluster.env.items():
            if name != "RAY_AUTH_MODE":  # as for whoever is not part of the cluster
                monkeypatch.setenv(name, value)
        yield cluster


def workers(cluster: Cluster) -> list[int]:
    return cluster.nodes["head"].actors(b"ray::RayWorker")


def test_a_search_whose_watcher_is_lost_is_watched_again_and_stopped(
    cluster: Cluster, tmp_path: Path
) -> None:
    options = ServerOptions(root=str(tmp_path), state=tmp_path / ".service", address=cluster.url)
    launcher = Launcher(options, RunsRoot(options.root))
    config = TINY | {"training": {"epochs": 20}, "budget": {"evaluations": 1_000_000}, "workers": 1}
    first, _ = launcher.submit("far", configured(config), key="", body=b"")
    wait_for(lambda: launcher.state("far").name == "running", PATIENCE_S, "evaluations")
    with resting(workers(cluster)):
        os.kill(first.record.pid, signal.SIGKILL)
        wait_for(lambda: first.is_lost, PATIENCE_S, "the end of the watcher")
        told = Run.at(tmp_path / "far").told()
        (again,) = launcher.attach_again()
        assert again.record.doing == "attach"
        wait_for(lambda: '"started"' in again.events.read_text(), PATIENCE_S, "the new watcher")
    wait_for(lambda: '"progressed"' in again.events.read_text(), PATIENCE_S, "news of the search")
    assert launcher.state("far").name == "running"
    with resting(workers(cluster)):
        launcher.stop("far")
        wait_for(lambda: jobs("stop", tmp_path / "far"), PATIENCE_S, "the job that stops the search")
    wait_for(lambda: not again.is_alive, PATIENCE_S, "the end of the search")
    assert again.ending == "stopped"
    assert launcher.state("far").name == "stopped"
    assert Run.at(tmp_path / "far").told() >= told > 0
    assert launcher.attach_again() == []
