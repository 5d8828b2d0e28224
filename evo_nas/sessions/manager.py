"""`PopulationManager`: a local session as an actor on the head node."""

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
from evo_nas.sessions.ray_retrain import RayRetrain
from evo_nas.structured_logs import log_as_json

if TYPE_CHECKING:
    from evo_nas.sessions.events import Event

LINGER_S = 60.0
"""Seconds for which a manager whose search has ended can still be asked how."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SearchSpec:
    """What a manager is to search.

    Attributes:
        config: The whole configuration as plain values.
        run: Where the run is kept.
    """

    config: dict[str, Any]
    run: str


@dataclass(frozen=True, slots=True)
class Mark:
    """How far a watcher has listened.

    Attributes:
        incarnation: Identifies one life of the manager; Ray's restart begins another.
        number: Number of the last event that was heard in it.
    """

    incarnation: float
    number: int


@dataclass(frozen=True, slots=True)
class News:
    """What a manager has said since a mark.

    Attributes:
        events: In their order; of each kind only the latest, since later ones replace earlier ones.
        mark: For the next question.
        ended: Whether nothing will follow.
    """

    events: tuple[Event, ...]
    mark: Mark
    ended: bool


class PopulationManager:
    """Runs one search in a thread and answers questions about it in others.

    Its constructor starts or resumes the run, whichever it takes: Ray calls it again with the same arguments
    after a crash. It owns the workers, which therefore end with it; only it writes to the run.

    Args:
        spec: What to search.
    """

    def __init__(self, spec: SearchSpec) -> None:
        self._spec = spec
        self._changed = threading.Condition()
        self._incarnation = time.time()
        self._latest: dict[type[Event], tuple[int, Event]] = {}
        self._number = 0
        self._ended = False
        config = configured(spec.config)
        self._session = LocalSession(spec.run, executor="cluster", retrain=RayRetrain(config.workers))
        log_as_json(run=spec.run)
        threading.Thread(target=self._live, name="search", daemon=True).start()

    def spec(self) -> SearchSpec:
        """Returns what it was made for."""
        return self._spec

    def news(self, seen: Mark | None, wait_s: float) -> News:
        """Returns what was said since ``seen``, at once if there is something, otherwise when there is.

        Args:
            seen: The mark of the caller's last news; None for everything that still holds.
            wait_s: Seconds to wait at most.
        """
        with self._changed:
            self._changed.wait_for(lambda: bool(self._since(seen)) or self._ended, wait_s)
            mark = Mark(self._incarnation, self._number)
            return News(tuple(event for _, event in self._since(seen)), mark, self._ended)

    def stop(self, drain_s: float) -> None:
        """Has the search end once what is in flight is told; `news` tells when it has.

        Args:
            drain_s: Seconds to wait for that at most; what is not told by then is asked again on resume.
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
        except Exception as error:  # noqa: BLE001 - whoever watches must learn of it
            _log.exception("the search has failed")
            self._publish(Failed(error=f"{type(error).__name__}: {error}"))
        time.sleep(LINGER_S)
        with suppress(Exception):
            ray.kill(ray.get_runtime_context().current_actor)

    def _publish(self, event: Event) -> None:
        with self._changed:
            self._number += 1
            self._latest[type(event)] = self._number, event
            self._ended = is_last(event)
            self._changed.notify_all()
