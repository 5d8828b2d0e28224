"""`create_app`: the service as an ASGI application."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING

from fastapi import Depends, FastAPI
from fastapi.security import HTTPBearer

from evo_nas.server.context import Context
from evo_nas.server.data_roots import DataRoots
from evo_nas.server.digests import Digests
from evo_nas.server.event_compaction import Compactor
from evo_nas.server.guard import Guard
from evo_nas.server.launcher import Launcher
from evo_nas.server.metrics import Metered, Metrics
from evo_nas.server.pages import add_pages
from evo_nas.server.problems import Problem, add_handlers
from evo_nas.server.root import RunsRoot
from evo_nas.server.routes import (
    analyses,
    candidates,
    champions,
    comparisons,
    configs,
    data,
    evaluations,
    events,
    exchange,
    exports,
    predictions,
    reports,
    retraining,
    runs,
    searches,
    service,
    works,
)
from evo_nas.server.run_pages import count_states
from evo_nas.server.streams import Streams
from evo_nas.server.tokens import Tokens
from evo_nas.server.upkeep import keep_attached, keep_tidy

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from evo_nas.server.options import ServerOptions

PREFIX = "/api/v1"
ROUTERS = (
    service.router,
    configs.router,
    data.router,
    runs.router,
    evaluations.router,
    candidates.router,
    comparisons.router,
    searches.router,
    events.router,
    champions.router,
    reports.router,
    exports.router,
    predictions.router,
    analyses.router,
    works.router,
    retraining.router,
    exchange.router,
)


def create_app(options: ServerOptions) -> FastAPI:
    """Returns the service that ``options`` describe."""
    app = FastAPI(
        title="evo-nas",
        version=version("evo-nas"),
        openapi_url=f"{PREFIX}/openapi.json",
        docs_url=None,
        redoc_url=None,
        lifespan=_living,
    )
    root = RunsRoot(options.root)
    launcher = Launcher(options, root)
    context = Context(
        options=options,
        root=root,
        data=DataRoots(options.data, runs=root),
        tokens=Tokens(options.token, now=time.time),
        metrics=Metrics(),
        digests=Digests(root),
        launcher=launcher,
        streams=Streams(launcher, root, options.limits),
    )
    context.metrics.gauge(
        "event_streams", "Event streams that are open.", lambda: {"": context.streams.open_now}
    )
    context.metrics.gauge(
        "processes", "Processes that a service has started and that run.", lambda: {"": launcher.running()}
    )
    context.metrics.gauge("runs", "Runs by state.", lambda: count_states(context), label="state")
    app.state.context = context
    add_handlers(app)
    # The guard has checked it long before; this says so in the OpenAPI document.
    documented = [Depends(HTTPBearer(auto_error=False))] if options.token is not None else []
    for router in ROUTERS:
        app.include_router(
            router,
            prefix=PREFIX,
            responses={"4XX": {"model": Problem, "content": {"application/problem+json": {}}}},
            dependencies=documented,
        )
    add_pages(app)
    # The last one added is the outermost.
    app.add_middleware(Guard, options=options, tokens=context.tokens)
    app.add_middleware(Metered, metrics=context.metrics)
    return app


@asynccontextmanager
async def _living(app: FastAPI) -> AsyncIterator[None]:
    """Reads the runs while nobody asks yet, so that the first list need not wait, and what goes on all the time."""
    context: Context = app.state.context
    launches = context.launcher.launches
    tasks = [
        asyncio.create_task(Compactor(launches).keep_small()),
        asyncio.create_task(keep_tidy(launches)),
    ]
    if context.options.address:
        tasks.append(asyncio.create_task(keep_attached(context.launcher)))
    try:
        with context.digests as digests:
            digests.warm_up()
            yield
    finally:
        context.commands.close()
        for task in tasks:
            task.cancel()
