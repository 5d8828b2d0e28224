"""What a search tells machines."""

from __future__ import annotations

import json
import logging
import sys
from pathlib import Path

from evo_nas.evaluation import Candidate, Evaluation, Outcome, Status
from evo_nas.execution.executor import Occupancy
from evo_nas.loop import Budget, Progress
from evo_nas.telemetry import JsonFormatter, TensorBoard

BEST = Evaluation(
    Candidate(7, (1,), "c0ffee", (), "random", 0, budget=1, asked_after=0), Outcome(Status.OK, fitness=0.5)
)
PROGRESS = Progress(
    told=12,
    told_at_start=2,
    asked=16,
    budget=Budget(100),
    by_status={Status.OK: 11, Status.DIVERGED: 1},
    best=BEST,
    fitness={"size": 10.0, "mean": 0.25},
    occupancy=Occupancy(workers=4, busy=3, in_flight=4),
    elapsed_s=60.0,
    finished=False,
    interrupted=False,
)


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


def test_tensorboard_gets_a_file_of_scalars(tmp_path: Path) -> None:
    with TensorBoard(tmp_path) as board:
        board(PROGRESS)
    (events,) = tmp_path.glob("events.out.tfevents.*")
    content = events.read_bytes()
    for name in (b"fitness/best", b"fitness/mean", b"status/diverged", b"workers/busy"):
        assert name in content
    assert b"fitness/size" not in content
