"""What `evo-nas verify`, `finalists`, `replay` and `explain` say of a run, each made in a process of its own."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any, Literal

from anyio import to_thread
from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from evo_nas.errors import ConfigError
from evo_nas.replay.of_run import rungs_of
from evo_nas.server.candidate_models import Plain
from evo_nas.server.context import Shared
from evo_nas.server.reading_apart import COLUMNS
from evo_nas.server.routes.candidates import row_of
from evo_nas.server.routes.champions import Explanation

if TYPE_CHECKING:
    from collections.abc import Container, Sequence

    from evo_nas.server.context import Context

router = APIRouter(tags=["analyses"])

MOST_RUNS = 200
JSON_OR_TEXT: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/json": {}, "text/plain": {}}, "description": "What the command prints."}
}


class Telling(BaseModel):
    """How something is told."""

    format: Literal["json", "text"] = Field(
        default="json", description="`text` is what the command prints for people."
    )
    columns: int = Field(default=COLUMNS, ge=40, le=1000, description="Width of such a text.")


class FinalistsQuery(Telling):
    """Which finalists are told."""

    count: int = Field(default=5, ge=1, le=100, description="Number of finalists.")
    trainings: int = Field(
        default=3, ge=1, le=100, description="Trainings that judge each of them, if the run keeps so many."
    )


class ReplayQuery(Telling):
    """With what a run is replayed."""

    set: list[str] = Field(
        default=[],
        max_length=100,
        description="Changes such as `fitness.rungs=[2,6]`; automatic rungs by default.",
    )
    workers: int | None = Field(
        default=None, ge=1, le=100_000, description="Workers that train; those of the run by default."
    )
    draws: int = Field(
        default=0, ge=0, le=1000, description="Random orders of the candidates beside the recorded one."
    )


class Verification(BaseModel):
    """What came of checking a run."""

    run: str = Field(description="The name of the run.")
    is_verified: bool = Field(description="Whether nothing is wrong with it.")
    findings: list[str] = Field(description="What is wrong, a line each.")
    remarks: list[str] = Field(description="What could not be checked, a line each.")
    sentence: str = Field(description="How far it is verified; empty if it is not.")


class GateActivity(Plain):
    """How one gate is used."""

    layer: int
    gate: str
    mean: float = Field(description="Its mean over sequences, steps and units.")
    spread: float
    shut: float = Field(description="Share of its values that are nearly 0.")
    open: float = Field(description="Share of its values that are nearly 1.")


class Timescale(Plain):
    """How long one state remembers."""

    layer: int
    state: str
    steps: int | None = Field(description="Steps; null where it is longer than the sample.")


class Probe(Plain):
    """What a champion does on sequences of the validation part."""

    metric: str
    value: float = Field(description="The metric on the sample.")
    gates: list[GateActivity]
    timescales: list[Timescale]
    inputs: dict[str, float] = Field(
        description="The metric with one input exchanged between sequences, by input."
    )
    history: dict[str, float] = Field(description="The metric with the last steps alone, by their number.")


class ProbedExplanation(Explanation):
    """An explanation, with what the champion does on a sample if that was asked."""

    probe: Probe | None = None


@router.get("/runs/{run}/verify")
async def verify(run: str, context: Shared) -> Verification:
    """Checks every file of a run, derives every genome again and compares it with the recorded one."""
    # Whether something is wrong is the answer, and no failure of the command.
    said = await _said(context, "verify", (run,), "--json", passes=(1,))
    return Verification.model_validate_json(said)


@router.get("/runs/{run}/finalists", response_model=dict[str, Any], responses=JSON_OR_TEXT)
async def finalists(run: str, context: Shared, query: Annotated[FinalistsQuery, Query()]) -> Response:
    """Tells the best distinct networks of a run by a lower bound of their fitness, judged if they were."""
    options = (f"--count={query.count}", f"--trainings={query.trainings}")
    return await told(context, query, "finalists", (run,), *options)


@router.get("/runs/{run}/replay", response_model=dict[str, Any], responses=JSON_OR_TEXT)
async def replay(run: str, context: Shared, query: Annotated[ReplayQuery, Query()]) -> Response:
    """Replays the trainings of a run with other rungs: what would these have saved?"""

    def check() -> None:
        rungs_of(context.run(run).config, query.set)

    await to_thread.run_sync(check)
    options = [f"--set={each}" for each in query.set] + [f"--draws={query.draws}"]
    options += [] if query.workers is None else [f"--workers={query.workers}"]
    return await told(context, query, "replay", (run,), *options)


@router.get("/runs/{run}/explanation")
async def explanation(
    run: str,
    context: Shared,
    *,
    candidate: Annotated[
        int | None, Query(ge=0, le=2**53, description="By default the champion, or the best so far.")
    ] = None,
    sample: Annotated[
        bool, Query(description="Whether the champion reads sequences of the validation part.")
    ] = False,
) -> ProbedExplanation:
    """Explains a network of a run, the champion or another one, as `evo-nas explain` does."""
    if candidate is not None:
        if sample:
            raise ConfigError(
                "sample is true beside a candidate; it reads the champion, so leave one of them out"
            )
        await to_thread.run_sync(row_of, context, run, candidate)
    options = [] if candidate is None else [f"--candidate={candidate}"]
    said = await _said(context, "explain", (run,), "--json", *options, *["--sample"] * sample)
    return ProbedExplanation.model_validate_json(said)


@router.get(
    "/portfolio",
    response_model=dict[str, Any],
    responses={200: {"content": {"application/json": {}}, "description": "The file of the portfolio."}},
)
async def portfolio(
    context: Shared,
    run: Annotated[
        list[str],
        Query(min_length=1, max_length=MOST_RUNS, description="Names of finished runs, two or more."),
    ],
    count: Annotated[int, Query(ge=1, le=100, description="Most networks of the portfolio.")] = 10,
) -> Response:
    """Chooses networks of finished runs that complement each other, for `warm_start` of later searches."""

    def learn() -> str:
        called, folder = _called(context, run)
        with TemporaryDirectory() as made:
            file = Path(made, "portfolio.json")
            context.commands.said_by(
                "portfolio", *called, f"--output={file}", f"--count={count}", folder=folder
            )
            return file.read_text(encoding="utf-8")

    said = await context.harvest.analyses.get(("portfolio", *run, count), learn)
    return Response(said, media_type="application/json")


async def told(context: Context, how: Telling, command: str, names: Sequence[str], *options: str) -> Response:
    """Answers with what ``command`` prints of the runs ``names``, as JSON or as a text.

    Raises:
        ServiceError: There is no such run, or the command has ended without a word.
        EvoNasError: What the command was refused for.
    """
    if how.format == "json":
        said = await _said(context, command, names, "--json", *options)
        return Response(said, media_type="application/json")
    said = await _said(context, command, names, *options, columns=how.columns)
    return Response(said, media_type="text/plain; charset=utf-8")


async def _said(
    context: Context,
    command: str,
    names: Sequence[str],
    *options: str,
    columns: int = COLUMNS,
    passes: Container[int] = (),
) -> str:
    def say() -> str:
        called, folder = _called(context, names)
        return context.commands.said_by(
            command, *called, *options, folder=folder, columns=columns, passes=passes
        )

    return await context.harvest.analyses.get((command, *names, *options, columns), say)


def _called(context: Context, names: Sequence[str]) -> tuple[list[str], str | None]:
    """Returns what a command calls the runs ``names``, and the working directory in which they are called so.

    Raises:
        ServiceError: One of them does not exist.
    """
    places = [context.run(name).location for name in names]
    # Where runs lie under a directory they are called by their names, as the client calls them.
    return (list(names), context.root.place) if context.root.is_local else (places, None)
