"""A run as its ledger tells it: the best, one candidate and where it came from."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from evo_nas.cli.wording import figure
from evo_nas.config import SearchConfig, checked
from evo_nas.errors import RunError
from evo_nas.evaluation import Status
from evo_nas.ledger import LedgerReader, open_store

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

Row = dict[str, Any]
"""One evaluation, by the columns of the ledger."""


class RecordedRun:
    """What a run holds, read once; the task's data are not needed.

    Args:
        run: Where the run is kept.

    Raises:
        RunError: There is no run, or it cannot be read.
    """

    def __init__(self, run: str | os.PathLike[str]) -> None:
        self.location = str(run)
        reader = LedgerReader(open_store(run))
        self.config = checked(SearchConfig, reader.record.config | reader.settings())
        self._table = reader.table()

    def __len__(self) -> int:
        return int(self._table.num_rows)

    @cached_property
    def by_status(self) -> Mapping[Status, int]:
        """Evaluations by the cause that ended them."""
        counts = self._table["status"].value_counts().to_pylist()
        return {Status(count["values"]): count["counts"] for count in counts}

    @property
    def failed(self) -> int:
        """Evaluations without a score."""
        return sum(count for status, count in self.by_status.items() if not status.scored)

    @property
    def last(self) -> Row | None:
        """The evaluation told last."""
        rows: list[Row] = self._table.slice(max(0, len(self) - 1)).to_pylist()
        return rows[0] if rows else None

    def best(self, count: int) -> list[Row]:
        """Returns the fittest evaluations, best first; of equal ones the smaller network first."""
        order = [("fitness", "descending"), ("parameters", "ascending"), ("seq", "ascending")]
        scored = self._table.filter(self._table["fitness"].is_valid())
        rows: list[Row] = scored.sort_by(order).slice(0, count).to_pylist()
        return rows

    def candidate(self, number: int) -> Row:
        """Returns the evaluation of candidate ``number``.

        Raises:
            RunError: It was never evaluated.
        """
        if number not in self._positions:
            raise RunError(
                f"candidate is {number}; must be one that was evaluated, such as those that show lists"
            )
        rows: list[Row] = self._table.slice(self._positions[number], 1).to_pylist()
        return rows[0]

    def lineage(self, number: int) -> list[Row]:
        """Returns candidate ``number``, its first parent, that one's first parent, ... to a founder.

        Ends before a parent that is lost: where data loss was accepted, not every forebear is there.
        """
        line = [self.candidate(number)]
        while (parents := line[-1]["parents"]) and parents[0] in self._positions:
            line.append(self.candidate(parents[0]))
        return line

    @cached_property
    def _positions(self) -> dict[int, int]:
        return {number: position for position, number in enumerate(self._table["id"].to_pylist())}


def metric_of(row: Row) -> tuple[str, float] | None:
    """Returns the name and value of the validation metric; None for a candidate without a score.

    Beside the metric, training records losses.
    """
    scores = ((name, value) for name, value in row["metrics"] if name.startswith("validation_"))
    return next(((name, value) for name, value in scores if abs(value) == abs(row["fitness"])), None)


def score_of(row: Row) -> str:
    """Returns the validation metric of ``row`` in words, or the cause for which there is none."""
    metric = metric_of(row)
    return figure(metric[1]) if metric else str(row["status"]).replace("_", " ")
