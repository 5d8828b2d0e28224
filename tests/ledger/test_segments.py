"""One segment: its name and its content."""

from __future__ import annotations

import hashlib

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from evo_nas.ledger.schema import to_evaluations, to_table
from evo_nas.ledger.sealed import DamagedError
from evo_nas.ledger.segments import SegmentName, decode_segment, encode_segment, read_segment, verify
from tests.ledger.samples import MemoryStore, candidates, evaluations


def test_a_name_says_term_places_and_digest() -> None:
    name, content = encode_segment(to_table(evaluations(5, 6), first_seq=128), [], term=3)
    assert str(name) == f"t00000003-s0000000128-0000000129-{hashlib.sha256(content).hexdigest()[:32]}.parquet"
    assert SegmentName.parse(str(name)) == name
    assert name.rows == 2


@pytest.mark.parametrize(
    "text", ["", "notes.txt", f"t00000001-s0000000003-0000000002-{'0' * 32}.parquet", "t1-s1-1-0.parquet"]
)
def test_other_names_are_of_no_segment(text: str) -> None:
    assert SegmentName.parse(text) is None


def test_a_segment_is_read_from_its_store() -> None:
    store = MemoryStore()
    name, content = encode_segment(to_table(evaluations(0, 1), first_seq=0), candidates(2), term=1)
    store.create(name.path, content)
    segment = read_segment(store, name)
    assert (to_evaluations(segment.table), segment.born) == (evaluations(0, 1), candidates(2))
    assert read_segment(store, name, columns=["id"]).table.column_names == ["id"]
    store.delete(name.path)
    with pytest.raises(DamagedError, match="it has gone"):
        read_segment(store, name)


def test_a_parquet_file_of_somebody_else_is_no_segment_whatever_its_name() -> None:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({"id": [0]}), sink)
    content = sink.getvalue().to_pybytes()
    name = SegmentName(1, 0, 0, hashlib.sha256(content).hexdigest()[:32])
    with pytest.raises(DamagedError, match="no segment of a ledger"):
        decode_segment(name, content)


def test_a_segment_with_other_rows_than_its_name_says_is_damaged() -> None:
    name, content = encode_segment(to_table(evaluations(0), first_seq=0), [], term=1)
    with pytest.raises(DamagedError, match="1 rows instead of 3"):
        decode_segment(SegmentName(1, 0, 2, name.digest), content)


def test_every_flipped_bit_of_a_segment_is_noticed() -> None:
    name, content = encode_segment(to_table(evaluations(0, 1), first_seq=0), candidates(2), term=1)
    for offset in range(0, len(content), 37):
        with pytest.raises(DamagedError):
            verify(name, content[:offset] + bytes([content[offset] ^ 1]) + content[offset + 1 :])
