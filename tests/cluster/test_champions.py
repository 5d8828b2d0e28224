"""The commands that train for the champion of a run, as jobs of a cluster: one is killed midway, and goes on."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from evo_nas.champion.verdict import stored_verdict
from evo_nas.runs import Run
from tests.cluster.harness import BIN, Cluster, jobs, wait_for

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="finds processes through /proc"),
]
PATIENCE_S = 240.0
CONFIG = """
name: judged
seed: 3
task: {kind: parity, length: 12, train: 96, validation: 48, test: 48}
space: {layers: {min: 1, max: 1}, widths: [4, 8], batch_sizes: [64], heads: [0]}
strategy: {kind: aging, population: 6, tournament: 2, warmup: 4}
training: {epochs: 2, device: cpu}
budget: {evaluations: 6}
workers: 1
"""
CHAMPION = ["--finalists=2", "--cuts=1", "--trials=2", "--seeds=2", "--most-seeds=2", "--opponents=lstm"]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """A single machine, which is the head and trains."""
    with Cluster() as cluster:
        cluster.start_head(cpus=1)
        yield cluster


@pytest.fixture(scope="module")
def run(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that was searched on this machine, without a verdict."""
    folder = tmp_path_factory.mktemp("judged")
    (folder / "judged.yaml").write_text(CONFIG)
    cluster.evo_nas("search", folder / "judged.yaml", "--run", folder / "run", "--inline", "--no-verdict")
    return folder / "run"


def sent(cluster: Cluster, name: str, run: Path, *options: str) -> dict[str, Any]:
    """Gives a command as a person would who is not part of the cluster, and returns the last object that it prints."""
    done = cluster.evo_nas(name, run, *options, "--address", cluster.url, "--json")
    return dict(json.loads(done.stdout.splitlines()[-1]))


def trainings(run: Path) -> dict[str, int]:
    """The trainings that a run keeps, with the times when they were written."""
    return {path.name: path.stat().st_mtime_ns for path in (run / "champion/trainings").glob("*.json")}


def test_finalists_are_judged_in_a_cluster(cluster: Cluster, run: Path) -> None:
    judged = sent(cluster, "finalists", run, "--judge", "--count=2", "--trainings=1")
    assert len(judged["finalists"]) == 2
    assert trainings(run)


def test_a_champion_whose_job_is_killed_goes_on_with_the_same_command(
    cluster: Cluster, run: Path, tmp_path: Path
) -> None:
    here = Path(shutil.copytree(run, tmp_path / "here"))
    judged = trainings(run)
    asked = [BIN / "evo-nas", "champion", run, *CHAMPION, "--address", cluster.url]
    with subprocess.Popen(
        asked, env=cluster.env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as follower:
        wait_for(
            lambda: trainings(run).keys() > judged.keys(), PATIENCE_S, "the first training of the contest"
        )
        (driver,) = jobs("champion", run)
        os.kill(driver, signal.SIGKILL)
        told = follower.communicate(timeout=PATIENCE_S)[0].decode()
    assert follower.returncode not in (0, None)
    assert "give the same command again" in told
    assert stored_verdict(Run.at(run)) is None
    kept = trainings(run)
    assert sent(cluster, "champion", run, *CHAMPION)["event"] == "judged"
    # What was made before the kill was not made again, and where the rest was made makes no difference.
    assert trainings(run).items() >= kept.items()
    cluster.evo_nas("champion", here, *CHAMPION, "--inline")
    there, at_home = (stored_verdict(Run.at(place)) for place in (run, here))
    assert there is not None
    assert at_home is not None
    assert there.champion.test == at_home.champion.test
    assert [each.validation for each in there.contestants] == [
        each.validation for each in at_home.contestants
    ]


def test_a_network_is_tuned_in_a_cluster_and_its_trials_are_kept(cluster: Cluster, run: Path) -> None:
    tuned = sent(cluster, "tune", run, "--trials=2", "--searcher=random")
    assert len(tuned["trials"]) == 2
    kept = list((run / "tuning").rglob("trials/*.json"))
    assert len(kept) == 2
