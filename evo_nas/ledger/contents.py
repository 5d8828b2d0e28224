"""What a run's ledger holds: which segments count, whether they are whole, and their rows.

Works beside a live writer without a claim or a lock: the files are immutable, and where compaction removes
one between listing and reading, its rows are found in another at the next look.
"""

from __future__ import annotations

import errno
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from evo_nas.errors import CorruptLedgerError
from evo_nas.ledger.epochs import Fence, read_fence
from evo_nas.ledger.schema import SCHEMA, to_evaluations
from evo_nas.ledger.segments import FOLDER, DamagedError, Segment, SegmentName, decode_segment

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from evo_nas.evaluation import Candidate, Evaluation
    from evo_nas.ledger.store import Store


@dataclass(frozen=True)
class History:
    """What a search is resumed from.

    Attributes:
        told: Every evaluation, in the order of telling.
        in_flight: Candidates recorded as asked and not told, by id.
    """

    told: list[Evaluation]
    in_flight: list[Candidate]


@dataclass(frozen=True)
class Survey:
    """What the names of the files say.

    Attributes:
        fence: The one that decides.
        live: Segments to be read: together they have every row once, but for rare overlaps; by ``seq``.
        redundant: Segments that count, but whose rows are all in ``live``.
        stale: Segments that a writer published after it had been superseded; they do not count.
        foreign: Files that are no segments.
        missing: Ranges of ``seq`` that were committed and are in no segment.
        absent: Segments that the fence counts and that are not there.
    """

    fence: Fence
    live: list[SegmentName] = field(default_factory=list)
    redundant: list[SegmentName] = field(default_factory=list)
    stale: list[SegmentName] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    missing: list[tuple[int, int]] = field(default_factory=list)
    absent: list[SegmentName] = field(default_factory=list)


@dataclass(frozen=True)
class Contents:
    """What the files hold.

    Attributes:
        survey: What their names say, damaged ones left out.
        segments: Those of ``survey.live``, in its order.
        damaged: Why segments that count cannot be read.
    """

    survey: Survey
    segments: list[Segment]
    damaged: dict[SegmentName, str]

    def table(self) -> pa.Table:
        """Returns all rows by ``seq``, each candidate once."""
        return concatenate(self.segments)

    def history(self) -> History:
        """Returns all rows and the candidates in flight as evaluations and candidates."""
        told = to_evaluations(self.table())
        in_flight = {candidate.id: candidate for segment in self.segments for candidate in segment.born}
        for evaluation in told:
            in_flight.pop(evaluation.candidate.id, None)
        return History(told, [in_flight[key] for key in sorted(in_flight)])


def read_contents(
    store: Store,
    *,
    columns: Sequence[str] | None = None,
    below: int | None = None,
    accept_data_loss: bool = False,
) -> Contents:
    """Reads and verifies every segment that counts.

    Args:
        store: Where the run is.
        columns: Of the tables; all for None.
        below: Epoch of a writer that has claimed but not fenced; None for a reader.
        accept_data_loss: Whether committed rows may be missing.

    Raises:
        CorruptLedgerError: Committed rows are missing.
        FormatError: A newer version wrote some of them.
    """
    segments: dict[SegmentName, Segment] = {}
    damaged: dict[SegmentName, str] = {}
    vanished: set[SegmentName] = set()
    while True:
        survey = _survey(store, damaged, below=below, accept_data_loss=accept_data_loss)
        unread = [name for name in survey.live if name not in segments]
        if not unread:
            break
        for name in unread:
            try:
                segments[name] = decode_segment(name, store.read(name.path), columns=columns)
            except FileNotFoundError:
                if name in vanished:
                    damaged[name] = "it is listed but cannot be opened"
                vanished.add(name)
            except DamagedError as error:
                damaged[name] = str(error)
            except OSError as error:
                if error.errno != errno.EIO:
                    raise
                damaged[name] = "the disk cannot read it"
    if survey.missing and not accept_data_loss:
        raise CorruptLedgerError(_explain_loss(store, survey, damaged))
    return Contents(survey, [segments[name] for name in survey.live], damaged)


def concatenate(segments: Iterable[Segment]) -> pa.Table:
    """Returns the rows of ``segments`` by ``seq``, the first of each candidate id."""
    table = pa.concat_tables([SCHEMA.empty_table(), *(segment.table for segment in segments)])
    ids, seq = table["id"].to_numpy(), table["seq"].to_numpy()
    order = np.lexsort((ids, seq))
    first = np.sort(np.unique(ids[order], return_index=True)[1])
    kept = order[first]
    return table if np.array_equal(kept, np.arange(len(table))) else table.take(kept)


def _survey(
    store: Store, damaged: Collection[SegmentName], *, below: int | None, accept_data_loss: bool
) -> Survey:
    """Lists segments under a fence that is the same before and after."""
    while True:
        fence = read_fence(store, below=below, accept_data_loss=accept_data_loss)
        listed = store.list(FOLDER)
        if read_fence(store, below=below, accept_data_loss=accept_data_loss).epoch == fence.epoch:
            break
    survey = Survey(fence)
    counted: list[SegmentName] = []
    fenced = set(fence.segments)
    for text in listed:
        name = SegmentName.parse(text)
        if name is None:
            survey.foreign.append(text)
        elif below is not None and name.epoch >= below:
            continue
        elif name.epoch >= fence.epoch or text in fenced:
            counted.append(name)
        else:
            survey.stale.append(name)
    survey.absent.extend(filter(None, map(SegmentName.parse, fenced.difference(listed))))
    _cover(survey, [name for name in counted if name not in damaged], committed=[*survey.absent, *counted])
    return survey


def _cover(survey: Survey, present: list[SegmentName], *, committed: Iterable[SegmentName]) -> None:
    """Sweeps ``present`` by ``seq``; the rows of ``committed`` that they do not have are missing."""
    accepted: list[tuple[int, int, SegmentName | None]] = [(*bounds, None) for bounds in survey.fence.lost]
    spans = [*accepted, *((name.first, name.last, name) for name in present)]
    end = -1
    for first, last, name in sorted(spans, key=lambda span: (span[0], -span[1], str(span[2]))):
        if first > end + 1:
            survey.missing.append((end + 1, first - 1))
        if name is not None:
            (survey.live if last > end else survey.redundant).append(name)
        end = max(end, last)
    latest = max((name.last for name in committed), default=-1)
    if latest > end:
        survey.missing.append((end + 1, latest))


def _explain_loss(store: Store, survey: Survey, damaged: dict[SegmentName, str]) -> str:
    ranges = ", ".join(f"{first} to {last}" for first, last in survey.missing)
    causes = [f"{name.path} is damaged: {reason}" for name, reason in damaged.items()]
    causes += [f"{name.path} is missing" for name in survey.absent]
    return (
        f"{store.location} lacks evaluations {ranges} of its order of telling "
        f"({'; '.join(causes) or 'their files are missing'}); restore the files from a copy, or go on "
        "without these evaluations with --accept-data-loss"
    )
