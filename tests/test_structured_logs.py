"""Log lines for machines."""

from __future__ import annotations

import json
import logging
import sys

from evo_nas.structured_logs import JsonFormatter


def formatted(**extra: object) -> dict[str, object]:
    logger = logging.getLogger("evo_nas.test")
    record = logger.makeRecord(
        logger.name, logging.WARNING, __file__, 1, "%s is replaced", ("worker-3",), None, extra=extra
    )
    return dict(json.loads(JsonFormatter("/shared/run").format(record)))


def test_a_log_line_names_the_run_and_the_candidates() -> None:
    line = formatted(worker="worker-3", candidates=[4, 5])
    assert line.pop("time")
    assert line == {
        "level": "WARNING",
        "logger": "evo_nas.test",
        "message": "worker-3 is replaced",
        "run": "/shared/run",
        "worker": "worker-3",
        "candidates": [4, 5],
    }


def test_an_error_stays_on_one_line() -> None:
    try:
        raise ZeroDivisionError("half a divisor")
    except ZeroDivisionError:
        record = logging.LogRecord("a", logging.ERROR, __file__, 1, "failed", (), sys.exc_info())
    text = JsonFormatter("/run").format(record)
    assert "\n" not in text
    assert "half a divisor" in json.loads(text)["exception"]
