"""The files of each process that was started for a run, by which every service finds it again.

::

    <state>/<run>/000001/launch.json    what was started, as which process
    <state>/<run>/000001/config.yaml    the configuration, if the launch begins a run
    <state>/<run>/000001/events.jsonl   what the process prints: the events of the search, one a line
    <state>/<run>/000001/log.txt        what it prints beside them
    <state>/<run>/000001/data/          what was posted for it, until it has ended
    <state>/<run>/000001/stop.json      that it was asked to stop
    <state>/<run>/lock                  locked while one of the services starts something for the run
    <state>/.keys/<sha256>              what was asked for under an idempotency key
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import time
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal, Self
from uuid import uuid4

from pydantic import BaseModel, ConfigDict, ValidationError

from evo_nas.server.claims import Claims, mark_of
from evo_nas.server.event_files import end_of_lines, last_event, latest_of_each, tail_of
from evo_nas.server.locks import locked
from evo_nas.server.processes import started_at
from evo_nas.sessions.events import KINDS, Failed, Judged, Stopped

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Doing = Literal["search", "resume", "attach", "champion", "finalists", "tune", "ensemble", "retrain"]
ASIDE = frozenset({"finalists", "tune", "ensemble", "retrain"})
"""What prints a result instead of events, and neither begins nor ends a search."""
DATA = "data"
"""The folder of a launch with files that were posted for it; it goes when the process has ended."""
_STILL_S = 30.0
"""Seconds after a stop in which another one says the same: a second signal would end the process without a commit."""
_SILENT_S = 600.0
"""Seconds of silence after which a process on another machine counts as ended: its machine may be gone for good. A
search speaks every second; one that is only slow still holds its run, and no other writes to it."""
_KEPT_S = 86_400.0
"""Seconds for which data for a process on another machine are kept: it may be silent, or have a wrong clock."""
_LOG_TAIL = 16 * 1024
_LAST = frozenset(name for name, kind in KINDS.items() if kind in (Stopped, Failed, Judged))


class LaunchRecord(BaseModel):
    """What ``launch.json`` says.

    Attributes:
        doing: The command that was started.
        command: The whole command line.
        pid: Number of the process.
        started: When it was started; see `started_at`.
        host: Name of its machine.
        at: Time of the launch in ISO 8601.
        key: Marks the request that had an idempotency key, see `mark_of`; empty without one.
        arguments: Its options, beside those that every command gets.
        posted: SHA-256 of the files that were posted for it; empty without any.
    """

    model_config = ConfigDict(frozen=True)

    doing: Doing
    command: tuple[str, ...]
    pid: int
    started: str
    host: str
    at: str
    key: str = ""
    arguments: tuple[str, ...] = ()
    posted: str = ""

    @classmethod
    def of(
        cls,
        doing: Doing,
        command: tuple[str, ...],
        *,
        pid: int,
        key: str,
        arguments: tuple[str, ...] = (),
        posted: str = "",
    ) -> Self:
        """Returns the record of a process that was started here and now."""
        return cls(
            doing=doing,
            command=command,
            pid=pid,
            started=started_at(pid) or "",
            host=socket.gethostname(),
            at=now(),
            key=key,
            arguments=arguments,
            posted=posted,
        )


class _StopRecord(BaseModel):
    at: str
    at_s: float


@dataclass(frozen=True)
class Launch:
    """One process that was started for a run.

    Attributes:
        run: Name of the run.
        number: Its number among the launches of the run.
        folder: Where its files are.
        record: What it is.
    """

    run: str
    number: int
    folder: Path
    record: LaunchRecord

    @property
    def events(self) -> Path:
        """The file of its events."""
        return self.folder / "events.jsonl"

    @property
    def log(self) -> Path:
        """The file of what it printed beside its events."""
        return self.folder / "log.txt"

    @property
    def config(self) -> Path:
        """The file of the configuration that it begins a run with; there may be none."""
        return self.folder / "config.yaml"

    @property
    def is_here(self) -> bool:
        """Whether its process is or was on this machine."""
        return self.record.host == socket.gethostname()

    @property
    def is_alive(self) -> bool:
        """Whether its process is running; of one on another machine, whether it has said something lately."""
        if self.is_here:
            return started_at(self.record.pid) == self.record.started
        return self.ending is None and self.age_s - self.spoke_s < _SILENT_S

    @property
    def age_s(self) -> float:
        """Seconds since it was started."""
        return time.time() - _written(self.folder / "launch.json")

    @property
    def spoke_s(self) -> float:
        """Seconds from its start to the last that it said."""
        return max(0.0, max(map(_written, (self.events, self.log))) - _written(self.folder / "launch.json"))

    @property
    def was_stopped(self) -> bool:
        """Whether it was asked to stop."""
        return (self.folder / "stop.json").exists()

    @property
    def is_being_stopped(self) -> bool:
        """Whether it was asked to stop so recently that asking again would not leave it the time to commit."""
        try:
            stop = _StopRecord.model_validate_json((self.folder / "stop.json").read_bytes())
        except (OSError, ValidationError):
            return False
        return 0 <= time.time() - stop.at_s < _STILL_S

    def note_stop(self) -> None:
        """Notes that it is asked to stop now."""
        write_whole(
            self.folder / "stop.json", _StopRecord(at=now(), at_s=time.time()).model_dump_json().encode()
        )

    @property
    def ending(self) -> str | None:
        """The kind of the event that it ended with; None if it has not said how it ended."""
        event = last_event(self.events)
        return event.kind if event is not None and event.kind in _LAST else None

    @property
    def was_kept(self) -> bool:
        """Whether its run was kept at some time: it had been before, or from when its search started."""
        if self.record.doing not in ("search", "attach"):
            return True
        return "started" in latest_of_each(self.events, end=end_of_lines(self.events))

    @property
    def result(self) -> dict[str, Any] | None:
        """What a command `ASIDE` has printed once it was done; None before, and of every other."""
        if self.record.doing not in ASIDE or not (end := end_of_lines(self.events)):
            return None
        with self.events.open("rb") as file:
            last = file.read(end).splitlines()[-1]
        try:
            values = json.loads(last)
        except ValueError:
            return None
        return values if isinstance(values, dict) else None

    @property
    def is_lost(self) -> bool:
        """Whether its process has ended without a word; a search in a cluster may go on then."""
        if self.record.doing in ASIDE:
            return False  # nothing that goes on in a cluster is watched by it
        return not (self.is_alive or self.was_stopped or self.ending or self._errors())

    @cached_property
    def failure(self) -> str:
        """Why it has failed, to be asked once it has ended; empty if it has not."""
        event = last_event(self.events)
        if event is not None and event.kind == "failed":
            # Nothing was found that could be watched: the search may well be complete.
            return "" if self.record.doing == "attach" else str(json.loads(event.data)["error"])
        if self.was_stopped or (event is not None and event.kind in _LAST) or self.result is not None:
            return ""
        if self.record.doing == "attach" and not self._errors():
            return (
                f"nothing watches the search in the cluster: `attach` ended without a word ({self._last_words()}); the "
                "service tries that again for an hour, and a resume does at once"
            )
        return "\n".join(self._errors()) or (
            f"the process of `{self.record.doing}` ended without a word, as one does that is killed or for which "
            f"memory is short; its log says what it did last ({self._last_words()}). Nothing committed is lost: resume "
            "goes on"
        )

    def _errors(self) -> list[str]:
        """Returns the errors that the command printed before its first event."""
        lines = tail_of(self.log, _LOG_TAIL)
        first = next((place for place, line in enumerate(lines) if line.startswith("error: ")), len(lines))
        return [line.removeprefix("error: ") for line in lines[first:]]

    def _last_words(self) -> str:
        return next(
            (line[:200] for line in reversed(tail_of(self.log, _LOG_TAIL)) if line.strip()), "nothing"
        )


class LaunchStore:
    """The launches of one root.

    Args:
        state: The directory that they are kept in.

    Attributes:
        claims: The idempotency keys under which they were asked for.
    """

    def __init__(self, state: Path) -> None:
        self._state = state
        self.claims = Claims(state / ".keys")
        self._known: dict[str, dict[int, tuple[tuple[int, int], Launch]]] = {}

    def runs(self) -> list[str]:
        """Returns the names of the runs that something was launched for, sorted."""
        names = sorted(name for name in _names(self._state) if not name.startswith("."))
        for removed in set(self._known).difference(names):
            self._known.pop(removed, None)
        return names

    def all(self, run: str) -> list[Launch]:
        """Returns the launches of ``run`` by number, without those of one of this name that was removed before it."""
        read = (self._read(run, number) for number in self._numbers(run))
        found = [launch for launch in read if launch is not None]
        # Only a search is launched for a run that is not kept.
        pairs = enumerate(pairwise(found), 1)
        anew = [place for place, (before, each) in pairs if each.record.doing == "search" and before.was_kept]
        return found[max(anew, default=0) :]

    def newest(self, run: str) -> Launch | None:
        """Returns the newest launch of ``run``; None if there is none."""
        found = (self._read(run, number) for number in reversed(self._numbers(run)))
        return next((launch for launch in found if launch is not None), None)

    def get(self, run: str, number: int) -> Launch | None:
        """Returns a launch of ``run``; None if there is none of this number."""
        return self._read(run, number)

    def new_folder(self, run: str) -> tuple[int, Path]:
        """Makes the folder of the next launch; only within `starting`."""
        number = 1 + max(self._numbers(run), default=0)
        folder = self._folder(run, number)
        folder.mkdir()
        return number, folder

    @contextmanager
    def starting(self, run: str) -> Iterator[None]:
        """Keeps every other request and every other service from starting something for ``run``.

        Raises:
            ServiceError: Another one does not come to an end with it.
        """
        folder = self._state / run
        folder.mkdir(parents=True, exist_ok=True)
        busy = f"something else is being started for {run}; try again in a moment"
        with locked(folder / "lock", busy=busy):
            yield

    @contextmanager
    def claimed(self, key: str, *, run: str, body: bytes) -> Iterator[Launch | None]:
        """Keeps ``key`` for one request, and yields what an earlier one with the same body has launched under it.

        Raises:
            ServiceError: The key stands for another request.
        """
        with self.claims.claimed(key, run=run, body=body):
            mark = mark_of(key, body)
            yield next((launch for launch in reversed(self.all(run)) if launch.record.key == mark), None)

    def remove_posted(self, run: str) -> None:
        """Removes the data that were posted for processes of ``run`` that have ended.

        Raises:
            ServiceError: Another service does not come to an end with starting something for it.
        """
        for number in self._numbers(run):
            posted = self._folder(run, number) / DATA
            if not posted.is_dir() or self._is_wanted(run, number):
                continue
            # Others may write to a shared root: a link must not have this service remove something else.
            if posted.resolve() != self._state.resolve() / posted.relative_to(self._state):
                continue
            # Without a record it is being started at this moment, or the service that did so was killed.
            with self.starting(run):
                if not self._is_wanted(run, number):
                    shutil.rmtree(posted, ignore_errors=True)

    def _is_wanted(self, run: str, number: int) -> bool:
        """Whether a process may still read what was posted for it."""
        launch = self._read(run, number)
        if launch is None or launch.is_here:
            return launch is not None and launch.is_alive
        return launch.is_alive or launch.age_s < _KEPT_S

    def _read(self, run: str, number: int) -> Launch | None:
        folder = self._folder(run, number)
        file = folder / "launch.json"
        try:
            status = file.stat()
            # Somebody may have removed the folder, so that another launch got its number.
            mark = (status.st_ino, status.st_mtime_ns)
            known_mark, known = self._known.get(run, {}).get(number, (None, None))
            if known is not None and known_mark == mark:
                return known
            record = LaunchRecord.model_validate_json(file.read_bytes())
        except (OSError, ValidationError):
            return None  # its service ended before the process was let go, so nothing was started
        launch = Launch(run, number, folder, record)
        self._known.setdefault(run, {})[number] = mark, launch
        return launch

    def _numbers(self, run: str) -> list[int]:
        return sorted(int(name) for name in _names(self._state / run) if name.isdecimal())

    def _folder(self, run: str, number: int) -> Path:
        return self._state / run / f"{number:06}"


def now() -> str:
    """Returns the time in ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def write_whole(path: Path, content: bytes) -> None:
    """Writes a file that nobody sees in parts."""
    temporary = path.with_name(f".{path.name}.{uuid4().hex}")
    temporary.write_bytes(content)
    temporary.replace(path)


def _written(path: Path) -> float:
    """Returns when the file at ``path`` was written last, in seconds since 1970; 0 if there is none."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _names(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)  # noqa: PTH208 - names alone are needed
    except (FileNotFoundError, NotADirectoryError):
        return []
