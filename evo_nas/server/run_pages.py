"""Makes the answers about runs: what is kept of each run, and what is being done for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

from evo_nas.config import load_config
from evo_nas.config.yaml_text import to_yaml
from evo_nas.errors import ConfigError
from evo_nas.runs.identity import FREE_KEYS, FREE_TO_CHANGE
from evo_nas.server.candidate_models import CandidateRow, FrontMember
from evo_nas.server.digests import Brief
from evo_nas.server.run_models import (
    BudgetLimits,
    FailureCause,
    LaunchView,
    NodeWork,
    RunDetail,
    RunListItem,
    Savings,
    SpentTotals,
)
from evo_nas.server.states import RunState, StateName, state_of
from evo_nas.server.tails import latest_events
from evo_nas.views.candidates import candidate_values
from evo_nas.views.fronts import front_member
from evo_nas.views.run_summary import RunSummary

if TYPE_CHECKING:
    from evo_nas.config import SearchConfig
    from evo_nas.server.context import Context
    from evo_nas.server.launches import Launch
    from evo_nas.views.digest import RunDigest
    from evo_nas.views.run_facts import Facts

CHANGEABLE = tuple(sorted((FREE_TO_CHANGE | FREE_KEYS) - {"base_dir"}))
LAUNCHES = 20
"""The newest launches that a page tells of."""


def state_of_run(context: Context, brief: Brief) -> RunState:
    """Returns the state of a run, as its processes show it now."""
    summary = brief.summary
    return state_of(
        context.launcher.activity(brief.name),
        told=summary.evaluated,
        is_complete=summary.complete,
        is_judged=brief.is_judged,
        damage=summary.error,
    )


def count_states(context: Context) -> dict[str, float]:
    """Returns how many runs are in each state; those that were never read yet are left out."""
    counts = dict.fromkeys(get_args(StateName), 0.0)
    briefs = context.digests.briefs().briefs
    for brief in (*briefs, *(unborn(context, name) for name in context.launcher.unborn())):
        counts[state_of_run(context, brief).name] += 1
    return counts


def unborn(context: Context, name: str) -> Brief:
    """Returns what a list says of a run that was launched and is not kept yet."""
    place, launch = context.root.place_of(name), context.launcher.launches.newest(name)
    config = _asked_for(context, name)
    if config is None:
        summary = RunSummary(place, evaluations=None)
    else:
        budget = config.budget
        most = None if budget.is_open_ended else budget.most_evaluations
        summary = RunSummary(place, task=str(config.task["kind"]), evaluations=most)
    return Brief(
        name=name,
        summary=summary,
        strategy="" if config is None else str(config.strategy["kind"]),
        created_at="" if launch is None else launch.record.at,
    )


def detail_of_unborn(context: Context, item: RunListItem) -> RunDetail:
    """Returns what can be told of a run whose search is just beginning, or has failed before anything was kept."""
    config = _asked_for(context, item.name)
    values = {} if config is None else config.model_dump(mode="json")
    return RunDetail(
        **item.model_dump(),
        config=values,
        yaml=to_yaml(values) if values else "",
        latest=_latest(context, item.name),
        launches=_launches(context, item.name),
    )


def detail_of(context: Context, item: RunListItem, digest: RunDigest, facts: Facts) -> RunDetail:
    """Returns everything about one run that fits on a page."""
    record, budget = digest.run.record, facts.config.budget
    config = facts.config.model_dump(mode="json")
    totals = digest.totals
    objectives = facts.config.fitness.objectives
    return RunDetail(
        **item.model_dump(),
        config=config,
        yaml=to_yaml(config),
        seed=record.seed,
        created_by=record.created_by,
        budget=BudgetLimits(
            evaluations=facts.evaluations,
            uncounted=facts.uncounted,
            minutes=budget.minutes,
            train_minutes=budget.train_minutes,
            stop_when_flat=budget.stop_when_flat,
        ),
        totals=SpentTotals(
            told=totals.told,
            in_flight=totals.in_flight,
            train_s=totals.train_s,
            cpu_s=digest.cpu_s,
            remembered=digest.remembered,
            lost=list(totals.lost),
        ),
        by_status={str(status): count for status, count in digest.by_status.items()},
        savings=Savings.model_validate(digest.savings),
        noise_report=digest.noise,
        operators=list(facts.operators),
        best_candidates=[CandidateRow(**candidate_values(row)) for row in facts.best],
        objectives=list(objectives),
        constant=list(digest.constant_objectives),
        front=[FrontMember(**front_member(row, objectives)) for row in facts.front],
        verdict=facts.verdict,
        baselines=dict(facts.baselines),
        failures=[FailureCause.model_validate(cause) for cause in digest.causes],
        nodes=_nodes(digest),
        founders=[founder.name for founder in record.founders],
        changeable=list(CHANGEABLE),
        latest=_latest(context, item.name),
        launches=_launches(context, item.name),
    )


def _asked_for(context: Context, name: str) -> SearchConfig | None:
    """Returns the configuration that the newest launch of a run began it with; None if it cannot be read."""
    launches = [launch for launch in context.launcher.launches.all(name) if launch.config.exists()]
    try:
        return load_config(launches[-1].config) if launches else None
    except ConfigError:
        return None


def _latest(context: Context, name: str) -> dict[str, dict[str, Any]]:
    """Returns the latest event of each kind of a run, as somebody who begins to watch it gets them."""
    return {frame.kind: frame.values for frame in latest_events(context.launcher.launches, name)}


def _launches(context: Context, name: str) -> list[LaunchView]:
    return [view_of_launch(launch) for launch in context.launcher.launches.all(name)[-LAUNCHES:]]


def view_of_launch(launch: Launch) -> LaunchView:
    """Returns what is said of a process."""
    return LaunchView(
        number=launch.number,
        doing=launch.record.doing,
        at=launch.record.at,
        host=launch.record.host,
        pid=launch.record.pid,
        is_alive=(is_alive := launch.is_alive),
        was_stopped=launch.was_stopped,
        failure="" if is_alive else launch.failure,
    )


def _nodes(digest: RunDigest) -> list[NodeWork]:
    nodes: dict[str, NodeWork] = {}
    for (node, _), (evaluations, train_s) in digest.workers.items():
        work = nodes.setdefault(node, NodeWork(node=node, workers=0, evaluations=0, train_s=0.0))
        work.workers += 1
        work.evaluations += evaluations
        work.train_s += train_s
    return sorted(nodes.values(), key=lambda work: -work.evaluations)
