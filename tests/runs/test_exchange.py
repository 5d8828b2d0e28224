"""Positions of results are counted over those that are there, also where some were lost."""

from __future__ import annotations

from pathlib import Path

from evo_nas.runs import Run
from evo_nas.runs.exchange import _place
from tests.views.test_digest import write


def test_a_position_is_that_of_a_row_where_evaluations_were_lost(tmp_path: Path) -> None:
    write(tmp_path / "run", 28, kind="plain", rows=7)
    segments = sorted((tmp_path / "run" / "segments").iterdir())
    for segment in (segments[0], segments[2]):
        segment.unlink()
    run = Run.at(tmp_path / "run")
    with run.open_ledger(run.config, accept_data_loss=True, describe=lambda _: "{}"):
        pass
    run = Run.at(tmp_path / "run")
    assert run.lost() == ((0, 6), (14, 20))
    assert [_place(position, run.lost()) for position in range(14)] == run.table()["seq"].to_pylist()
