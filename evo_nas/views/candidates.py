"""A candidate as plain values: its row in the ledger, with the architecture in words and no number that JSON lacks."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from evo_nas.genome.codec import from_json
from evo_nas.genome.describe import describe
from evo_nas.runs import metric_of

if TYPE_CHECKING:
    from evo_nas.runs import Row


def candidate_values(row: Row) -> dict[str, Any]:
    """Returns the values of a whole ``row`` for JSON.

    Beside those of the ledger there are ``value``, that of the metric or the mean of it where the candidate was trained
    several times, and ``words``, the architecture in words.
    """
    metric = metric_of(row)
    return row_values(row) | {
        "value": None if metric is None else finite(metric[1]),
        "words": "" if row["architecture"] is None else describe(from_json(row["architecture"])),
        "trainings": row.get("trainings", 1),
        "mean_fitness": finite(row.get("mean_fitness", row["fitness"])),
    }


def row_values(row: Row, *, sign: float | None = None) -> dict[str, Any]:
    """Returns some columns of a row for JSON.

    Args:
        row: Columns of the ledger.
        sign: What the fitness times it is the value of the metric, to be told as ``value``.
    """
    values: dict[str, Any] = finite(row | {"metrics": dict(row.get("metrics") or ())})
    if row.get("architecture"):
        values["architecture"] = json.loads(row["architecture"])
    if "finished_at" in row:
        values["finished_at"] = row["finished_at"].isoformat(timespec="microseconds")
    if sign is not None and "fitness" in row:
        values["value"] = None if values["fitness"] is None else sign * values["fitness"]
    return values


def finite(values: Any) -> Any:
    """Returns ``values`` with None in the place of infinities and of what is no number, which JSON does not have."""
    if isinstance(values, float):
        return values if math.isfinite(values) else None
    if isinstance(values, dict):
        return {key: finite(value) for key, value in values.items()}
    if isinstance(values, list | tuple):
        return [finite(value) for value in values]
    return values
