"""`ActorSession`: a search whose manager runs in the cluster that this process is part of."""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Any

import ray
from ray.exceptions import ActorDiedError, GetTimeoutError, RayActorError

from evo_nas.champion.verdict import stored_verdict
from evo_nas.cluster.connection import connected
from evo_nas.cluster.names import NAMESPACE, manager_name, typed
from evo_nas.config import configured
from evo_nas.errors import ExecutionError
from evo_nas.runs import Run
from evo_nas.sections import spelled_out
from evo_nas.sessions.events import Completed, Failed, Judged
from evo_nas.sessions.manager import PopulationManager, SearchSpec
from evo_nas.sessions.session import Session

if TYPE_CHECKING:
    from collections.abc import Generator
    from typing import Self

    from evo_nas.config import SearchConfig
    from evo_nas.sessions.events import Event
    from evo_nas.sessions.manager import News

HEAD = "node:__internal_head__"
"""Resource that only the head node of a Ray cluster has."""
WAIT_S = 1.0
"""Longest wait for news, in seconds; a watcher that wants to leave can do so after each wait."""
ANSWER_S = 10.0
PATIENCE_S = 180.0
"""Seconds without an answer after which a watcher gives up; a restart of the manager takes about ten."""


class _GoneError(ExecutionError):
    """The manager was ended, and Ray does not restart it."""


class ManagerHandle:
    """A handle to a manager that is alive or being restarted.

    Args:
        run: The run, as `checked_run` returns it.
        actor: Ray's handle of the actor.
    """

    def __init__(self, run: str, actor: Any) -> None:
        self.run = run
        self._actor = actor

    @classmethod
    def begin(cls, config: SearchConfig, run: str) -> Self:
        """Returns the manager of ``run`` if it searches with ``config``; otherwise starts a new one.

        A manager is replaced if its search has ended, or if it has another budget or other workers. It first commits
        what it has; the new manager asks again for what was in flight.

        Raises:
            ExecutionError: The old manager does not answer.
        """
        # Defaults are filled in, so that giving one changes nothing, and files of recipes are not needed on the head.
        spec = SearchSpec(spelled_out(config).model_dump(mode="json"), run)
        known = Run.at(run)
        # Twice, since another client may start a manager between the removal of the old one and this call.
        for _ in range(2):
            handle = cls(run, _actor_class(run).remote(spec))
            with suppress(_GoneError):  # one that has ended ends itself, or another client removes it
                if not handle.news(None, wait_s=0.0).ended and same_search(handle.spec(), spec, known):
                    return handle
                handle.stop_and_wait()
                handle.remove()
        return cls(run, _actor_class(run).remote(spec))

    @classmethod
    def find(cls, run: str) -> Self | None:
        """Returns the manager of ``run``; None if there is none."""
        try:
            return cls(run, ray.get_actor(manager_name(run), namespace=NAMESPACE))
        except ValueError:
            return None

    def spec(self) -> SearchSpec:
        """Returns the search that the manager was made for."""
        spec: SearchSpec = self._ask("spec")
        return spec

    def news(self, seen: Any, *, wait_s: float = WAIT_S) -> News:
        """Returns the events since ``seen``; see `PopulationManager.news`."""
        news: News = self._ask("news", seen, wait_s)
        return news

    def stop(self, drain_s: float) -> None:
        """Asks the manager to end its search."""
        self._ask("stop", drain_s)

    def stop_and_wait(self) -> None:
        """Has the search commit what it has, and waits until it has ended.

        Raises:
            ExecutionError: It does not end.
        """
        mark, until = None, time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            self.stop(0.0)
            news = self.news(mark)
            if news.ended:
                return
            mark = news.mark
        raise ExecutionError(
            f"the manager of {self.run} has not ended within {PATIENCE_S:g} s after it was told to; try again later"
        )

    def remove(self) -> None:
        """Kills the manager and its workers."""
        ray.kill(self._actor)
        until = time.monotonic() + PATIENCE_S
        # Ray frees the name a little later; until then `get_if_exists` would return the dying manager.
        while self.find(self.run) is not None and time.monotonic() < until:
            time.sleep(0.05)

    def _ask(self, method: str, *arguments: object) -> Any:
        until = time.monotonic() + PATIENCE_S
        while True:
            try:
                return ray.get(getattr(self._actor, method).remote(*arguments), timeout=ANSWER_S)
            except (RayActorError, GetTimeoutError) as error:
                gone = isinstance(error, ActorDiedError) and self.find(self.run) is None
                if gone or time.monotonic() >= until:
                    kind = _GoneError if gone else ExecutionError
                    raise kind(_absent(self.run, error, gone=gone)) from error
            time.sleep(0.2)


class ActorSession(Session):
    """Starts or finds the manager of a run and yields its events; the search survives this process.

    Args:
        run: The run, as `checked_run` returns it.
        address: ``auto`` or ``host:port`` of the cluster that this process joins.
        logs: Whether to print the manager's log lines here, too.
    """

    outlives = True

    def __init__(self, run: str, address: str, *, logs: bool = False) -> None:
        super().__init__(run, address=address)
        self._address = address
        self._logs = logs
        self._stack = ExitStack()
        self._connected = False
        self._manager: ManagerHandle | None = None
        self._ended: list[Event] = []
        self._left = threading.Event()
        self._stop_by: float | None = None

    def start(self, config: SearchConfig) -> None:
        """Finds the manager of the run or makes one; see `ManagerHandle.begin`.

        Raises:
            ConfigChangedError: The run was started with another configuration.
        """
        run = Run.at(self.place)
        if run.exists:
            # Before a manager makes way for this configuration. Its files are looked at by the manager, which has them.
            run.require_same(config, run.record.data)
        self._connect()
        self._manager = ManagerHandle.begin(config, self.place)

    def attach(self) -> None:
        """Finds the manager; a run with a stored verdict needs none."""
        self._connect()
        self._manager = ManagerHandle.find(self.place)
        self._ended = [] if self._manager is not None else self._stored()
        if self._manager is None and not self._ended:
            kept = "no run is kept there either"
            if Run.at(self.place).exists:
                kept = f"{typed('resume', self.place, self._address)} goes on"
            raise ExecutionError(f"nothing searches {self.place} in the cluster at {self._address}; {kept}")

    def events(self) -> Generator[Event, None, None]:
        """Yields the events of the manager, across its restarts, until the search has ended or `leave` was called."""
        if self._manager is None:
            yield from self._ended
            return
        mark = told = None
        while not self._left.is_set():
            news = self._manager.news(mark)
            if self._stop_by is not None and news.mark.incarnation != told:
                # A manager that was restarted meanwhile does not know of the stop, and has what is left of its time.
                told = news.mark.incarnation
                self._manager.stop(max(0.0, self._stop_by - time.monotonic()))
            for event in news.events:
                if isinstance(event, Failed):
                    raise ExecutionError(event.error)
                yield event
            if news.ended:
                self._made_way()
                return
            mark = news.mark

    def stop(self, *, drain_s: float = 0.0) -> None:
        """Finds the manager and has it end the search; one that Ray restarts meanwhile is told so again.

        Raises:
            ExecutionError: Nothing searches this run there.
        """
        if self._manager is None:
            self.attach()
        self._stop_by = time.monotonic() + drain_s

    def leave(self) -> None:
        """Ends `events`; the search goes on."""
        self._left.set()

    def close(self) -> None:
        """Leaves the cluster."""
        self._stack.close()

    def _connect(self) -> None:
        if not self._connected:
            self._stack.enter_context(connected(self._address, logs=self._logs))
            self._connected = True

    def _made_way(self) -> None:
        """Removes a manager that was stopped, so that its name is free soon."""
        if self._stop_by is not None and self._manager is not None:
            time.sleep(2 * WAIT_S)  # others who listen shall hear how it ended
            self._manager.remove()

    def _stored(self) -> list[Event]:
        """Returns the last events of a search that is complete and judged, from what the run keeps."""
        run = Run.at(self.place)
        verdict = stored_verdict(run) if run.exists else None
        if verdict is None:
            return []
        return [Completed(run=self.place, noise=run.noise()), Judged(verdict=verdict)]


def _actor_class(run: str) -> Any:
    return ray.remote(PopulationManager).options(
        name=manager_name(run),
        namespace=NAMESPACE,
        lifetime="detached",
        get_if_exists=True,
        max_restarts=-1,
        # `ManagerHandle._ask` repeats a lost question itself, with a deadline.
        max_task_retries=0,
        # Every watcher that waits for news holds one thread of the manager.
        max_concurrency=64,
        # A trace of the head's own resource pins the manager there without taking a core from a worker.
        num_cpus=0,
        resources={HEAD: 0.001},
    )


def same_search(one: SearchSpec, other: SearchSpec, run: Run) -> bool:
    """Whether two specifications are of one search of ``run``, budget and workers included.

    What one of them leaves open, such as epochs that are measured, may be in the other as the run has recorded it.
    """

    def decisive(spec: SearchSpec) -> dict[str, Any]:
        config = configured(spec.config)
        values = (run.as_begun(config) if run.exists else config).model_dump(mode="json")
        return {key: value for key, value in values.items() if key != "base_dir"}

    return decisive(one) == decisive(other)


def _absent(run: str, error: Exception, *, gone: bool) -> str:
    state = "was ended" if gone else f"has not answered for {PATIENCE_S:g} s"
    last = str(error).strip().rsplit("\n", 1)[-1]
    return (
        f"the manager of {run} {state} ({type(error).__name__}: {last}); nothing committed is lost: "
        "give the same command again, here or on another cluster that reaches the run"
    )
