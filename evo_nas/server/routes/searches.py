"""``POST /runs`` and what is done to runs: stop, resume, fork, and judge the champion."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any, Self

from fastapi import APIRouter, Header, Response
from pydantic import BaseModel, ConfigDict, Field

from evo_nas.champion.verdict import stored_verdict
from evo_nas.config import configured, load_config
from evo_nas.config.yaml_text import inline_yaml
from evo_nas.server.configurations import GivenConfig, accepted
from evo_nas.server.context import Context, Shared
from evo_nas.server.launcher import Order
from evo_nas.server.problems import ServiceError
from evo_nas.server.states import StateName

if TYPE_CHECKING:
    from evo_nas.config import SearchConfig
    from evo_nas.runs import Run
    from evo_nas.server.launches import Launch

router = APIRouter(tags=["searches"])

Workers = Annotated[int | None, Field(ge=1, le=100_000, description="Exact number of worker processes.")]
Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        description="Any text of the client's: a request that is sent again with it starts nothing anew.",
    ),
]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class NewRun(GivenConfig):
    """A search that shall begin."""

    name: str | None = Field(
        default=None, description="Name of the run; by default that of the configuration."
    )
    workers: Workers = None


class Stop(_Body):
    """How a search shall end."""

    drain_s: float = Field(
        default=0.0,
        ge=0,
        le=86_400,
        description="In a cluster, the longest wait for candidates that are being trained; a search of one machine "
        "trains them again when it goes on.",
    )


class Resume(_Body):
    """How a search shall go on."""

    budget: dict[str, float | int | None] = Field(
        default_factory=dict,
        description="Keys of `budget` with their new totals, such as `evaluations`: from now on these are its budget, "
        "also if they are lower than before, but not lower than what it has already.",
    )
    workers: Workers = None
    accept_data_loss: bool = Field(
        default=False, description="Whether to go on although committed evaluations are damaged or missing."
    )


class Fork(_Body):
    """A new run that differs from another one."""

    name: str = Field(description="Name of the new run.")
    changes: dict[str, Any] = Field(
        default_factory=dict, description="Dotted keys of the configuration with their new values."
    )
    warm_start: bool = Field(
        default=False, description="Whether it begins with the best networks of the other run."
    )


class Judging(_Body):
    """What is trained for the verdict; what is left out is as the configuration of the run says."""

    finalists: int | None = Field(default=None, description="Finalists that are judged.")
    cuts: int | None = Field(default=None, description="Trainings that judge each of them.")
    trials: int | None = Field(default=None, description="Settings tried for each contestant.")
    seeds: int | None = Field(default=None, description="Networks that are kept of each.")
    most_seeds: int | None = Field(default=None, description="So many where fewer cannot tell them apart.")
    opponents: list[str] | None = Field(default=None, description="Names of published cells.")
    tuned: bool = Field(
        default=False, description="Whether settings that `tune` has found for all of them are tried, too."
    )
    workers: int | None = Field(
        default=None,
        ge=1,
        le=10_000,
        description="Trainings at the same time; by default as the run had workers.",
    )


class Launched(BaseModel):
    """What was started, or told to stop."""

    name: str = Field(description="Name of the run.")
    state: StateName = Field(description="Its state now.")
    reason: str = Field(description="What is to be known of the state; may be empty.")
    launch: int = Field(description="Number of the launch; the ids of its events begin with it.")
    doing: str = Field(description="The command.")
    at: str = Field(description="When it was started.")

    @classmethod
    def of(cls, launch: Launch, context: Context) -> Self:
        """Returns what is said of ``launch``."""
        state = context.launcher.state(launch.run)
        return cls(
            name=launch.run,
            state=state.name,
            reason=state.reason,
            launch=launch.number,
            doing=launch.record.doing,
            at=launch.record.at,
        )


_AGAIN: dict[int | str, dict[str, Any]] = {
    200: {"model": Launched, "description": "The same request was answered before."}
}


@router.post("/runs", status_code=HTTPStatus.CREATED, responses=_AGAIN)
def submit(body: NewRun, response: Response, context: Shared, *, idempotency_key: Key = None) -> Launched:
    """Begins a search.

    The same request with the same `Idempotency-Key` gets the same answer, with status 200 after the first.
    """
    config = accepted(body, context.data, overrides=_exactly(body.workers))
    request = body.model_dump_json()
    return _begun(body.name or config.name, config, request, response, context, key=idempotency_key)


@router.post("/runs/{run}/fork", status_code=HTTPStatus.CREATED, responses=_AGAIN)
def fork(
    run: str, body: Fork, response: Response, context: Shared, *, idempotency_key: Key = None
) -> Launched:
    """Begins a new run with the configuration of another one and changes of it."""
    forked = context.run(run)
    values = forked.config.model_dump(mode="json") | {"name": body.name}
    if body.warm_start:
        _refuse_unfinished(run, forked)
        values["warm_start"] = {**values["warm_start"], "runs": [forked.location]}
    if not context.data.has_base_of(values):
        # Every run records one, also that which needs no files: what a fork needs must lie where it may.
        del values["base_dir"]
    overrides = [f"{key}={inline_yaml(value)}" for key, value in body.changes.items()]
    config = accepted(GivenConfig(config=values), context.data, overrides=overrides)
    # The same changes of another run are another request.
    request = f"{run} {body.model_dump_json()}"
    return _begun(body.name, config, request, response, context, key=idempotency_key)


@router.post("/runs/{run}/stop", status_code=HTTPStatus.ACCEPTED)
def stop(run: str, context: Shared, body: Stop | None = None) -> Launched:
    """Has a search commit what it has and end; the event `stopped` says when it has.

    Asking again changes nothing for thirty seconds; after that it ends a search of this machine at once, which loses
    what is being trained and nothing that is committed.
    """
    context.launcher.require(run)
    return Launched.of(context.launcher.stop(run, drain_s=(body or Stop()).drain_s), context)


@router.post("/runs/{run}/resume", status_code=HTTPStatus.ACCEPTED)
def resume(run: str, context: Shared, body: Resume | None = None) -> Launched:
    """Goes on with a search that was stopped or has failed, or with more budget or other workers."""
    body = body or Resume()
    context.launcher.require(run)
    overrides = [f"budget.{key}={inline_yaml(value)}" for key, value in body.budget.items()]
    overrides += _exactly(body.workers)
    if not (searched := context.root.at(run)).exists:
        order = Order(doing="search", config=_as_launched(run, overrides, context))
    else:
        context.launcher.refuse_busy(run)
        if not body.accept_data_loss:
            config = configured(searched.config.model_dump(mode="json"), overrides)
            _refuse_below(run, searched, body.budget.get("evaluations"))
            _refuse_complete(run, searched, config)
        arguments = [each for override in overrides for each in ("--set", override)]
        arguments += ["--accept-data-loss"] * body.accept_data_loss
        order = Order(doing="resume", arguments=tuple(arguments))
    return Launched.of(context.launcher.launch(run, order), context)


@router.post("/runs/{run}/champion", status_code=HTTPStatus.ACCEPTED)
def judge(run: str, context: Shared, body: Judging | None = None) -> Launched:
    """Judges the best networks of a run again and retrains its champion beside its opponents.

    It goes on as events; the event `judged` has the verdict.
    """
    body = body or Judging()
    given = body.model_dump(exclude_none=True, exclude={"tuned", "workers"})
    searched = context.run(run)
    overrides = [f"verdict.{key}={inline_yaml(value)}" for key, value in given.items()]
    config = configured(searched.config.model_dump(mode="json"), overrides)
    if not searched.totals().told:
        raise ServiceError(
            HTTPStatus.CONFLICT, f"run {run} has no evaluations; let it search before it is judged"
        )
    arguments = [*_options_of(config), *["--tuned"] * body.tuned]
    arguments += [] if body.workers is None else [f"--workers={body.workers}"]
    order = Order(doing="champion", arguments=tuple(arguments))
    return Launched.of(context.launcher.launch(run, order), context)


def _begun(
    name: str, config: SearchConfig, request: str, response: Response, context: Context, *, key: str | None
) -> Launched:
    launch, is_new = context.launcher.submit(name, config, key=key or "", body=request.encode())
    if not is_new:
        response.status_code = HTTPStatus.OK
    response.headers["Location"] = f"/api/v1/runs/{name}"
    return Launched.of(launch, context)


def _exactly(workers: int | None) -> list[str]:
    """Returns the overrides for an exact number of workers."""
    # min and max may be set in the configuration, and would contradict an exact number.
    return [] if workers is None else [f"workers.count={workers}", "workers.min=null", "workers.max=null"]


def _as_launched(run: str, overrides: list[str], context: Context) -> SearchConfig:
    """Returns the configuration of a run that ended before it was kept."""
    launched = [launch.config for launch in context.launcher.launches.all(run) if launch.config.exists()]
    if not launched:
        raise ServiceError(
            HTTPStatus.CONFLICT,
            f"run {run} was never begun; begin it with `evo-nas search` or POST /api/v1/runs",
        )
    return load_config(launched[-1], overrides)


def _refuse_unfinished(name: str, run: Run) -> None:
    """Raises an error if ``run`` has not spent its budget, so that no search can begin with its networks."""
    if not run.is_spent(run.config.budget):
        raise ServiceError(
            HTTPStatus.CONFLICT,
            f"warm_start is true, but run {name} is not finished after {run.totals().told:,} evaluations; wait for it, "
            f"go on with `evo-nas resume {name}` or POST /api/v1/runs/{name}/resume, or leave warm_start out",
        )


def _refuse_below(name: str, run: Run, evaluations: float | None) -> None:
    """Raises an error if ``run`` holds more than the ``evaluations`` that it shall have."""
    told = run.totals().told
    if evaluations is not None and evaluations < told:
        raise ServiceError(
            HTTPStatus.CONFLICT,
            f"budget.evaluations is {evaluations:g}; must be at least {told}, which run {name} has already and keeps",
        )


def _refuse_complete(name: str, run: Run, config: SearchConfig) -> None:
    """Raises an error if nothing is left to do for ``run``."""
    if not run.is_spent(config.budget):
        return
    if config.verdict.at_end and stored_verdict(run) is None:
        return
    told = run.totals().told
    raise ServiceError(
        HTTPStatus.CONFLICT,
        f"run {name} is complete with {told:,} evaluations; raise its budget, such as "
        f'`--set budget.evaluations={2 * told}` or {{"budget": {{"evaluations": {2 * told}}}}}, or judge it with '
        f"`evo-nas champion {name}` or POST /api/v1/runs/{name}/champion",
    )


def _options_of(config: SearchConfig) -> tuple[str, ...]:
    """Returns the options of `evo-nas champion` that say the same as the section ``verdict``."""
    verdict = config.verdict
    return (
        f"--finalists={verdict.finalists}",
        f"--cuts={verdict.cuts}",
        f"--trials={verdict.trials}",
        f"--seeds={verdict.seeds}",
        f"--most-seeds={verdict.most_seeds}",
        f"--opponents={','.join(verdict.opponents)}",
    )
