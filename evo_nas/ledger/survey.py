"""What counts, by the names of the files alone: segments under the fence that decides, and missing rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from evo_nas.ledger.epochs import Fence, read_fence
from evo_nas.ledger.segments import FOLDER, SegmentName

if TYPE_CHECKING:
    from collections.abc import Container, Iterable

    from evo_nas.ledger.store import Store


@dataclass(frozen=True)
class Survey:
    """What the names of the files say.

    Attributes:
        fence: The one that decides.
        live: Segments to be read, by ``seq``; together they have every row, and hardly any twice.
        redundant: Segments that count, but whose rows are all in ``live``.
        unreadable: Segments that would count, but were found damaged.
        absent: Segments that the fence counts and that are not there.
        stale: Segments that do not count: published after their writer had been superseded, or come back
            after their loss was accepted.
        foreign: Files that are no segments.
        missing: Ranges ``(first, last)`` of ``seq`` that were committed and are in no segment.
    """

    fence: Fence
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


def take_survey(
    store: Store,
    *,
    damaged: Container[SegmentName] = (),
    below: int | None = None,
    accept_data_loss: bool = False,
) -> Survey:
    """Lists the files and says what counts.

    Args:
        store: Where the run is.
        damaged: Segments that were read and are not what their names say.
        below: Epoch of a writer that has claimed it but not fenced; None for a reader.
        accept_data_loss: Whether a damaged fence may be passed over for the one before it.

    Raises:
        CorruptLedgerError: The fence is damaged.
    """
    fence, listed = _list_calmly(store, below=below, accept_data_loss=accept_data_loss)
    survey = Survey(fence)
    fenced = set(fence.segments)
    present: list[SegmentName] = []
    for text in listed:
        name = SegmentName.parse(text)
        if name is None:
            survey.foreign.append(text)
        elif below is not None and name.epoch >= below:
            continue
        elif name.epoch < fence.epoch and text not in fenced:
            survey.stale.append(name)
        elif name in damaged:
            survey.unreadable.append(name)
        else:
            present.append(name)
    survey.absent.extend(filter(None, map(SegmentName.parse, sorted(fenced.difference(listed)))))
    _cover(survey, present)
    return survey


def _list_calmly(store: Store, *, below: int | None, accept_data_loss: bool) -> tuple[Fence, list[str]]:
    """Returns fence and files of one moment: listing is not atomic, so it looks until two looks agree."""
    before: tuple[Fence, list[str]] | None = None
    while True:
        fence = read_fence(store, below=below, accept_data_loss=accept_data_loss)
        listed = [text for text in store.list(FOLDER) if not text.startswith(".")]
        if before == (fence, listed):
            return fence, listed
        before = (fence, listed)


def _cover(survey: Survey, present: Iterable[SegmentName]) -> None:
    """Sweeps ``present`` by ``seq``, longer ones first, and notes the gaps that are not accepted losses."""
    spans: list[tuple[int, int, SegmentName | None]] = [(*bounds, None) for bounds in survey.fence.lost]
    spans += [(name.first, name.last, name) for name in present]
    end = -1
    for first, last, name in sorted(spans, key=lambda span: (span[0], -span[1], str(span[2]))):
        if first > end + 1:
            survey.missing.append((end + 1, first - 1))
        if name is not None:
            (survey.live if last > end else survey.redundant).append(name)
        end = max(end, last)
    committed = max((name.last for name in (*survey.absent, *survey.unreadable)), default=-1)
    if committed > end:
        survey.missing.append((end + 1, committed))
