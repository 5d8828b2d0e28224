"""Progress that was printed as JSON elsewhere is shown as it was there."""

from __future__ import annotations

import io
import json

from rich.console import Console

from evo_nas.cli.display import JsonDisplay, LineDisplay, Subject
from evo_nas.cli.live import LiveDisplay
from evo_nas.cli.replayed import progress_of
from evo_nas.execution.executor import Occupancy


def printed(kind, subject: Subject, progress) -> str:
    console = Console(file=io.StringIO(), width=100, force_terminal=False)
    with kind(subject, console) as display:
        display(progress)
    return console.file.getvalue()


def test_displays_show_a_replayed_progress_as_the_original(subject: Subject, progress) -> None:
    original = progress(
        occupancy=Occupancy(workers=2, busy=1, in_flight=4, lost_workers=1, waiting=3, obstacle="no room"),
        asked=64,
    )
    replayed = progress_of(json.loads(printed(JsonDisplay, subject, original)))
    assert printed(LineDisplay, subject, replayed) == printed(LineDisplay, subject, original)
    assert "3 wait: no room" in printed(LineDisplay, subject, replayed)
    live = printed(LiveDisplay, subject, replayed)
    assert "#57 (mutation of #31)" in live
    assert "2 busy" in live


def test_nothing_scored_yet_is_replayed_too(subject: Subject, progress) -> None:
    original = progress(best=None, told=0)
    replayed = progress_of(json.loads(printed(JsonDisplay, subject, original)))
    assert replayed.best is None
    assert printed(LineDisplay, subject, replayed) == printed(LineDisplay, subject, original)
