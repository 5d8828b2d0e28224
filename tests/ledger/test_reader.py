"""A run that is read without a claim."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from evo_nas.errors import CorruptLedgerError, RunError
from evo_nas.ledger import Ledger, LedgerReader, compaction
from tests.checker import reader
from tests.ledger.samples import (
    RECORD,
    MemoryStore,
    candidates,
    evaluations,
    segment_names,
    start,
    told_ids,
)


class CountingStore(MemoryStore):
    """Counts how often each file is read."""

    def __init__(self) -> None:
        super().__init__()
        self.reads: Counter[str] = Counter()

    def read(self, name: str) -> bytes:
        self.reads[name] += 1
        return super().read(name)

    @property
    def segment_reads(self) -> dict[str, int]:
        return {name: count for name, count in self.reads.items() if name.startswith("segments/")}


@pytest.fixture
def store() -> CountingStore:
    store = CountingStore()
    start(store, (0, 1), (2,), (3, 4))
    store.reads.clear()
    return store


def test_totals_opening_and_history_read_every_segment_once(store: CountingStore) -> None:
    run = LedgerReader(store)
    assert run.exists()
    assert run.totals().told == 5
    with Ledger.open(run) as ledger:
        assert ledger.history().told == evaluations(0, 1, 2, 3, 4)
    assert sorted(store.segment_reads.values()) == [1, 1, 1]
    assert store.reads["RUN.json"] == 1


def test_every_question_is_answered_from_one_reading(store: CountingStore) -> None:
    run = LedgerReader(store)
    for _ in range(2):
        assert run.record == RECORD
        assert run.history().in_flight == candidates(5)
        assert run.table().num_rows == run.totals().told == 5
        assert run.check() == 6
    assert sorted(store.segment_reads.values()) == [1, 1, 1]
    assert store.reads["RUN.json"] == 1


def test_the_history_of_an_open_ledger_is_not_kept_in_memory(store: CountingStore) -> None:
    run = LedgerReader(store)
    with Ledger.open(run) as ledger:
        ledger.history()
        assert not run.segments._verified


def test_a_reader_sees_what_was_committed_since_and_reads_only_that(
    store: CountingStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compaction, "FAN_IN", 4)
    run = LedgerReader(store)
    assert run.totals().told == 5
    with Ledger.open(store) as ledger:
        ledger.append(evaluations(5), born=[])
        store.reads.clear()
        assert run.totals().told == 6
        assert list(store.segment_reads.values()) == [1]
        ledger.append(evaluations(6), born=[])
        assert len(store.list("segments")) == 1, "compaction has removed what the reader has verified"
        assert run.history().told == evaluations(*range(7))


def test_a_run_that_is_started_later_is_found(store: CountingStore) -> None:
    run = LedgerReader(MemoryStore())
    assert not run.exists()
    with pytest.raises(RunError, match=r"holds no run: RUN\.json is missing"):
        run.totals()
    start(run.store, (0,))
    assert run.exists()
    assert run.totals().told == 1


def test_the_last_settings_that_were_given_hold(store: CountingStore) -> None:
    assert reader(store).settings() == {}
    Ledger.open(store, settings={"workers": {"count": 2}}).close()
    Ledger.open(store, settings={"workers": {"count": 4}}).close()
    Ledger.open(store).close()
    assert reader(store).settings() == {"workers": {"count": 4}}


def test_settings_of_a_damaged_claim_do_not_vanish_silently(store: CountingStore) -> None:
    Ledger.open(store, settings={"budget": {"evaluations": 9}}).close()
    Ledger.open(store).close()
    store.files["fencing/00000003.claim.json"] = b"{}"
    with pytest.raises(CorruptLedgerError, match=r"00000003\.claim\.json is damaged .*state them again"):
        reader(store).settings()
    Ledger.open(store, settings={"budget": {"evaluations": 12}}).close()
    assert reader(store).settings() == {"budget": {"evaluations": 12}}


def test_a_missing_claim_is_noticed_by_its_fence(store: CountingStore) -> None:
    Ledger.open(store, settings={"budget": {"evaluations": 9}}).close()
    del store.files["fencing/00000002.claim.json"]
    with pytest.raises(CorruptLedgerError, match=r"00000002\.claim\.json is damaged \(it has gone\)"):
        reader(store).settings()


def test_a_fence_of_another_term_is_refused_and_nothing_is_set_aside(tmp_path: Path) -> None:
    start(tmp_path / "run", (0, 1), (2,))
    fencing = tmp_path / "run" / "fencing"
    for content in (
        (fencing / "00000001.fence.json").read_bytes().replace(b'"term": 1', b'"term": 3'),
        (fencing / "00000001.claim.json").read_bytes(),
    ):
        (fencing / "00000001.fence.json").write_bytes(content)
        for attempt in (reader(tmp_path / "run").history, reader(tmp_path / "run").check):
            with pytest.raises(CorruptLedgerError, match=r"00000001\.fence\.json is damaged"):
                attempt()
        with pytest.raises(CorruptLedgerError, match=r"00000001\.fence\.json is damaged"):
            Ledger.open(tmp_path / "run")
    assert len(segment_names(tmp_path / "run")) == 2


def test_segments_whose_fence_is_missing_stop_the_run_until_that_is_accepted(store: CountingStore) -> None:
    with Ledger.open(store) as ledger:
        ledger.append(evaluations(5), born=[])
    del store.files["fencing/00000002.fence.json"]
    for attempt in (reader(store).history, reader(store).check, lambda: Ledger.open(store)):
        with pytest.raises(
            CorruptLedgerError, match=r"00000002\.fence\.json is missing, but segments of term 2"
        ):
            attempt()
    with Ledger.open(store, accept_data_loss=True) as ledger:
        assert told_ids(ledger) == [0, 1, 2, 3, 4, 5]
    assert reader(store).history().told == evaluations(*range(6))


def test_a_run_without_any_claim_or_fence_is_not_begun_anew(store: CountingStore) -> None:
    for name in [name for name in store.files if name.startswith("fencing/")]:
        del store.files[name]
    with pytest.raises(CorruptLedgerError, match=r"00000001\.fence\.json is missing"):
        Ledger.open(store)
    assert len(store.list("segments")) == 3
    with Ledger.open(store, accept_data_loss=True) as ledger:
        assert told_ids(ledger) == [0, 1, 2, 3, 4]
