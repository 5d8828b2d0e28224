"""What the segments that count hold."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest

from evo_nas.errors import CorruptLedgerError
from evo_nas.evaluation import Candidate
from evo_nas.ledger import Ledger
from evo_nas.ledger.contents import TOTALS_COLUMNS, VerifiedSegments, concatenate
from evo_nas.ledger.schema import to_table
from evo_nas.ledger.segments import Segment, encode_segment
from tests.ledger.samples import MemoryStore, candidates, evaluation, evaluations, start


@pytest.fixture
def store() -> MemoryStore:
    store = MemoryStore()
    start(store, (0, 2), (1,), (3,))
    return store


def segment(*keys: int, first: int, born: Sequence[Candidate] = ()) -> Segment:
    return Segment(to_table(evaluations(*keys), first_seq=first), list(born))


def test_totals_are_those_of_the_history(store: MemoryStore) -> None:
    segments = VerifiedSegments(store)
    totals, history = segments.read(columns=TOTALS_COLUMNS).totals(), segments.history()
    assert (totals.told, totals.in_flight) == (len(history.told), len(history.in_flight)) == (4, 1)
    assert math.isclose(totals.train_s, sum(each.outcome.train_s for each in history.told))


def test_rows_are_joined_in_the_order_of_telling_and_each_candidate_once() -> None:
    table = concatenate([segment(7, 5, first=2), segment(3, 4, 7, first=0)])
    assert table["id"].to_pylist() == [3, 4, 7, 5]
    assert table["seq"].to_pylist() == [0, 1, 2, 3]


def test_no_segments_make_an_empty_table() -> None:
    assert concatenate([]).num_rows == 0


def test_a_damaged_segment_is_replaced_by_another_with_its_rows(store: MemoryStore) -> None:
    merged, content = encode_segment(to_table(evaluations(0, 2, 1, 3), first_seq=0), candidates(4), term=1)
    store.create(merged.path, content[:-1])
    contents = VerifiedSegments(store).read()
    assert contents.history().told == evaluations(0, 2, 1, 3)
    assert list(contents.damage) == [merged]
    assert "do not have the SHA-256" in contents.damage[merged]


def test_missing_rows_are_refused_unless_their_loss_is_accepted(store: MemoryStore) -> None:
    store.delete(f"segments/{store.list('segments')[1]}")
    segments = VerifiedSegments(store)
    with pytest.raises(CorruptLedgerError, match="lacks evaluations 2 to 2 .*--accept-data-loss"):
        segments.read()
    assert segments.read(accept_data_loss=True).history().told == evaluations(0, 2, 3)


def test_what_is_not_kept_is_read_again(store: MemoryStore) -> None:
    segments = VerifiedSegments(store)
    assert segments.history(keep=False).told == evaluations(0, 2, 1, 3)
    path = f"segments/{store.list('segments')[0]}"
    store.files[path] = b""
    with pytest.raises(CorruptLedgerError, match="is damaged"):
        segments.history()


def test_a_writer_reads_what_counted_before_its_term(store: MemoryStore) -> None:
    with Ledger.open(store) as ledger:
        ledger.append([evaluation(4)], born=[])
        assert len(VerifiedSegments(store).read(columns=["id", "seq"], below=2).table()) == 4
