"""``/runs``: the list of runs, one run in full, and its chart."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from evo_nas.config.yaml_text import to_yaml
from evo_nas.server.context import Shared
from evo_nas.server.problems import ServiceError
from evo_nas.server.routes.candidate_models import CandidateRow, FrontMember
from evo_nas.server.routes.chart_models import ChartData
from evo_nas.server.routes.run_models import (
    BudgetLimits,
    FailureCause,
    NodeWork,
    RunDetail,
    RunList,
    RunListItem,
    Savings,
    SpentTotals,
)
from evo_nas.server.states import StateName
from evo_nas.views.candidates import candidate_values, finite
from evo_nas.views.charts import Axis, chart_of
from evo_nas.views.fronts import costs_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evo_nas.runs import Row
    from evo_nas.server.digests import Brief
    from evo_nas.views.digest import RunDigest
    from evo_nas.views.run_facts import Facts

router = APIRouter(tags=["runs"])

Sort = Literal["name", "last_result", "best", "created_at"]
Order = Literal["asc", "desc"]


class RunQuery(BaseModel):
    """Which runs are listed, and in which order."""

    q: str = Field(default="", max_length=200, description="Part of the name, in any case.")
    state: StateName | None = Field(default=None, description="Only runs in this state.")
    task: str = Field(default="", max_length=64, description="Only runs of this kind of task.")
    sort: Sort = Field(
        default="last_result",
        description="`best` compares values, whatever the metric; runs without it are last.",
    )
    order: Order = Field(
        default="desc", description="`desc` begins with the latest, the best or the last name."
    )
    page: int = Field(default=1, ge=1, le=1_000_000)
    per_page: int = Field(default=50, ge=1, le=200)


@router.get("/runs")
def list_runs(shared: Shared, query: Annotated[RunQuery, Query()]) -> RunList:
    """Lists the runs under the root, those that cannot be read with the reason in `error`."""
    briefs, reading = shared.digests.briefs()
    found = [
        item
        for brief in briefs
        if query.q.lower() in brief.name.lower() and (not query.task or brief.summary.task == query.task)
        for item in (_item(brief),)
        if query.state is None or item.state == query.state
    ]
    found = _sorted(found, query.sort, descending=query.order == "desc")
    first = (query.page - 1) * query.per_page
    return RunList(
        runs=found[first : first + query.per_page], total=len(found), page=query.page, reading=reading
    )


@router.get("/runs/{run}")
def run_detail(shared: Shared, run: str) -> RunDetail:
    """Tells everything about one run that fits on a page; also of one that is damaged what can be known."""
    brief = shared.digests.brief(run)
    item = _item(brief)
    if brief.summary.error:
        raise ServiceError(HTTPStatus.CONFLICT, brief.summary.error)
    with shared.digests.digest(run) as (digest, facts):
        return _detail(item, digest, facts.read(digest))


@router.get("/runs/{run}/chart")
def run_chart(
    shared: Shared,
    run: str,
    points: Annotated[int, Query(ge=1, le=4000, description="Most points that are wanted.")] = 2000,
    x: Annotated[Axis, Query(description="What the horizontal axis shows.")] = "evaluations",
) -> ChartData:
    """Returns what is drawn of a run: a bounded sample of its evaluations, and every best so far."""
    with shared.digests.digest(run) as (digest, _):
        return ChartData.model_validate(chart_of(digest, points=points, x=x))


def _item(brief: Brief) -> RunListItem:
    state: StateName
    if brief.summary.error:
        state = "damaged"
    elif brief.is_judged:
        state = "judged"
    else:
        state = "complete" if brief.summary.complete else "stopped"
    return RunListItem.of(brief, state=state)


def _sorted(items: Sequence[RunListItem], sort: Sort, *, descending: bool) -> list[RunListItem]:
    """Returns ``items`` in order; those that have nothing to be sorted by are last, whichever way."""
    if sort == "best":
        known = [item for item in items if item.best is not None]
        known.sort(key=_goodness, reverse=descending)
    else:
        known = [item for item in items if getattr(item, sort)]
        known.sort(key=lambda item: str(getattr(item, sort)), reverse=descending)
    names = {item.name for item in known}
    return known + [item for item in items if item.name not in names]


def _goodness(item: RunListItem) -> float:
    assert item.best is not None, "only runs with a best are sorted by it"
    return -item.best if item.higher_is_better is False else item.best


def _detail(item: RunListItem, digest: RunDigest, facts: Facts) -> RunDetail:
    record, budget = digest.run.record, facts.config.budget
    config = facts.config.model_dump(mode="json")
    totals = digest.totals
    objectives = facts.config.fitness.objectives
    return RunDetail(
        **item.model_dump(),
        config=config,
        yaml=to_yaml(config),
        seed=record.seed,
        created_by=record.created_by,
        budget=BudgetLimits(
            evaluations=facts.evaluations,
            uncounted=facts.uncounted,
            minutes=budget.minutes,
            train_minutes=budget.train_minutes,
            stop_when_flat=budget.stop_when_flat,
        ),
        totals=SpentTotals(
            told=totals.told,
            in_flight=totals.in_flight,
            train_s=totals.train_s,
            cpu_s=digest.cpu_s,
            remembered=digest.remembered,
            lost=list(totals.lost),
        ),
        by_status={str(status): count for status, count in digest.by_status.items()},
        savings=Savings.model_validate(digest.savings),
        noise_report=digest.noise,
        operators=list(facts.operators),
        best_candidates=[CandidateRow(**candidate_values(row)) for row in facts.best],
        objectives=list(objectives),
        constant=list(digest.constant_objectives),
        front=[front_member(row, objectives) for row in facts.front],
        verdict=facts.verdict,
        baselines=dict(facts.baselines),
        failures=[FailureCause.model_validate(cause) for cause in digest.causes],
        nodes=_nodes(digest),
        founders=[founder.name for founder in record.founders],
        changeable=list(facts.changeable),
    )


def front_member(row: Row, objectives: Sequence[str]) -> FrontMember:
    """Returns what the API says of a member of the front."""
    return FrontMember(**candidate_values(row), costs=finite(costs_of(row, objectives)))


def _nodes(digest: RunDigest) -> list[NodeWork]:
    nodes: dict[str, NodeWork] = {}
    for (node, _), (evaluations, train_s) in digest.workers.items():
        work = nodes.setdefault(node, NodeWork(node=node, workers=0, evaluations=0, train_s=0.0))
        work.workers += 1
        work.evaluations += evaluations
        work.train_s += train_s
    return sorted(nodes.values(), key=lambda work: -work.evaluations)
