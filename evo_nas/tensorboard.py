"""The scalars of a running search for TensorBoard."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    import os

    from evo_nas.loop import Progress


class TensorBoard:
    """A listener that writes the search's scalars, by evaluations told, as TensorBoard reads them.

    Args:
        directory: Where the files go; one directory for each run.
    """

    def __init__(self, directory: str | os.PathLike[str]) -> None:
        from tensorboardX import SummaryWriter  # noqa: PLC0415 - slow to import, and only an option

        self._writer = SummaryWriter(str(directory))

    def __call__(self, progress: Progress) -> None:
        """Writes where the search stands."""
        scalars = {
            "evaluations/per_minute": 60 * (progress.told - progress.told_at_start) / progress.elapsed_s
            if progress.elapsed_s
            else 0.0,
            "workers/alive": progress.occupancy.workers,
            "workers/busy": progress.occupancy.busy,
            "workers/lost": progress.occupancy.lost_workers,
        }
        scalars |= {f"status/{status}": count for status, count in progress.by_status.items()}
        scalars |= {f"fitness/{name}": value for name, value in progress.fitness.items() if name != "size"}
        if progress.best is not None and progress.best.fitness is not None:
            scalars["fitness/best"] = progress.best.fitness
        for name, value in scalars.items():
            self._writer.add_scalar(name, value, progress.told)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._writer.close()
