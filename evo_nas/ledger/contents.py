"""Reads the segments that count: verified rows, and the history that a search is resumed from.

Reading needs no claim and no lock beside a live writer: the files are immutable. If compaction removes a file between
listing and reading, the next listing finds its rows in another file.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from evo_nas.errors import CorruptLedgerError
from evo_nas.evaluation import Status
from evo_nas.ledger.manifest import Manifest, read_manifest
from evo_nas.ledger.schema import EVALUATION_COLUMNS, SCHEMA, to_evaluations
from evo_nas.ledger.sealed import DamagedError
from evo_nas.ledger.segments import Segment, SegmentName, decode_segment, read_verified

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from evo_nas.evaluation import Candidate, Evaluation
    from evo_nas.ledger.store import Store

TOTALS_COLUMNS = ("id", "seq", "train_s", "status", "epochs")
CAUSES_TOLD = 3
"""Segments that a message about a loss names: a run has thousands, and a list of runs has a message for each."""


@dataclass(frozen=True)
class History:
    """The history that a search is resumed from.

    Attributes:
        told: All evaluations, in the order of telling.
        in_flight: Candidates that were asked and not told, sorted by id.
        lost: Ranges ``(first, last)`` of places in the order of telling whose loss was accepted.
    """

    told: list[Evaluation]
    in_flight: list[Candidate]
    lost: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Totals:
    """How much of its budget a run has spent.

    Attributes:
        told: Number of evaluations.
        in_flight: Number of candidates that were asked and not told.
        train_s: Seconds of training of all evaluations.
        lost: Ranges ``(first, last)`` of places in the order of telling whose loss was accepted.
        at_once: Number of evaluations that diverged in their first epoch.
    """

    told: int
    in_flight: int
    train_s: float
    lost: tuple[tuple[int, int], ...] = ()
    at_once: int = 0


@dataclass(frozen=True)
class Contents:
    """The contents of the files.

    Attributes:
        manifest: Says which files count.
        segments: The segments of ``manifest.live``, in its order.
        damage: The problem of each segment of ``manifest.unreadable``.
    """

    manifest: Manifest
    segments: list[Segment]
    damage: dict[SegmentName, str]

    def table(self) -> pa.Table:
        """Returns all rows sorted by ``seq``, each candidate once."""
        return concatenate(self.segments)

    def history(self) -> History:
        """Returns the evaluations of all rows and the candidates in flight; needs `EVALUATION_COLUMNS`."""
        told = to_evaluations(self.table())
        in_flight = {candidate.id: candidate for segment in self.segments for candidate in segment.born}
        for evaluation in told:
            in_flight.pop(evaluation.candidate.id, None)
        return History(told, [in_flight[key] for key in sorted(in_flight)], self.manifest.fence.lost)

    def totals(self) -> Totals:
        """Adds up all rows without making evaluations of them; needs `TOTALS_COLUMNS`."""
        table = self.table()
        born = {candidate.id for segment in self.segments for candidate in segment.born}
        in_flight = born.difference(table["id"].to_pylist())
        at_once = zip(table["status"].to_pylist(), table["epochs"].to_pylist(), strict=True)
        return Totals(
            told=len(table),
            in_flight=len(in_flight),
            train_s=float(np.sum(table["train_s"].to_numpy())),
            lost=self.manifest.fence.lost,
            at_once=sum(status == Status.DIVERGED and epochs == 0 for status, epochs in at_once),
        )


class VerifiedSegments:
    """The segments of a store; each is read and verified only once.

    It keeps the verified bytes instead of tables: they are compressed, and every question decodes only the columns
    that it needs.

    Args:
        store: The place of the run.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self._verified: dict[SegmentName, bytes] = {}

    def read(
        self,
        *,
        columns: Sequence[str] | None = None,
        below: int | None = None,
        accept_data_loss: bool = False,
        keep: bool = True,
    ) -> Contents:
        """Lists the files again and reads every segment that counts.

        Args:
            columns: The columns of the tables; all for None.
            below: Term of a writer that has claimed it but not fenced; None for a reader.
            accept_data_loss: Whether committed rows may be missing.
            keep: Whether the bytes are kept for the next call; otherwise the memory of each segment is released once
                it was decoded.

        Raises:
            CorruptLedgerError: Committed rows are missing.
            FormatError: A newer version wrote some of them.
        """
        segments: dict[SegmentName, Segment] = {}
        damage: dict[SegmentName, str] = {}
        # Damage may make another segment with the same rows live, so the files are listed again after each round.
        while True:
            manifest = read_manifest(
                self.store, damaged=damage, below=below, accept_data_loss=accept_data_loss
            )
            unread = [name for name in manifest.live if name not in segments]
            if not unread:
                break
            for name in unread:
                try:
                    segments[name] = self._read_segment(name, columns, keep=keep)
                except DamagedError as error:
                    damage[name] = str(error)
        self._forget_all_but(manifest.live if keep else ())
        if manifest.missing and not accept_data_loss:
            raise CorruptLedgerError(_explain_loss(self.store, manifest, damage))
        return Contents(
            manifest,
            [segments[name] for name in manifest.live],
            {name: damage[name] for name in manifest.unreadable},
        )

    def scan(self, columns: Sequence[str], *, first: int = 0, last: int | None = None) -> Iterator[Segment]:
        """Yields the rows from place ``first`` to ``last`` in the order of telling, file by file; nothing more is kept.

        Rows that are committed meanwhile may be among them. A file that compaction removes meanwhile is read from
        where its rows have gone.

        Args:
            columns: Those of the tables.
            first: The first place that is wanted.
            last: The last one; None for all that are there.

        Raises:
            CorruptLedgerError: Committed rows are missing, wherever in the run.
            FormatError: A newer version wrote some of them.
        """
        damage: dict[SegmentName, str] = {}
        is_over = False
        while not is_over:
            is_over = True
            for name in self._live(damage):
                if name.last < first or (last is not None and name.first > last):
                    continue
                try:
                    segment = self._read_segment(name, columns, keep=name in self._verified)
                except DamagedError as error:
                    damage[name], is_over = str(error), False
                    break
                start, end = max(first, name.first), name.last if last is None else min(last, name.last)
                first = end + 1
                yield Segment(segment.table.slice(start - name.first, end - start + 1), segment.born)

    def find(self, ids: Collection[int]) -> pa.Table:
        """Returns the whole rows of candidates ``ids``, by ``seq``; of those that were never told there is none.

        Raises as `scan` does.
        """
        wanted = set(ids)
        found: list[Segment] = []
        damage: dict[SegmentName, str] = {}
        while wanted:
            # A candidate is told about as many places later as others are in flight, so most are where their id says.
            for name in sorted(self._live(damage), key=lambda name: _distance(name, wanted)):
                try:
                    chosen = self._chosen(name, wanted)
                except (
                    DamagedError
                ) as error:  # or compaction has moved its rows: what is live is listed again
                    damage[name] = str(error)
                    break
                found.append(chosen)
                wanted.difference_update(chosen.table["id"].to_pylist())
                if not wanted:
                    break
            else:
                break
        return concatenate(found)

    def history(self, *, keep: bool = True) -> History:
        """Returns what was told and what was in flight at the last commit; raises as `read` does."""
        return self.read(columns=EVALUATION_COLUMNS, keep=keep).history()

    def _live(self, damage: Mapping[SegmentName, str]) -> list[SegmentName]:
        """Lists the files again, and returns the segments to read; raises an error if rows are missing."""
        manifest = read_manifest(self.store, damaged=damage)
        if manifest.missing:
            raise CorruptLedgerError(_explain_loss(self.store, manifest, damage))
        return manifest.live

    def _chosen(self, name: SegmentName, ids: Collection[int]) -> Segment:
        """Returns the whole rows of candidates ``ids`` in a segment, which is decoded whole only if it has any."""
        content = self._verified.get(name) or read_verified(self.store, name)
        known = decode_segment(name, content, columns=("id",)).table["id"]
        here = np.isin(known.to_numpy(), list(ids))
        if not here.any():
            return Segment(SCHEMA.empty_table(), [])
        return Segment(decode_segment(name, content).table.filter(pa.array(here)), [])

    def _read_segment(self, name: SegmentName, columns: Sequence[str] | None, *, keep: bool) -> Segment:
        content = self._verified.pop(name, None)
        if content is None:
            content = read_verified(self.store, name)
        segment = decode_segment(name, content, columns=columns)
        if keep:
            self._verified[name] = content
        return segment

    def _forget_all_but(self, names: Iterable[SegmentName]) -> None:
        self._verified = {name: self._verified[name] for name in names if name in self._verified}


def concatenate(segments: Iterable[Segment]) -> pa.Table:
    """Returns the rows of ``segments`` by ``seq``, the first of each candidate id."""
    tables = [segment.table for segment in segments]
    table = pa.concat_tables(tables) if tables else SCHEMA.empty_table()
    by_seq = np.argsort(table["seq"].to_numpy(), kind="stable")
    # A row is in two segments if an interrupted compaction has left the source of a merge.
    first = np.unique(table["id"].to_numpy()[by_seq], return_index=True)[1]
    kept = by_seq[np.sort(first)]
    return table if np.array_equal(kept, np.arange(len(table))) else table.take(kept)


def _distance(name: SegmentName, ids: Iterable[int]) -> int:
    return min((max(name.first - key, key - name.last, 0) for key in ids), default=0)


def _explain_loss(store: Store, manifest: Manifest, damage: Mapping[SegmentName, str]) -> str:
    ranges = ", ".join(f"{first} to {last}" for first, last in manifest.missing)
    causes = [f"{name.path} is damaged: {damage[name]}" for name in manifest.unreadable]
    causes += [f"{name.path} is missing" for name in manifest.absent]
    if (more := len(causes) - CAUSES_TOLD) > 0:
        causes[CAUSES_TOLD:] = [f"and {more:,} more"]
    return (
        f"{store.location} lacks evaluations {ranges} of its order of telling "
        f"({'; '.join(causes) or 'their files are missing'}); restore the files from a copy, or go on "
        "without these evaluations with --accept-data-loss"
    )
