"""A stream has every event once, in order, wherever its watcher comes in."""

from __future__ import annotations

import asyncio
import json
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from sse_starlette.sse import AppStatus

from evo_nas.ledger.local_store import LocalStore
from evo_nas.server import event_files, tails
from evo_nas.server.event_files import end_of_lines, last_event, latest_of_each, lines_from
from evo_nas.server.launcher import Order
from evo_nas.server.launches import Launch
from evo_nas.server.options import Limits
from evo_nas.server.problems import ServiceError
from evo_nas.server.processes import terminate
from evo_nas.server.streams import Streams
from evo_nas.server.tails import BEGINNING, Place, Seen
from tests.server.launching import PATIENCE_S, ScriptLauncher, Sent, events_in, wait_until

WAITS = "while [ ! -e end ]; do sleep 0.02; done"


def line(kind: str, number: int = 0) -> str:
    return json.dumps({"event": kind, "told": number}) + "\n"


STOPPED = line("stopped")


@pytest.fixture
def launcher(tmp_path: Path) -> ScriptLauncher:
    return ScriptLauncher(tmp_path, WAITS)


def launched(launcher: ScriptLauncher, *texts: str, is_over: bool = False) -> Launch:
    """A launch of the run ``one`` that has printed so much, perhaps as its last."""
    launch = launcher.launch("one", Order(doing="resume"))
    with launch.events.open("a") as file:
        file.writelines(texts)
    if is_over:
        end(launch)
    return launch


def end(launch: Launch) -> None:
    (launch.folder / "end").touch()
    wait_until(lambda: not launch.is_alive)


def streams_of(launcher: ScriptLauncher, limits: Limits | None = None) -> Streams:
    return Streams(launcher, launcher.root, limits or Limits())


def watch(
    launcher: ScriptLauncher,
    seen: str | None = None,
    *,
    meanwhile: Callable[[list[Sent]], None] = lambda _: None,
) -> list[Sent]:
    """All that one watcher is sent; ``meanwhile`` is called after each event with all so far."""

    async def all_of_it() -> list[Sent]:
        found: list[Sent] = []
        async with asyncio.timeout(PATIENCE_S):
            async for content in streams_of(launcher).events("one", Seen.of(seen) if seen else None):
                found += events_in(content.decode())
                meanwhile(found)
        return found

    return asyncio.run(all_of_it())


def test_the_latest_event_of_each_kind_comes_first(launcher: ScriptLauncher) -> None:
    launched(
        launcher,
        line("working"),
        line("started"),
        line("progressed", 1),
        line("progressed", 2),
        STOPPED,
        is_over=True,
    )
    found = watch(launcher)
    assert [event.kind for event in found] == ["working", "started", "progressed", "stopped", "end"]
    assert found[2].data["told"] == 2
    assert found[-1].data == {"state": "stopped", "reason": ""}


@pytest.mark.parametrize("way_to_end", ["failed", "stopped"])
def test_how_an_earlier_launch_ended_is_not_told_as_the_end_of_this_one(
    launcher: ScriptLauncher, way_to_end: str
) -> None:
    ended = json.dumps({"event": way_to_end, "error": "why"}) + "\n"
    launched(launcher, line("working", 1), line("judged"), ended, is_over=True)
    assert [event.kind for event in watch(launcher)] == ["working", "judged", way_to_end, "end"]
    launch = launched(launcher, line("working", 2))
    found = watch(launcher, meanwhile=lambda _: end(launch))
    assert [event.kind for event in found] == ["judged", "working", "end"]


def test_whoever_comes_back_misses_nothing_and_gets_nothing_twice(launcher: ScriptLauncher) -> None:
    launched(launcher, *(line("progressed", number) for number in range(20)), STOPPED, is_over=True)
    launched(launcher, line("working"), line("progressed", 20), STOPPED, is_over=True)
    everything = watch(launcher, "0-0")
    assert [event.data["told"] for event in everything if event.kind == "progressed"] == list(range(21))
    ids = [event.id for event in everything[:-1]]
    assert len(set(ids)) == len(ids)
    for place, identity in enumerate(ids):
        assert watch(launcher, identity) == everything[place + 1 :]


def test_events_come_as_they_are_written_and_only_whole(launcher: ScriptLauncher) -> None:
    launch = launched(launcher, line("started"))
    after = line("progressed", 7)

    def go_on(found: list[Sent]) -> None:
        with launch.events.open("a") as file:
            if found[-1].kind == "started":
                file.write(line("progressed", 6) + after[:10])
            elif found[-1].data.get("told") == 6:
                file.write(after[10:] + STOPPED)
                (launch.folder / "end").touch()

    assert [event.data.get("told") for event in watch(launcher, meanwhile=go_on)] == [0, 6, 7, 0, None]


def test_a_watcher_goes_on_to_the_next_launch(launcher: ScriptLauncher) -> None:
    launched(launcher, line("progressed", 1), '{"event": "progr', is_over=True)
    launch = launched(launcher)
    launch.events.write_text(line("progressed", 2))
    end(launch)
    assert [event.data.get("told") for event in watch(launcher, "0-0")] == [1, 2, None]


def test_what_is_no_event_is_passed_over(launcher: ScriptLauncher) -> None:
    launched(launcher, "(raylet) a node has died\n", line("progressed", 1), "\n", is_over=True)
    assert [event.kind for event in watch(launcher)] == ["progressed", "end"]


def test_a_watcher_that_falls_behind_reads_on_from_the_file(
    launcher: ScriptLauncher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tails, "KEPT_EVENTS", 2)
    launch = launched(launcher, line("progressed", 0))

    def write_on(found: list[Sent]) -> None:
        if len(found) == 1:  # while this watcher is not reading
            with launch.events.open("a") as file:
                file.writelines(line("progressed", number) for number in range(1, 100))
                file.write(STOPPED)
            (launch.folder / "end").touch()

    found = watch(launcher, "0-0", meanwhile=write_on)
    assert [event.data["told"] for event in found if event.kind == "progressed"] == list(range(100))


@pytest.mark.parametrize("read", ["lines_from", "end_of_lines", "latest_of_each"])
def test_the_service_goes_on_while_a_disk_does_not_answer(
    launcher: ScriptLauncher, monkeypatch: pytest.MonkeyPatch, read: str
) -> None:
    launch = launched(launcher, line("started"))
    asked, answers, real = threading.Event(), threading.Event(), getattr(tails, read)

    def slow(*args: object, **kwargs: object) -> object:
        asked.set()
        assert answers.wait(20), "the loop stood still"
        return real(*args, **kwargs)

    async def go_on() -> None:
        # In the loop that the reading would hold up.
        while not asked.is_set():
            await asyncio.sleep(0.01)
        answers.set()
        end(launch)

    async def both() -> list[str]:
        streams, going_on = streams_of(launcher), asyncio.create_task(go_on())
        with launch.events.open("a") as file:
            file.write(line("progressed"))
        found = [content.decode() async for content in streams.events("one", None)]
        await going_on
        return [event.kind for content in found for event in events_in(content)]

    if read == "lines_from":  # of what is added while somebody watches
        opened = tails.end_of_lines(launch.events)
        monkeypatch.setattr(tails, "end_of_lines", lambda _: opened)
    monkeypatch.setattr(tails, read, slow)
    assert asyncio.run(both()) == ["started", "progressed", "end"]


def test_who_comes_after_a_disk_that_could_not_be_read_is_told_the_latest_events(
    launcher: ScriptLauncher, monkeypatch: pytest.MonkeyPatch
) -> None:
    launched(launcher, line("started"), is_over=True)
    tail, real = tails.Tail("one", launcher, launcher.root), tails.latest_events

    def gone(*_: object, **__: object) -> None:
        raise OSError(5, "Input/output error")

    async def twice() -> list[str]:
        monkeypatch.setattr(tails, "latest_events", gone)
        with pytest.raises(OSError, match="Input/output"):
            await tail.latest()
        monkeypatch.setattr(tails, "latest_events", real)
        return [frame.kind for frame in await tail.latest()]

    assert asyncio.run(twice())[0] == "started"


def test_two_surveys_at_a_time_begin_the_next_launch_once(launcher: ScriptLauncher) -> None:
    launched(launcher, line("progressed", 1), is_over=True)
    tail = tails.Tail("one", launcher, launcher.root)
    launched(launcher, line("progressed", 2), line("progressed", 3), is_over=True)

    async def both() -> None:
        surveys = [tail.survey() for _ in range(2)]
        await tail.follow(surveys[0])
        while tail.take(tail.look()):
            pass
        await tail.follow(surveys[1])
        while tail.take(tail.look()):
            pass

    asyncio.run(both())
    frames = tail.after(tail.since)
    assert frames is not None
    assert [frame.values["told"] for frame in frames] == [2, 3]


def test_watchers_are_let_go_when_the_service_ends(
    launcher: ScriptLauncher, monkeypatch: pytest.MonkeyPatch
) -> None:
    launch = launched(launcher, line("started"))
    found = watch(launcher, meanwhile=lambda _: monkeypatch.setattr(AppStatus, "should_exit", True))
    assert [event.kind for event in found] == ["started"]
    assert launch.is_alive
    end(launch)


def test_all_watchers_of_a_run_get_the_same(launcher: ScriptLauncher) -> None:
    launch = launched(launcher, line("started"))

    async def all_watch() -> list[list[Sent]]:
        streams = streams_of(launcher)
        arrived = [asyncio.Event() for _ in range(20)]

        async def one(place: int) -> list[Sent]:
            found: list[Sent] = []
            async for content in streams.events("one", None):
                arrived[place].set()
                found += events_in(content.decode())
            return found

        async def write() -> None:
            for each in arrived:
                await each.wait()
            with launch.events.open("a") as file:
                file.writelines([*(line("progressed", number) for number in range(50)), STOPPED])
            (launch.folder / "end").touch()

        async with asyncio.timeout(PATIENCE_S):
            *found, _ = await asyncio.gather(*(one(place) for place in range(20)), write())
        return found

    found = asyncio.run(all_watch())
    assert all(each == found[0] for each in found)
    assert len(found[0]) == 53


def test_of_a_run_that_a_shell_searches_is_told_how_much_it_holds(
    launcher: ScriptLauncher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held, told = LocalStore(tmp_path / "one"), [3]
    held.lock()
    (tmp_path / "one" / "RUN.json").touch()
    monkeypatch.setattr("evo_nas.runs.Run.told", lambda _: told[0])

    def search_on(found: list[Sent]) -> None:
        told[0] += 2
        if told[0] > 7:
            held.close()

    found = watch(launcher, meanwhile=search_on)
    assert [event.kind for event in found] == ["recorded"] * (len(found) - 1) + ["end"]
    assert found[0] == Sent("seq-3", "recorded", {"told": 3})
    assert [event.data["told"] for event in found[:3]] == [3, 5, 7]
    told[0] = found[-2].data["told"]
    assert [event.kind for event in watch(launcher, found[-2].id)] == ["end"]


def test_the_stream_of_a_damaged_run_ends_and_says_why(launcher: ScriptLauncher, tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "RUN.json").write_text("{")
    (end,) = watch(launcher)
    assert end.data["state"] == "damaged"
    assert "RUN.json" in end.data["reason"]


def test_the_stream_of_a_search_whose_files_are_removed_ends(
    launcher: ScriptLauncher, caplog: pytest.LogCaptureFixture
) -> None:
    launch = launched(launcher, line("progressed", 1))

    def remove(_: list[Sent]) -> None:
        if launch.folder.exists():
            shutil.rmtree(launch.folder)
            terminate(launch.record.pid, started=launch.record.started)

    assert [event.kind for event in watch(launcher, "0-0", meanwhile=remove)] == ["progressed", "end"]
    assert not caplog.records


def test_a_file_of_any_size_is_read_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_files, "CHUNK", 200)
    path = tmp_path / "events.jsonl"
    path.write_text(line("started") + "".join(line("progressed", number) for number in range(1000)) + '{"ev')
    read: list[int] = []
    size = end_of_lines(path)
    assert size == path.stat().st_size - 4
    latest = latest_of_each(path, end=size)
    assert json.loads(latest["progressed"].data)["told"] == 999
    assert latest["started"].end == len(line("started"))
    offset = 0
    while True:
        lines, offset = lines_from(path, offset)
        if not lines:
            break
        read += [json.loads(each.data)["told"] for each in lines if each.kind == "progressed"]
    assert read == list(range(1000))


def test_a_line_longer_than_a_part_is_read_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_files, "CHUNK", 100)
    path, long = tmp_path / "events.jsonl", json.dumps({"event": "judged", "verdict": "v" * 5000}) + "\n"
    path.write_text(line("started") + long)
    event = last_event(path)
    assert event is not None
    assert event.data.decode() == long.rstrip()
    assert set(latest_of_each(path, end=end_of_lines(path))) == {"started", "judged"}


@pytest.mark.parametrize("text", ["", "x", "1", "1-", "-3", "1-2-3", "seq-", "1-2seq-3", "-seq-3", "9" * 30])
def test_an_id_of_no_event_is_refused(text: str) -> None:
    with pytest.raises(ServiceError, match="must be the id of an event"):
        Seen.of(text)


@pytest.mark.parametrize(
    "seen", [Seen(Place(3, 141)), Seen(Place(3, 141), 7), Seen(BEGINNING, 0), Seen(BEGINNING, 12)]
)
def test_an_id_says_what_was_seen(seen: Seen) -> None:
    assert Seen.of(str(seen)) == seen


def test_a_place_within_an_event_is_refused(launcher: ScriptLauncher) -> None:
    launched(launcher, line("started"), is_over=True)
    streams = streams_of(launcher)
    streams.check("one", Seen(Place(1, len(line("started")))))
    for place in (Place(1, 5), Place(1, 10_000), Place(2, 0)):
        with pytest.raises(ServiceError, match="has no event of this id"):
            streams.check("one", Seen(place))


def test_streams_are_limited_in_all_and_for_each_client(launcher: ScriptLauncher) -> None:
    streams = streams_of(launcher, Limits(streams=3, streams_per_client=2))
    streams.admit("a")
    streams.admit("a")
    with pytest.raises(ServiceError, match="a has 2 event streams open"):
        streams.admit("a")
    streams.admit("b")
    with pytest.raises(ServiceError, match="this service has 3 event streams open"):
        streams.admit("c")
    streams.leave("a")
    streams.admit("c")
    assert streams.open_now == 3
