"""``/runs/{run}/evaluations``: every evaluation, in pages or as a file."""

from __future__ import annotations

from http import HTTPStatus
from itertools import chain
from typing import TYPE_CHECKING, Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from evo_nas.evaluation import Status
from evo_nas.server.context import Shared
from evo_nas.server.problems import ServiceError
from evo_nas.views.evaluations import (
    COLUMNS,
    PAGE_COLUMNS,
    Sort,
    Wanted,
    page_by_rank,
    page_by_seq,
    pieces,
)

if TYPE_CHECKING:
    from evo_nas.server.context import Context

router = APIRouter(tags=["evaluations"])

Format = Literal["json", "csv", "parquet"]
MEDIA_TYPES: dict[str, Format] = {
    "application/json": "json",
    "text/csv": "csv",
    "application/vnd.apache.parquet": "parquet",
}
FILES = {"csv": "text/csv; charset=utf-8", "parquet": "application/vnd.apache.parquet"}


class EvaluationQuery(BaseModel):
    """Which evaluations are wanted."""

    after: int = Field(
        default=-1, ge=-1, le=2**53, description="`next` of the page before; -1 for the first."
    )
    limit: int = Field(default=100, ge=1, le=1000, description="Most rows of a page; files have all.")
    status: list[Status] = Field(
        default=[], description="Only those with one of these.", max_length=len(Status)
    )
    sort: Sort = Field(
        default="seq",
        description="`-` begins with the highest; those without a value are last. Files are by `seq`.",
    )
    columns: str = Field(
        default="",
        max_length=1000,
        description="Names of columns with commas between; `value` is that of the metric. All for files by default.",
    )
    format: Format | None = Field(default=None, description="Takes precedence over the header `Accept`.")


class EvaluationPage(BaseModel):
    """Some evaluations."""

    evaluations: list[dict[str, Any]] = Field(description="Their columns by name.")
    next: int | None = Field(description="`after` of the following page; null if this is the last.")
    total: int = Field(description="Number of evaluations on all pages.")
    columns: list[str] = Field(description="Names of the columns, in their order.")


_FILES_TOO: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "A page, or all of them as a file.",
        "content": {media_type: {} for media_type in MEDIA_TYPES if media_type != "application/json"},
    }
}


@router.get("/runs/{run}/evaluations", response_model=EvaluationPage, responses=_FILES_TOO)
def list_evaluations(
    shared: Shared, request: Request, run: str, query: Annotated[EvaluationQuery, Query()]
) -> EvaluationPage | StreamingResponse:
    """Returns evaluations as a page of JSON, or all of them as CSV or Parquet."""
    kind = query.format or _accepted(request)
    columns = _columns(query.columns) or (PAGE_COLUMNS if kind == "json" else COLUMNS)
    with shared.digests.digest(run) as (digest, _):
        sign = -1.0 if digest.higher_is_better is False else 1.0
        statuses = frozenset(query.status)
        total = sum(count for status, count in digest.by_status.items() if not statuses or status in statuses)
    wanted = Wanted(columns, frozenset(map(str, statuses)), sign)
    if kind != "json":
        return _file(shared, run, wanted, query.after, kind)
    place = shared.run(run)
    if query.sort == "seq":
        page = page_by_seq(place, wanted, after=query.after, limit=query.limit)
    else:
        after = max(query.after, 0)
        page = page_by_rank(place, wanted, sort=query.sort, after=after, limit=query.limit)
    return EvaluationPage(evaluations=page.rows, next=page.next, total=total, columns=list(columns))


def _accepted(request: Request) -> Format:
    """Returns the first format that the header ``Accept`` names; JSON without one that there is."""
    named = (part.partition(";")[0].strip() for part in request.headers.get("accept", "").split(","))
    return next((MEDIA_TYPES[media_type] for media_type in named if media_type in MEDIA_TYPES), "json")


def _columns(text: str) -> tuple[str, ...]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        if name not in COLUMNS:
            raise ServiceError(
                HTTPStatus.UNPROCESSABLE_ENTITY,
                f"columns has {name[:80]!r}; each must be one of {', '.join(COLUMNS)}",
            )
    return tuple(dict.fromkeys(names))


def _file(shared: Context, run: str, wanted: Wanted, after: int, kind: str) -> StreamingResponse:
    content = pieces(shared.run(run), wanted, after=after, as_csv=kind == "csv")
    # What is damaged is said as a problem, if it is found before the answer has begun.
    begun = chain([next(content, b""), next(content, b"")], content)
    named = {"Content-Disposition": f'attachment; filename="{run}-evaluations.{kind}"'}
    return StreamingResponse(begun, media_type=FILES[kind], headers=named)
