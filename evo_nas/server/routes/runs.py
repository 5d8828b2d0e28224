"""``/runs``: the list of runs, one run in full, and its chart."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any, Literal

from anyio import to_thread
from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from evo_nas.server.chart_models import ChartData
from evo_nas.server.context import Shared
from evo_nas.server.problems import ServiceError
from evo_nas.server.run_models import RunDetail, RunList, RunListItem
from evo_nas.server.run_pages import detail_of, detail_of_unborn, state_of_run, unborn
from evo_nas.server.states import StateName
from evo_nas.views.charts import Axis, chart_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evo_nas.server.context import Context
    from evo_nas.server.digests import Brief

router = APIRouter(tags=["runs"])

MOST_UNNAMED = 10
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
    patience_s: float = Field(
        default=1.0, ge=0, le=60, description="Longest wait for runs that are read for the first time."
    )


@router.get("/runs")
async def list_runs(shared: Shared, query: Annotated[RunQuery, Query()]) -> RunList:
    """Lists the runs under the root, those that cannot be read with the reason in `error`."""
    listed = await to_thread.run_sync(_listed, shared, query)
    if listed.reading and query.patience_s:
        await shared.digests.wait(query.patience_s)
        listed = await to_thread.run_sync(_listed, shared, query)
    return listed


def _listed(shared: Context, query: RunQuery) -> RunList:
    """Returns a page of the list, with what is known by now."""
    known = shared.digests.briefs()
    briefs = known.briefs + [unborn(shared, name) for name in shared.launcher.unborn()]
    found = [
        brief
        for brief in briefs
        if query.q.lower() in brief.name.lower() and (not query.task or brief.summary.task == query.task)
    ]
    found = _sorted(found, query.sort, descending=query.order == "desc")
    if query.state is not None:
        # The state hangs on processes, so that it is looked up only where it decides, or is shown.
        found = [brief for brief in found if state_of_run(shared, brief).name == query.state]
    first = (query.page - 1) * query.per_page
    shown = found[first : first + query.per_page]
    return RunList(
        runs=[RunListItem.of(brief, state_of_run(shared, brief)) for brief in shown],
        total=len(found),
        page=query.page,
        reading=known.reading,
        unnamed=known.unnamed[:MOST_UNNAMED],
    )


@router.get("/runs/{run}")
def run_detail(shared: Shared, run: str) -> RunDetail:
    """Tells everything about one run that fits on a page; of one whose search is just beginning what was asked for."""
    if not shared.root.at(run).exists:
        shared.launcher.require(run)
        brief = unborn(shared, run)
        return detail_of_unborn(shared, RunListItem.of(brief, state_of_run(shared, brief)))
    brief = shared.digests.brief(run)
    if brief.summary.error:
        raise ServiceError(HTTPStatus.CONFLICT, brief.summary.error)
    item = RunListItem.of(brief, state_of_run(shared, brief))
    with shared.digests.digest(run) as (digest, facts):
        return detail_of(shared, item, digest, facts.read(digest))


@router.get("/runs/{run}/chart")
def run_chart(
    shared: Shared,
    run: str,
    points: Annotated[int, Query(ge=1, le=4000, description="Most points that are wanted.")] = 2000,
    x: Annotated[Axis, Query(description="What the horizontal axis shows.")] = "evaluations",
) -> ChartData:
    """Returns what is drawn of a run: a bounded sample of its evaluations, and every best so far."""
    if not shared.root.at(run).exists:
        shared.launcher.require(run)
        return ChartData(x=x)
    with shared.digests.digest(run) as (digest, _):
        return ChartData.model_validate(chart_of(digest, points=points, x=x))


def _sorted(briefs: Sequence[Brief], sort: Sort, *, descending: bool) -> list[Brief]:
    """Returns ``briefs`` in order; those that have nothing to be sorted by are last, whichever way."""
    keyed = [(_KEYS[sort](brief), brief) for brief in briefs]
    known = [(key, brief) for key, brief in keyed if key not in ("", None)]
    known.sort(key=lambda pair: pair[0], reverse=descending)
    return [brief for _, brief in known] + [brief for key, brief in keyed if key in ("", None)]


def _goodness(brief: Brief) -> float | None:
    best = brief.summary.best
    return -best if best is not None and brief.higher_is_better is False else best


_KEYS: dict[Sort, Callable[[Brief], Any]] = {
    "name": lambda brief: brief.name,
    "last_result": lambda brief: brief.summary.last_result or brief.created_at,
    "best": _goodness,
    "created_at": lambda brief: brief.created_at,
}
