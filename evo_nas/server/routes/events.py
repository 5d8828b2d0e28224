"""``/runs/{run}/events`` and ``/logs``: what a search says, live."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import PlainTextResponse
from sse_starlette.sse import EventSourceResponse, SendTimeoutError

from evo_nas.server.context import Context, Shared
from evo_nas.server.event_files import tail_of
from evo_nas.server.rates import client_at
from evo_nas.server.tails import Seen

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

router = APIRouter(tags=["events"])

HEARTBEAT_S = 15
SLOW_S = 30.0
"""Seconds that a watcher may leave what is sent to it unread."""
LOG_BYTES = 2**20


class _Watch(EventSourceResponse):
    """The stream of one watcher, which is counted while it is open."""

    def __init__(self, context: Context, run: str, *, client: str, seen: Seen | None) -> None:
        super().__init__(context.streams.events(run, seen), ping=HEARTBEAT_S, send_timeout=SLOW_S, sep="\n")
        self._streams = context.streams
        self._client = client
        self._streams.admit(client)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        except SendTimeoutError:
            pass  # it comes back with the id of what it has seen, and misses nothing
        finally:
            self._streams.leave(self._client)


@router.get(
    "/runs/{run}/events",
    response_class=EventSourceResponse,
    responses={200: {"content": {"text/event-stream": {}}, "description": "Server-sent events."}},
)
async def events(
    run: str,
    request: Request,
    context: Shared,
    *,
    last_event_id: Annotated[
        str | None, Header(description="The id of the last event that was seen; those after it follow.")
    ] = None,
    after: Annotated[
        str | None, Query(description="The same, for clients that cannot send the header.")
    ] = None,
) -> EventSourceResponse:
    """Sends the events of a search as they happen.

    The names of events are those of `evo-nas search --json`, and their data are its lines. Without `Last-Event-ID`
    the latest event of each kind comes first. `recorded` says how many evaluations a run holds that was started
    elsewhere, and `end` says that its search is over.
    """
    given = last_event_id or after
    seen = Seen.of(given) if given else None

    def check() -> None:
        context.launcher.require(run)
        context.streams.check(run, seen)

    await asyncio.to_thread(check)
    client = client_at(request.client.host) if request.client else ""
    return _Watch(context, run, client=client, seen=seen)


@router.get("/runs/{run}/logs", response_class=PlainTextResponse)
def logs(
    run: str,
    context: Shared,
    *,
    tail: Annotated[int, Query(ge=1, le=10_000, description="The last so many lines.")] = 1000,
) -> PlainTextResponse:
    """Returns the end of what the newest process of a run has printed beside its events.

    It is empty for a run that was searched from a shell, and at most a MiB long.
    """
    context.launcher.require(run)
    newest = context.launcher.launches.newest(run)
    lines = [] if newest is None else tail_of(newest.log, LOG_BYTES)
    return PlainTextResponse("".join(f"{printable(line)}\n" for line in lines[-tail:]))


def printable(line: str) -> str:
    """Returns ``line`` without the codes by which terminals are coloured and steered."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|[\x00-\x08\x0b-\x1f\x7f]", "", line)
