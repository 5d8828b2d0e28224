"""Scalars of a search in files that TensorBoard reads."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from evo_nas.cli.tensorboard import TensorBoard
from evo_nas.sessions.events import Progressed
from tests.cli.conftest import BEST


def test_tensorboard_gets_a_file_of_scalars(progress: Callable[..., Progressed], tmp_path: Path) -> None:
    with TensorBoard(tmp_path) as board:
        board(progress())
    (events,) = tmp_path.glob("events.out.tfevents.*")
    content = events.read_bytes()
    for name in (b"fitness/best", b"fitness/mean", b"status/diverged", b"workers/busy"):
        assert name in content
    assert b"fitness/size" not in content


def test_a_best_score_at_a_rung_has_a_line_of_its_own(
    progress: Callable[..., Progressed], tmp_path: Path
) -> None:
    with TensorBoard(tmp_path) as board:
        board(progress(best=replace(BEST, epochs=6, budget=18)))
    (events,) = tmp_path.glob("events.out.tfevents.*")
    # TensorBoard's writer cleans names.
    assert re.search(rb"fitness/best.at.6.epochs", events.read_bytes())
