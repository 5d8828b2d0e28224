"""Files of events stay small, and whoever comes back to one misses nothing that has not been superseded."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from evo_nas.server import event_compaction, event_files
from evo_nas.server.event_compaction import Compactor
from evo_nas.server.launcher import Order
from evo_nas.server.options import Limits
from evo_nas.server.streams import Streams
from evo_nas.server.tails import Seen
from tests.server.launching import ScriptLauncher, Sent, events_in, wait_until

KEPT, MOST = 40_000, 100_000
PADDING = "." * 200


@pytest.fixture
def launcher(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ScriptLauncher:
    monkeypatch.setattr(event_compaction, "KEPT_BYTES", KEPT)
    monkeypatch.setattr(event_compaction, "MOST_BYTES", MOST)
    monkeypatch.setattr(event_files, "CHUNK", 10_000)
    return ScriptLauncher(tmp_path, "while [ ! -e end ]; do sleep 0.02; done")


def progress(first: int, last: int) -> list[str]:
    """So many lines as a search prints; what is no event is among them, and so is an event of another kind."""
    lines = []
    for number in range(first, last):
        lines.append(json.dumps({"event": "progressed", "told": number, "by": PADDING}) + "\n")
        if number == 333:
            lines += ["(raylet) a node has died\n", json.dumps({"event": "planned", "told": number}) + "\n"]
    return lines


def watched(launcher: ScriptLauncher, seen: str) -> list[Sent]:
    """All that somebody is sent who has seen the event ``seen``."""

    async def all_of_it() -> list[Sent]:
        streams = Streams(launcher, launcher.root, Limits())
        place = Seen.of(seen)
        streams.check("one", place)
        return [
            each async for content in streams.events("one", place) for each in events_in(content.decode())
        ]

    return asyncio.run(all_of_it())


def allocated(path: Path) -> int:
    return path.stat().st_blocks * 512


def test_a_file_of_events_stays_small_and_every_id_stays_good(launcher: ScriptLauncher) -> None:
    launch = launcher.launch("one", Order(doing="resume"))
    compactor = Compactor(launcher.launches)
    ids: list[str] = []
    for first in range(0, 2000, 400):
        with launch.events.open("a") as file:
            file.writelines([json.dumps({"event": "started"}) + "\n"] * (first == 0))
            file.writelines(progress(first, first + 400))
        compactor.compact_all()
        if not compactor.is_able:
            pytest.skip("the file system has no holes")
        assert allocated(launch.events) <= MOST
        lines, end = event_files.lines_from(launch.events, 0), 0
        while lines[0]:
            ids += [f"1-{line.end}" for line in lines[0]]
            end = lines[1]
            lines = event_files.lines_from(launch.events, end)
    (launch.folder / "end").touch()
    wait_until(lambda: not launch.is_alive)
    assert launch.events.stat().st_size > 4 * MOST
    everything = watched(launcher, "0-0")
    kinds = [event.kind for event in everything]
    assert [kinds[0], kinds.count("planned"), kinds[-1]] == ["started", 1, "end"]
    kept = [event.data["told"] for event in everything if event.kind == "progressed"]
    assert kept == list(range(kept[0], 2000))
    places = [Seen.of(event.id).place if event.id else None for event in everything]
    # Ids that were given out before something was freed, too.
    for identity in ids[:: len(ids) // 12]:
        seen = Seen.of(identity).place
        left = [
            event for event, place in zip(everything, places, strict=True) if place is None or place > seen
        ]
        assert watched(launcher, identity) == left
    latest = event_files.latest_of_each(launch.events, end=launch.events.stat().st_size)
    assert {"started", "progressed"} <= latest.keys()


def test_a_short_file_is_left_as_it_is(launcher: ScriptLauncher) -> None:
    launch = launcher.launch("one", Order(doing="resume"))
    launch.events.write_text("".join(progress(0, 300)))
    before = launch.events.read_bytes()
    Compactor(launcher.launches).compact_all()
    assert launch.events.read_bytes() == before
    (launch.folder / "end").touch()


def test_where_there_are_no_holes_nothing_is_lost(
    launcher: ScriptLauncher, monkeypatch: pytest.MonkeyPatch
) -> None:
    launch = launcher.launch("one", Order(doing="resume"))
    launch.events.write_text("".join(progress(0, 1000)))
    before = launch.events.read_bytes()
    monkeypatch.setattr(event_compaction, "_punched", lambda *_: False)
    asyncio.run(Compactor(launcher.launches).keep_small())  # it ends, since it can do nothing
    assert launch.events.read_bytes() == before
    (launch.folder / "end").touch()
