"""What is worked out beside a search - `tune`, `finalists --judge`, `ensemble` - and what a process has said so far."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Literal

from fastapi import APIRouter, Path, Query
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from evo_nas.champion.tuning import check_cell
from evo_nas.champion.verdict import stored_verdict
from evo_nas.errors import ChampionError, ConfigError
from evo_nas.genome.cells import NAMED_CELLS
from evo_nas.server.context import Shared
from evo_nas.server.launcher import Order
from evo_nas.server.packing import pieces, zipped
from evo_nas.server.problems import ServiceError
from evo_nas.server.routes.events import printable
from evo_nas.server.routes.searches import Launched
from evo_nas.server.run_models import LaunchProgress
from evo_nas.server.run_pages import view_of_launch
from evo_nas.strategies.gene_proposers import check_proposer

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path as FilePath

    from evo_nas.server.context import Context
    from evo_nas.server.launches import Doing, Launch

router = APIRouter(tags=["works"])

OUT = "out"
"""The folder of a launch that its command writes a champion to."""
LOG_BYTES = 2**18
Workers = Annotated[
    int | None,
    Field(
        ge=1, le=10_000, description="Trainings at the same time; by default as many as the run had workers."
    ),
]
Number = Annotated[int, Path(ge=1, le=999_999, description="Number of the launch.")]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Tuning(_Body):
    """What is tuned, and how."""

    candidate: int | None = Field(
        default=None, ge=0, le=2**53, description="Id of the network; by default the leader of the search."
    )
    cell: str = Field(
        default="",
        max_length=40,
        pattern=r"^[a-z0-9_]*$",
        description=f"Published cell that is put in, at equal size: {', '.join(NAMED_CELLS)}.",
    )
    trials: int = Field(default=30, ge=1, le=100_000, description="Trials in all, the untuned one included.")
    searcher: Literal["optuna", "botorch", "bayesopt", "hyperopt", "random", "grid"] = Field(
        default="optuna", description="What proposes settings."
    )
    epochs: int | None = Field(
        default=None, ge=1, le=100_000, description="Epochs of a whole trial; by default those of the search."
    )
    workers: Workers = None
    export: bool = Field(
        default=False,
        description="Whether what was found is also trained with three seeds, to be fetched from `/files`.",
    )


class JudgedFinalists(_Body):
    """Which finalists are judged on other cuts of the data."""

    count: int = Field(default=5, ge=1, le=100, description="Number of finalists.")
    trainings: int = Field(default=3, ge=1, le=100, description="Trainings that judge each of them.")
    workers: Workers = None


class EnsembleSize(_Body):
    """How large an ensemble may be."""

    size: int | None = Field(
        default=None,
        ge=1,
        le=100,
        description="Different networks; by default as many as the LSTM has retrainings.",
    )


@router.post("/runs/{run}/tune", status_code=HTTPStatus.ACCEPTED)
def tune(run: str, context: Shared, body: Tuning | None = None) -> Launched:
    """Tunes the training of one network of a run by Ray Tune; trials are kept in the run, so that more add to them.

    `/runs/{run}/launches/{launch}` says how it goes on, and what was found in `result`.
    """
    body = body or Tuning()
    _check(context, run, body)
    options = [f"--trials={body.trials}", f"--searcher={body.searcher}"]
    options += [] if body.candidate is None else [f"--candidate={body.candidate}"]
    options += [f"--cell={body.cell}"] if body.cell else []
    options += [] if body.epochs is None else [f"--epochs={body.epochs}"]
    options += [f"--out={OUT}"] * body.export
    return begun(context, run, "tune", *options, *_at_once(body.workers))


@router.post("/runs/{run}/finalists", status_code=HTTPStatus.ACCEPTED)
def judge_finalists(run: str, context: Shared, body: JudgedFinalists | None = None) -> Launched:
    """Trains the best distinct networks of a run on other cuts of the data; GET tells them with these scores then."""
    body = body or JudgedFinalists()
    options = ("--judge", f"--count={body.count}", f"--trainings={body.trainings}")
    return begun(context, run, "finalists", *options, *_at_once(body.workers))


@router.post("/runs/{run}/ensemble", status_code=HTTPStatus.ACCEPTED)
def make_ensemble(run: str, context: Shared, body: EnsembleSize | None = None) -> Launched:
    """Selects an ensemble of the networks that a verdict keeps; `exports/{format}?which=ensemble` has it then."""
    if stored_verdict(context.run(run)) is None:
        raise ChampionError(
            f"run {run} has no verdict yet; judge it with `evo-nas champion {run}` or POST /api/v1/runs/{run}/champion"
        )
    size = None if body is None else body.size
    return begun(context, run, "ensemble", *([] if size is None else [f"--size={size}"]))


@router.get("/runs/{run}/launches/{launch}")
def launch_progress(
    run: str,
    launch: Number,
    context: Shared,
    *,
    after: Annotated[
        int, Query(ge=0, le=2**53, description="The `next` of the last answer: only what has come since.")
    ] = 0,
) -> LaunchProgress:
    """Tells what a process that the service has started for a run has printed, and what it has found."""
    found = _launch(context, run, launch)
    # Looked at first: what has ended has written all that it ever will.
    view = view_of_launch(found)
    lines, offset = _lines_after(found.log, after, is_ended=not view.is_alive)
    return LaunchProgress(
        **view.model_dump(),
        result=None if view.is_alive else found.result,
        lines=[printable(line) for line in lines],
        next=offset,
    )


@router.get(
    "/runs/{run}/launches/{launch}/files",
    response_class=StreamingResponse,
    responses={200: {"content": {"application/zip": {}}, "description": "The champion as a zip file."}},
)
def launch_files(run: str, launch: Number, context: Shared) -> StreamingResponse:
    """Returns the champion that `tune` with `export`, or `retrain`, has trained, in the native format."""
    found = _launch(context, run, launch)
    folder = found.folder / OUT
    if found.is_alive or found.result is None or not folder.is_dir():
        raise ServiceError(
            HTTPStatus.NOT_FOUND,
            f"launch {launch} of run {run} has no files; `tune` with `export`, and `retrain`, have them once done",
        )
    name = f"{run}-{found.record.doing}"
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return pieces(zipped(files, folder, name), name)


def begun(
    context: Context, name: str, doing: Doing, *options: str, files: Mapping[str, bytes] | None = None
) -> Launched:
    """Starts a command for the run ``name``, or finds it under way; see `Launcher.launch`.

    Args:
        context: The service.
        name: The run.
        doing: The command.
        options: Its options.
        files: What it finds in its folder `DATA`, by name.

    Raises:
        ServiceError: There is no such run, it has no evaluations, or something else is done for it.
    """
    run = context.run(name)
    if not run.totals().told:
        raise ServiceError(HTTPStatus.CONFLICT, f"run {name} has no evaluations; let it search first")
    order = Order(doing=doing, arguments=options, files=files or {})
    return Launched.of(context.launcher.launch(name, order), context)


def _check(context: Context, name: str, asked: Tuning) -> None:
    """Raises an error for what the command would refuse only after it has read the data."""
    run = context.run(name)
    if asked.cell:
        check_cell(asked.cell)
    # A cluster has libraries of its own.
    check_proposer(asked.searcher, is_here=context.options.address is None)
    if asked.candidate is None:
        return
    if not any(row["fitness"] is not None for row in run.rows([asked.candidate])):
        raise ConfigError(
            f"candidate is {asked.candidate}; must be the id of one that run {name} has trained and scored, as "
            f"`evo-nas show {name}` or GET /api/v1/runs/{name}/evaluations lists"
        )


def _at_once(workers: int | None) -> list[str]:
    return [] if workers is None else [f"--workers={workers}"]


def _launch(context: Context, name: str, number: int) -> Launch:
    context.launcher.require(name)
    found = context.launcher.launches.get(name, number)
    if found is None:
        raise ServiceError(
            HTTPStatus.NOT_FOUND,
            f"run {name} has no launch {number}; GET /api/v1/runs/{name} lists the newest in `launches`",
        )
    return found


def _lines_after(path: FilePath, offset: int, *, is_ended: bool) -> tuple[list[str], int]:
    """Returns the next lines of the file at ``path``, and the offset after them.

    Args:
        path: The file; there may be none.
        offset: Where the first of them begins, in bytes.
        is_ended: Whether nothing will be added, so that a last line without an end is whole.
    """
    try:
        with path.open("rb") as file:
            file.seek(offset)
            content = file.read(LOG_BYTES)
    except FileNotFoundError:
        return [], offset
    end = content.rfind(b"\n") + 1
    if not end or (is_ended and len(content) < LOG_BYTES):
        end = len(content) if is_ended or len(content) == LOG_BYTES else 0
    return content[:end].decode("utf-8", "replace").splitlines(), offset + end
