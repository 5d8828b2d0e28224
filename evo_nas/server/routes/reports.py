"""``/runs/{run}/report``: what a run found, and how, as one page."""

from __future__ import annotations

from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Literal

from anyio import to_thread
from fastapi import APIRouter, Query, Response
from fastapi.responses import HTMLResponse

from evo_nas.server.context import Shared
from evo_nas.server.problems import ServiceError
from evo_nas.views.champions import kept_champion

if TYPE_CHECKING:
    from collections.abc import Hashable

    from evo_nas.report.page import Page
    from evo_nas.runs import Run
    from evo_nas.server.context import Context

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
    _, html = await _report(context, run)
    headers = {"Content-Security-Policy": POLICY}
    if download:
        headers["Content-Disposition"] = f'attachment; filename="{run}-report.html"'
    return HTMLResponse(html, headers=headers)


@router.get("/runs/{run}/figures/{figure}", response_class=Response)
async def figure(
    run: str,
    figure: str,
    context: Shared,
    *,
    kind: Annotated[Literal["svg", "png"], Query(alias="format")] = "svg",
) -> Response:
    """Returns one figure of the report by its name, such as `learning-curves`."""
    page, _ = await _report(context, run)
    found = next((each for each in page.figures if each.name == figure), None)
    if found is None:
        names = ", ".join(each.name for each in page.figures)
        raise ServiceError(
            HTTPStatus.NOT_FOUND, f"figure is {figure[:80]!r}; the report of {run} has {names}"
        )
    limiter, is_svg = context.harvest.limiter, kind == "svg"
    content: str | bytes = await to_thread.run_sync(found.svg if is_svg else found.png, limiter=limiter)
    return Response(
        content,
        media_type="image/svg+xml" if is_svg else "image/png",
        headers={"Content-Security-Policy": POLICY},
    )


async def _report(context: Context, name: str) -> tuple[Page, str]:
    run, key = await to_thread.run_sync(_state, context, name)
    return await context.harvest.reports.get(key, partial(_made, run))


def _state(context: Context, name: str) -> tuple[Run, Hashable]:
    run = context.root.run(name)
    kept = kept_champion(run)
    return run, (run.record.run_id, run.totals().told, kept and kept.key)


def _made(run: Run) -> tuple[Page, str]:
    from evo_nas.report.report import report_page  # noqa: PLC0415 - it loads torch where there is a champion

    page = report_page(run)
    return page, page.html()
