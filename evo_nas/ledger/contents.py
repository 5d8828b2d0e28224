"""What the segments that count hold: verified rows, and the history a search is resumed from.

Works beside a live writer without a claim or a lock: the files are immutable, and where compaction removes
one between listing and reading, its rows are found in another at the next look.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from evo_nas.errors import CorruptLedgerError
from evo_nas.ledger.schema import EVALUATION_COLUMNS, SCHEMA, to_evaluations
from evo_nas.ledger.segments import DamagedError, Segment, SegmentName, read_segment
from evo_nas.ledger.survey import Survey, take_survey

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from evo_nas.evaluation import Candidate, Evaluation
    from evo_nas.ledger.store import Store


@dataclass(frozen=True)
class History:
    """What a search is resumed from.

    Attributes:
        told: Every evaluation, in the order of telling.
        in_flight: Candidates recorded as asked and not told, by id.
        lost: Ranges ``(first, last)`` of places in the order of telling whose loss was accepted.
    """

    told: list[Evaluation]
    in_flight: list[Candidate]
    lost: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Totals:
    """What of its budget a run has spent.

    Attributes:
        told: Evaluations.
        in_flight: Candidates recorded as asked and not told.
        train_s: Seconds of training of all evaluations.
    """

    told: int
    in_flight: int
    train_s: float


@dataclass(frozen=True)
class Contents:
    """What the files hold.

    Attributes:
        survey: Which of them count.
        segments: Those of ``survey.live``, in its order.
        damage: Why each of ``survey.unreadable`` is.
    """

    survey: Survey
    segments: list[Segment]
    damage: dict[SegmentName, str]

    def table(self) -> pa.Table:
        """Returns all rows by ``seq``, each candidate once."""
        return concatenate(self.segments)


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
        below: Epoch of a writer that has claimed it but not fenced; None for a reader.
        accept_data_loss: Whether committed rows may be missing.

    Raises:
        CorruptLedgerError: Committed rows are missing.
        FormatError: A newer version wrote some of them.
    """
    segments: dict[SegmentName, Segment] = {}
    damage: dict[SegmentName, str] = {}
    while True:
        survey = take_survey(store, damaged=damage, below=below, accept_data_loss=accept_data_loss)
        unread = [name for name in survey.live if name not in segments]
        if not unread:
            break
        for name in unread:
            try:
                segments[name] = read_segment(store, name, columns=columns)
            except DamagedError as error:
                damage[name] = str(error)
    if survey.missing and not accept_data_loss:
        raise CorruptLedgerError(_explain_loss(store, survey, damage))
    return Contents(
        survey, [segments[name] for name in survey.live], {name: damage[name] for name in survey.unreadable}
    )


def load_history(store: Store) -> History:
    """Reads all rows and the candidates in flight; raises as `read_contents` does."""
    contents = read_contents(store, columns=EVALUATION_COLUMNS)
    told = to_evaluations(contents.table())
    in_flight = {candidate.id: candidate for segment in contents.segments for candidate in segment.born}
    for evaluation in told:
        in_flight.pop(evaluation.candidate.id, None)
    return History(told, [in_flight[key] for key in sorted(in_flight)], contents.survey.fence.lost)


def load_totals(store: Store) -> Totals:
    """Adds up all rows without making evaluations of them; raises as `read_contents` does."""
    contents = read_contents(store, columns=["id", "seq", "train_s"])
    table = contents.table()
    born = {candidate.id for segment in contents.segments for candidate in segment.born}
    in_flight = born.difference(table["id"].to_pylist())
    return Totals(len(table), len(in_flight), float(np.sum(table["train_s"].to_numpy())))


def concatenate(segments: Iterable[Segment]) -> pa.Table:
    """Returns the rows of ``segments`` by ``seq``, the first of each candidate id."""
    tables = [segment.table for segment in segments]
    table = pa.concat_tables(tables) if tables else SCHEMA.empty_table()
    by_seq = np.argsort(table["seq"].to_numpy(), kind="stable")
    first = np.unique(table["id"].to_numpy()[by_seq], return_index=True)[1]
    kept = by_seq[np.sort(first)]
    return table if np.array_equal(kept, np.arange(len(table))) else table.take(kept)


def _explain_loss(store: Store, survey: Survey, damage: Mapping[SegmentName, str]) -> str:
    ranges = ", ".join(f"{first} to {last}" for first, last in survey.missing)
    causes = [f"{name.path} is damaged: {damage[name]}" for name in survey.unreadable]
    causes += [f"{name.path} is missing" for name in survey.absent]
    return (
        f"{store.location} lacks evaluations {ranges} of its order of telling "
        f"({'; '.join(causes) or 'their files are missing'}); restore the files from a copy, or go on "
        "without these evaluations with --accept-data-loss"
    )
