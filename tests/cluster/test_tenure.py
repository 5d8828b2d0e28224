"""What a manager is told that Ray restarts while it is being stopped."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from evo_nas.cluster.manager import Report, Stage
from evo_nas.cluster.tenure import Tenure


class Restarted(Tenure):
    """A manager that dies while it drains; each of its lives knows only what it was told itself."""

    def __init__(self) -> None:
        super().__init__("/shared/runs/a", handle=None)
        self.stops: list[tuple[float, float]] = []
        self._lives = self._live_twice()

    def _live_twice(self) -> Iterator[Report]:
        yield Report(1, 1.0, Stage.SEARCHING)
        yield Report(2, 1.0, Stage.SEARCHING)
        for version in range(100):
            stopped = 2.0 in dict(self.stops)
            yield Report(version, 2.0, Stage.STOPPED if stopped else Stage.SEARCHING)

    def _ask(self, method: str, *arguments: Any) -> Any:
        if method == "stop":
            self.stops.append((self._latest.life, *arguments))
            return None
        self._latest = next(self._lives)
        return self._latest

    def _remove(self) -> None:
        pass


def test_every_life_of_a_manager_that_is_stopped_is_told_so_with_the_time_that_is_left() -> None:
    manager = Restarted()
    assert manager.end(drain_s=30.0).stage is Stage.STOPPED
    assert [life for life, _ in manager.stops] == [1.0, 2.0]
    assert 30.0 >= manager.stops[0][1] >= manager.stops[1][1] > 0.0
