"""What the service says of itself: whether it lives and can work, who is signed in, and what it can do."""

from __future__ import annotations

from http import HTTPStatus
from importlib.metadata import version

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from evo_nas.server.context import Shared
from evo_nas.server.metrics import MEDIA_TYPE
from evo_nas.server.problems import Problem, ServiceError
from evo_nas.server.readiness import check_cluster
from evo_nas.server.tokens import COOKIE_LIFE_S
from evo_nas.strategies.registry import STRATEGIES
from evo_nas.tasks.registry import TASKS

router = APIRouter(tags=["service"])


class Health(BaseModel):
    """That the service answers."""

    status: str = Field(description="Always `ok`.")


@router.get("/health")
async def health() -> Health:
    """Says that the process answers; it looks at nothing else."""
    return Health(status="ok")


@router.get(
    "/ready",
    responses={
        503: {
            "model": Problem,
            "description": "What is missing.",
            "content": {"application/problem+json": {}},
        }
    },
)
async def ready(context: Shared) -> Health:
    """Says that runs can be read and started: the root can be written, and the cluster can be reached."""

    def look() -> None:
        context.root.check_writable()
        if context.options.address is not None:
            check_cluster(context.options.address)

    await context.looks.get("ready", look)
    return Health(status="ok")


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
def metrics(context: Shared) -> Response:
    """What the service counts, for Prometheus."""
    return Response(context.metrics.text(), media_type=MEDIA_TYPE)


class Session(BaseModel):
    """Whether a token is needed, and whether this client has presented it."""

    required: bool = Field(description="Whether requests need the token.")
    signed_in: bool = Field(description="Whether this one would be answered.")


class Credentials(BaseModel):
    """What a person types in to sign in."""

    model_config = ConfigDict(extra="forbid")

    token: str = Field(description="The token that the service was started with.", max_length=1024)


@router.get("/session")
async def session(request: Request, context: Shared) -> Session:
    """Says whether a token is needed, and whether this request has it."""
    return Session(required=context.tokens.required, signed_in=request.state.signed_in)


@router.post("/session")
async def sign_in(credentials: Credentials, request: Request, response: Response, context: Shared) -> Session:
    """Gives a browser the cookie that stands for the token, for twelve hours."""
    tokens = context.tokens
    if not tokens.is_token(credentials.token):
        request.state.charge()
        raise ServiceError(
            HTTPStatus.UNAUTHORIZED,
            "the token is wrong; the file that --token-file names on the service's machine has it",
        )
    if tokens.required:
        response.set_cookie(
            tokens.cookie_name,
            tokens.cookie(),
            max_age=COOKIE_LIFE_S,
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
        )
    return Session(required=tokens.required, signed_in=True)


@router.delete("/session")
async def sign_out(response: Response, context: Shared) -> Session:
    """Takes the cookie from a browser."""
    response.delete_cookie(context.tokens.cookie_name, httponly=True, samesite="strict")
    return Session(required=context.tokens.required, signed_in=not context.tokens.required)


class ServiceLimits(BaseModel):
    """What the service bears."""

    body: int = Field(description="Bytes of a request's body.")
    streams: int = Field(description="Event streams at a time.")
    streams_per_client: int = Field(description="Event streams at a time of one address.")
    requests_per_s: float = Field(description="Requests a second of one address, on average.")


class Service(BaseModel):
    """What this service is and can do."""

    version: str = Field(description="Version of evo-nas.")
    root: str = Field(description="Where it keeps its runs.")
    address: str | None = Field(description="The cluster in which searches run; null for its own machine.")
    data_roots: list[str] = Field(
        description="Where the files of configurations may lie; relative paths start at the first."
    )
    tasks: list[str] = Field(description="Kinds of tasks.")
    strategies: list[str] = Field(description="Kinds of strategies.")
    export_formats: list[str] = Field(description="Formats that champions are exported in.")
    limits: ServiceLimits


@router.get("/service")
def about(context: Shared) -> Service:
    """Says what this service is and can do."""
    from evo_nas.champion.exporters.registry import EXPORTERS  # noqa: PLC0415 - with torch, which takes seconds

    options = context.options
    return Service(
        version=version("evo-nas"),
        root=context.root.place,
        address=options.address,
        data_roots=context.data.places,
        tasks=sorted(TASKS),
        strategies=sorted(STRATEGIES),
        export_formats=sorted(EXPORTERS),
        limits=ServiceLimits(
            body=options.limits.body,
            streams=options.limits.streams,
            streams_per_client=options.limits.streams_per_client,
            requests_per_s=options.limits.requests_per_s,
        ),
    )
