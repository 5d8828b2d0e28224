"""The manifest: which segments count, derived from the deciding fence and the names of the files alone."""

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
    """The state of a run according to the names of its files.

    Attributes:
        fence: The fence that decides.
        guessed: Whether a later fence is damaged or missing, so that the wrong segments may count.
        live: Segments to read, sorted by ``seq``; together they have every row, and hardly any row twice.
        redundant: Segments that count, but whose rows are all in ``live``.
        unreadable: Segments that would count, but were found damaged.
        absent: Segments that the fence counts but that do not exist.
        stale: Segments that do not count: they were published after their writer had been superseded, or have
            come back after their loss was accepted.
        foreign: Files that are not segments.
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
        """The lowest ``seq`` after all that were ever used."""
        ends = [name.last for name in self.live] + [last for _, last in (*self.fence.lost, *self.missing)]
        return 1 + max(ends, default=-1)

    @property
    def told(self) -> int:
        """The number of evaluations that count."""
        lost = (*self.fence.lost, *self.missing)
        return self.next_seq - sum(1 + last - first for first, last in lost)


@dataclass(frozen=True)
class _Listing:
    """Fences and segments at one moment."""

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
    """Lists the files and returns what counts.

    Args:
        store: The place of the run.
        damaged: Segments whose content was found damaged.
        below: Term of a writer that has claimed it but not fenced; None for a reader.
        accept_data_loss: Whether a damaged or missing fence may be skipped in favour of the one before it.

    Raises:
        CorruptLedgerError: The fence that decides is damaged or missing.
    """
    listing = _list_calmly(store, below=below, accept_data_loss=accept_data_loss)
    fence = listing.fence
    names = {text: SegmentName.parse(text) for text in listing.files}
    # Segments of a later writer are not counted here: this writer will find itself superseded and stop.
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
    """Returns the highest term of any segment; 0 if there is none."""
    names = map(SegmentName.parse, store.list(FOLDER))
    return max((name.term for name in names if name is not None), default=0)


def _list_calmly(store: Store, *, below: int | None, accept_data_loss: bool) -> _Listing:
    """Returns fence and files of one moment: listing both is not atomic, so it repeats until two listings agree."""
    before: _Listing | None = None
    while True:
        fence, damaged = read_fence(store, below=below, accept_data_loss=accept_data_loss)
        # Network file systems leave names with a leading dot for deleted files that are still open.
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
    # Lost segments at the end leave no gap; what the fence or a damaged file names was committed.
    committed = max((name.last for name in (*manifest.absent, *manifest.unreadable)), default=-1)
    if committed > end:
        manifest.missing.append((end + 1, committed))
