"""Plays a search on recorded trainings, on a virtual clock and without a ledger."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from evo_nas.archive import Archive
from evo_nas.execution.simulated import SimulatedExecutor, Simulation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evo_nas.evaluation import Evaluation
    from evo_nas.replay.recording import Replayer
    from evo_nas.strategies.strategy import Strategy, StrategyOptions
    from evo_nas.strategies.trials import Trial

_FOREVER_S = 1e15


@dataclass(frozen=True, slots=True)
class Played:
    """A search that was played to its end.

    Attributes:
        told: The evaluations, in the order of telling.
        wall_s: Seconds from its start to its end, on the virtual clock.
    """

    told: Sequence[Evaluation]
    wall_s: float

    @property
    def train_s(self) -> float:
        """Seconds of training of all candidates."""
        return sum(evaluation.outcome.train_s for evaluation in self.told)

    @property
    def cpu_s(self) -> float:
        """CPU seconds of training of all candidates."""
        return sum(evaluation.outcome.cpu_s for evaluation in self.told)

    @property
    def best(self) -> Trial | None:
        """The best trial, by the rules of the archive; None if none was scored."""
        archive = Archive()
        archive.update(self.told)
        return archive.best


def play(
    strategy: Strategy[StrategyOptions],
    replayer: Replayer,
    simulation: Simulation,
    *,
    evaluations: int | None = None,
) -> Played:
    """Searches with a fresh ``strategy`` until it asks for nothing more.

    Args:
        strategy: The strategy.
        replayer: What gives the outcomes.
        simulation: The machines; faults may happen.
        evaluations: Most candidates to ask, continued and repeated trainings included; None for no limit.
    """
    executor = SimulatedExecutor(replayer, simulation, duration_s=replayer.duration_s)
    told: list[Evaluation] = []
    asked = 0
    while True:
        left = None if evaluations is None else evaluations - asked
        wanted = executor.free_slots() if left is None else min(executor.free_slots(), left)
        candidates = strategy.ask(wanted, left=left)
        asked += len(candidates)
        executor.submit(candidates)
        arrived = executor.collect(timeout_s=_FOREVER_S)
        if not arrived and asked == len(told):
            return Played(told, executor.now_s)
        strategy.tell(arrived)
        told += arrived
