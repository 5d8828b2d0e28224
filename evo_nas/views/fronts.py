"""The networks that no other beats in all objectives, as plain values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from evo_nas.config.objectives import COSTS, FITNESS, metrics_of
from evo_nas.evaluation import Status
from evo_nas.genome.codec import from_json
from evo_nas.genome.describe import describe
from evo_nas.views.candidates import candidate_values

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt

    from evo_nas.runs import Row, Run


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


def front_member(row: Row, objectives: Sequence[str]) -> dict[str, Any]:
    """Returns plain values of one network, with its costs apart."""
    return candidate_values(row) | {"costs": costs_of(row, objectives)}


def scored_sample(
    run: Run, objectives: Sequence[str], places: npt.NDArray[np.int64]
) -> Iterator[tuple[int, float, dict[str, float]]]:
    """Yields id, fitness and costs of the evaluations at ``places`` in the order of telling that have all of them.

    Only trainings from scratch to the end are comparable with a front.
    """
    columns = ("id", "seq", "status", "fitness", "metrics", "parameters", "inherited_steps")
    for table, _ in run.scan(columns):
        for row in table.take(np.flatnonzero(np.isin(table["seq"].to_numpy(), places))).to_pylist():
            if row["status"] == Status.OK and not row["inherited_steps"]:
                known = row | {"metrics": dict(row["metrics"])}
                if metrics_of(tuple(objectives)) <= known["metrics"].keys():
                    yield row["id"], row["fitness"], costs_of(known, objectives)
