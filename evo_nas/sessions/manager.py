"""`PopulationManager`: a local session that runs as an actor on the head node."""

from __future__ import annotations

import logging
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import ray

from evo_nas.cluster.names import manager_name
from evo_nas.config import configured
from evo_nas.errors import EvoNasError
from evo_nas.sessions.events import Failed, Progressed, is_last
from evo_nas.sessions.local import LocalSession
from evo_nas.sessions.metrics import Metrics
from evo_nas.structured_logs import log_as_json

if TYPE_CHECKING:
    from evo_nas.sessions.events import Event

LINGER_S = 60.0
"""Seconds for which a manager still answers after its search has ended."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SearchSpec:
    """The search that a manager runs.

    Attributes:
        config: The whole configuration as plain values.
        run: Directory or URI of the run.
    """

    config: dict[str, Any]
    run: str


@dataclass(frozen=True, slots=True)
class Mark:
    """The last event that a watcher has received.

    Attributes:
        incarnation: Identifies one start of the manager; every restart by Ray has another.
        number: Number of the event within this incarnation.
    """

    incarnation: float
    number: int


@dataclass(frozen=True, slots=True)
class News:
    """The events of a manager since a mark.

    Attributes:
        events: The latest event of each kind, in the order of time; a later one replaces earlier ones of its kind.
        mark: The mark to pass with the next question.
        ended: Whether no more events will follow.
    """

    events: tuple[Event, ...]
    mark: Mark
    ended: bool


class PopulationManager:
    """Runs one search in a thread and answers questions about it in others.

    Its constructor starts or resumes the run, since Ray calls it again with the same arguments after a crash. It owns
    the workers, which therefore end with it. Only it writes to the run.

    Args:
        spec: The search to run.
    """

    def __init__(self, spec: SearchSpec) -> None:
        self._spec = spec
        self._changed = threading.Condition()
        self._incarnation = time.time()
        self._latest: dict[type[Event], tuple[int, Event]] = {}
        self._number = 0
        self._ended = False
        self._session = LocalSession(spec.run, executor="cluster")
        log_as_json(run=spec.run)
        # Ray answers questions only after the constructor has returned.
        threading.Thread(target=self._live, name="search", daemon=True).start()

    def spec(self) -> SearchSpec:
        """Returns the search that it runs."""
        return self._spec

    def news(self, seen: Mark | None, wait_s: float) -> News:
        """Returns the events since ``seen``; waits for one if there is none yet.

        Args:
            seen: The mark of the caller's last news; None for the latest event of every kind.
            wait_s: Longest wait in seconds.
        """
        with self._changed:
            self._changed.wait_for(lambda: bool(self._since(seen)) or self._ended, wait_s)
            mark = Mark(self._incarnation, self._number)
            return News(tuple(event for _, event in self._since(seen)), mark, self._ended)

    def stop(self, drain_s: float) -> None:
        """Ends the search once the candidates in flight are told; the last event says when.

        Args:
            drain_s: Longest wait for them in seconds; the others are trained again on resume.
        """
        self._session.stop(drain_s=drain_s)

    def _since(self, seen: Mark | None) -> list[tuple[int, Event]]:
        heard = seen.number if seen is not None and seen.incarnation == self._incarnation else 0
        return sorted(
            (entry for entry in self._latest.values() if entry[0] > heard), key=lambda entry: entry[0]
        )

    def _live(self) -> None:
        metrics = Metrics(manager_name(self._spec.run))
        try:
            self._session.start(configured(self._spec.config))
            for event in self._session.events():
                if isinstance(event, Progressed):
                    metrics(event)
                self._publish(event)
        except EvoNasError as error:
            _log.error("the search has failed: %s", error)
            self._publish(Failed(error=str(error)))
        except Exception as error:  # noqa: BLE001 - the watchers must learn of it
            _log.exception("the search has failed")
            self._publish(Failed(error=f"{type(error).__name__}: {error}"))
        time.sleep(LINGER_S)
        with suppress(Exception):
            # A kill of this kind is final: Ray does not restart the actor.
            ray.kill(ray.get_runtime_context().current_actor)

    def _publish(self, event: Event) -> None:
        with self._changed:
            self._number += 1
            self._latest[type(event)] = self._number, event
            self._ended = is_last(event)
            self._changed.notify_all()
