"""A search that is half done, as displays are shown it."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import replace

import pytest

from evo_nas.config import SearchConfig
from evo_nas.evaluation import Status
from evo_nas.execution.executor import Occupancy
from evo_nas.sessions.events import Best, Event, Progressed, Started
from evo_nas.sessions.session import Session

IN_WORDS = "1 layer: an evolved cell of 9 nodes, 96 wide; pooling by attention; adam at 0.007, batches of 16"
BEST = Best(
    id=57,
    value=0.25,
    fitness=-0.25,
    parameters=14_202,
    operator="mutation",
    parents=(31,),
    canonical_hash="c0ffee",
    architecture=IN_WORDS,
)
HALF = Progressed(
    told=60,
    told_at_start=0,
    asked=64,
    evaluations=120,
    train_s=0.0,
    train_s_budget=None,
    elapsed_s=30.0,
    per_minute=120.0,
    remaining_s=30.0,
    by_status={Status.OK: 57, Status.DIVERGED: 3},
    best=BEST,
    population={"size": 50.0, "mean": -0.5, "std": 0.125, "min": -0.75, "max": -0.25},
    workers=Occupancy(workers=2, busy=1, in_flight=4, lost_workers=1),
)


class Played(Session):
    """A session that says what it is given, like a recording."""

    outlives = False

    def __init__(self, *events: Event, place: str = "runs/small", address: str | None = None) -> None:
        super().__init__(place, address=address)
        self._events = events
        self.left = False

    def start(self, config: SearchConfig) -> None:
        """Does nothing."""

    def attach(self) -> None:
        """Does nothing."""

    def events(self) -> Generator[Event, None, None]:
        yield from self._events

    def stop(self, *, drain_s: float = 0.0) -> None:
        self.left = True

    def leave(self) -> None:
        self.left = True


class PlayedElsewhere(Played):
    """One whose search goes on without it."""

    outlives = True


@pytest.fixture
def started() -> Started:
    return Started(run="runs/small", name="small", metric="mse", higher_is_better=False, told=0)


@pytest.fixture
def progress() -> Callable[..., Progressed]:
    """Returns the progress at half time, but for what is given."""
    return lambda **changed: replace(HALF, **changed)
