"""The networks that no other beats in all objectives, as plain values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evo_nas.config.objectives import COSTS, FITNESS
from evo_nas.genome.codec import from_json
from evo_nas.genome.describe import describe

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evo_nas.runs import Row


def costs_of(row: Row, objectives: Sequence[str]) -> dict[str, float]:
    """Returns the costs of a row by objective."""
    metrics: dict[str, float] = dict(row["metrics"])
    known = {name: COSTS[name].metric for name in objectives if name != FITNESS}
    return {name: metrics[metric] if metric else row["parameters"] for name, metric in known.items()}


def front_values(rows: Sequence[Row], objectives: Sequence[str]) -> list[dict[str, Any]]:
    """Returns plain values of each network for JSON."""
    return [
        {
            "id": row["id"],
            "fitness": row["mean_fitness"],
            "metric": row["metric"],
            **costs_of(row, objectives),
            "architecture": describe(from_json(row["architecture"])),
        }
        for row in rows
    ]
