"""A small search that is submitted to a cluster, and what must hold of it at any moment."""

from __future__ import annotations

import math
import re
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from evo_nas.evaluation import Evaluation
from evo_nas.ledger import LocalStore
from evo_nas.runs import Run
from tests.checker import check_run
from tests.cluster.harness import Cluster

CONFIG = """
name: clustered
seed: 3
task: {{kind: forecast, path: {data}, targets: [y], window: 8, horizon: 1}}
space: {{widths: [4, 8], batch_sizes: [32], cell_nodes: 8}}
strategy: {{kind: aging, population: 20, tournament: 5, warmup: 5}}
training: {{epochs: {epochs}, time_limit_s: 20}}
budget: {{evaluations: {budget}}}
verdict: {{finalists: 1, cuts: 1, trials: 1, seeds: 1, most_seeds: 1, opponents: [lstm]}}
workers: {{min: 1, max: {workers}}}
"""
LAST_ROW = re.compile(r"-s\d+-(\d+)-")
"""In the name of a file with committed evaluations."""


class Elsewhere(LocalStore):
    """A directory as a machine sees it whose locks nobody else does."""

    def lock(self) -> None:
        """Locks nothing."""


@dataclass
class ClusterSearch:
    """One run, wherever it is searched.

    Attributes:
        folder: Where its files are.
        acknowledged: Evaluations that were seen committed; they must never be missing again.
    """

    folder: Path
    budget: int = 100_000
    epochs: int = 12
    workers: int = 2
    acknowledged: dict[int, Evaluation] = field(default_factory=dict)

    def __post_init__(self) -> None:
        rows = [f"{math.sin(step / 5):.4f},{math.cos(step / 9):.4f}" for step in range(600)]
        data = self.folder / "waves.csv"
        data.write_text("x,y\n" + "\n".join(rows) + "\n")
        self.config = self.folder / "clustered.yaml"
        text = CONFIG.format(data=data, epochs=self.epochs, budget=self.budget, workers=self.workers)
        self.config.write_text(text)
        self.run = self.folder / "run"

    def submit(self, cluster: Cluster, *options: str) -> subprocess.CompletedProcess[str]:
        """Submits the search, which is under way when this returns."""
        return cluster.evo_nas(
            "submit", self.config, "--address", cluster.url, "--run", self.run, *options, check=False
        )

    def told(self) -> int:
        """How many evaluations are committed now; they are remembered."""
        if Run.at(self.run).exists:
            for evaluation in Run.at(self.run).history().told:
                self.acknowledged.setdefault(evaluation.candidate.id, evaluation)
        return len(self.acknowledged)

    def committed(self) -> int:
        """How many evaluations were committed, by the names of their files alone."""
        names = [path.name for path in self.run.glob("segments/*.parquet")]
        return max((int(found[1]) + 1 for found in map(LAST_ROW.search, names) if found), default=0)

    def await_more(self, count: int, *, timeout_s: float = 240.0) -> float:
        """Waits for ``count`` more evaluations and returns how many seconds the first of them took."""
        began, before, first_s = time.monotonic(), self.committed(), 0.0
        # Only names are looked at: reading all rows five times a second would take half a core from the search.
        while (now := self.committed()) < before + count:
            first_s = first_s or (time.monotonic() - began) * (now > before)
            assert time.monotonic() - began < timeout_s, f"{now - before} of {count} in {timeout_s:g} s"
            time.sleep(0.1)
        self.told()
        return first_s or time.monotonic() - began

    def violations(self, *, budget: int | None = None, complete: bool = False) -> list[str]:
        """What does not hold of the run; ``evo-nas verify`` derives its genomes beside that."""
        self.told()
        return check_run(self.run, acknowledged=self.acknowledged, budget=budget, complete=complete)
