"""Evaluations as rows of the ledger: which are the best, and what each was scored with."""

from __future__ import annotations

import heapq
import math
from collections import Counter, defaultdict
from itertools import chain
from typing import TYPE_CHECKING, Any

from evo_nas.evaluation import Standing, Status, best_first, is_negated

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow as pa

Row = dict[str, Any]
"""One evaluation, by the columns of the ledger."""


def best_rows(table: pa.Table, count: int) -> list[Row]:
    """Returns the ``count`` best rows of ``table``, best first, each as the score of one training."""
    # Only the columns that decide become Python values; whole rows are built for those that may win.
    names = ("fitness", "status", "epochs", "inherited_steps")
    comparable = defaultdict[object, list[tuple[float, int]]](list)
    for position, (fitness, status, epochs, steps) in enumerate(
        zip(*(table[name].to_pylist() for name in names), strict=True)
    ):
        if fitness is not None:
            level = math.inf if Status(status).complete else epochs
            comparable[level, steps > 0].append((fitness, position))
    contenders = sorted(chain.from_iterable(_fittest(scores, count) for scores in comparable.values()))
    rows: list[Row] = table.take(contenders).to_pylist() if contenders else []
    return [
        {**row, "trainings": 1, "mean_fitness": row["fitness"]}
        for row in best_first(rows, standing_of, count=count)
    ]


def _fittest(scores: Sequence[tuple[float, int]], count: int) -> Iterator[int]:
    """Yields the positions of the ``count`` highest of scores that can be compared, and of their equals."""
    lowest = min(heapq.nlargest(count, (fitness for fitness, _ in scores)), default=math.inf)
    return (position for fitness, position in scores if fitness >= lowest)


def standing_of(row: Row) -> Standing | None:
    """Returns what ranks ``row``; None without a score."""
    return Standing.of(
        Status(row["status"]),
        fitness=row["fitness"],
        epochs=row["epochs"],
        metrics=dict(row["metrics"]),
        inherited_steps=row["inherited_steps"],
    )


def by_status(table: pa.Table) -> dict[Status, int]:
    """Returns the number of evaluations in ``table`` by status."""
    return dict(Counter(Status(status) for status in table["status"].to_pylist()))


def metric_of(row: Row) -> tuple[str, float] | None:
    """Returns name and value of the metric that the fitness of ``row`` is made from; None without a score.

    Where `Run.best` gives the mean of several trainings, so does this.
    """
    metrics = dict(row["metrics"])
    if row["metric"] not in metrics:
        return None
    value = metrics[row["metric"]]
    if row.get("trainings", 1) > 1:
        value = -row["mean_fitness"] if is_negated(value, row["fitness"]) else row["mean_fitness"]
    return row["metric"], value
