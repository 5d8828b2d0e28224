"""Whatever is asked that the OpenAPI document permits, or nearly, the service answers as the document says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, settings
from schemathesis.checks import response_schema_conformance
from schemathesis.config import (
    ChecksConfig,
    CoveragePhaseConfig,
    GenerationConfig,
    PhasesConfig,
    PositiveDataAcceptanceConfig,
    ProjectConfig,
    ProjectsConfig,
    SchemathesisConfig,
)
from starlette.types import ASGIApp, Receive, Scope, Send

from evo_nas.champion.explanation import explained
from evo_nas.genome.architecture import Architecture, Layer
from evo_nas.genome.cells import NAMED_CELLS
from evo_nas.server.app import create_app
from evo_nas.server.launcher import Launcher
from evo_nas.server.options import Limits
from evo_nas.server.reading_apart import Commands
from evo_nas.views.verification import Verification
from tests.served import options

EXAMPLES = 4
ENDLESS = "/api/v1/runs/{run}/events"
HAS_TUPLES = "/api/v1/runs/{run}/chart"
"""Its `prefixItems` are turned into something that is no schema before the answer is compared with them."""


def described(*, run: str | None) -> schemathesis.BaseSchema:
    """The document of the service; every request is about ``run``, or about any name."""
    app = create_app(options(Path("runs")))
    project = ProjectConfig(
        base_url="http://127.0.0.1",
        parameters={} if run is None else {"run": run},
        generation=GenerationConfig(deterministic=True, max_examples=EXAMPLES, database="none"),
        checks=ChecksConfig(positive_data_acceptance=PositiveDataAcceptanceConfig(enabled=False)),
        phases=PhasesConfig(coverage=CoveragePhaseConfig(enabled=run is None)),
    )
    config = SchemathesisConfig(projects=ProjectsConfig(default=project))
    return schemathesis.openapi.from_dict(app.openapi(), config=config)


ANY_RUN = described(run=None)
ONE_RUN = described(run="judged").include(path_regex=r"\{run\}").exclude(path=ENDLESS)


@pytest.fixture(scope="module")
def served(root: Path) -> Iterator[ASGIApp]:
    """The service that is asked; nothing is searched, since every launch is a command that does nothing."""
    app = create_app(options(root, limits=Limits(requests_per_s=1e9, burst=10**9)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Launcher, "command", lambda *_: ("true",))
        patch.setattr(Commands, "said_by", said)
        yield lasting(app)


def said(_: Commands, command: str, *options: str, **___: object) -> str:
    """What a command would say of a run, whose process would take seconds."""
    if command == "verify":
        return json.dumps(Verification("judged", is_verified=True).to_values())
    if command == "explain":
        return json.dumps(explained(Architecture((Layer(NAMED_CELLS["gru"], 4),))).to_values())
    if command == "portfolio":
        output = next(each for each in options if each.startswith("--output="))
        Path(output.removeprefix("--output=")).write_text("{}")
    return "{}"


def lasting(app: FastAPI) -> ASGIApp:
    """Returns a service that neither begins nor ends, both of which the client asks for with every request."""

    async def asked(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            for phase in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{phase}.complete"})
        else:
            await app(scope, receive, send)

    return asked


few = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)


@ANY_RUN.parametrize()
@few
def test_any_request_is_answered_as_documented(case: schemathesis.Case, served: ASGIApp) -> None:
    case.call_and_validate(app=served)


@ONE_RUN.parametrize()
@few
def test_any_request_about_a_run_is_answered_as_documented(case: schemathesis.Case, served: ASGIApp) -> None:
    excluded = [response_schema_conformance] if case.operation.path == HAS_TUPLES else []
    case.call_and_validate(app=served, excluded_checks=excluded)
