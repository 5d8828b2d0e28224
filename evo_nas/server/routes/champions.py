"""``/runs/{run}/champion``: the verdict, the champion explained, and what can be done with it."""

from __future__ import annotations

from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Literal

from anyio import to_thread
from fastapi import APIRouter
from pydantic import BaseModel, Field

from evo_nas.champion.comparison import PAIRING_COLUMNS, tests_of
from evo_nas.champion.verdict import Verdict
from evo_nas.errors import EvoNasError
from evo_nas.server.candidate_models import Cell, Plain
from evo_nas.server.context import Shared
from evo_nas.server.problems import ServiceError
from evo_nas.server.reading_apart import MOST_HERE
from evo_nas.views.champions import (
    champion_explanation,
    explained_alone,
    formats,
    kept_champion,
    readable_experiment,
)
from evo_nas.views.continuations import continues
from evo_nas.views.explanations import first_network

if TYPE_CHECKING:
    from evo_nas.champion.champion import Champion
    from evo_nas.experiment import Experiment
    from evo_nas.models.network import Network
    from evo_nas.runs import Run
    from evo_nas.server.context import Context
    from evo_nas.server.reading_apart import Commands
    from evo_nas.views.champions import KeptChampion

router = APIRouter(tags=["champions"])


class LineageStep(Plain):
    """An ancestor of the champion, or the candidate itself."""

    candidate: int = Field(description="Its id.")
    operator: str = Field(description="What made it of its parent.")
    fitness: float | None = Field(description="Its fitness; null if it failed.")
    gain: float | None = Field(description="By how much it is fitter than its parent.")
    is_noise: bool | None = Field(
        description="Whether the noise of one training hides the gain; null where it is not known."
    )
    changes: list[str] = Field(description="What differs from its parent, such as `layer1.width 16 -> 32`.")


class Explanation(Plain):
    """What the champion computes, where it comes from, and what it hangs on."""

    candidate: int | None = Field(description="Its id; null where its run cannot be read.")
    architecture: str = Field(description="It in one line.")
    cells: list[Cell]
    drawing: str = Field(description="Its cells as SVG, whose colours are variables of CSS.")
    lineage: list[LineageStep] = Field(description="From the founder to the champion.")
    noise: float | None = Field(description="Standard deviation of the fitness of one training.")
    importance: dict[str, float] | None = Field(
        description="Share of each gene in what tells the best of the run from all, most important first."
    )
    remarks: list[str] = Field(description="Why something is missing.")


class ExportFormat(Plain):
    """A format of exports."""

    name: str = Field(description="Its name in the path of an export.")
    summary: str = Field(description="What it is, in one sentence.")
    takes: list[str] = Field(description="The options that it takes: streaming, int8, opset.")
    extra: str = Field(description="The optional dependencies that it needs; empty if it needs none.")
    is_installed: bool = Field(description="Whether the service has them.")


class Evidence(BaseModel):
    """What is behind the sentence of a verdict, as a table."""

    columns: list[str] = Field(description="Its headings.")
    rows: list[list[str]] = Field(description="The champion beside each opponent and baseline.")
    tests: str = Field(description="The tests that were made, in a sentence.")


class ChampionDetail(BaseModel):
    """The champion of a run."""

    run: str = Field(description="The name of the run.")
    sentence: str = Field(description="The verdict in words.")
    is_current: bool = Field(
        description="Whether the verdict is on exactly the evaluations that the run holds."
    )
    verdict: Verdict = Field(description="The champion beside its opponents and the baselines.")
    evidence: Evidence
    remarks: list[str] = Field(description="What a reader of the scores should know beside the sentence.")
    models: list[str] = Field(
        description="What can be exported: the champion, `single`, its opponents, and baselines."
    )
    explanation: Explanation
    formats: list[ExportFormat]
    continues: Literal["", "text", "music"] = Field(
        description="What the champion can continue; empty if it predicts and continues nothing."
    )
    example: dict[str, Any] | None = Field(
        description="A body for POST predict; null where raw inputs are not known."
    )


@router.get("/runs/{run}/champion")
async def champion(run: str, context: Shared) -> ChampionDetail:
    """Returns the verdict of a run and all that is known of its champion."""
    searched, kept = await kept_champion_of(context, run)
    network = await loaded(context, searched, kept)
    # The name, too: a run may have been copied.
    key = (run, kept.key)
    return await context.harvest.details.get(
        key, partial(_detail, context, searched, kept, network, name=run)
    )


async def kept_champion_of(context: Context, name: str) -> tuple[Run, KeptChampion]:
    """Returns a run and the champion that it keeps.

    Raises:
        ServiceError: There is no such run, or it keeps no champion yet.
    """

    def look() -> tuple[Run, KeptChampion]:
        run = context.run(name)
        kept = kept_champion(run)
        if kept is None:
            raise ServiceError(
                HTTPStatus.NOT_FOUND,
                f"run {name} keeps no champion yet; search on until its budget is spent, or judge what it has with "
                f"`evo-nas champion {name}` or POST /api/v1/runs/{name}/champion",
            )
        return run, kept

    return await to_thread.run_sync(look)


async def loaded(context: Context, run: Run, kept: KeptChampion) -> Champion:
    """Returns the model of a champion, loaded once while it is used."""

    def load() -> Champion:
        from evo_nas.champion.champion import load_champion  # noqa: PLC0415 - it loads torch

        return load_champion(run.location)

    return await context.harvest.champions.get(kept.key, load)


def _detail(
    context: Context, run: Run, kept: KeptChampion, champion: Champion, *, name: str
) -> ChampionDetail:
    from evo_nas.champion.export import exported_names  # noqa: PLC0415 - it loads torch

    is_long = run.totals().told > MOST_HERE
    experiment, why = (None, "") if is_long else readable_experiment(run)
    network = first_network(champion.network)
    if experiment is not None:
        explanation = Explanation.model_validate(champion_explanation(run, kept, network, experiment))
    elif is_long:
        explanation = _explained_apart(context.commands, run, kept, network)
    else:
        explanation = Explanation.model_validate(explained_alone(network, why))
    return ChampionDetail(
        run=name,
        sentence=kept.verdict.sentence,
        is_current=kept.is_current,
        verdict=kept.verdict,
        evidence=_evidence(kept.verdict),
        remarks=list(kept.verdict.remarks),
        models=list(exported_names(run)),
        explanation=explanation,
        formats=[ExportFormat.model_validate(each) for each in formats()],
        continues=continues(champion),
        example=_example(champion, experiment),
    )


def _evidence(verdict: Verdict) -> Evidence:
    return Evidence(
        columns=list(PAIRING_COLUMNS),
        rows=[list(each.cells) for each in verdict.comparisons],
        tests=tests_of(verdict.comparisons),
    )


def _explained_apart(commands: Commands, run: Run, kept: KeptChampion, network: Network) -> Explanation:
    which = () if kept.is_current else ("--candidate", str(kept.verdict.candidate))
    try:
        return Explanation.model_validate_json(commands.said_by("explain", run.location, "--json", *which))
    except EvoNasError as error:
        return Explanation.model_validate(explained_alone(network, str(error)))


def _example(champion: Champion, experiment: Experiment | None) -> dict[str, Any] | None:
    from evo_nas.server.predicting import PredictRequest, answered  # noqa: PLC0415 - it loads torch
    from evo_nas.views.examples import example_inputs, first_sequence  # noqa: PLC0415

    if champion.preparation is None:
        return None
    seen = None if experiment is None else first_sequence(experiment.dataset.test)
    example = example_inputs(champion.preparation, champion.model.signature, seen=seen)
    try:
        answered(champion, PredictRequest(**example))
    except EvoNasError:
        # An example that is refused teaches nothing.
        return None
    return example
