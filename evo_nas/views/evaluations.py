"""The evaluations of a run as pages of plain rows and as files, with no more of them in memory than a page needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pyarrow as pa

from evo_nas.ledger import SCHEMA
from evo_nas.ledger.files import csv_pieces, parquet_pieces
from evo_nas.views.candidates import row_values

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from evo_nas.runs import Run

Sort = Literal["seq", "-seq", "value", "-value", "parameters", "-parameters", "train_s", "-train_s"]
VALUE = "value"
COLUMNS = (*SCHEMA.names, VALUE)
"""What may be asked for: the columns of the ledger, and the value of the metric."""
PAGE_COLUMNS = (
    "seq", "id", "status", VALUE, "fitness", "metric", "epochs", "budget", "parameters", "operator", "parents",
    "repeats", "continues", "train_s", "finished_at", "worker", "node", "error",
)  # fmt: skip
NEAR = 1024
"""A segment is read as a whole, so that gaps of this size cost nothing."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which evaluations are wanted, and what of them.

    Attributes:
        columns: Some of `COLUMNS`.
        statuses: Only those with one of these; all for none.
        sign: 1 where a higher value of the metric is better, otherwise -1.
    """

    columns: tuple[str, ...]
    statuses: frozenset[str]
    sign: float

    @property
    def read(self) -> list[str]:
        """The columns of the ledger that must be read."""
        needed = {"seq", "status", *self.columns} - {VALUE}
        return [
            name for name in SCHEMA.names if name in needed or (name == "fitness" and VALUE in self.columns)
        ]

    def kept(self, table: pa.Table) -> pa.Table:
        """Returns the rows of ``table`` that are wanted."""
        if not self.statuses:
            return table
        status = table["status"].to_numpy(zero_copy_only=False)
        return table.take(np.flatnonzero(np.isin(status, list(self.statuses))))

    def table(self, table: pa.Table) -> pa.Table:
        """Returns the wanted rows and columns of ``table``."""
        kept = self.kept(table)
        if VALUE in self.columns:
            values = pa.array(kept["fitness"].to_numpy() * self.sign, pa.float64(), from_pandas=True)
            kept = kept.append_column(VALUE, values)
        return kept.select(list(self.columns))

    def rows(self, table: pa.Table) -> list[dict[str, Any]]:
        """Returns the wanted columns of ``table`` as plain rows."""
        plain = [row_values(row, sign=self.sign) for row in table.to_pylist()]
        return [{name: row[name] for name in self.columns} for row in plain]


@dataclass(frozen=True, slots=True)
class Page:
    """Some evaluations.

    Attributes:
        rows: Plain rows.
        next: What the following page comes after; None if this is the last.
    """

    rows: list[dict[str, Any]]
    next: int | None


def page_by_seq(run: Run, wanted: Wanted, *, after: int, limit: int) -> Page:
    """Returns the wanted evaluations after place ``after`` in the order of telling, at most ``limit``."""
    rows: list[dict[str, Any]] = []
    seqs: list[int] = []
    for table, _ in run.scan(wanted.read, first=after + 1):
        # One more than is wanted says whether there is another page.
        kept = wanted.kept(table).slice(0, limit + 1 - len(rows))
        rows += wanted.rows(kept)
        seqs += kept["seq"].to_pylist()
        if len(rows) > limit:
            return Page(rows[:limit], seqs[limit - 1])
    return Page(rows, None)


def page_by_rank(run: Run, wanted: Wanted, *, sort: Sort, after: int, limit: int) -> Page:
    """Returns the wanted evaluations after the first ``after`` in the order of ``sort``, at most ``limit``.

    Those without a value are last. Only the columns that decide the order are read of all.
    """
    descending, key = sort.startswith("-"), sort.removeprefix("-")
    column = "fitness" if key == VALUE else key
    seqs, keys = [], []
    for table, _ in run.scan(list(dict.fromkeys(("seq", "status", column)))):
        kept = wanted.kept(table)
        seqs.append(kept["seq"].to_numpy())
        keys.append(kept[column].to_numpy().astype(np.float64))
    if not seqs:
        return Page([], None)
    order = _order(np.concatenate(keys) * (wanted.sign if key == VALUE else 1.0), descending=descending)
    chosen = np.concatenate(seqs)[order][after : after + limit]
    found: dict[int, dict[str, Any]] = {}
    for first, last in _stretches(np.sort(chosen)):
        for table, _ in run.scan(wanted.read, first=first, last=last):
            kept = table.filter(np.isin(table["seq"].to_numpy(), chosen))
            found |= dict(zip(kept["seq"].to_pylist(), wanted.rows(kept), strict=True))
    following = after + limit
    return Page([found[seq] for seq in chosen.tolist()], following if following < len(order) else None)


def pieces(run: Run, wanted: Wanted, *, after: int, as_csv: bool) -> Iterator[bytes]:
    """Yields the wanted evaluations after place ``after`` as one file.

    Raises:
        CorruptLedgerError: Committed evaluations are damaged or missing; also after a part of the file.
    """
    tables = (wanted.table(table) for table, _ in run.scan(wanted.read, first=after + 1))
    written = csv_pieces if as_csv else parquet_pieces
    return written(tables, wanted.table(SCHEMA.empty_table().select(wanted.read)).schema)


def _order(keys: npt.NDArray[np.float64], *, descending: bool) -> npt.NDArray[np.int64]:
    return np.argsort(-keys if descending else keys, kind="stable")  # NaN is last in both


def _stretches(seqs: npt.NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """Yields the first and last of places that are near enough to be read together."""
    if not len(seqs):
        return
    breaks = np.flatnonzero(np.diff(seqs) > NEAR) + 1
    for stretch in np.split(seqs, breaks):
        yield int(stretch[0]), int(stretch[-1])
