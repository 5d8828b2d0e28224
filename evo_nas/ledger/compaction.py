"""Many small segments become one, so that reading a long run costs what its rows cost, not its files.

Once more than `FAN_IN` small segments end the ledger they are merged. A segment of `LARGE_ROWS` rows is never
touched again, so that a row is rewritten at most ``LARGE_ROWS / FAN_IN`` times and usually once, and a run of
``n`` evaluations has at most about ``n / LARGE_ROWS + FAN_IN`` segments.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from evo_nas.errors import CorruptLedgerError
from evo_nas.ledger.contents import concatenate
from evo_nas.ledger.segments import DamagedError, SegmentName, encode_segment, read_segment

if TYPE_CHECKING:
    from collections.abc import Container, Sequence

    from evo_nas.ledger.store import Store

FAN_IN = 64
LARGE_ROWS = 1024


def find_small_tail(live: Sequence[SegmentName]) -> list[SegmentName]:
    """Returns the adjoining small segments at the end of ``live`` if they are worth merging, else none."""
    start = len(live)
    while start and live[start - 1].rows < LARGE_ROWS:
        start -= 1
    tail = list(live[start:])
    for index, (name, following) in reversed(list(enumerate(pairwise(tail), start=1))):
        if name.last + 1 != following.first:
            tail = tail[index:]
            break
    return tail if len(tail) > FAN_IN else []


def merge_segments(
    store: Store, names: Sequence[SegmentName], *, epoch: int, told: Container[int]
) -> tuple[SegmentName, bytes]:
    """Returns the segment that has the rows of adjoining ``names``, and their born that are not in ``told``.

    Raises:
        CorruptLedgerError: One of them is damaged or missing.
    """
    try:
        segments = [read_segment(store, name) for name in names]
    except DamagedError as error:
        raise CorruptLedgerError(
            f"{store.location}: a segment was damaged while the run was searching ({error}); "
            "check the disk, then run the same command again"
        ) from error
    born = {candidate.id: candidate for segment in segments for candidate in segment.born}
    in_flight = [candidate for key, candidate in sorted(born.items()) if key not in told]
    return encode_segment(concatenate(segments), in_flight, epoch=epoch)
