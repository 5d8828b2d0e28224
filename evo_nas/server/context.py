"""`Context`: what the routes of one service share."""

from __future__ import annotations

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated

from anyio import CapacityLimiter
from fastapi import Depends, Request

from evo_nas.server.harvest import Harvest
from evo_nas.server.problems import ServiceError
from evo_nas.server.reading_apart import Commands
from evo_nas.server.shared_work import SharedWork

if TYPE_CHECKING:
    from evo_nas.runs import Run
    from evo_nas.server.data_roots import DataRoots
    from evo_nas.server.digests import Digests
    from evo_nas.server.launcher import Launcher
    from evo_nas.server.metrics import Metrics
    from evo_nas.server.options import ServerOptions
    from evo_nas.server.root import RunsRoot
    from evo_nas.server.streams import Streams
    from evo_nas.server.tokens import Tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What the routes of one service share.

    Attributes:
        options: How the service was started.
        root: Its runs.
        data: Where the files of configurations may lie.
        tokens: Who may ask.
        metrics: What is counted.
        digests: What is known of the runs.
        launcher: What starts and stops searches.
        streams: What watches them.
        harvest: What it has made of their champions.
        looks: Looks whether the service is ready, once for all who ask: probes need no token.
        commands: Runs what takes too much memory for this process.
    """

    options: ServerOptions
    root: RunsRoot
    data: DataRoots
    tokens: Tokens
    metrics: Metrics
    digests: Digests
    launcher: Launcher
    streams: Streams
    harvest: Harvest = field(default_factory=Harvest)
    looks: SharedWork[None] = field(default_factory=lambda: SharedWork(0, CapacityLimiter(1)))
    commands: Commands = field(default_factory=Commands)

    def run(self, name: str) -> Run:
        """Returns the run ``name``.

        Raises:
            ServiceError: There is none, or it is just beginning.
        """
        if not self.root.at(name).exists and self.launcher.activity(name).is_launched:
            raise ServiceError(
                HTTPStatus.NOT_FOUND,
                f"run {name} is starting and holds nothing yet, as while its data are read; ask again in a moment",
            )
        return self.root.run(name)


def _context(request: Request) -> Context:
    context: Context = request.app.state.context
    return context


Shared = Annotated[Context, Depends(_context)]
"""The type of a parameter by which a route asks for the context."""
