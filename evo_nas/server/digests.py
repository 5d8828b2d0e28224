"""`Digests`: keeps summaries of the runs of a root in bounded memory, and updates each when it is asked for."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from evo_nas.errors import EvoNasError, RunError
from evo_nas.views.course import values_at
from evo_nas.views.digest import RunDigest
from evo_nas.views.lineages import Pedigrees
from evo_nas.views.run_facts import FactsReader
from evo_nas.views.run_summary import RunSummary, summary_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from concurrent.futures import Future
    from typing import Self

    from evo_nas.server.root import RunsRoot
    from evo_nas.views.lineages import Pedigree

SPARKS = 40
MOST_DIGESTS = 64
MOST_EVALUATIONS = 2_000_000
"""Of all digests that are kept; one of a run with rungs takes up to 100 bytes for each, most of them far less."""
FRESH_S = 5.0
"""So long a list believes what it knows of a run in a bucket, where asking is slow, and of one that is damaged."""
READERS = 2
"""Threads that read runs for a list; they share one interpreter, so that more would only wait for each other."""


@dataclass(frozen=True, slots=True)
class Brief:
    """What a list says of one run.

    Attributes:
        name: Its name.
        summary: What the command line says of it.
        is_judged: Whether it keeps a verdict on the evaluations that it holds.
        strategy: Kind of its strategy; empty if it cannot be read.
        created_at: When it was begun, in ISO 8601; empty if it cannot be read.
        higher_is_better: Direction of the metric; None before the first score.
        sparkline: The best so far at evenly spaced evaluations.
    """

    name: str
    summary: RunSummary
    is_judged: bool = False
    strategy: str = ""
    created_at: str = ""
    higher_is_better: bool | None = None
    sparkline: tuple[float, ...] = ()


@dataclass
class _Entry:
    """One run.

    Attributes:
        facts: Reads what its digest does not have; another one, which keeps no rows yet, after that was let go.
        lock: Held by whoever reads it or its digest.
        digest: Its aggregates; None before they are needed and after they were let go.
        run_id: Of the run that they are of: another one may come under the same name.
        stamp: That of the run when it was read last; None if it must be read again.
        read_at: When that was, on the monotonic clock.
        brief: What was known then.
    """

    facts: FactsReader
    lock: threading.Lock = field(default_factory=threading.Lock)
    digest: RunDigest | None = None
    run_id: str = ""
    stamp: object | None = None
    read_at: float = 0.0
    brief: Brief | None = None


class Known(NamedTuple):
    """What is known of the runs of a root.

    Attributes:
        briefs: The runs by name.
        reading: Number of runs that are still being read for the first time.
        unnamed: Directories whose names a service cannot take, although there are runs in them.
    """

    briefs: list[Brief]
    reading: int
    unnamed: list[str]


class Digests:
    """Digests of the runs of one root.

    What a list needs of a run is small and stays. The aggregates behind it stay for the runs that were asked for last;
    those of a run that nobody looks at and that does not change are made again when they are needed.

    Args:
        root: The runs.
    """

    def __init__(self, root: RunsRoot) -> None:
        self._root = root
        self._lock = threading.Lock()
        self._entries: dict[str, _Entry] = {}
        self._recent: OrderedDict[str, int] = OrderedDict()
        self._reading: dict[str, Future[Brief | None]] = {}
        self._pedigrees = Pedigrees()
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="digest")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Ends the threads that read ahead, once each has read its run."""
        self._readers.shutdown(wait=False, cancel_futures=True)

    def warm_up(self) -> None:
        """Begins to read all runs in the background, so that the first list need not wait for them."""
        self._readers.submit(self._begin_all)

    def _begin_all(self) -> None:
        for name in self._root.names():
            self._begin(name)

    def briefs(self) -> Known:
        """Returns what is known of each run, by name."""
        names, unnamed = self._root.listing()
        with self._lock:
            for gone in self._entries.keys() - set(names):
                self._forget(gone)
        for name in names:
            if not self._is_known(name):
                self._begin(name)
        found: list[Brief] = []
        missing = 0
        for name in names:
            try:
                brief = self._at_hand(name)
            except TimeoutError:
                missing += 1
                continue
            if brief is not None:
                found.append(brief)
        return Known(found, missing, unnamed)

    async def wait(self, patience_s: float) -> None:
        """Waits until all runs that are being read for the first time were read, or for ``patience_s``.

        No thread waits meanwhile: there are few, and clients that wait could hold all of them.
        """
        with self._lock:
            reading = [asyncio.wrap_future(each) for each in self._reading.values()]
        if reading:
            await asyncio.wait(reading, timeout=patience_s)

    def brief(self, name: str) -> Brief:
        """Returns what a list says of the run ``name``.

        Raises:
            ServiceError: There is none.
        """
        self._root.run(name)
        brief = self._brief(name)
        if brief is None:
            self._root.run(name)  # it has gone meanwhile
            raise RunError(f"run {name} is being removed")
        return brief

    @contextmanager
    def digest(self, name: str) -> Iterator[tuple[RunDigest, FactsReader]]:
        """Yields the digest of the run ``name``, up to date, and what reads the rest; nobody else uses them meanwhile.

        Raises:
            ServiceError: There is no such run.
            RunError: It cannot be read.
        """
        self._root.run(name)
        entry = self._entry(name)
        with entry.lock:
            yield self._updated(name, entry), entry.facts

    def pedigree(self, name: str) -> Pedigree:
        """Returns the ancestors and the children of the networks of the run ``name``.

        Raises:
            ServiceError: There is no such run.
            RunError: It cannot be read.
        """
        with self.digest(name) as (digest, _):
            return self._pedigrees.pedigree(digest)

    def _at_hand(self, name: str) -> Brief | None:
        """Returns what is known of a run; None if it has gone, and `TimeoutError` if it is still being read."""
        reading = self._reading.get(name)
        if reading is None:
            return self._brief(name)
        return reading.result(timeout=0)

    def _begin(self, name: str) -> None:
        with self._lock:
            if name not in self._reading:
                self._reading[name] = self._readers.submit(self._read_ahead, name)

    def _read_ahead(self, name: str) -> Brief | None:
        try:
            return self._brief(name)
        finally:
            with self._lock:
                self._reading.pop(name, None)

    def _is_known(self, name: str) -> bool:
        entry = self._entries.get(name)
        return entry is not None and entry.brief is not None

    def _brief(self, name: str) -> Brief | None:
        """Returns what a list says of a run; None if it has gone."""
        entry = self._entry(name)
        # While a long one is read, the list says what was known before.
        if not entry.lock.acquire(blocking=entry.brief is None):
            return entry.brief
        try:
            run = self._root.at(name)
            stamp = run.stamp()
            if entry.brief is not None and self._is_fresh(entry, stamp):
                return entry.brief
            try:
                if not run.exists:
                    return None
                entry.brief = brief_of(name, self._updated(name, entry))
            # One damaged run must not hide the others.
            except EvoNasError as error:
                entry.brief = Brief(name, RunSummary(run.location, error=str(error)))
            # Taken before it was read: what came meanwhile is read the next time.
            entry.stamp, entry.read_at = stamp, time.monotonic()
            return entry.brief
        finally:
            entry.lock.release()

    def _is_fresh(self, entry: _Entry, stamp: object | None) -> bool:
        """Whether a run need not be read again."""
        age_s = time.monotonic() - entry.read_at
        if not self._root.is_local:
            return age_s < FRESH_S
        # A file that is mended in its place leaves no trace in the times of folders.
        is_damaged = entry.brief is not None and bool(entry.brief.summary.error)
        return stamp is not None and stamp == entry.stamp and not (is_damaged and age_s > FRESH_S)

    def _updated(self, name: str, entry: _Entry) -> RunDigest:
        run = self._root.at(name)
        run_id = run.record.run_id
        digest = entry.digest
        if digest is None or entry.run_id != run_id:
            digest = RunDigest(run)
            entry.facts, entry.run_id = self._new_facts(), run_id
        entry.digest = digest
        digest.update()
        self._note_use(name, digest.told)
        return digest

    def _entry(self, name: str) -> _Entry:
        with self._lock:
            return self._entries.setdefault(name, _Entry(self._new_facts()))

    def _new_facts(self) -> FactsReader:
        return FactsReader(self._pedigrees)

    def _note_use(self, name: str, told: int) -> None:
        """Lets digests go if there are too many: first the smallest, which are made again soonest."""
        with self._lock:
            self._recent[name] = told
            self._recent.move_to_end(name)
            while len(self._recent) > MOST_DIGESTS:
                self._let_go(min(list(self._recent)[:-1], key=self._recent.__getitem__))
            while len(self._recent) > 1 and sum(self._recent.values()) > MOST_EVALUATIONS:
                self._let_go(next(iter(self._recent)))

    def _let_go(self, name: str) -> None:
        del self._recent[name]
        # Whoever uses it at this moment still has it.
        if (entry := self._entries.get(name)) is not None:
            entry.digest, entry.facts = None, self._new_facts()

    def _forget(self, name: str) -> None:
        del self._entries[name]
        self._recent.pop(name, None)


def brief_of(name: str, digest: RunDigest) -> Brief:
    """Returns what a list says of a run that was digested.

    Raises:
        RunError: The run cannot be read.
    """
    summary, record = summary_of(digest), digest.run.record
    return Brief(
        name=name,
        summary=summary,
        is_judged=summary.test is not None,
        strategy=str(digest.run.config.strategy["kind"]),
        created_at=record.created_at,
        higher_is_better=digest.higher_is_better,
        sparkline=tuple(sparkline_of(digest, SPARKS)),
    )


def sparkline_of(digest: RunDigest, count: int) -> Sequence[float]:
    """Returns the best so far at ``count`` evenly spaced evaluations, from the first full score on."""
    steps = digest.course.steps
    if not len(steps):
        return []
    last = int(max(digest.told - 1, steps["seq"][-1]))
    first = int(steps["seq"][0])
    places = np.unique(np.linspace(first, last, min(count, last - first + 1)).astype(np.int64))
    return [digest.value(fitness) for fitness in values_at(steps, places)]
