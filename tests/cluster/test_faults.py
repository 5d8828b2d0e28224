"""A search submitted to a real cluster of three nodes loses everything in turn, and goes on.

`python -m benchmarks.faults` does the same at random for as long as is wanted.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from evo_nas.errors import RunError
from evo_nas.ledger import Ledger
from evo_nas.runs import Run
from tests.cluster.harness import Cluster, command, jobs, resting, sessions, wait_for
from tests.cluster.search import ClusterSearch, Elsewhere

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="finds processes through /proc"),
]
WORKER, MANAGER = b"ray::RayWorker", b"ray::PopulationManager"
PATIENCE_S = 240.0


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with Cluster() as cluster:
        cluster.start_head()
        for name in ("one", "two"):
            cluster.start_worker(name)
        yield cluster


@pytest.fixture(scope="module")
def search(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> ClusterSearch:
    """A search that was submitted before the nodes that work had joined, with one worker for each."""
    search = ClusterSearch(tmp_path_factory.mktemp("cluster"), epochs=4)
    submitted = search.submit(cluster)
    assert submitted.returncode == 0, submitted.stdout + submitted.stderr
    cluster.await_workers()
    wait_for(lambda: len(workers(cluster)) == 2, PATIENCE_S, "a worker on each node")
    search.await_more(8)
    return search


@pytest.fixture
def undisturbed(search: ClusterSearch) -> Iterator[ClusterSearch]:
    """The search before a fault; afterwards it must have gone on, and nothing be lost or wrong."""
    search.await_more(1)
    yield search
    search.await_more(4)
    assert search.violations() == []


def workers(cluster: Cluster) -> list[int]:
    return [pid for node in cluster.nodes.values() for pid in node.actors(WORKER)]


def manager(cluster: Cluster) -> int:
    (pid,) = cluster.nodes["head"].actors(MANAGER)
    return pid


def test_a_killed_worker_is_replaced(cluster: Cluster, undisturbed: ClusterSearch) -> None:
    victim = workers(cluster)[0]
    os.kill(victim, signal.SIGKILL)
    wait_for(lambda: len(set(workers(cluster)) - {victim}) == 2, PATIENCE_S, "a new worker")


def test_a_node_whose_raylet_is_killed_is_survived_and_replaced(
    cluster: Cluster, undisturbed: ClusterSearch
) -> None:
    lost = cluster.nodes["two"]
    os.kill(lost.raylet(), signal.SIGKILL)
    wait_for(lambda: not lost.actors(WORKER), PATIENCE_S, "the worker to end with its node")
    cluster.start_worker("three")
    undisturbed.await_more(2)
    lost.kill()
    del cluster.nodes["two"]
    cluster.await_workers()
    wait_for(lambda: cluster.nodes["three"].actors(WORKER), PATIENCE_S, "a worker on the new node")


def test_what_a_node_sends_after_it_was_given_up_does_not_count(
    cluster: Cluster, undisturbed: ClusterSearch
) -> None:
    frozen, lost_before = cluster.nodes["one"], lost_workers(cluster, undisturbed)
    zombies = [frozen.raylet(), *frozen.actors(WORKER)]
    for pid in zombies:
        os.kill(pid, signal.SIGSTOP)
    with resting(cluster.nodes["three"].actors(WORKER)):
        wait_for(
            lambda: lost_workers(cluster, undisturbed) > lost_before,
            PATIENCE_S,
            "the node to be given up",
            every_s=2.0,
        )
    undisturbed.await_more(2)
    for pid in zombies:
        os.kill(pid, signal.SIGCONT)
    wait_for(lambda: not frozen.actors(WORKER), PATIENCE_S, "the zombie to end")
    frozen.kill()


def lost_workers(cluster: Cluster, search: ClusterSearch) -> int:
    """How many workers its manager says to have lost."""
    return int(cluster.status(search.run)["progress"]["workers"]["lost_workers"])


def test_a_killed_manager_comes_back_and_goes_on(cluster: Cluster, undisturbed: ClusterSearch) -> None:
    before = manager(cluster)
    os.kill(before, signal.SIGKILL)
    wait_for(lambda: cluster.nodes["head"].actors(MANAGER) not in ([], [before]), PATIENCE_S, "the manager")


def test_a_search_outlives_its_job_and_whoever_submits_again_finds_it(
    cluster: Cluster, undisturbed: ClusterSearch
) -> None:
    before, run = manager(cluster), str(undisturbed.run).encode()
    (driver,) = (pid for pid, _ in sessions() if {b"search.json", run} <= set(command(pid).split(b"\0")))
    os.kill(driver, signal.SIGKILL)
    undisturbed.await_more(2)
    with resting(workers(cluster)):
        assert undisturbed.submit(cluster).returncode == 0
    assert manager(cluster) == before


def test_a_stopped_search_finishes_what_it_trains_and_goes_on(
    cluster: Cluster, undisturbed: ClusterSearch
) -> None:
    before = manager(cluster)
    with ThreadPoolExecutor() as pool:
        with resting(workers(cluster)):
            stop = pool.submit(cluster.evo_nas, "stop", undisturbed.run, "--address", cluster.url)
            wait_for(lambda: jobs("stop", undisturbed.run), PATIENCE_S, "the job that stops the search")
        stopped = stop.result().stdout
    assert f"{undisturbed.run} is stopped: " in stopped
    assert f"evo-nas resume {undisturbed.run}" in stopped
    wait_for(lambda: not workers(cluster) and not command(before), PATIENCE_S, "manager and workers to end")
    assert f"{undisturbed.told():,} of " in stopped
    assert not Run.at(undisturbed.run).history().in_flight
    nobody = cluster.evo_nas("stop", undisturbed.run, "--address", cluster.gcs, check=False)
    assert nobody.returncode == 2
    assert "nothing searches" in nobody.stderr
    assert undisturbed.submit(cluster).returncode == 0


def test_what_the_cluster_lacks_is_refused(cluster: Cluster, search: ClusterSearch) -> None:
    def refusal(*options: str) -> str:
        submitted = cluster.evo_nas("submit", search.config, "--address", cluster.url, *options, check=False)
        assert submitted.returncode == 2
        return submitted.stderr

    assert "run is runs/a; must be an absolute path" in refusal("--run", "runs/a")
    elsewhere = str(search.run.with_name("other"))
    with resting(workers(cluster)):
        missing = refusal("--run", elsewhere, "--set", "task.path=/nowhere/waves.csv")
        changed = refusal("--run", str(search.run), "--set", "seed=4")
    assert "/nowhere/waves.csv cannot be read on the head node" in missing
    assert "budget" not in missing
    assert "Only budget, fitness.memory, verdict and workers may change" in changed
    assert "seed: was 3, is 4" in changed


def test_of_two_managers_of_one_run_the_later_one_wins(cluster: Cluster, search: ClusterSearch) -> None:
    with pytest.raises(RunError, match="another process is searching this run"):
        Ledger.open(search.run)
    with Ledger.open(Elsewhere(search.run)):
        told = search.told()
        wait_for(lambda: has_given_way(cluster, search), PATIENCE_S, "the first manager to give way")
        assert search.told() == told
    assert search.submit(cluster).returncode == 0
    search.await_more(4)
    assert search.violations() == []


def has_given_way(cluster: Cluster, search: ClusterSearch) -> bool:
    return not workers(cluster) and cluster.status(search.run)["status"] == "FAILED"


def test_a_new_cluster_finishes_what_a_lost_one_began(cluster: Cluster, search: ClusterSearch) -> None:
    cluster.lose()
    told = search.told()
    with Cluster() as other:
        other.start_head(cpus=1)
        budget = told + 8
        assert search.submit(other, "--set", f"budget.evaluations={budget}").returncode == 0
        finished = other.evo_nas("attach", search.run, "--address", other.url, check=False)
        assert finished.returncode == 0, finished.stderr
        assert "verdict" in finished.stdout
        assert search.violations(budget=budget, complete=True) == []
        assert "is verified" in other.evo_nas("verify", search.run).stdout
        again = search.submit(other, "--set", f"budget.evaluations={budget}")
        assert f"{search.run} is complete" in again.stdout
