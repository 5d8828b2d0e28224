"""``/runs/{run}/candidates/{id}``, ``/lineage`` and ``/front``: networks of a run, and how they came about."""

from __future__ import annotations

from dataclasses import asdict
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field

from evo_nas.champion.explanation import explained
from evo_nas.champion.verdict import stored_verdict
from evo_nas.config.objectives import COSTS, FITNESS
from evo_nas.genome.codec import from_json
from evo_nas.server.candidate_models import (
    CandidateDetail,
    CandidateRow,
    CellView,
    DominatedPoint,
    FrontData,
    FrontMember,
    LineageData,
    LineageEdge,
    LineageNode,
    ObjectiveView,
)
from evo_nas.server.context import Shared
from evo_nas.server.problems import ServiceError
from evo_nas.views.candidates import candidate_values, finite
from evo_nas.views.course import thinned
from evo_nas.views.digest import LEADERS
from evo_nas.views.fronts import front_member, scored_sample
from evo_nas.views.run_facts import means_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from evo_nas.runs.rows import Row
    from evo_nas.server.context import Context
    from evo_nas.views.lineages import Ancestor

router = APIRouter(tags=["candidates"])

MOST_CHILDREN = 200
MOST_NODES = 2000
MOST_SAMPLED = 1000
Number = Annotated[int, Path(ge=0, le=2**53, description="Id of the candidate.")]


@router.get("/runs/{run}/candidates/{candidate}")
def candidate_detail(shared: Shared, run: str, candidate: Number) -> CandidateDetail:
    """Tells everything about one candidate: its training, its equations, its parents and children."""
    row = row_of(shared, run, candidate)
    pedigree = shared.digests.pedigree(run)
    children, trainings = pedigree.children_of(candidate), pedigree.trainings_of(candidate)
    with shared.digests.digest(run) as (digest, _):
        value = digest.value
    parts = None if row["architecture"] is None else explained(from_json(row["architecture"]))
    family = pedigree.family([candidate, *children[:MOST_CHILDREN]], most=MOST_NODES)
    nodes = {member.id: _node(member, value) for member in family.members}
    return CandidateDetail(
        **CandidateRow(**candidate_values(row)).model_dump(),
        cells=[] if parts is None else [CellView.model_validate(cell) for cell in parts.cells],
        drawing="" if parts is None else parts.drawing,
        all_trainings=trainings,
        parent_nodes=[nodes[number] for number in row["parents"] if number in nodes],
        child_nodes=[nodes[number] for number in children if number in nodes],
        children=len(children),
    )


@router.get("/runs/{run}/candidates")
def best_candidates(
    shared: Shared,
    run: str,
    count: Annotated[int, Query(ge=1, le=LEADERS, description="Most candidates.")] = 10,
) -> list[CandidateRow]:
    """Returns the best candidates of a run, best first."""
    with shared.digests.digest(run) as (digest, _):
        means = means_of(digest.leaders[:count])
    rows = shared.run(run).rows([*means])
    return [CandidateRow(**candidate_values(row | means[row["id"]])) for row in rows]


class LineageQuery(BaseModel):
    """Whose ancestors are wanted."""

    candidate: int | None = Field(
        default=None, ge=0, le=2**53, description="By default the champion, or the best so far."
    )
    all: bool = Field(default=False, description="The 200 best with their ancestors, beside that candidate.")


@router.get("/runs/{run}/lineage")
def lineage(shared: Shared, run: str, query: Annotated[LineageQuery, Query()]) -> LineageData:
    """Returns a candidate and its ancestors as a graph, or the best of the run with theirs."""
    with shared.digests.digest(run) as (digest, _):
        value, best = digest.value, [leader.id for leader in digest.leaders]
        verdict = stored_verdict(digest.run, digest.totals)
    asked = next(iter(best), None) if verdict is None else verdict.candidate
    if query.candidate is not None:
        asked = query.candidate
    if asked is None:
        return LineageData(candidate=None, nodes=[], edges=[], line=[], is_cut=False)
    pedigree = shared.digests.pedigree(run)
    if not pedigree.trainings_of(asked):
        raise ServiceError(HTTPStatus.NOT_FOUND, _unknown(run, asked))
    family = pedigree.family([asked, *best] if query.all else [asked], most=MOST_NODES)
    known = {member.id for member in family.members}
    return LineageData(
        candidate=asked,
        nodes=[_node(member, value) for member in family.members],
        edges=[
            LineageEdge(parent=parent, child=member.id, first=place == 0)
            for member in family.members
            for place, parent in enumerate(member.parents)
            if parent in known
        ],
        line=list(family.line),
        is_cut=family.is_cut,
    )


@router.get("/runs/{run}/front")
def front(shared: Shared, run: str) -> FrontData:
    """Returns the networks that no other beats in all objectives, and a sample of those that some do.

    With one objective there are none: such a run has a best candidate.
    """
    with shared.digests.digest(run) as (digest, facts):
        objectives, constant = digest.run.config.fitness.objectives, digest.constant_objectives
        _, ranked = facts.ranked(digest)
        metric, higher, value = (
            digest.metric.removeprefix("validation_"),
            digest.higher_is_better,
            digest.value,
        )
        sample = thinned(digest.points.rows, MOST_SAMPLED)["seq"]
    members = [FrontMember(**front_member(row, objectives)) for row in ranked]
    known = {member.id for member in members}
    others = scored_sample(shared.run(run), objectives, sample) if len(objectives) > 1 else ()
    return FrontData(
        metric=metric,
        higher_is_better=higher,
        objectives=[
            ObjectiveView(
                name=name,
                heading=metric.replace("_", " ") if name == FITNESS else COSTS[name].heading,
                constant=name in constant,
            )
            for name in objectives
        ],
        members=members,
        dominated=[
            DominatedPoint(id=number, value=value(fitness), costs=finite(costs))
            for number, fitness, costs in others
            if number not in known
        ],
    )


def _node(member: Ancestor, value: Callable[[float], float]) -> LineageNode:
    told = asdict(member)
    fitness = told.pop("fitness")
    return LineageNode(**told, value=None if fitness is None else value(fitness))


def row_of(context: Context, run: str, candidate: int) -> Row:
    """Returns the result of a candidate.

    Raises:
        ServiceError: There is no such run, or it has no such result.
    """
    found = context.run(run).rows([candidate])
    if not found:
        raise ServiceError(HTTPStatus.NOT_FOUND, _unknown(run, candidate))
    return found[0]


def _unknown(run: str, number: int) -> str:
    return (
        f"run {run} has no result of candidate {number}; `evo-nas show {run}` names the best, and "
        f"GET /api/v1/runs/{run}/evaluations all results"
    )
