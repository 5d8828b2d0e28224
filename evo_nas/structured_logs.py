"""Log lines for machines: one JSON object each, with the ids of run, worker and candidates."""

from __future__ import annotations

import json
import logging
import time

FIELDS = ("candidates", "worker", "node", "attempt")
"""Attributes of a log record that are written if it has them."""


class JsonFormatter(logging.Formatter):
    """Writes a record as one JSON object on one line.

    Args:
        run: Name of the run, written in every line.
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
