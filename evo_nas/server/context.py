"""`Context`: what the routes of one service share."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, Request

from evo_nas.server.harvest import Harvest

if TYPE_CHECKING:
    from evo_nas.server.options import ServerOptions
    from evo_nas.server.root import RunsRoot


@dataclass(frozen=True, slots=True)
class Context:
    """What the routes of one service share.

    Attributes:
        options: How the service was started.
        root: Its runs.
        harvest: What it has made of their champions.
    """

    options: ServerOptions
    root: RunsRoot
    harvest: Harvest = field(default_factory=Harvest)


def _context(request: Request) -> Context:
    context: Context = request.app.state.context
    return context


Shared = Annotated[Context, Depends(_context)]
"""The type of a parameter by which a route asks for the context."""
