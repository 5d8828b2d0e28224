"""The view of a run that a service keeps: `RunView` from what the service says in JSON."""

from __future__ import annotations

import json
import math
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter

from evo_nas.archive import NoiseReport
from evo_nas.config import SearchConfig, checked
from evo_nas.evaluation import Status
from evo_nas.ledger import Totals
from evo_nas.ledger.schema import SCHEMA
from evo_nas.runs.operators import OperatorTally
from evo_nas.savings import Savings
from evo_nas.tasks.baselines.fitting import BaselineResult
from evo_nas.views.run_view import RunView

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evo_nas.client import RemoteRun
    from evo_nas.runs import Row

MOST_ANCESTORS = 50
"""Ancestors of a candidate that are fetched: each is a request."""
_MEANS = ("trainings", "mean_fitness")
"""What a row has beside the columns of the ledger where it stands for all trainings of its candidate."""


def remote_view(run: RemoteRun, *, top: int, candidate: int | None) -> RunView:
    """Returns the content of ``show`` for a run of a service.

    Args:
        run: The run.
        top: Number of best candidates; a service names 200 at most.
        candidate: The candidate that is shown in full; the best by default.

    Raises:
        ServiceError: There is no such run, or no such candidate.
    """
    detail = run.detail()
    best = [_row(each, *_MEANS) for each in run.best(top)]
    chosen = best[0]["id"] if candidate is None and best else candidate
    totals = detail.totals
    return RunView(
        run=detail.name,
        config=checked(SearchConfig, detail.config),
        totals=Totals(
            told=totals["told"],
            in_flight=totals["in_flight"],
            train_s=totals["train_s"],
            lost=tuple(map(tuple, totals["lost"])),
            at_once=int(detail.budget.get("uncounted") or 0),
        ),
        complete=detail.complete,
        by_status={Status(name): count for name, count in detail.by_status.items()},
        remembered=totals["remembered"],
        best=best,
        noise=TypeAdapter(NoiseReport).validate_python(detail.noise_report),
        savings=TypeAdapter(Savings).validate_python(
            {name: value for name, value in detail.savings.items() if name != "share"}
        ),
        front=[_row(run.candidate(each["id"]), *_MEANS) for each in detail.front],
        constant=detail.constant,
        operators=TypeAdapter(tuple[OperatorTally, ...]).validate_python(detail.operators),
        line=[] if chosen is None else _line(run, chosen),
        verdict=detail.verdict,
        baselines=TypeAdapter(dict[str, BaselineResult]).validate_python(detail.baselines),
    )


def _line(run: RemoteRun, candidate: int) -> list[Row]:
    """Returns a candidate, its first parent, that parent's first parent and so on."""
    line = [run.candidate(candidate)]
    while (parents := line[-1]["parents"]) and len(line) <= MOST_ANCESTORS:
        if parents[0] not in {each["id"] for each in line[-1]["parent_nodes"]}:
            break
        line.append(run.candidate(parents[0]))
    return [_row(each) for each in line]


def _row(candidate: Mapping[str, Any], *more: str) -> Row:
    """Returns the row of the ledger that `views.candidates.candidate_values` has told, with ``more`` of its values."""
    # What JSON has no number for: a rung at which nothing was needed.
    thresholds = [-math.inf if each is None else each for each in candidate["thresholds"]]
    row = {name: candidate[name] for name in (*SCHEMA.names, *more) if name in candidate}
    return row | {
        # Of long trainings alone, which no table shows.
        "findings": [],
        "finding_scores": [],
        "metrics": [
            (name, math.nan if value is None else value) for name, value in candidate["metrics"].items()
        ],
        "thresholds": thresholds,
        "architecture": json.dumps(candidate["architecture"]),
        "finished_at": datetime.fromisoformat(candidate["finished_at"]),
    }
