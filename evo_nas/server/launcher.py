"""`Launcher`: starts and stops searches as processes that need no service to go on."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from http import HTTPStatus
from typing import TYPE_CHECKING

from evo_nas.champion.verdict import stored_verdict
from evo_nas.cluster.names import is_url
from evo_nas.config.yaml_text import to_yaml
from evo_nas.errors import RunError
from evo_nas.server.claims import mark_of
from evo_nas.server.launches import ASIDE, DATA, Launch, LaunchRecord, LaunchStore, write_whole
from evo_nas.server.problems import ServiceError
from evo_nas.server.processes import environment, terminate
from evo_nas.server.states import Activity, RunState, state_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from evo_nas.config import SearchConfig
    from evo_nas.server.launches import Doing
    from evo_nas.server.options import ServerOptions
    from evo_nas.server.root import RunsRoot

_GATE = 'read -r go && exec "$@" < /dev/null'
"""A script that becomes the command once a line arrives, and ends if none does."""
BESIDE = frozenset({"champion", *ASIDE})
"""Commands that search nothing: what they train is kept, so that the same again goes on."""
_TRAINS_HERE = frozenset({"ensemble", "retrain"})
"""Commands that need no workers."""
_JOBS = frozenset({"champion", "finalists", "tune"})
"""Commands that a cluster with a URL runs as jobs."""
ATTACH_S = 15.0
"""Seconds between two looks for searches in the cluster that nobody watches any more."""
WATCHED_S = 600.0
"""Seconds that a watcher must have watched for, or the next one counts as another try."""
MOST_TRIES = 8
"""Tries in a row to watch a search again, each after twice the wait of the one before: an hour in all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A process that is to be started for a run.

    Attributes:
        doing: The command.
        arguments: Its options, beside those that every command gets.
        config: The configuration of a new run.
        key: Marks the request that had an idempotency key, see `mark_of`; empty without one.
        files: Content of files that the process finds in `DATA` beside its events, by name.
    """

    doing: Doing
    arguments: tuple[str, ...] = ()
    config: SearchConfig | None = None
    key: str = ""
    files: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def posted(self) -> str:
        """SHA-256 of the files; empty without any."""
        if not self.files:
            return ""
        sums = sorted((name, sha256(content).hexdigest()) for name, content in self.files.items())
        return sha256(json.dumps(sums).encode()).hexdigest()


class Launcher:
    """Starts, finds and stops the processes that search the runs of one root.

    Every launch is the command line in a session of its own, which writes its events into a file. So a search does not
    notice when the service ends, and the next service, or another one on the same root, finds it by its files.

    Args:
        options: How the service was started.
        root: Its runs.
    """

    def __init__(self, options: ServerOptions, root: RunsRoot) -> None:
        self._options = options
        self.root = root
        self.launches = LaunchStore(options.state)
        self._kept: dict[str, int] = {}

    def activity(self, name: str) -> Activity:
        """Returns what is being done for the run ``name``."""
        run, launch = self.root.at(name), self.launches.newest(name)
        if launch is not None and launch.is_alive:
            return Activity(launch, is_launched=True)
        return Activity(launch, holder=run.holder or "")

    def state(self, name: str) -> RunState:
        """Returns the state of the run ``name``; `state_of` is cheaper for whoever knows its totals."""
        activity, run = self.activity(name), self.root.at(name)
        told, is_complete, is_judged, damage = 0, False, False, ""
        try:
            if run.exists:
                told, is_complete = run.totals().told, run.is_spent(run.config.budget)
                is_judged = stored_verdict(run) is not None
        except RunError as error:
            damage = str(error)
        return state_of(activity, told=told, is_complete=is_complete, is_judged=is_judged, damage=damage)

    def require(self, name: str) -> None:
        """Checks that there is a run ``name``, or that something was launched to begin it.

        Raises:
            ServiceError: There is nothing of the name.
        """
        if self.root.at(name).exists:
            return
        newest = self.launches.newest(name)
        if newest is None or self._was_removed(newest):
            self.root.run(name)  # says that there is none

    def running(self) -> int:
        """Returns how many of the processes that were started run."""
        newest = map(self.launches.newest, self.launches.runs())
        return sum(launch is not None and launch.is_alive for launch in newest)

    def unborn(self) -> list[str]:
        """Returns the names of runs that were launched and are not kept yet, as those whose data are being read."""
        names = self.launches.runs()
        for removed in set(self._kept).difference(names):
            self._kept.pop(removed, None)
        return [name for name in names if self._is_unborn(name)]

    def submit(self, name: str, config: SearchConfig, *, key: str, body: bytes) -> tuple[Launch, bool]:
        """Begins the run ``name``.

        Args:
            name: Name of the run.
            config: What is searched.
            key: The idempotency key of the request; empty without one.
            body: The request, to know it again.

        Returns:
            The launch, and whether it is new; it is not if the same request was answered before.

        Raises:
            ServiceError: There is such a run, its name is none, or the key was given to another request.
        """
        order = Order(doing="search", config=config, key=mark_of(key, body))
        self.root.place_of(name)  # refuses a name that is none before any file is looked for by it
        if not key:
            return self.launch(name, order), True
        with self.launches.claimed(key, run=name, body=body) as earlier:
            if earlier is None or self._was_removed(earlier):
                return self.launch(name, order), True
            return earlier, False

    def refuse_busy(self, name: str) -> None:
        """Raises an error if anything is at work for the run ``name``.

        Raises:
            ServiceError: Something is.
        """
        activity = self.activity(name)
        # In a cluster the manager holds the run, and whoever begins or resumes it finds that manager.
        is_busy = activity.is_searched if self._options.address is None else activity.is_launched
        if not is_busy:
            return
        what, who = f"run {name} is being searched already", activity.holder
        if activity.launch is not None and activity.is_launched:
            record = activity.launch.record
            who = f"since {record.at}, pid {record.pid} on {record.host}"
            if record.doing in BESIDE:
                asked = " ".join((record.doing, *record.arguments))
                what = f"launch {activity.launch.number} of run {name} is under way, which is `{asked}`"
        raise ServiceError(
            HTTPStatus.CONFLICT,
            f"{what} ({who}); wait for it, or stop it with `evo-nas stop {name}` or POST /api/v1/runs/{name}/stop",
        )

    def launch(self, name: str, order: Order) -> Launch:
        """Starts what ``order`` says for the run ``name``.

        What is worked out beside a search, and is under way already with the same options and the same data, is
        returned instead: so whoever was interrupted finds it again.

        Raises:
            ServiceError: The run is being searched already, or a new one has the name of one that exists.
        """
        run = self.root.at(name)
        with self.launches.starting(name):
            if (same := self._under_way(name, order)) is not None:
                return same
            self.refuse_busy(name)
            if order.config is not None and run.exists:
                raise ServiceError(
                    HTTPStatus.CONFLICT,
                    f"run {name} exists; give the new one another name, or go on with `evo-nas resume {name}` or "
                    f"POST /api/v1/runs/{name}/resume",
                )
            try:
                number, folder = self.launches.new_folder(name)
                with _nothing_left(folder):
                    if order.config is not None:
                        written = to_yaml(order.config.model_dump(mode="json"))
                        write_whole(folder / "config.yaml", written.encode("utf-8"))
                    for file, content in order.files.items():
                        (folder / DATA).mkdir(exist_ok=True)
                        write_whole(folder / DATA / file, content)
                    # The location is absolute: the process has a working directory of its own.
                    record = _spawned(self.command(run.location, order), folder, order)
            except OSError as error:
                raise ServiceError(
                    HTTPStatus.SERVICE_UNAVAILABLE,
                    f"nothing can be started for {name}: {error.strerror}; mend that on {socket.gethostname()} and "
                    "try again",
                ) from None
            return Launch(name, number, folder, record)

    def stop(self, name: str, *, drain_s: float = 0.0) -> Launch:
        """Asks the search of the run ``name`` to commit what it has and end; its last event says when it has.

        A second call within thirty seconds changes nothing; a later one ends a search of this machine at once.

        Args:
            name: Name of the run.
            drain_s: Longest wait in seconds for candidates that are being trained in a cluster.

        Raises:
            ServiceError: Nothing searches the run, or not what this service can stop.
        """
        activity = self.activity(name)
        launch = activity.launch
        is_led_elsewhere = self._options.address is not None and bool(activity.holder)
        if launch is None or not (activity.is_launched or is_led_elsewhere):
            raise ServiceError(HTTPStatus.CONFLICT, self._why_not_stopped(name, activity))
        # One at a time: of two requests at once, to whatever services, only one may send a signal.
        with self.launches.starting(name):
            if not launch.is_being_stopped:
                self._stop(launch, drain_s)
        return launch

    def attach_again(self) -> list[Launch]:
        """Watches again what is searched in the cluster and whose watcher has ended, and returns these launches.

        A watcher that ends at once each time is started less and less often, and no more after `MOST_TRIES`.
        """
        if self._options.address is None:
            return []
        lost = []
        for name in self.launches.runs():
            # What was worked out beside the search meanwhile watches nothing.
            watchers = (each for each in reversed(self.launches.all(name)) if each.record.doing not in ASIDE)
            newest = next(watchers, None)
            if newest is None or not newest.is_lost or not self._is_due(newest):
                continue
            try:
                lost.append(self.launch(name, Order(doing="attach")))
            except ServiceError:  # another service was quicker
                continue
        return lost

    def command(self, place: str, order: Order) -> tuple[str, ...]:
        """Returns the command line for ``order``, with ``place`` as the run."""
        # Not the working directory first on the path of imports: others may be able to write there.
        command = [sys.executable, "-P", "-m", "evo_nas.cli", order.doing]
        command += ["config.yaml", "--run", place] if order.doing == "search" else [place]
        command += ["--json", *order.arguments]
        if self._options.address is not None:
            command += ["--address", self._options.address] * (order.doing not in _TRAINS_HERE)
        elif self._options.inline:
            command += ["--inline"] * (order.doing not in {"tune", *_TRAINS_HERE})
        return tuple(command)

    def _under_way(self, name: str, order: Order) -> Launch | None:
        """Returns the process that does what ``order`` says already; None if none does."""
        newest = self.launches.newest(name)
        if order.doing not in BESIDE or newest is None or not newest.is_alive:
            return None
        record = newest.record
        asked, done = ((each.doing, each.arguments, each.posted) for each in (order, record))
        return newest if asked == done else None

    def _stop(self, launch: Launch, drain_s: float) -> None:
        address, record = self._options.address, launch.record
        # What has ended is not what is to be stopped: the cluster leads a search that another client has started.
        is_beside = record.doing in BESIDE and launch.is_alive
        if not launch.is_here and address is None:
            raise ServiceError(
                HTTPStatus.CONFLICT,
                f"run {launch.run} is searched on {record.host}, pid {record.pid}; stop it there",
            )
        if address is not None and is_url(address) and is_beside and record.doing in _JOBS:
            raise ServiceError(
                HTTPStatus.CONFLICT,
                f"the `{record.doing}` of run {launch.run} is a job of the cluster, which keeps each training "
                f"that it makes; stop the job at {address} if it must end",
            )
        launch.note_stop()
        if address is not None and not is_beside:
            self._stop_in_cluster(self.root.at(launch.run).location, launch, drain_s)
        else:
            terminate(record.pid, started=record.started)

    def _stop_in_cluster(self, place: str, launch: Launch, drain_s: float) -> None:
        address = self._options.address or ""
        command = [sys.executable, "-P", "-m", "evo_nas.cli", "stop", place, "--address", address]
        command += ["--drain", f"{drain_s:g}", "--json"]
        with (launch.folder / "stop.txt").open("ab") as output:
            _waited_for(
                subprocess.Popen(  # noqa: S603 - our own command
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    cwd=launch.folder,
                    env=environment(),
                    start_new_session=True,
                )
            )

    def _why_not_stopped(self, name: str, activity: Activity) -> str:
        if activity.holder:
            return (
                f"run {name} is searched by a process that no service has started ({activity.holder}); stop it where "
                "it was started"
            )
        return f"run {name} is not being searched; there is nothing to stop"

    def _is_due(self, lost: Launch) -> bool:
        """Whether a search whose newest watcher is ``lost`` should be watched again now."""
        tries = 0
        for launch in reversed(self.launches.all(lost.run)):
            if launch.record.doing != "attach" or launch.spoke_s >= WATCHED_S:
                break
            tries += 1
        return tries < MOST_TRIES and lost.age_s >= ATTACH_S * (2**tries - 1)

    def _is_unborn(self, name: str) -> bool:
        newest = self.launches.newest(name)
        if newest is None or self._kept.get(name) == newest.number:
            return False
        is_kept = self.root.at(name).exists or self._was_removed(newest)
        if is_kept:
            self._kept[name] = newest.number  # a list asks for all runs, and this never changes
        return not is_kept

    def _was_removed(self, launch: Launch) -> bool:
        """Whether the run of ``launch`` was kept and is not there any more, so that it is no run of anybody's now."""
        return not self.root.at(launch.run).exists and launch.was_kept and not launch.is_alive


@contextmanager
def _nothing_left(folder: Path) -> Iterator[None]:
    """Removes ``folder`` if what it is for fails: on a full disk the data that were posted must not stay."""
    try:
        yield
    except OSError:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _spawned(command: tuple[str, ...], folder: Path, order: Order) -> LaunchRecord:
    """Starts ``command`` and returns its record, which is on disk before the command begins."""
    with (folder / "events.jsonl").open("ab") as events, (folder / "log.txt").open("ab") as log:
        # If this process ends before `launch.json` is written, the gate closes: nothing runs that nobody knows of.
        process = subprocess.Popen(  # noqa: S603 - our own command
            ["/bin/sh", "-c", _GATE, "sh", *command],
            stdin=subprocess.PIPE,
            stdout=events,
            stderr=log,
            cwd=folder,
            env=environment(),
            start_new_session=True,
        )
    _waited_for(process)
    assert process.stdin is not None, "it was asked for"
    with process.stdin as gate:  # closed without a line if the record cannot be written
        record = LaunchRecord.of(
            order.doing,
            command,
            pid=process.pid,
            key=order.key,
            arguments=order.arguments,
            posted=order.posted,
        )
        write_whole(folder / "launch.json", record.model_dump_json().encode())
        gate.write(b"go\n")
    return record


def _waited_for(process: subprocess.Popen[bytes]) -> None:
    """Lets a thread wait for ``process``, which would stay as a zombie otherwise."""
    threading.Thread(target=process.wait, name=f"waits for {process.pid}", daemon=True).start()
