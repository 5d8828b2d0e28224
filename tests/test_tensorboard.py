"""Scalars of a search in files that TensorBoard reads."""

from __future__ import annotations

from pathlib import Path

from evo_nas.evaluation import Candidate, Evaluation, Outcome, Status
from evo_nas.execution.executor import Occupancy
from evo_nas.loop import Budget, Progress
from evo_nas.tensorboard import TensorBoard

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


def test_tensorboard_gets_a_file_of_scalars(tmp_path: Path) -> None:
    with TensorBoard(tmp_path) as board:
        board(PROGRESS)
    (events,) = tmp_path.glob("events.out.tfevents.*")
    content = events.read_bytes()
    for name in (b"fitness/best", b"fitness/mean", b"status/diverged", b"workers/busy"):
        assert name in content
    assert b"fitness/size" not in content
