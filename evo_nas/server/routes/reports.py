"""``/runs/{run}/report``: what a run found, and how, as one page."""

from __future__ import annotations

from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated

from anyio import to_thread
from fastapi import APIRouter, Query, Response
from fastapi.responses import HTMLResponse

from evo_nas.report.figures import NEEDS
from evo_nas.server.context import Shared
from evo_nas.server.problems import ServiceError
from evo_nas.server.reports import Kind, drawn_absent, made_report
from evo_nas.views.champions import kept_champion

if TYPE_CHECKING:
    from collections.abc import Hashable

    from evo_nas.runs import Run
    from evo_nas.server.context import Context
    from evo_nas.server.reports import Report

router = APIRouter(tags=["champions"])

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox; frame-ancestors 'self'"
"""The page has its style within it, which the policy of the service forbids; it can run nothing and reach nothing."""


@router.get("/runs/{run}/report", response_class=HTMLResponse)
@router.get("/runs/{run}/report.html", response_class=HTMLResponse, include_in_schema=False)
async def report(
    run: str,
    context: Shared,
    *,
    download: Annotated[bool, Query(description="Whether a browser saves it instead of showing it.")] = False,
) -> HTMLResponse:
    """Returns the report of a run as far as it went, as one file that needs no network."""
    made = await _report(context, run)
    headers = {"Content-Security-Policy": POLICY}
    if download:
        headers["Content-Disposition"] = f'attachment; filename="{run}-report.html"'
    return HTMLResponse(made.html, headers=headers)


@router.get("/runs/{run}/figures/{figure}", response_class=Response)
async def figure(
    run: str, figure: str, context: Shared, *, kind: Annotated[Kind, Query(alias="format")] = "svg"
) -> Response:
    """Returns one figure of the report by its name, such as `learning-curves`.

    In place of one that the run has no data for, such as learning curves of trainings of one epoch, it says so.
    """
    made = await _report(context, run)
    if figure not in made.figures and figure not in NEEDS:
        raise ServiceError(
            HTTPStatus.NOT_FOUND,
            f"figure is {figure[:80]!r}; the report of {run} has {', '.join(made.figures)}",
        )
    draw = made.drawn if figure in made.figures else drawn_absent
    content = await to_thread.run_sync(draw, figure, kind, limiter=context.harvest.reporting)
    return Response(
        content,
        media_type="image/svg+xml" if kind == "svg" else "image/png",
        headers={"Content-Security-Policy": POLICY},
    )


async def _report(context: Context, name: str) -> Report:
    run, key = await to_thread.run_sync(_state, context, name)
    return await context.harvest.reports.get(key, partial(made_report, run, context.commands))


def _state(context: Context, name: str) -> tuple[Run, Hashable]:
    run = context.run(name)
    kept = kept_champion(run)
    # The name, too: a run may have been copied, and its report says where it is.
    return run, (name, run.record.run_id, run.totals().told, kept and kept.key)
