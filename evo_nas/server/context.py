"""`Context`: what the routes of one service share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, Request

if TYPE_CHECKING:
    from evo_nas.server.options import ServerOptions
    from evo_nas.server.root import RunsRoot


@dataclass(frozen=True, slots=True)
class Context:
    """What the routes of one service share.

    Attributes:
        options: How the service was started.
        root: Its runs.
    """

    options: ServerOptions
    root: RunsRoot


def _context(request: Request) -> Context:
    context: Context = request.app.state.context
    return context


Shared = Annotated[Context, Depends(_context)]
"""The type of a parameter by which a route asks for the context."""
