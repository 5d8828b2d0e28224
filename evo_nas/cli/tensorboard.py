"""Writes the progress of a search for TensorBoard."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    import os

    from evo_nas.sessions.events import Progressed

FITNESS = ("mean", "std", "min", "max")


class TensorBoard:
    """Writes scalars of a search; their step is the number of told evaluations.

    Args:
        directory: The directory of this run's scalars.
    """

    def __init__(self, directory: str | os.PathLike[str]) -> None:
        from tensorboardX import SummaryWriter

        self._writer = SummaryWriter(str(directory))

    def __call__(self, event: Progressed) -> None:
        """Writes the scalars of ``event``."""
        scalars = {
            "evaluations/per_minute": event.per_minute,
            "workers/alive": event.workers.workers,
            "workers/busy": event.workers.busy,
            "workers/lost": event.workers.lost_workers,
        }
        scalars |= {f"status/{status}": count for status, count in event.by_status.items()}
        for name, value in event.population.items():
            # What a strategy tells beside the fitness of its population has another scale.
            if name != "size":
                scalars[f"fitness/{name}" if name in FITNESS else f"strategy/{name}"] = value
        if event.best is not None:
            # A score at a rung cannot be compared with those that come later, so it is no part of their line.
            scale = f" at {event.best.epochs} epochs" if event.best.is_pruned else ""
            scalars[f"fitness/best{scale}"] = event.best.fitness
        for name, value in scalars.items():
            self._writer.add_scalar(name, value, event.told)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._writer.close()
