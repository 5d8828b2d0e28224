"""A whole search for a benchmark: aging evolution on the default space over a durable ledger on the local disk."""

from __future__ import annotations

import tempfile
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.table import load, peak_mib
from evo_nas.budgets import Budget
from evo_nas.genome.architecture import Signature
from evo_nas.genome.options import SpaceOptions
from evo_nas.genome.space import SearchSpace
from evo_nas.ledger import BackgroundCommitter, Ledger, RunRecord
from evo_nas.loop import Search
from evo_nas.strategies.aging import AgingEvolution

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evo_nas.execution.executor import Executor
    from evo_nas.genome.gene import Genome
    from evo_nas.progress import Progress

EPOCHS = 4
SPACE = SearchSpace(SpaceOptions(), Signature(features=8, outputs=10), EPOCHS)


def strategy() -> AgingEvolution:
    return AgingEvolution(SPACE, seed=1, epochs=EPOCHS)


def describe(genome: Genome) -> str:
    return SPACE.to_json(genome)


@contextmanager
def search_on(executor: Executor, *, evaluations: int, beside: bool = False) -> Iterator[Search]:
    """Yields a search whose run is in a directory that is removed afterwards.

    Args:
        executor: Where candidates are trained.
        evaluations: The budget.
        beside: Whether commits are made beside the loop, as for real workers.
    """
    with tempfile.TemporaryDirectory(dir=".", prefix=".benchmark-") as folder, ExitStack() as stack:
        record = RunRecord.new("benchmark", seed=1, config={})
        ledger = stack.enter_context(Ledger.create(Path(folder) / "run", record, describe=describe))
        committer = stack.enter_context(BackgroundCommitter(ledger)) if beside else None
        yield Search.resumed(strategy(), executor, ledger, budget=Budget(evaluations), committer=committer)


@dataclass(frozen=True)
class Mark:
    """Where a search and its process stood at a moment."""

    told: int
    wall_s: float
    cpu_s: float
    peak_mib: float
    load: str

    @classmethod
    def now(cls, told: int) -> Mark:
        """Marks this moment, when ``told`` evaluations have been told."""
        return cls(told, time.perf_counter(), time.process_time(), peak_mib(), load())

    def rate(self, since: Mark) -> float:
        """Returns evaluations per second of wall time."""
        return (self.told - since.told) / (self.wall_s - since.wall_s)

    def cpu_us(self, since: Mark) -> float:
        """Returns the head's CPU microseconds per evaluation, all threads of its process together."""
        return 1e6 * (self.cpu_s - since.cpu_s) / (self.told - since.told)


@dataclass
class Stopwatch:
    """Listens to a search and marks the start and every ``step`` evaluations."""

    step: int
    marks: list[Mark] = field(default_factory=lambda: [Mark.now(0)])

    def __call__(self, progress: Progress) -> None:
        """Marks this moment if it is time to."""
        if progress.told >= self.step * len(self.marks):
            self.marks.append(Mark.now(progress.told))
