"""`SharedWeights`: the weights of a run as its workers reach them, wherever they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evo_nas.runs.weights import WeightKeeper

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from evo_nas.config import FitnessOptions
    from evo_nas.runs.run import Run
    from evo_nas.weights import ComponentBank, WeightStore


class SharedWeights:
    """Hands out the kept weights and the bank of a run, if its trainings begin with any.

    Args:
        run: The run.
        fitness: How candidates are scored.
        trains_long: Whether there are long trainings, each stretch of which begins with the weights of the one before.
    """

    def __init__(self, run: Run, fitness: FitnessOptions, *, trains_long: bool = False) -> None:
        self._run = run
        self._is_kept = trains_long or fitness.prunes or fitness.inheritance != "none"
        self._has_bank = fitness.inheritance == "bank"
        self._opened: list[Callable[[], None]] = []

    def here(self) -> tuple[WeightStore | None, ComponentBank | None]:
        """Returns weights and bank for workers in this process."""
        if not self._has_bank:
            return self._weights, None
        bank = self._run.open_bank()
        self._opened.append(bank.close)
        return self._weights, bank

    def on_ray(self, *, is_cluster: bool) -> tuple[WeightStore | None, ComponentBank | None]:
        """Returns weights and bank for workers of the Ray that runs, on this machine or in a cluster."""
        from evo_nas.execution.ray_weights import RayBank, RayWeights  # noqa: PLC0415 - other runs need no Ray

        weights, bank = self._weights, None
        if weights is not None and is_cluster:
            # Only the head's machine is sure to reach the place of the run.
            weights = served = RayWeights(weights)
            self._opened.append(served.close)
        if self._has_bank:
            bank = RayBank(self._run.open_bank())
            self._opened.append(bank.close)
        return weights, bank

    def keeper(self, wanted: Callable[[], Collection[str]]) -> WeightKeeper | None:
        """Returns what removes weights that nothing wants, knowing what is kept already; None if nothing is kept."""
        if not self._is_kept:
            return None
        keeper = WeightKeeper(self._run.weights, wanted)
        keeper.look()
        return keeper

    def close(self) -> None:
        """Ends what was handed out; call it while the workers' Ray still runs."""
        while self._opened:
            self._opened.pop()()

    @property
    def _weights(self) -> WeightStore | None:
        return self._run.weights if self._is_kept else None
