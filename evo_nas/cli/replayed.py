"""A search's progress as it comes out of the JSON lines that it prints elsewhere."""

from __future__ import annotations

from typing import Any

from evo_nas.evaluation import Candidate, Evaluation, Outcome, Status
from evo_nas.execution.executor import Occupancy
from evo_nas.loop import Budget, Progress

Event = dict[str, Any]


def progress_of(event: Event) -> Progress:
    """Returns the progress that `JsonDisplay` printed as ``event``, as far as displays show it."""
    return Progress(
        told=event["told"],
        told_at_start=event["told_at_start"],
        asked=event["asked"],
        budget=Budget(event["budget"], event["train_s_budget"]),
        by_status={Status(name): count for name, count in event["by_status"].items()},
        best=event["best"] and _evaluation_of(event["best"]),
        fitness=event["fitness"],
        occupancy=_occupancy_of(event),
        elapsed_s=event["elapsed_s"],
        finished=event["finished"],
        interrupted=event["interrupted"],
        train_s=event["train_s"],
    )


def _occupancy_of(event: Event) -> Occupancy:
    workers = event["workers"]
    return Occupancy(
        workers=workers["alive"],
        busy=workers["busy"],
        in_flight=event["asked"] - event["told"],
        lost_workers=workers["lost"],
        dropped=workers["dropped"],
        waiting=workers["waiting"],
        obstacle=workers["obstacle"],
        seconds=workers["seconds"],
    )


def _evaluation_of(best: Event) -> Evaluation:
    candidate = Candidate(
        id=best["id"],
        genome=(),
        canonical_hash=best["canonical_hash"],
        parents=tuple(best["parents"]),
        operator=best["operator"],
        seed=0,
        budget=0,
        asked_after=0,
    )
    return Evaluation(candidate, Outcome(Status.OK, fitness=best["fitness"], parameters=best["parameters"]))
