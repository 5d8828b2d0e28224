"""`Tail`: reads the events of one run for all its watchers, and decides which of them are sent."""

from __future__ import annotations

import asyncio
import json
import re
from collections import deque
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from evo_nas.errors import EvoNasError
from evo_nas.server.event_files import end_of_lines, latest_of_each, lines_from
from evo_nas.server.problems import ServiceError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evo_nas.server.event_files import Line
    from evo_nas.server.launcher import Launcher
    from evo_nas.server.launches import Launch, LaunchStore
    from evo_nas.server.root import RunsRoot
    from evo_nas.server.states import RunState

KEPT_EVENTS, KEPT_BYTES = 256, 2**20
"""What a tail keeps in memory of the latest events."""
_SEEN = re.compile(r"(\d{1,6})-(\d{1,15})(?:-seq-(\d{1,12}))?|seq-(\d{1,12})")
LAUNCHES_BACK = 8
"""Launches whose latest events a new watcher gets."""
_ENDS = frozenset({"failed", "stopped"})
"""Events that say how a launch has ended, and nothing of the one after it."""


class Place(NamedTuple):
    """A place in the events of a run: a launch, and the offset in its file.

    Attributes:
        launch: Number of the launch; 0 before the first.
        offset: Offset after the last event that was seen, in bytes.
    """

    launch: int
    offset: int


BEGINNING = Place(0, 0)


@dataclass(frozen=True, slots=True)
class Seen:
    """What a watcher has seen: the id of the last thing that it was sent.

    Attributes:
        place: Its place in the events.
        told: The last number of evaluations that it was told; -1 before the first.
    """

    place: Place
    told: int = -1

    @classmethod
    def of(cls, text: str) -> Self:
        """Reads what `str` has written.

        Raises:
            ServiceError: It is nothing of the kind.
        """
        match = _SEEN.fullmatch(text)
        if match is None:
            raise ServiceError(
                HTTPStatus.UNPROCESSABLE_ENTITY,
                f"Last-Event-ID is {text[:40]!r}; must be the id of an event of this run, such as 1-2048; without "
                "it the latest event of each kind comes first",
            )
        launch, offset, *counts = match.groups()
        told = next(filter(None, counts), "-1")
        return cls(Place(int(launch or 0), int(offset or 0)), int(told))

    def __str__(self) -> str:
        place = "" if self.place == BEGINNING else f"{self.place.launch}-{self.place.offset}"
        told = "" if self.told < 0 else f"seq-{self.told}"
        return "-".join(filter(None, (place, told)))


class Frame(NamedTuple):
    """One event as it is sent.

    Attributes:
        place: The place after it.
        kind: What ``KINDS`` calls it.
        content: Its bytes, the same for every watcher.
    """

    place: Place
    kind: str
    content: bytes

    @property
    def values(self) -> dict[str, Any]:
        """What the event says."""
        said: dict[str, Any] = json.loads(self.content.partition(b"\ndata: ")[2])
        return said


@dataclass(frozen=True, slots=True)
class Survey:
    """What goes on with a run.

    Attributes:
        later: The first launch after the one that is being read.
        ending: The state of the run if its search is over; None if it is not.
        told: Number of its evaluations if no launch of a service searches it; -1 otherwise.
    """

    later: Launch | None
    ending: RunState | None
    told: int


class News(NamedTuple):
    """What was found in the file of a launch.

    Attributes:
        begun: The place that it was looked for from.
        frames: The events after it.
        place: The place after what was read.
    """

    begun: Place
    frames: list[Frame]
    place: Place


class Tail:
    """Reads the events of one run.

    What waits for files or processes - making it, `look` and `survey` - is done in any thread. What that has found is
    taken in by the thread of the event loop, which alone changes anything.

    Args:
        name: Name of the run.
        launcher: Knows its launches.
        root: Knows the run.

    Attributes:
        watchers: How many watch it.
        place: The place up to which it has read.
        since: The place from which on it has everything in memory.
        told: Number of evaluations of a run that no service searches; -1 otherwise.
        ending: The state of the run once its search is over; None before.
        is_surveyed: Whether a survey was taken in or is under way.
        is_closed: Whether the service ends.
        changed: Set when there is news; another one is waited for from then on.
    """

    def __init__(self, name: str, launcher: Launcher, root: RunsRoot) -> None:
        self.name = name
        self.watchers = 0
        self.told = -1
        self.ending: RunState | None = None
        self.is_surveyed = False
        self.is_closed = False
        self.changed = asyncio.Event()
        self._launcher = launcher
        self._run = root.at(name)
        self._launch = launcher.launches.newest(name)
        # What is older is read from the files by whoever wants it.
        end = 0 if self._launch is None else end_of_lines(self._launch.events)
        self.place = self.since = BEGINNING if self._launch is None else Place(self._launch.number, end)
        self._begun = self.place
        self._before: asyncio.Task[list[Frame]] | None = None
        self._latest: dict[str, Frame] = {}
        self._frames: deque[Frame] = deque()
        self._bytes = 0

    def look(self) -> News:
        """Reads, in any thread, the next part of what was added to the file of the launch.

        Raises:
            OSError: The file cannot be read.
        """
        launch, place = self._launch, self.place
        nothing = News(place, [], place)
        # The loop may go on to the next launch between these two.
        if launch is None or launch.number != place.launch:
            return nothing
        try:
            if launch.events.stat().st_size <= place.offset:
                return nothing
        except FileNotFoundError:
            return nothing  # somebody has removed it: the next survey says what has become of the run
        lines, offset = lines_from(launch.events, place.offset)
        return News(place, frames_of(place.launch, lines), Place(place.launch, offset))

    def take(self, news: News) -> bool:
        """Takes in what a look has found; returns whether there may be more."""
        if news.begun != self.place:
            return True  # another look has found the same
        for frame in news.frames:
            self._frames.append(frame)
            self._latest[frame.kind] = frame
            self._bytes += len(frame.content)
        while len(self._frames) > KEPT_EVENTS or self._bytes > KEPT_BYTES:
            dropped = self._frames.popleft()
            self._bytes -= len(dropped.content)
            self.since = dropped.place
        has_more = news.place > self.place
        self.place = news.place
        if news.frames:
            self._announce()
        return has_more

    def after(self, place: Place) -> list[Frame] | None:
        """Returns the events after ``place`` up to `place`; None if some of them are only in the files."""
        if place < self.since:
            return None
        # Most watchers have seen all but the last event or two.
        found: list[Frame] = []
        for frame in reversed(self._frames):
            if frame.place <= place:
                break
            found.append(frame)
        return found[::-1]

    async def latest(self) -> list[Frame]:
        """Returns the latest event of each kind up to `place`, in their order."""
        failed = self._before is not None and self._before.done() and self._before.exception() is not None
        if self._before is None or failed:
            # Read once for all watchers; what has come since is in memory.
            reading = asyncio.to_thread(latest_events, self._launcher.launches, self.name, until=self._begun)
            self._before = asyncio.create_task(reading)
        # The reading is not this watcher's alone, who may go away meanwhile.
        before = await asyncio.shield(self._before)
        return in_order({frame.kind: frame for frame in before} | self._latest, launch=self.place.launch)

    def survey(self) -> Survey:
        """Finds out, in any thread, what goes on."""
        activity = self._launcher.activity(self.name)
        told = -1
        if not activity.is_launched and (activity.holder or activity.launch is None):
            try:
                told = self._run.told() if self._run.exists else -1
            except EvoNasError:
                told = -1  # the state of the run says that it is damaged
        later = first_after(self._launcher.launches, self.name, self.place.launch)
        is_over = later is None and not activity.is_searched
        return Survey(later, ending=self._launcher.state(self.name) if is_over else None, told=told)

    async def follow(self, survey: Survey) -> None:
        """Takes in what a survey has found.

        Raises:
            OSError: A file cannot be read.
        """
        # A process that has ended has written all that it ever will: read it before the file of the next is begun.
        while self.take(await asyncio.to_thread(self.look)):
            pass
        # Of two surveys at a time the second finds the launch begun.
        if survey.later is not None and survey.later.number > self.place.launch:
            self._launch, self.place = survey.later, Place(survey.later.number, 0)
        if (survey.told, survey.ending) != (self.told, self.ending):
            self.told, self.ending = survey.told, survey.ending
            self._announce()

    def close(self) -> None:
        """Lets all watchers go; they come back to the next service."""
        if not self.is_closed:
            self.is_closed = True
            self._announce()

    def _announce(self) -> None:
        changed, self.changed = self.changed, asyncio.Event()
        changed.set()


def first_after(launches: LaunchStore, name: str, number: int) -> Launch | None:
    """Returns the first launch of the run ``name`` after launch ``number``; None if there is none."""
    return next((launch for launch in launches.all(name) if launch.number > number), None)


def latest_events(launches: LaunchStore, name: str, *, until: Place | None = None) -> list[Frame]:
    """Returns the latest event of each kind of the run ``name``, in their order; see `latest_of_each`.

    Args:
        launches: Has those of the run.
        name: Name of the run.
        until: The place after the last event that counts; None for all.
    """
    found: dict[str, Frame] = {}
    for launch in launches.all(name)[: -LAUNCHES_BACK - 1 : -1]:
        if until is not None and launch.number > until.launch:
            continue
        end = end_of_lines(launch.events)
        if until is not None and launch.number == until.launch:
            end = min(end, until.offset)
        for kind, line in latest_of_each(launch.events, end=end).items():
            found.setdefault(kind, frames_of(launch.number, [line])[0])
    newest = launches.newest(name) if until is None else None
    return in_order(found, launch=until.launch if until else newest.number if newest else 0)


def in_order(frames: Mapping[str, Frame], *, launch: int) -> list[Frame]:
    """Returns ``frames``, one of each kind, as they came, for somebody who comes in at launch number ``launch``.

    How an earlier launch has ended is left out: whoever saw `failed` first would take it for the end of this one.
    """
    counting = (frame for frame in frames.values() if frame.kind not in _ENDS or frame.place.launch >= launch)
    return sorted(counting, key=lambda frame: frame.place)


def frames_of(launch: int, lines: list[Line]) -> list[Frame]:
    """Returns the events of launch number ``launch`` as they are sent."""
    return [
        Frame(place, line.kind, frame_bytes(line.kind, line.data, seen=Seen(place)))
        for line in lines
        for place in [Place(launch, line.end)]
    ]


def frame_bytes(kind: str, data: bytes, *, seen: Seen | None = None) -> bytes:
    """Returns an event in the format of server-sent events; ``data`` is JSON on one line."""
    identity = "" if seen is None else f"id: {seen}\n"
    return f"{identity}event: {kind}\ndata: ".encode() + data + b"\n\n"
