"""What counts, by the names of the files alone: nothing here is ever opened but fences."""

from __future__ import annotations

import pytest

from evo_nas.errors import CorruptLedgerError
from evo_nas.ledger.fencing import Fence, claim_term, write_fence
from evo_nas.ledger.manifest import Manifest, highest_term, read_manifest
from evo_nas.ledger.segments import SegmentName
from tests.ledger.samples import MemoryStore


def name(term: int, first: int, last: int) -> SegmentName:
    return SegmentName(term, first, last, f"{first:016x}{last:016x}")


def holding(
    *segments: SegmentName, fenced: tuple[SegmentName, ...] = (), terms: int = 1, **fence: object
) -> MemoryStore:
    """Returns a store with these segments, whose last fence counts those ``fenced``."""
    store = MemoryStore()
    for term in range(1, terms + 1):
        claim_term(store)
        counted = tuple(map(str, fenced)) if term == terms else ()
        write_fence(store, Fence(term, counted, fence.get("lost", ())))  # type: ignore[arg-type]
    for segment in segments:
        store.create(segment.path, b"never read")
    return store


def test_segments_of_the_term_count_without_being_listed() -> None:
    store = holding(name(1, 0, 1), name(1, 2, 5))
    manifest = read_manifest(store)
    assert manifest.live == [name(1, 0, 1), name(1, 2, 5)]
    assert manifest.next_seq == 6
    assert highest_term(store) == 1


def test_a_merged_segment_makes_its_sources_redundant() -> None:
    manifest = read_manifest(holding(name(1, 0, 1), name(1, 2, 3), name(1, 0, 3), name(1, 4, 4)))
    assert manifest.live == [name(1, 0, 3), name(1, 4, 4)]
    assert manifest.redundant == [name(1, 0, 1), name(1, 2, 3)]
    assert manifest.missing == []


def test_a_damaged_merged_segment_leaves_its_sources_live() -> None:
    store = holding(name(1, 0, 1), name(1, 2, 3), name(1, 0, 3))
    manifest = read_manifest(store, damaged={name(1, 0, 3)})
    assert manifest.live == [name(1, 0, 1), name(1, 2, 3)]
    assert manifest.unreadable == [name(1, 0, 3)]
    assert manifest.missing == []


def test_what_the_fence_does_not_list_of_earlier_terms_is_stale() -> None:
    store = holding(name(1, 0, 1), name(1, 2, 2), name(2, 2, 3), fenced=(name(1, 0, 1),), terms=2)
    manifest = read_manifest(store)
    assert manifest.stale == [name(1, 2, 2)]
    assert manifest.live == [name(1, 0, 1), name(2, 2, 3)]


def test_gaps_are_missing_and_accepted_losses_are_not() -> None:
    segments = (name(1, 2, 3), name(1, 6, 6))
    assert read_manifest(holding(*segments)).missing == [(0, 1), (4, 5)]
    accepted = read_manifest(holding(*segments, lost=((0, 1), (4, 5))))
    assert accepted.missing == []
    assert accepted.next_seq == 7


def test_the_last_segment_is_missed_where_a_fence_lists_it() -> None:
    manifest = read_manifest(holding(name(1, 0, 1), fenced=(name(1, 0, 1), name(1, 2, 4)), terms=2))
    assert manifest.absent == [name(1, 2, 4)]
    assert manifest.missing == [(2, 4)]
    assert manifest.next_seq == 5


def test_a_writer_does_not_count_what_later_terms_publish() -> None:
    store = holding(name(1, 0, 1), name(2, 2, 2), terms=2)
    assert read_manifest(store, below=2).live == [name(1, 0, 1)]


def test_segments_without_their_fence_are_refused_or_guessed() -> None:
    store = holding(name(1, 0, 1), name(3, 2, 2))
    with pytest.raises(CorruptLedgerError, match=r"00000003\.fence\.json is missing, but segments of term 3"):
        read_manifest(store)
    guess = read_manifest(store, accept_data_loss=True)
    assert guess.guessed
    assert guess.live == [name(1, 0, 1), name(3, 2, 2)]


def test_other_files_are_foreign_but_not_those_that_network_file_systems_leave() -> None:
    store = holding(name(1, 0, 0))
    for text in ("notes.txt", ".nfs0001"):
        store.create(f"segments/{text}", b"")
    assert read_manifest(store).foreign == ["notes.txt"]


def test_an_empty_store_has_an_empty_manifest() -> None:
    manifest = read_manifest(MemoryStore())
    assert manifest == Manifest(manifest.fence)
    assert (manifest.next_seq, highest_term(MemoryStore())) == (0, 0)
