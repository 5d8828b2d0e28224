"""Breaks a real cluster at random for a while and counts what a search on it has lost.

    python -m benchmarks.faults --seconds 600 --seed 1

Three nodes run as separate processes of this machine. Recovery is the time from a fault until as many workers
as before are there again and one more evaluation is committed.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import statistics
import tempfile
import time
from collections import Counter, defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.table import load, machine
from evo_nas.experiment import Experiment
from evo_nas.ledger import Ledger
from evo_nas.runs import Run
from evo_nas.strategies.verification import verify
from tests.cluster.harness import Cluster, Node, command, sessions, wait_for
from tests.cluster.search import ClusterSearch, Elsewhere

if TYPE_CHECKING:
    from collections.abc import Callable

WORKER, MANAGER = b"ray::RayWorker", b"ray::PopulationManager"
PATIENCE_S = 240.0
NODES = 2


class Campaign:
    """A search, the cluster it lives in at the moment, and what can happen to it."""

    def __init__(self, folder: Path, seed: int, workers: int) -> None:
        self.search = ClusterSearch(folder, workers=workers)
        self._rng = random.Random(seed)
        self._started = 0
        self._cluster = self._new_cluster()
        self.faults: dict[str, Callable[[], None]] = {
            "worker killed": self._kill_worker,
            "raylet killed": self._kill_raylet,
            "node frozen, later continued": self._freeze_node,
            "manager killed": self._kill_manager,
            "driver killed": self._kill_driver,
            "another writer": self._intrude,
            "cluster killed": self._kill_cluster,
        }

    def strike(self, fault: str) -> float:
        """Injects a fault and returns the seconds until the search had recovered."""
        began = time.monotonic()
        self.faults[fault]()
        wait_for(lambda: len(self._workers()) >= self.search.workers, PATIENCE_S, "all workers")
        self.search.await_more(1, timeout_s=PATIENCE_S)
        return time.monotonic() - began

    def finish(self) -> int:
        """Lets the search end with a few more evaluations and returns its budget."""
        budget = self.search.told() + 50
        done = self.search.submit(self._cluster, "--set", f"budget.evaluations={budget}")
        assert done.returncode == 0, done.stderr
        self._cluster.evo_nas("attach", self.search.run, "--address", self._cluster.url)
        return budget

    def close(self) -> None:
        """Ends the cluster."""
        self._cluster.__exit__()

    def _new_cluster(self) -> Cluster:
        cluster = Cluster().__enter__()
        cluster.start_head()
        self._cluster = cluster
        for _ in range(NODES):
            self._new_node()
        self._submit()
        return cluster

    def _new_node(self) -> None:
        self._started += 1
        cpus = -(-self.search.workers // NODES)
        self._cluster.start_worker(f"node{self._started}", cpus=cpus).await_started()

    def _submit(self) -> None:
        done = self.search.submit(self._cluster)
        assert done.returncode == 0, done.stdout + done.stderr

    def _nodes(self) -> list[Node]:
        nodes = [node for name, node in self._cluster.nodes.items() if name != "head"]
        return [node for node in nodes if node.actors(WORKER)]

    def _workers(self) -> list[int]:
        return [pid for node in self._nodes() for pid in node.actors(WORKER)]

    def _kill_worker(self) -> None:
        os.kill(self._rng.choice(self._workers()), signal.SIGKILL)

    def _kill_raylet(self) -> None:
        node = self._rng.choice(self._nodes())
        os.kill(node.raylet(), signal.SIGKILL)
        wait_for(lambda: not node.actors(WORKER), PATIENCE_S, "the end of the node")
        node.kill()
        self._new_node()

    def _freeze_node(self) -> None:
        node = self._rng.choice(self._nodes())
        frozen = [node.raylet(), *node.actors(WORKER)]
        for pid in frozen:
            os.kill(pid, signal.SIGSTOP)
        self._new_node()
        wait_for(lambda: len(self._workers()) >= self.search.workers + len(frozen) - 1, PATIENCE_S, "others")
        for pid in frozen:
            os.kill(pid, signal.SIGCONT)
        wait_for(lambda: not node.actors(WORKER), PATIENCE_S, "the end of the zombies")
        node.kill()

    def _kill_manager(self) -> None:
        (manager,) = self._cluster.nodes["head"].actors(MANAGER)
        os.kill(manager, signal.SIGKILL)
        wait_for(lambda: not command(manager), PATIENCE_S, "the end of the manager")

    def _kill_driver(self) -> None:
        wanted = {b"search.json", str(self.search.run).encode()}
        for pid, _ in sessions():
            if wanted <= set(command(pid).split(b"\0")):
                os.kill(pid, signal.SIGKILL)
        self._submit()

    def _intrude(self) -> None:
        with Ledger.open(Elsewhere(self.search.run)):
            wait_for(lambda: not self._workers(), PATIENCE_S, "the manager to give way")
        self._submit()

    def _kill_cluster(self) -> None:
        self._cluster.__exit__()
        self._new_cluster()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=300.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--faults", nargs="*", help="kinds to choose from; all by default")
    options = parser.parse_args()
    rng = random.Random(options.seed)
    recovery: dict[str, list[float]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as folder:
        campaign = Campaign(Path(folder), options.seed, options.workers)
        try:
            campaign.search.await_more(20)
            until = time.monotonic() + options.seconds
            kinds = options.faults or list(campaign.faults)
            order: list[str] = []
            while time.monotonic() < until:
                order = order or rng.sample(kinds, len(kinds))
                fault = order.pop()
                recovery[fault].append(campaign.strike(fault))
                print(f"{fault}: {recovery[fault][-1]:.1f} s, {campaign.search.told()} told", flush=True)
            budget = campaign.finish()
        finally:
            campaign.close()
        report(campaign.search, recovery, budget)


def report(search: ClusterSearch, recovery: dict[str, list[float]], budget: int) -> None:
    history = Run.at(search.run).history()
    told = [evaluation.candidate.id for evaluation in history.told]
    mismatches = verify(Experiment.of_run(Run.at(search.run)).strategy(), history.told, history.in_flight)
    summary = {
        "faults": sum(map(len, recovery.values())),
        "acknowledged": len(search.acknowledged),
        "lost": len(search.acknowledged.keys() - set(told)),
        "duplicated": sum(count - 1 for count in Counter(told).values()),
        "violations": search.violations(budget=budget, complete=True),
        "genomes not derived again": len(list(mismatches)),
        "recovery_s": {
            fault: {
                "times": len(seconds),
                "median": round(statistics.median(seconds), 1),
                "worst": round(max(seconds), 1),
            }
            for fault, seconds in sorted(recovery.items())
        },
    }
    print(machine(), "load", load())
    print(json.dumps(summary, indent=1))


if __name__ == "__main__":
    main()
