"""A search that is half done, as displays are shown it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from evo_nas.cli.display import Subject
from evo_nas.cli.wording import Scale
from evo_nas.evaluation import Candidate, Evaluation, Outcome, Status
from evo_nas.execution.executor import Occupancy
from evo_nas.loop import Budget, Progress

BEST = Evaluation(
    Candidate(57, (1, 2, 3), "c0ffee", (31,), "mutation", seed=1, budget=8, asked_after=50),
    Outcome(Status.OK, fitness=-0.25, metrics={"validation_mse": 0.25}, parameters=14_202, epochs=8),
)
HALF = Progress(
    told=60,
    told_at_start=0,
    asked=64,
    budget=Budget(120),
    by_status={Status.OK: 57, Status.DIVERGED: 3},
    best=BEST,
    fitness={"size": 50.0, "mean": -0.5, "std": 0.125, "min": -0.75, "max": -0.25},
    occupancy=Occupancy(workers=2, busy=1, in_flight=4, lost_workers=1),
    elapsed_s=30.0,
    finished=False,
    interrupted=False,
)


@pytest.fixture
def progress() -> Callable[..., Progress]:
    """Returns a progress at half time, but for what is given."""
    return lambda **changed: replace(HALF, **changed)


@pytest.fixture
def described() -> list[tuple[int, ...]]:
    """Genomes that were put into words."""
    return []


@pytest.fixture
def subject(described: list[tuple[int, ...]]) -> Subject:
    def describe(genome: tuple[int, ...]) -> str:
        described.append(genome)
        return (
            "1 layer: an evolved cell of 9 nodes, 96 wide; pooling by attention; adam at 0.007, batches of 16"
        )

    return Subject("small", Path("runs/small"), Scale("mse", higher_is_better=False), describe)
