"""Commits in a thread beside the loop: acknowledged only when durable, in order, and failures are not lost."""

from __future__ import annotations

import errno
import threading

import pytest

from evo_nas.errors import FencedError, RunError
from evo_nas.ledger import BackgroundCommitter, ImmediateCommitter, Ledger, Store, compaction
from tests.checker import check_run, reader
from tests.ledger.samples import RECORD, MemoryStore, candidates, evaluations, start

PATIENCE_S = 60.0


class GatedStore(MemoryStore):
    """A store that creates segments only while its gate is open."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = threading.Event()
        self.gate.set()
        self.error: BaseException | None = None

    def create(self, name: str, content: bytes) -> bool:
        if name.startswith("segments/"):
            assert self.gate.wait(PATIENCE_S)
            if self.error is not None:
                raise self.error
        return super().create(name, content)


def told(store: MemoryStore) -> list[int]:
    return [evaluation.candidate.id for evaluation in reader(store).history().told]


def test_a_commit_is_acknowledged_only_when_it_is_durable() -> None:
    store = GatedStore()
    with Ledger.create(store, RECORD) as ledger, BackgroundCommitter(ledger) as committer:
        store.gate.clear()
        committer.start(evaluations(0, 1), born=candidates(2))
        assert not committer.is_acknowledged(timeout_s=0.05)
        assert told(store) == []
        store.gate.set()
        assert committer.is_acknowledged(timeout_s=PATIENCE_S)
        assert told(store) == [0, 1]


def test_closing_finishes_the_commit_that_was_begun() -> None:
    store = GatedStore()
    with Ledger.create(store, RECORD) as ledger, BackgroundCommitter(ledger) as committer:
        committer.start(evaluations(3), born=candidates(4))
    assert told(store) == [3]
    assert reader(store).history().in_flight == candidates(4)


def test_a_full_disk_is_reported_to_the_loop() -> None:
    store = GatedStore()
    with Ledger.create(store, RECORD) as ledger:
        committer = BackgroundCommitter(ledger)
        store.error = OSError(errno.ENOSPC, "No space left on device")
        committer.start(evaluations(0), born=[])
        for _ in range(2):
            with pytest.raises(RunError, match="No space left"):
                committer.is_acknowledged(timeout_s=PATIENCE_S)
        committer.close()
    assert told(store) == []


def test_a_writer_that_was_superseded_is_never_acknowledged() -> None:
    store = GatedStore()
    start(store, (0,))
    late = Ledger.open(store)
    committer = BackgroundCommitter(late)
    with Ledger.open(store):
        committer.start(evaluations(1), born=[])
        with pytest.raises(FencedError):
            committer.is_acknowledged(timeout_s=PATIENCE_S)
    committer.close()
    assert told(store) == [0]


def test_a_failure_after_the_last_look_ends_the_search_with_an_error() -> None:
    def search(store: Store) -> None:
        with Ledger.create(store, RECORD) as ledger, BackgroundCommitter(ledger) as committer:
            Ledger.open(store).close()
            committer.start(evaluations(0), born=[])

    with pytest.raises(FencedError):
        search(GatedStore())


def test_an_error_that_ends_the_search_is_not_hidden_by_one_of_the_thread() -> None:
    def search(store: GatedStore) -> None:
        with Ledger.create(store, RECORD) as ledger, BackgroundCommitter(ledger) as committer:
            store.error = OSError(errno.ENOSPC, "No space left on device")
            committer.start(evaluations(0), born=[])
            raise KeyError

    with pytest.raises(KeyError):
        search(GatedStore())


def test_commits_keep_their_order_while_segments_are_merged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compaction, "FAN_IN", 3)
    store = GatedStore()
    with Ledger.create(store, RECORD) as ledger, BackgroundCommitter(ledger) as committer:
        for key in range(20):
            committer.start(evaluations(key), born=candidates(key + 1))
            assert committer.is_acknowledged(timeout_s=PATIENCE_S)
    assert told(store) == list(range(20))
    assert len(store.list("segments")) < 20
    assert check_run(store, acknowledged=range(20)) == []


def test_the_next_commit_pauses_so_that_more_can_go_into_it() -> None:
    with Ledger.create(MemoryStore(), RECORD) as ledger:
        assert ImmediateCommitter(ledger).pause_s() == 0.0
        with BackgroundCommitter(ledger) as committer:
            assert committer.pause_s() == 0.0
            committer.start(evaluations(0), born=[])
            assert committer.pause_s() > 0.0


def test_candidates_are_asked_ahead_only_where_a_commit_would_keep_workers_waiting() -> None:
    with Ledger.create(MemoryStore(), RECORD) as ledger, BackgroundCommitter(ledger) as committer:
        assert committer.ahead(1) == 0, "no commit has been made, so none is known to be slow"
        committer.start(evaluations(0), born=[])
        assert committer.is_acknowledged(timeout_s=PATIENCE_S)
        committer.commit_s = 1e-9
        assert committer.ahead(100) == 0
        committer.commit_s = 1e9
        assert committer.ahead(100) == 64
