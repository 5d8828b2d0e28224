"""Log lines for machines: one JSON object each, with the ids of run, worker and candidates."""

from __future__ import annotations

import json
import logging
import time

FIELDS = ("candidates", "worker", "node", "attempt")
"""Optional attributes of a log record that are written if present."""


class JsonFormatter(logging.Formatter):
    """Writes a record as one JSON object on one line.

    Args:
        run: Name of the run; every line carries it.
    """

    def __init__(self, run: str) -> None:
        super().__init__()
        self._run = run

    def format(self, record: logging.LogRecord) -> str:
        """Returns one line with time, level, logger, message, run and those of `FIELDS` that the record has."""
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
        # An attribute of a record may have a type that JSON lacks.
        return json.dumps(fields, default=str)


def log_as_json(run: str) -> None:
    """Makes evo-nas log to standard error in this process, as JSON lines that name ``run``."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter(run))
    logger = logging.getLogger("evo_nas")
    # Replaced, not added: a second search in the same process would print every line twice.
    logger.handlers[:] = [handler]
    logger.setLevel(logging.INFO)
    # A handler of the root logger would print the same record once more as text.
    logger.propagate = False
