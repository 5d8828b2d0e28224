"""Scalars of a search in files that TensorBoard reads."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from evo_nas.cli.tensorboard import TensorBoard
from evo_nas.sessions.events import Progressed


def test_tensorboard_gets_a_file_of_scalars(progress: Callable[..., Progressed], tmp_path: Path) -> None:
    with TensorBoard(tmp_path) as board:
        board(progress())
    (events,) = tmp_path.glob("events.out.tfevents.*")
    content = events.read_bytes()
    for name in (b"fitness/best", b"fitness/mean", b"status/diverged", b"workers/busy"):
        assert name in content
    assert b"fitness/size" not in content
