"""`PopulationManager`: the loop as an actor."""

from __future__ import annotations

import logging
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import ray

from evo_nas.cluster.metrics import Metrics
from evo_nas.cluster.names import manager_name
from evo_nas.config import configured
from evo_nas.errors import EvoNasError
from evo_nas.experiment import Experiment
from evo_nas.structured_logs import log_as_json

if TYPE_CHECKING:
    from evo_nas.loop import Progress, Search

LINGER_S = 60.0
"""Seconds for which a manager whose search has ended can still be asked how."""
_log = logging.getLogger(__name__)


class Stage(StrEnum):
    """Where the life of a manager stands."""

    OPENING = "opening"
    """Data are loaded, the ledger is read, workers start."""
    SEARCHING = "searching"
    FINISHED = "finished"
    """The budget is spent."""
    STOPPED = "stopped"
    """Somebody asked for it; everything that was told is committed."""
    FAILED = "failed"

    @property
    def ended(self) -> bool:
        """Whether this manager does nothing any more."""
        return self in (Stage.FINISHED, Stage.STOPPED, Stage.FAILED)


@dataclass(frozen=True, slots=True)
class Order:
    """What a manager is to search.

    Attributes:
        config: The whole configuration as plain values.
        run: Where the run is kept.
    """

    config: dict[str, Any]
    run: str


@dataclass(frozen=True, slots=True)
class Report:
    """What a manager tells those who watch.

    Attributes:
        version: Grows with every report of one life of the manager.
        life: Identifies that life; another one after Ray has restarted it.
        stage: Where it stands.
        progress: Of the search; None before the first turn.
        error: Why it has failed; empty if it has not.
    """

    version: int
    life: float
    stage: Stage
    progress: Progress | None = None
    error: str = ""


class PopulationManager:
    """Runs one search in a thread and answers questions about it in others.

    Its constructor starts or resumes the run, whichever it takes: Ray calls it again with the same arguments
    after a crash. It owns the workers, which therefore end with it; only it writes to the run.

    Args:
        order: What to search.
    """

    def __init__(self, order: Order) -> None:
        self._order = order
        self._changed = threading.Condition()
        self._report = Report(0, time.time(), Stage.OPENING)
        self._search: Search | None = None
        self._stopping = False
        log_as_json(run=order.run)
        threading.Thread(target=self._live, name="search", daemon=True).start()

    def order(self) -> Order:
        """Returns what it was made for."""
        return self._order

    def watch(self, seen: tuple[float, int] | None, wait_s: float) -> Report:
        """Returns the latest report, at once unless its life and version are those of ``seen``.

        Args:
            seen: Life and version of the report that the caller has; None for none.
            wait_s: Seconds to wait for a newer one.
        """
        with self._changed:
            self._changed.wait_for(lambda: (self._report.life, self._report.version) != seen, wait_s)
            return self._report

    def stop(self, drain_s: float) -> None:
        """Lets the search end once what is in flight is told; `watch` tells when it has.

        Args:
            drain_s: Seconds to wait for that at most; what is not told by then is asked again on resume.
        """
        self._stopping = True
        if self._search is not None:
            self._search.stop(drain_s=drain_s)

    def _live(self) -> None:
        try:
            progress = self._pursue()
            self._publish(Stage.FINISHED if progress.finished else Stage.STOPPED, progress)
        except EvoNasError as error:
            _log.error("the search has failed: %s", error)
            self._publish(Stage.FAILED, error=str(error))
        except Exception as error:  # noqa: BLE001 - whoever watches must learn of it
            _log.exception("the search has failed")
            self._publish(Stage.FAILED, error=f"{type(error).__name__}: {error}")
        time.sleep(LINGER_S)
        with suppress(Exception):
            ray.kill(ray.get_runtime_context().current_actor)

    def _pursue(self) -> Progress:
        experiment = Experiment.of(configured(self._order.config))
        metrics = Metrics(manager_name(self._order.run))
        with experiment.open(self._order.run, executor="cluster") as search:
            self._search = search
            if self._stopping:
                search.stop()
            self._publish(Stage.SEARCHING, search.progress())
            return search.run([metrics, lambda progress: self._publish(Stage.SEARCHING, progress)])

    def _publish(self, stage: Stage, progress: Progress | None = None, *, error: str = "") -> None:
        with self._changed:
            self._report = replace(
                self._report,
                version=self._report.version + 1,
                stage=stage,
                progress=progress or self._report.progress,
                error=error,
            )
            self._changed.notify_all()
