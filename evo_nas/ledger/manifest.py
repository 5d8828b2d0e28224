"""The manifest: what counts by the names of the files alone, which is segments under the fence that decides."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from evo_nas.ledger.fencing import Fence, read_fence, refuse_unfenced
from evo_nas.ledger.segments import FOLDER, SegmentName

if TYPE_CHECKING:
    from collections.abc import Container, Iterable

    from evo_nas.ledger.store import Store


@dataclass(frozen=True)
class Manifest:
    """What the names of the files say.

    Attributes:
        fence: The one that decides.
        guessed: Whether a later fence is damaged or missing, so that segments may count that should not.
        live: Segments to be read, by ``seq``; together they have every row, and hardly any row twice.
        redundant: Segments that count, but whose rows are all in ``live``.
        unreadable: Segments that would count, but were found damaged.
        absent: Segments that the fence counts and that are not there.
        stale: Segments that do not count: they were published after their writer had been superseded, or have
            come back after their loss was accepted.
        foreign: Files that are no segments.
        missing: Ranges ``(first, last)`` of ``seq`` that were committed and are in no segment.
    """

    fence: Fence
    guessed: bool = False
    live: list[SegmentName] = field(default_factory=list)
    redundant: list[SegmentName] = field(default_factory=list)
    unreadable: list[SegmentName] = field(default_factory=list)
    absent: list[SegmentName] = field(default_factory=list)
    stale: list[SegmentName] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    missing: list[tuple[int, int]] = field(default_factory=list)

    @property
    def next_seq(self) -> int:
        """The first ``seq`` that no row ever had."""
        ends = [name.last for name in self.live] + [last for _, last in (*self.fence.lost, *self.missing)]
        return 1 + max(ends, default=-1)


@dataclass(frozen=True)
class _Listing:
    """Fences and segments of one moment."""

    fence: Fence
    damaged_fences: list[str]
    files: list[str]


def read_manifest(
    store: Store,
    *,
    damaged: Container[SegmentName] = (),
    below: int | None = None,
    accept_data_loss: bool = False,
) -> Manifest:
    """Lists the files and says what counts.

    Args:
        store: Where the run is.
        damaged: Segments that were read and are not what their names say.
        below: Term of a writer that has claimed it but not fenced; None for a reader.
        accept_data_loss: Whether a damaged or missing fence may be passed over for the one before it.

    Raises:
        CorruptLedgerError: The fence that decides is damaged or missing.
    """
    listing = _list_calmly(store, below=below, accept_data_loss=accept_data_loss)
    fence = listing.fence
    names = {text: SegmentName.parse(text) for text in listing.files}
    # What a later writer publishes is not this writer's to count: it will find itself superseded and stop.
    segments = [name for name in names.values() if name and (below is None or name.term < below)]
    unfenced = max((name.term for name in segments), default=0)
    if unfenced > fence.term and not accept_data_loss:
        refuse_unfenced(store, unfenced)
    manifest = Manifest(fence, guessed=bool(listing.damaged_fences) or unfenced > fence.term)
    manifest.foreign.extend(text for text, name in names.items() if name is None)
    fenced = set(fence.segments)
    manifest.absent.extend(filter(None, map(SegmentName.parse, sorted(fenced.difference(listing.files)))))
    present: list[SegmentName] = []
    for name in segments:
        if name.term < fence.term and str(name) not in fenced:
            manifest.stale.append(name)
        elif name in damaged:
            manifest.unreadable.append(name)
        else:
            present.append(name)
    _cover(manifest, present)
    return manifest


def highest_term(store: Store) -> int:
    """Returns the highest term that a segment is of; 0 if there is none."""
    names = map(SegmentName.parse, store.list(FOLDER))
    return max((name.term for name in names if name is not None), default=0)


def _list_calmly(store: Store, *, below: int | None, accept_data_loss: bool) -> _Listing:
    """Returns fence and files of one moment: to list both is not atomic, so it looks until two looks agree."""
    before: _Listing | None = None
    while True:
        fence, damaged = read_fence(store, below=below, accept_data_loss=accept_data_loss)
        # Names with a dot in front are what network file systems leave of files that are still open.
        files = [text for text in store.list(FOLDER) if not text.startswith(".")]
        listing = _Listing(fence, damaged, files)
        if before == listing:
            return listing
        before = listing


def _cover(manifest: Manifest, present: Iterable[SegmentName]) -> None:
    """Sorts ``present`` into live and redundant, and notes the gaps that are not accepted losses."""
    spans: list[tuple[int, int, SegmentName | None]] = [(*bounds, None) for bounds in manifest.fence.lost]
    spans += [(name.first, name.last, name) for name in present]
    end = -1
    # One sweep by first seq. The longest of those that start together comes first: it is the merged segment,
    # and what an interrupted compaction left of its sources adds nothing to it.
    for first, last, name in sorted(spans, key=lambda span: (span[0], -span[1], str(span[2]))):
        if first > end + 1:
            manifest.missing.append((end + 1, first - 1))
        if name is not None:
            (manifest.live if last > end else manifest.redundant).append(name)
        end = max(end, last)
    # No gap shows where the last segments are gone; what the fence or a damaged file names was committed.
    committed = max((name.last for name in (*manifest.absent, *manifest.unreadable)), default=-1)
    if committed > end:
        manifest.missing.append((end + 1, committed))
