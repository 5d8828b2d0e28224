"""Merges many small segments into one, so that the cost of reading a long run depends on its rows, not on its files.

Once the ledger ends in more than `FAN_IN` small segments, or in small ones with `LARGE_ROWS` rows together, they are
merged. A segment of `LARGE_ROWS` rows is never touched again. So a row is rewritten at most ``LARGE_ROWS / FAN_IN``
times and usually once, and a run of ``n`` evaluations has at most about ``n / LARGE_ROWS + FAN_IN`` segments.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from evo_nas.errors import CorruptLedgerError
from evo_nas.ledger.contents import concatenate
from evo_nas.ledger.sealed import DamagedError
from evo_nas.ledger.segments import Segment, SegmentName, encode_segment, read_segment

if TYPE_CHECKING:
    from collections.abc import Container, Mapping, Sequence

    from evo_nas.ledger.store import Store

FAN_IN = 64
LARGE_ROWS = 1024


def find_small_tail(live: Sequence[SegmentName]) -> list[SegmentName]:
    """Returns the adjoining small segments at the end of ``live`` if they are worth merging, otherwise none."""
    start = len(live)
    while start and live[start - 1].rows < LARGE_ROWS:
        start -= 1
    tail = list(live[start:])
    # The name of a segment claims every seq from its first to its last, so segments around a gap are not merged.
    for index, (name, following) in reversed(list(enumerate(pairwise(tail), start=1))):
        if name.last + 1 != following.first:
            tail = tail[index:]
            break
    is_worth_it = len(tail) > FAN_IN or (len(tail) > 1 and sum(name.rows for name in tail) >= LARGE_ROWS)
    return tail if is_worth_it else []


def merge_segments(
    store: Store,
    names: Sequence[SegmentName],
    *,
    term: int,
    told: Container[int],
    kept: Mapping[SegmentName, Segment],
) -> tuple[SegmentName, bytes]:
    """Returns the segment with the rows of the adjoining ``names``.

    It keeps those of the recorded candidates in flight that are not in ``told``.

    Args:
        store: The place of the run.
        names: The segments to merge, in their order.
        term: The term of the writer.
        told: Ids of the candidates that were told.
        kept: Segments that need not be read again.

    Raises:
        CorruptLedgerError: One of them is damaged or missing.
    """
    try:
        segments = [kept.get(name) or read_segment(store, name) for name in names]
    except DamagedError as error:
        raise CorruptLedgerError(
            f"{store.location}: a segment was damaged while the run was searching ({error}); "
            "check the disk, then run the same command again"
        ) from error
    # Candidates that are still in flight must be kept; those that were told meanwhile need no record.
    born = {candidate.id: candidate for segment in segments for candidate in segment.born}
    in_flight = [candidate for key, candidate in sorted(born.items()) if key not in told]
    return encode_segment(concatenate(segments), in_flight, term=term)
