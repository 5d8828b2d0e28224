"""``/compare``: several runs beside each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from evo_nas.champion.ranking import Results, ranked
from evo_nas.champion.verdict import stored_verdict
from evo_nas.errors import ConfigError, EvoNasError
from evo_nas.sections import spelled_out
from evo_nas.server.candidate_models import Plain
from evo_nas.server.context import Shared
from evo_nas.server.problems import ServiceError
from evo_nas.views.charts import Axis, best_so_far, reached
from evo_nas.views.comparison import differences, ranking_of

if TYPE_CHECKING:
    from evo_nas.champion.ranking import Ranking
    from evo_nas.champion.verdict import Verdict
    from evo_nas.config import SearchConfig
    from evo_nas.runs import Run
    from evo_nas.views.digest import RunDigest

router = APIRouter(tags=["runs"])

MOST_RUNS = 20
MOST_RANKED = 200
POINTS = 1000


class CompareQuery(BaseModel):
    """Which runs are compared, and over what."""

    run: list[str] = Field(
        min_length=1, max_length=MOST_RUNS, description="Names of the runs, once for each."
    )
    x: Axis = Field(default="evaluations", description="What the horizontal axis shows.")


class ComparedVerdict(Plain):
    """The verdict of a run in short."""

    candidate: int = Field(description="Id of the champion.")
    metric: str = Field(description="Name of the metric of all scores.")
    sentence: str = Field(description="The verdict in words.")
    tests: dict[str, float] = Field(
        description="Test metric of the champion, its opponents and the baselines."
    )
    baselines: list[str] = Field(description="Which of these are baselines, the strongest first.")


class ComparedRun(BaseModel):
    """One of the runs."""

    name: str
    error: str = Field(default="", description="Why it cannot be read; empty if it can.")
    task: str = ""
    strategy: str = ""
    metric: str = Field(default="", description="Name of its metric; runs with different ones share no axis.")
    higher_is_better: bool | None = None
    evaluated: int = 0
    best: float | None = Field(default=None, description="Best value of the metric.")
    curve: list[tuple[float, float]] = Field(default=[], description="x and value whenever the best changed.")
    last: float | None = Field(
        default=None, description="x of the last evaluation, to which the curve goes on."
    )
    verdict: ComparedVerdict | None = None


class Competitor(Plain):
    """One of those that are ranked."""

    name: str
    mean_rank: float
    ranks: list[float] = Field(description="Its rank in each run; 1 is best.")
    wins: int = Field(description="Runs in which it is better than the champion.")
    losses: int = Field(description="Runs in which it is worse.")
    p_value: float | None = Field(
        description="Of equal mean ranks with the champion, corrected by Holm's method."
    )


class RankingView(Plain):
    """Champions, opponents and the strongest baseline by their ranks over the runs that are judged."""

    runs: list[str] = Field(description="The runs that are ranked.")
    competitors: list[Competitor]
    friedman_p: float | None
    critical_difference: float | None
    sentence: str
    remarks: list[str]


class RankedRun(BaseModel):
    """What competed in one run."""

    run: str = Field(description="Its name.")
    metric: str
    higher_is_better: bool
    tests: dict[str, float] = Field(description="Test metric of each competitor by name.")


class FullRanking(BaseModel):
    """How champions, their opponents and the strongest baseline rank, as `evo-nas compare --json` says."""

    runs: list[RankedRun]
    competitors: list[Competitor]
    friedman_p: float | None
    critical_difference: float | None
    groups: list[list[str]] = Field(description="Those that the critical difference does not tell apart.")
    sentence: str
    remarks: list[str]


class Comparison(BaseModel):
    """Several runs beside each other."""

    x: Axis
    runs: list[ComparedRun] = Field(description="The runs, in the order in which they were named.")
    differences: dict[str, list[Any]] = Field(
        description="Keys in which the configurations differ, with the value of each run that can be read, in order."
    )
    ranking: RankingView | None = Field(
        description="How what competed in all of them ranks; null where it cannot."
    )
    remark: str = Field(default="", description="Why there is no ranking; may be empty.")


@router.get("/compare")
def compare(shared: Shared, query: Annotated[CompareQuery, Query()]) -> Comparison:
    """Returns the best so far of several runs over the same axis, where they differ, and how their champions rank."""
    found: list[ComparedRun] = []
    configs: list[dict[str, Any]] = []
    readable: dict[str, Run] = {}
    for name in dict.fromkeys(query.run):
        if not shared.root.at(name).exists:
            shared.launcher.require(name)
            found.append(ComparedRun(name=name, error="it holds nothing yet"))
            continue
        try:
            with shared.digests.digest(name) as (digest, _):
                config = spelled_out(digest.run.config)
                found.append(_compared(name, digest, config, query.x))
            configs.append(config.model_dump(mode="json"))
            readable[name] = shared.run(name)
        except ServiceError:
            raise  # there is no such run
        # One damaged run must not hide the others.
        except EvoNasError as error:
            found.append(ComparedRun(name=name, error=str(error)))
    ranking, remark = ranking_of(readable) if len(query.run) > 1 else (None, "")
    return Comparison(
        x=query.x,
        runs=found,
        differences=differences(configs),
        ranking=None if ranking is None else _ranking(ranking),
        remark=remark,
    )


@router.get("/compare/ranking")
def ranking(
    shared: Shared,
    run: Annotated[
        list[str], Query(min_length=1, max_length=MOST_RANKED, description="Names of judged runs.")
    ],
) -> FullRanking:
    """Ranks champion, opponents and the strongest baseline over runs, one data set each, from their verdicts.

    Other than `/compare` it refuses runs that cannot be ranked, and says why.
    """
    places = {name: shared.run(name) for name in run}
    if len(places) < 2:
        raise ConfigError("there is 1 run; give at least 2, one for each data set")
    results = [Results.of(place, name) for name, place in places.items()]
    return FullRanking.model_validate(ranked(results).to_values())


def _compared(name: str, digest: RunDigest, config: SearchConfig, x: Axis) -> ComparedRun:
    best, verdict = next(iter(digest.leaders), None), stored_verdict(digest.run, digest.totals)
    return ComparedRun(
        name=name,
        task=str(config.task["kind"]),
        strategy=str(config.strategy["kind"]),
        metric=digest.metric.removeprefix("validation_"),
        higher_is_better=digest.higher_is_better,
        evaluated=digest.told,
        best=None if best is None else digest.value(best.standing.fitness),
        curve=best_so_far(digest, points=POINTS, x=x),
        last=reached(digest, x),
        verdict=None if verdict is None else _verdict(verdict),
    )


def _verdict(verdict: Verdict) -> ComparedVerdict:
    tests = {contestant.name: contestant.test for contestant in verdict.contestants}
    return ComparedVerdict(
        candidate=verdict.candidate,
        metric=verdict.metric,
        sentence=verdict.sentence,
        tests=tests | dict(verdict.baselines),
        baselines=sorted(
            verdict.baselines, key=lambda name: verdict.baselines[name], reverse=verdict.higher_is_better
        ),
    )


def _ranking(ranking: Ranking) -> RankingView:
    return RankingView(
        runs=[result.run for result in ranking.results],
        competitors=[Competitor.model_validate(each) for each in ranking.competitors],
        friedman_p=ranking.friedman_p,
        critical_difference=ranking.critical_difference,
        sentence=ranking.sentence,
        remarks=list(ranking.remarks),
    )
