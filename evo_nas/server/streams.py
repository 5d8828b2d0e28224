"""`Streams`: server-sent events from the files of launches, for any number of watchers.

One tail reads the file of a run for all of its watchers and keeps the last few hundred events in memory. A watcher is
only a place in them: one that has fallen further behind, or that comes back with the id of what it saw last, reads from
the files until it has caught up. So a slow watcher costs nothing but its connection, and none can miss an event or get
one twice.

The files are looked at every `LOOK_S`, which takes one `stat` for a run. Unlike notices of the kernel this works on
network file systems, too, and the delay that it adds is below what a person sees. One thread looks at all of them: on a
disk that is slow or gone it alone waits, and everything else of the service goes on.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections import Counter
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING

from anyio import CapacityLimiter, to_thread
from sse_starlette.sse import AppStatus

from evo_nas.errors import EvoNasError
from evo_nas.server.event_files import begins_line, lines_from
from evo_nas.server.problems import ServiceError
from evo_nas.server.shared_work import SharedWork
from evo_nas.server.tails import (
    BEGINNING,
    Place,
    Seen,
    Tail,
    first_after,
    frame_bytes,
    frames_of,
)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence

    from evo_nas.server.launcher import Launcher
    from evo_nas.server.options import Limits
    from evo_nas.server.root import RunsRoot
    from evo_nas.server.tails import Frame, News

LOOK_S = 0.03
"""Seconds between two looks at the files of the runs that are watched."""
SURVEY_S = 0.5
"""Seconds between two looks at their processes."""
MAKERS = 4
"""Runs that are opened for their first watchers at a time."""
_log = logging.getLogger(__name__)


class Streams:
    """The event streams of one service.

    Args:
        launcher: Knows what searches the runs.
        root: The runs.
        limits: How many streams there may be.
    """

    def __init__(self, launcher: Launcher, root: RunsRoot, limits: Limits) -> None:
        self._launcher = launcher
        self._root = root
        self._limits = limits
        self._tails: dict[str, Tail] = {}
        self._clients = Counter[str]()
        self._reading: asyncio.Task[None] | None = None
        self._looking = CapacityLimiter(1)
        self._making: SharedWork[Tail] = SharedWork(0, CapacityLimiter(MAKERS))

    @property
    def open_now(self) -> int:
        """Number of streams that are open."""
        return self._clients.total()

    def check(self, name: str, seen: Seen | None) -> None:
        """Checks what a watcher says that it has seen.

        Raises:
            ServiceError: It is no place in the events of the run ``name``.
        """
        if seen is None or seen.place == BEGINNING:
            return
        launch = self._launcher.launches.get(name, seen.place.launch)
        if launch is None or not begins_line(launch.events, seen.place.offset):
            raise ServiceError(
                HTTPStatus.UNPROCESSABLE_ENTITY,
                f"Last-Event-ID is {seen}; run {name} has no event of this id: leave it out, and the latest event of "
                "each kind comes first",
            )

    def admit(self, client: str) -> None:
        """Counts a stream of ``client`` until `leave` is called.

        Raises:
            ServiceError: There are too many.
        """
        limits = self._limits
        if self.open_now >= limits.streams:
            raise ServiceError(
                HTTPStatus.TOO_MANY_REQUESTS,
                f"this service has {limits.streams} event streams open, which is all that it may; try again later",
            )
        if self._clients[client] >= limits.streams_per_client:
            raise ServiceError(
                HTTPStatus.TOO_MANY_REQUESTS,
                f"{client} has {limits.streams_per_client} event streams open, which is all that it may; close some",
            )
        self._clients[client] += 1

    def leave(self, client: str) -> None:
        """Counts a stream of ``client`` no more."""
        self._clients[client] -= 1
        self._clients += Counter()  # drops those that have none

    async def events(self, name: str, seen: Seen | None) -> AsyncGenerator[bytes, None]:
        """Yields the events of the run ``name`` as they are sent, until its search is over or the service ends.

        Args:
            name: Name of the run.
            seen: What the watcher has seen; None for the latest event of each kind first.
        """
        async with self._watching(name) as tail:
            # Whoever comes to a search that has ended, or goes on again, shall not wait for the next survey.
            if not tail.is_surveyed or tail.ending is not None:
                tail.is_surveyed = True
                await tail.follow(await asyncio.to_thread(tail.survey))
            if seen is None:
                latest = await tail.latest()
                seen = Seen(tail.place)
                for frame in latest:
                    yield frame.content
            async for content in self._following(tail, seen):
                yield content

    async def _following(self, tail: Tail, seen: Seen) -> AsyncGenerator[bytes, None]:
        """Yields what comes after ``seen``."""
        place, told = seen.place, seen.told
        while True:
            changed = tail.changed  # taken first, so that nothing that comes meanwhile is slept through
            remembered = tail.after(place)
            if remembered is None:
                frames, place = await asyncio.to_thread(self._read_on, tail, place)
            else:
                frames, place = remembered, max(place, tail.place)
            for frame in frames:
                yield frame.content
            if place < tail.place:
                continue
            if tail.told > told:
                told = tail.told
                yield frame_bytes("recorded", json.dumps({"told": told}).encode(), seen=Seen(place, told))
            if (ending := tail.ending) is not None:
                said = {"state": ending.name, "reason": ending.reason}
                yield frame_bytes("end", json.dumps(said).encode())
                return
            if tail.is_closed:
                return
            await changed.wait()

    @asynccontextmanager
    async def _watching(self, name: str) -> AsyncIterator[Tail]:
        """Yields the tail of a run, which is read as long as anybody is in here."""
        if name not in self._tails:
            made = await self._making.get(name, partial(Tail, name, self._launcher, self._root))
            # Somebody who has waited for it, too, may have gone on before.
            self._tails.setdefault(name, made)
        tail = self._tails[name]
        tail.watchers += 1
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._read())
        try:
            yield tail
        finally:
            tail.watchers -= 1
            if not tail.watchers:
                del self._tails[name]

    def _read_on(self, tail: Tail, place: Place) -> tuple[list[Frame], Place]:
        """Returns the next events after ``place`` from the files, and the place after what was read."""
        launches = self._launcher.launches
        launch = launches.get(tail.name, place.launch)
        if launch is not None:
            lines, offset = lines_from(launch.events, place.offset)
            if offset > place.offset:
                return frames_of(place.launch, lines), Place(place.launch, offset)
        later = first_after(launches, tail.name, place.launch)
        # Nothing further although the tail has read further: somebody has removed the files.
        return [], tail.since if later is None else Place(later.number, 0)

    async def _read(self) -> None:
        """Reads for all tails until there is none."""
        surveying: asyncio.Task[None] | None = None
        surveyed_s = time.monotonic()
        while self._tails:
            await asyncio.sleep(LOOK_S)
            # With a limit of its own: whatever else threads wait for must not hold up events.
            for tail, news in await to_thread.run_sync(
                _look_at, list(self._tails.values()), limiter=self._looking
            ):
                tail.take(news)
            for tail in list(self._tails.values()):
                if AppStatus.should_exit:
                    tail.close()
            # Beside the looks, which must not wait for the processes of all runs.
            if time.monotonic() - surveyed_s >= SURVEY_S and (surveying is None or surveying.done()):
                surveying, surveyed_s = asyncio.create_task(self._survey()), time.monotonic()

    async def _survey(self) -> None:
        for tail in list(self._tails.values()):
            with _reported(tail):
                await tail.follow(await asyncio.to_thread(tail.survey))


def _look_at(tails: Sequence[Tail]) -> list[tuple[Tail, News]]:
    """Returns what is new of each of ``tails``."""
    found = []
    for tail in tails:
        with _reported(tail):
            found.append((tail, tail.look()))
    return found


@contextmanager
def _reported(tail: Tail) -> Iterator[None]:
    """Keeps what is wrong with one run from ending the streams of all others."""
    try:
        yield
    except (OSError, EvoNasError) as error:
        _log.warning("the events of %s cannot be read now: %s", tail.name, error)
