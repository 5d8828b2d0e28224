"""Competing writers under random schedules, on the real ledger over a store that a scheduler interleaves.

Every store operation of every writer is one step. A seeded scheduler decides who makes the next one, lets
writers pause for long, and crashes some before or after the effect of their operation. There is no lock: it
is as if each writer ran on another machine.
"""

from __future__ import annotations

import itertools
import os
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from evo_nas.errors import FencedError
from evo_nas.ledger import Ledger, Store, compaction, fencing, takeover
from evo_nas.ledger import ledger as ledger_module
from evo_nas.ledger.contents import Contents, VerifiedSegments
from tests.checker import reader
from tests.ledger.samples import MemoryStore, candidates, evaluations, start, told_ids

SCHEDULES = int(os.environ.get("EVO_NAS_FENCING_SCHEDULES", "100"))
COMMITS_PER_WRITER = 6


class Crash(BaseException):
    """The process is gone: no handler may do anything more."""


class Turns(MemoryStore):
    """One writer's view of the shared files; each operation waits for its turn."""

    def __init__(self, files: dict[str, bytes]) -> None:
        super().__init__()
        self.files = files
        self.crash: str | None = None
        self._mine = threading.Semaphore(0)
        self._done = threading.Semaphore(0)

    def step(self) -> None:
        """Lets the writer run up to its next operation."""
        self._mine.release()
        self._done.acquire()

    def finish(self) -> None:
        self.crash = "over"
        self._done.release()

    def begin(self) -> None:
        self._mine.acquire()

    def _operate(self, operation: Callable[..., Any], *arguments: Any) -> Any:
        self._done.release()
        self._mine.acquire()
        if self.crash == "before":
            raise Crash
        outcome = operation(*arguments)
        if self.crash == "after":
            raise Crash
        return outcome

    def create(self, name: str, content: bytes) -> bool:
        return bool(self._operate(super().create, name, content))

    def read(self, name: str) -> bytes:
        return bytes(self._operate(super().read, name))

    def list(self, folder: str) -> list[str]:
        return list(self._operate(super().list, folder))

    def delete(self, name: str) -> None:
        self._operate(super().delete, name)

    def set_aside(self, name: str) -> str:
        return str(self._operate(super().set_aside, name))


class Writer:
    """A process that takes the run over and commits until it is fenced, crashed or done."""

    def __init__(self, files: dict[str, bytes], keys: itertools.count[int]) -> None:
        self.store = Turns(files)
        self.believed: list[int] = []
        self.failure: Exception | None = None
        self._keys = keys
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    @property
    def over(self) -> bool:
        return self.store.crash == "over"

    def join(self) -> None:
        self._thread.join()

    def _run(self) -> None:
        self.store.begin()
        try:
            self._search()
        except (Crash, FencedError):
            pass
        except Exception as error:  # noqa: BLE001 - reported by the main thread
            self.failure = error
        finally:
            self.store.finish()

    def _search(self) -> None:
        ledger = Ledger.open(self.store)
        self.believed = told_ids(ledger)
        for _ in range(COMMITS_PER_WRITER):
            key = next(self._keys)
            ledger.append(evaluations(key), born=candidates(key))
            self.believed = [*self.believed, key]


def play(seed: int) -> list[str]:
    """Plays one schedule and returns what went wrong."""
    rng = random.Random(seed)
    disk = MemoryStore()
    start(disk)
    keys = itertools.count()
    writers = [Writer(disk.files, keys) for _ in range(rng.randrange(2, 5))]
    doomed = {writer: rng.randrange(1, 60) for writer in writers if rng.random() < 0.4}
    while running := [writer for writer in writers if not writer.over]:
        writer = rng.choice(running)
        for _ in range(int(rng.paretovariate(0.7))):
            if writer in doomed:
                doomed[writer] -= 1
                if doomed[writer] == 0:
                    writer.store.crash = rng.choice(["before", "after"])
            writer.store.step()
            if writer.over:
                break
    for writer in writers:
        writer.join()
    with Ledger.open(disk) as ledger:
        final = told_ids(ledger)
    violations = [f"{writer.failure!r}" for writer in writers if writer.failure]
    for writer in writers:
        if final[: len(writer.believed)] != writer.believed:
            violations.append(f"a writer was told {writer.believed}, the run has {final}")
    if len(set(final)) != len(final) or [e.candidate.id for e in reader(disk).history().told] != final:
        violations.append(f"the run reads differently each time, or has repeats: {final}")
    return [f"schedule {seed}: {violation}" for violation in violations]


@pytest.fixture(autouse=True)
def eager_compaction(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compaction, "FAN_IN", 3)
    monkeypatch.setattr(compaction, "LARGE_ROWS", 6)


def test_no_acknowledged_row_is_lost_and_no_believed_history_changes() -> None:
    assert [violation for seed in range(SCHEDULES) for violation in play(seed)] == []


def test_the_model_finds_a_claim_that_is_checked_before_publishing(monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def check_first(store: Store, term: int, action: str) -> Iterator[None]:
        fencing.check_not_superseded(store, term)
        yield

    monkeypatch.setattr(takeover, "as_writer", check_first)
    monkeypatch.setattr(ledger_module, "as_writer", check_first)
    assert any(play(seed) for seed in range(10 * SCHEDULES))


def test_the_model_finds_a_fence_listed_before_the_claim(monkeypatch: pytest.MonkeyPatch) -> None:
    read, claim_term = VerifiedSegments.read, fencing.claim_term
    early: dict[Store, Contents] = {}

    def claim_late(store: Store, **options: Any) -> int:
        early[store] = read(VerifiedSegments(store), columns=["id", "seq"])
        return claim_term(store, **options)

    def read_early(segments: VerifiedSegments, *, below: int | None = None, **options: Any) -> Contents:
        return read(segments, **options) if below is None else early[segments.store]

    monkeypatch.setattr(takeover, "claim_term", claim_late)
    monkeypatch.setattr(VerifiedSegments, "read", read_early)
    assert any(play(seed) for seed in range(10 * SCHEDULES))
