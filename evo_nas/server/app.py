"""`create_app`: the service as an ASGI application."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING

from fastapi import FastAPI

from evo_nas.server.context import Context
from evo_nas.server.problems import Problem, add_handlers
from evo_nas.server.root import RunsRoot
from evo_nas.server.routes import champions, exports, predictions, reports, service

if TYPE_CHECKING:
    from evo_nas.server.options import ServerOptions

PREFIX = "/api/v1"
ROUTERS = (service.router, champions.router, reports.router, exports.router, predictions.router)


def create_app(options: ServerOptions) -> FastAPI:
    """Returns the service that ``options`` describe."""
    app = FastAPI(
        title="evo-nas",
        version=version("evo-nas"),
        openapi_url=f"{PREFIX}/openapi.json",
        docs_url=None,
        redoc_url=None,
    )
    app.state.context = Context(options, RunsRoot(options.root))
    add_handlers(app)
    for router in ROUTERS:
        app.include_router(
            router,
            prefix=PREFIX,
            responses={"4XX": {"model": Problem, "content": {"application/problem+json": {}}}},
        )
    return app
