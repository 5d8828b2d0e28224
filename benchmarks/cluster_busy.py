"""How much of their time the workers of a cluster train, and what becomes of the rest.

    python -m benchmarks.cluster_busy [--evaluations 240] [--real]

Three nodes with two workers each, as separate processes of this machine. By default a candidate sleeps for half
a second to one and a half, so that the machine's cores do not limit anything; with ``--real`` it is an epoch of
training on the digits, about a second where the six workers share two cores.
"""

from __future__ import annotations

import argparse
import os
import random
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from benchmarks.table import load, machine
from benchmarks.wiring import SPACE, search_on
from evo_nas.cluster.connection import connected
from evo_nas.config import TrainingConfig, configured
from evo_nas.evaluation import Candidate, Outcome, Status
from evo_nas.execution.ray_pool import RayOptions, RayPool
from evo_nas.experiment import Experiment
from evo_nas.training.evaluator import EvaluatorFactory
from tests.cluster.harness import Cluster

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evo_nas.execution.worker import Evaluator, MakeEvaluator

NODES, WORKERS_A_NODE = 3, 2


@dataclass(frozen=True)
class About:
    """Takes about a second, differently for each candidate."""

    def __call__(self, candidate: Candidate) -> Outcome:
        """Sleeps and scores by the hash."""
        time.sleep(random.Random(candidate.seed).uniform(0.5, 1.5))
        return Outcome(Status.OK, fitness=int(candidate.canonical_hash[:8], 16) / 16**8)


@dataclass(frozen=True)
class Trainings:
    """Builds an evaluator that trains for one epoch, which takes about a second where three share a core."""

    factory: EvaluatorFactory

    def __call__(self) -> Evaluator:
        """Loads everything."""
        evaluator = self.factory()
        return lambda candidate: evaluator(replace(candidate, budget=1))


def trainings() -> MakeEvaluator:
    """Real trainings on the digits."""
    dataset = Experiment.of(configured({"name": "busy", "task": {"kind": "digits"}})).dataset
    assert dataset.signature == SPACE.signature, "the benchmark's space is not that of the digits"
    return Trainings(EvaluatorFactory(SPACE, dataset, TrainingConfig()))


def measure(factory: MakeEvaluator, evaluations: int) -> tuple[Mapping[str, float], float]:
    """Returns the seconds of all workers by activity, once all are ready, and the wall seconds."""
    workers = NODES * WORKERS_A_NODE
    options = RayOptions(workers=workers, startup_timeout_s=None)
    with RayPool(factory, options) as pool, search_on(pool, evaluations=evaluations) as search:
        while pool.occupancy().workers < workers:
            search.step()
        before, began, last = pool.occupancy().seconds, time.monotonic(), None
        while search.progress().told < evaluations - 2 * workers:
            search.step()
            last = pool.occupancy().seconds
        assert last is not None
        return {name: last[name] - before[name] for name in last}, time.monotonic() - began


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--evaluations", type=int, default=240)
    parser.add_argument("--real", action="store_true")
    options = parser.parse_args()
    with Cluster() as cluster:
        cluster.start_head()
        nodes = [cluster.start_worker(f"node{i}", cpus=WORKERS_A_NODE) for i in range(NODES)]
        for node in nodes:
            node.await_started()
        os.environ.update({name: value for name, value in cluster.env.items() if name.startswith("RAY_")})
        with connected(cluster.gcs):
            seconds, wall_s = measure(trainings() if options.real else About, options.evaluations)
    total = sum(seconds.values())
    print(machine(), "load", load())
    each_s = seconds["working"] / (options.evaluations - 2 * NODES * WORKERS_A_NODE)
    print(
        f"{options.evaluations} evaluations of about {each_s:.1f} s, {wall_s:.1f} s in all, {NODES} nodes x "
        f"{WORKERS_A_NODE} workers"
    )
    print(f"busy share {seconds['working'] / total:.1%}")
    for activity, spent in seconds.items():
        print(f"  {activity:<10} {spent:8.2f} s  {spent / total:6.2%}")


if __name__ == "__main__":
    main()
