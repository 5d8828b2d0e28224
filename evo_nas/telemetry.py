"""What a running search tells machines: log lines with ids, and scalars for TensorBoard."""

from __future__ import annotations

import json
import logging
import time
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    import os

    from evo_nas.loop import Progress

FIELDS = ("candidates", "worker", "node", "attempt")
"""Attributes of a log record that are written where it has them."""


class JsonFormatter(logging.Formatter):
    """Writes a record as one JSON object on one line.

    Args:
        run: Of which run every record is.
    """

    def __init__(self, run: str) -> None:
        super().__init__()
        self._run = run

    def format(self, record: logging.LogRecord) -> str:
        """Returns time, level, logger, message, run and those of `FIELDS` that the record has."""
        fields = {
            "time": f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(record.created))}.{record.msecs:03.0f}Z",
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            "run": self._run,
        }
        fields |= {name: getattr(record, name) for name in FIELDS if hasattr(record, name)}
        if record.exc_info:
            fields["exception"] = self.formatException(record.exc_info)
        return json.dumps(fields, default=str)


def log_as_json(run: str) -> None:
    """Sends what evo-nas logs in this process to standard error as JSON lines that name ``run``."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter(run))
    logger = logging.getLogger("evo_nas")
    logger.handlers[:] = [handler]
    logger.setLevel(logging.INFO)
    logger.propagate = False


class TensorBoard:
    """A listener that writes the search's scalars, by evaluations told, as TensorBoard reads them.

    Args:
        directory: Where; one directory a run.
    """

    def __init__(self, directory: str | os.PathLike[str]) -> None:
        from tensorboardX import SummaryWriter  # noqa: PLC0415 - an option

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
